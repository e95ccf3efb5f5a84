// AVX2, int8 by vpmaddubsw without saturation: a weight is its size, which is unsigned, and its sign, a mask of ones where it
// is negative. x ^ mask is x or -x - 1, within int8, so that a pair of products is at most 2 * 127 * 128 = 32,512 and fits
// int16 whatever the weights are. What the -1 leaves in a sum, the sizes of the negative weights, is known when packing.
// Beside vpmaddwd on int16 that is an addition less for as many multiplications: additions take their ports away.
enum { LANES = 8 };
#include "finish_avx2.h"
enum { GROUP = 4, MAX_SUMS = 10 };
typedef int8_t element;

// Of one vector of weights the sizes, then the masks.
#define WEIGHT_PARTS 2
typedef struct {
  __m256i size, negative;
} signed_weights;

FN signed_weights v_weights(const element *p) {
  const __m256i *of = (const __m256i *)(const void *)p;
  return (signed_weights){_mm256_load_si256(of), _mm256_load_si256(of + 1)};
}
FN sums v_dot(sums acc, word x, signed_weights w) {
  __m256i pairs = _mm256_maddubs_epi16(w.size, _mm256_xor_si256(x, w.negative));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

// Two of these, instruction by instruction in turns and with masks from memory: as the compiler orders them, they and the loads get
// into each other's way.
#define DOTS_IN_PAIRS 1
FN void v_dot_pair(sums *p, sums *q, word x, const element *v, const element *w) {
  const __m256i *first = (const __m256i *)(const void *)v, *second = (const __m256i *)(const void *)w;
  __m256i a, b, one = _mm256_set1_epi16(1);
  __asm__(
      "vpxor %[n], %[x], %[a]\n\tvpxor %[m], %[x], %[b]\n\t"
      "vpmaddubsw %[a], %[s], %[a]\n\tvpmaddubsw %[b], %[t], %[b]\n\t"
      "vpmaddwd %[one], %[a], %[a]\n\tvpmaddwd %[one], %[b], %[b]\n\t"
      "vpaddd %[a], %[p], %[p]\n\tvpaddd %[b], %[q], %[q]"
      : [a] "=&x"(a), [b] "=&x"(b), [p] "+x"(*p), [q] "+x"(*q)
      : [x] "x"(x), [n] "m"(first[1]), [m] "m"(second[1]), [s] "x"(first[0]), [t] "x"(second[0]), [one] "x"(one));
}

// For dense_groups.h: `size` is the input's, `negative` a mask of ones where it is negative, `w` the weight as it is. w ^ mask is w or
// -w - 1, at least -128, and a size is at most 128: a pair is within -2 * 128 * 128, which fits int16, and 2 * 128 * 127. (vpsignb
// has no -1 to take off, but runs where the multiplications do.)
#define DENSE_BY_SIZE 1
FN sums v_dense_dot(sums acc, word negative, word size, word w) {
  __m256i pairs = _mm256_maddubs_epi16(size, _mm256_xor_si256(negative, w));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
FN sums v_dense_bias(const int32_t *p, int32_t left) { return _mm256_add_epi32(v_bias(p), _mm256_set1_epi32(left)); }
// Values become masks. Returns what the -1 takes from every sum: the sizes of the negative values.
FN int32_t stage_sizes(int8_t *values, int32_t n, int8_t *sizes) {
  const __m256i none = _mm256_setzero_si256();
  __m256i lost = none;
  int32_t i = 0;
  for (; i + 32 <= n; i += 32) {
    __m256i *at = (__m256i *)(void *)(values + i), v = _mm256_loadu_si256(at);
    __m256i size = _mm256_abs_epi8(v), negative = _mm256_cmpgt_epi8(none, v);
    _mm256_storeu_si256((__m256i *)(void *)(sizes + i), size);
    _mm256_storeu_si256(at, negative);
    lost = _mm256_add_epi64(lost, _mm256_sad_epu8(_mm256_and_si256(size, negative), none));
  }
  __m128i halves = _mm_add_epi64(_mm256_castsi256_si128(lost), _mm256_extracti128_si256(lost, 1));
  int32_t sum = _mm_cvtsi128_si32(_mm_add_epi64(halves, _mm_unpackhi_epi64(halves, halves)));
  for (; i < n; i++) {
    int32_t size = values[i] < 0 ? -values[i] : values[i];
    sizes[i] = (int8_t)size;
    sum += values[i] < 0 ? size : 0;
    values[i] = values[i] < 0 ? -1 : 0;
  }
  return sum;
}

#define STAGED_AS_IS 1
FN element staged_zero(int32_t zero_point) { return (element)zero_point; }
FN int32_t staged_offset(int32_t zero_point) { return zero_point; }
FN void stage_values(const int8_t *in, int32_t n, int32_t zero_point, element *out) {
  (void)zero_point;
  memcpy(out, in, (size_t)n);
}
