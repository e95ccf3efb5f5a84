// AVX-VNNI: uint8 (q + 128) as in vec_avx512vnni.h, on 256 bits.
enum { LANES = 8 };
#include "finish_avx2.h"
enum { GROUP = 4, MAX_SUMS = 10 };
typedef uint8_t element;

FN word v_weights(const element *p) { return _mm256_load_si256((const __m256i *)(const void *)p); }
FN sums v_dot(sums acc, word x, word w) { return _mm256_dpbusd_avx_epi32(acc, x, w); }

FN element staged_zero(int32_t zero_point) { return (element)(zero_point + 128); }
FN int32_t staged_offset(int32_t zero_point) { return zero_point + 128; }

FN void stage_values(const int8_t *in, int32_t n, int32_t zero_point, element *out) {
  (void)zero_point;
  __m256i flip = _mm256_set1_epi8(-128);
  int32_t i = 0;
  for (; i + 32 <= n; i += 32) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(in + i));
    _mm256_storeu_si256((__m256i *)(void *)(out + i), _mm256_xor_si256(v, flip));
  }
  for (; i < n; i++) out[i] = (element)(in[i] + 128);
}

// words[i] = (rows[0][i], ..., rows[3][i]). May write as much as two vectors beyond n words.
FN void weave(const element *const *rows, int32_t n, char *words) {
  for (int32_t i = 0; i < n; i += 16) {
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(rows[0] + i));
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(rows[1] + i));
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(rows[2] + i));
    __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(rows[3] + i));
    __m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpacklo_epi8(c, d);
    __m128i *to = (__m128i *)(void *)(words + 4 * (size_t)i);
    _mm_storeu_si128(to, _mm_unpacklo_epi16(ab, cd));
    _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(ab, cd));
    ab = _mm_unpackhi_epi8(a, b);
    cd = _mm_unpackhi_epi8(c, d);
    _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(ab, cd));
    _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(ab, cd));
  }
}

#define DENSE_BY_SIZE 0  // for dense_groups.h
