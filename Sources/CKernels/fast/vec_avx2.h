// AVX2: staged values are int16 with the zero point taken off, products exact in vpmaddwd (2 * 255 * 127 fits int32).
enum { LANES = 8 };
#include "finish_avx2.h"
enum { GROUP = 2, MAX_SUMS = 10 };
typedef int16_t element;

FN word v_weights(const element *p) { return _mm256_load_si256((const __m256i *)p); }
FN word v_widened(const int8_t *p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}
// Two groups: lanes hold them in turns.
FN word v_spread_two(const void *p) {
  int64_t groups;
  memcpy(&groups, p, sizeof groups);
  return _mm256_set1_epi64x(groups);
}
FN sums v_dot(sums acc, word x, word w) { return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w)); }

// Values of real 0, and what they leave in a sum of weights.
FN element staged_zero(int32_t zero_point) { (void)zero_point; return 0; }
FN int32_t staged_offset(int32_t zero_point) { (void)zero_point; return 0; }

FN void stage_values(const int8_t *in, int32_t n, int32_t zero_point, element *out) {
  __m256i zero = _mm256_set1_epi16((int16_t)zero_point);
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m256i v = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(in + i)));
    _mm256_storeu_si256((__m256i *)(out + i), _mm256_sub_epi16(v, zero));
  }
  for (; i < n; i++) out[i] = (element)(in[i] - zero_point);
}


// words[i] = (rows[0][i], rows[1][i]). May write as much as a vector beyond n words.
FN void weave(const element *const *rows, int32_t n, char *words) {
  for (int32_t i = 0; i < n; i += 16) {
    __m256i a = _mm256_loadu_si256((const __m256i *)(rows[0] + i));
    __m256i b = _mm256_loadu_si256((const __m256i *)(rows[1] + i));
    __m256i low = _mm256_unpacklo_epi16(a, b), high = _mm256_unpackhi_epi16(a, b);
    __m256i *to = (__m256i *)(void *)(words + 4 * (size_t)i);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(low, high, 0x31));
  }
}

#define WEAVES_INPUT 1
enum { WOVEN = 16 };  // values at a time
// words[i] = (a[i] - zero, b[i] - zero) of WOVEN values of the input.
FN void weave_input(const int8_t *a, const int8_t *b, int32_t zero_point, char *words) {
  __m256i zero = _mm256_set1_epi16((int16_t)zero_point);
  __m128i x = _mm_loadu_si128((const __m128i *)(const void *)a), y = _mm_loadu_si128((const __m128i *)(const void *)b);
  __m256i *to = (__m256i *)(void *)words;
  _mm256_storeu_si256(to, _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(x, y)), zero));
  _mm256_storeu_si256(to + 1, _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_unpackhi_epi8(x, y)), zero));
}

FN sums v_add(sums a, sums b) { return _mm256_add_epi32(a, b); }
FN sums v_sub(sums a, sums b) { return _mm256_sub_epi32(a, b); }
// Sums of neighbouring lanes: four of `a`, then four of `b`.
FN sums v_joined(sums a, sums b) { return _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xD8); }

// Of two rows the words of even columns and of odd ones: (above, below) each.
FN void v_even_odd(const element *above, const element *below, word *even, word *odd) {
  __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)above), b = _mm256_loadu_si256((const __m256i *)(const void *)below);
  *even = _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xAA);
  *odd = _mm256_blend_epi16(_mm256_srli_epi32(a, 16), b, 0xAA);
}
