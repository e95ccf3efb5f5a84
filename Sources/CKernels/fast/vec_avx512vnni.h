// AVX-512 VNNI: staged values are uint8 (q + 128), vpdpbusd sums four products in 32 bits and never saturates.
#include <immintrin.h>
#include <string.h>
enum { LANES = 16, GROUP = 4, MAX_SUMS = 24 };
typedef uint8_t element;
typedef __m512i sums;
typedef __m512i word;  // GROUP values a lane

FN sums v_bias(const int32_t *p) { return _mm512_loadu_si512(p); }
FN word v_weights(const element *p) { return _mm512_load_si512(p); }
FN word v_spread(const void *p) {
  int32_t group;
  memcpy(&group, p, sizeof group);
  return _mm512_set1_epi32(group);
}
FN sums v_dot(sums acc, word x, word w) { return _mm512_dpbusd_epi32(acc, x, w); }
FN sums v_max(sums a, sums b) { return _mm512_max_epi32(a, b); }

FN element staged_zero(int32_t zero_point) { return (element)(zero_point + 128); }
FN int32_t staged_offset(int32_t zero_point) { return zero_point + 128; }

FN void stage_values(const int8_t *in, int32_t n, int32_t zero_point, element *out) {
  (void)zero_point;
  __m512i flip = _mm512_set1_epi8(-128);
  int32_t i = 0;
  for (; i + 64 <= n; i += 64) {
    _mm512_storeu_si512(out + i, _mm512_xor_si512(_mm512_loadu_si512(in + i), flip));
  }
  if (i < n) {
    __mmask64 rest = ~0ull >> (64 - (n - i));
    _mm512_mask_storeu_epi8(out + i, rest, _mm512_xor_si512(_mm512_maskz_loadu_epi8(rest, in + i), flip));
  }
}

// The output stage's constants, for one vector of sums at a time and for four.
typedef struct {
  __m512 low, high;
  __m512i zero, zero_16, low_8, high_8;
} finish;

FN finish finish_of(const mmx_requantize *q) {
  return (finish){_mm512_set1_ps((float)(q->clamp_min - q->out_zero_point)),
                  _mm512_set1_ps((float)(q->clamp_max - q->out_zero_point)), _mm512_set1_epi32(q->out_zero_point),
                  _mm512_set1_epi16((int16_t)q->out_zero_point), _mm512_set1_epi8((char)q->clamp_min),
                  _mm512_set1_epi8((char)q->clamp_max)};
}

// The bounds are integers, so clamping before rounding gives the same as after.
FN __m512i rounded(sums acc, const float *multiplier, const finish *f) {
  __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(multiplier));
  v = _mm512_min_ps(_mm512_max_ps(v, f->low), f->high);
  return _mm512_add_epi32(_mm512_cvtps_epi32(v), f->zero);
}

FN void store_lanes(__m128i bytes, int32_t n, int8_t *out) {
  if (n >= LANES) {
    _mm_storeu_si128((__m128i *)(void *)out, bytes);
  } else {
    _mm_mask_storeu_epi8(out, (__mmask16)((1u << n) - 1), bytes);
  }
}

// Above int32 the conversion would give its smallest; below it that is what is wanted. `tame`: no result is beyond it.
FN __m512i whole(sums acc, const float *multiplier, const int tame) {
  __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(multiplier));
  return _mm512_cvtps_epi32(tame ? v : _mm512_min_ps(v, _mm512_set1_ps(512.0f)));
}

// Four vectors of sums: saturating packs are monotone, so clamping last changes nothing.
FN void store_four(const sums *acc, const float *const *multiplier, int8_t *const *out, const int32_t *valid,
                   const finish *f, const int tame) {
  __m512i low = _mm512_packs_epi32(whole(acc[0], multiplier[0], tame), whole(acc[1], multiplier[1], tame));
  __m512i high = _mm512_packs_epi32(whole(acc[2], multiplier[2], tame), whole(acc[3], multiplier[3], tame));
  __m512i all = _mm512_packs_epi16(_mm512_adds_epi16(low, f->zero_16), _mm512_adds_epi16(high, f->zero_16));
  all = _mm512_min_epi8(_mm512_max_epi8(all, f->low_8), f->high_8);
  // Words of four lanes of each vector in turn: those of one vector together.
  __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  all = _mm512_permutexvar_epi32(order, all);
  store_lanes(_mm512_castsi512_si128(all), valid[0], out[0]);
  store_lanes(_mm512_extracti32x4_epi32(all, 1), valid[1], out[1]);
  store_lanes(_mm512_extracti32x4_epi32(all, 2), valid[2], out[2]);
  store_lanes(_mm512_extracti32x4_epi32(all, 3), valid[3], out[3]);
}

FN void v_store(const sums *acc, int32_t count, const float *const *multiplier, int8_t *const *out,
                const int32_t *valid, const finish *f, const int together, const int tame) {
  (void)together;
#pragma unroll
  for (int32_t i = 0; i < count / 4 * 4; i += 4) store_four(acc + i, multiplier + i, out + i, valid + i, f, tame);
#pragma unroll
  for (int32_t i = count / 4 * 4; i < count; i++) {
    store_lanes(_mm512_cvtepi32_epi8(rounded(acc[i], multiplier[i], f)), valid[i], out[i]);
  }
}

FN void v_store_real(sums acc, const float *scale, int32_t valid, float *out) {
  __mmask16 rest = valid >= LANES ? 0xFFFF : (__mmask16)((1u << valid) - 1);
  __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(scale));
  _mm512_mask_storeu_ps(out, rest, v);
}
FN word v_words(const void *p) { return _mm512_loadu_si512(p); }

// 32 values of two rows as 16-bit pairs, in order.
FN __m512i pairs(const element *a, const element *b) {
  __m512i low = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)a));
  __m512i high = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)b));
  return _mm512_or_si512(low, _mm512_slli_epi16(high, 8));
}

// words[i] = (rows[0][i], ..., rows[3][i]). May write as much as two vectors beyond n words.
FN void weave(const element *const *rows, int32_t n, char *words) {
  __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5,
                                 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  for (int32_t i = 0; i < n; i += 32) {
    __m512i upper = pairs(rows[0] + i, rows[1] + i), lower = pairs(rows[2] + i, rows[3] + i);
    _mm512_storeu_si512(words + 4 * (size_t)i, _mm512_permutex2var_epi16(upper, low, lower));
    _mm512_storeu_si512(words + 4 * (size_t)i + 64, _mm512_permutex2var_epi16(upper, high, lower));
  }
}
FN sums v_swapped(sums a) { return _mm512_shuffle_epi32(a, (_MM_PERM_ENUM)0xB1); }  // lanes 1, 0, 3, 2, ...

// `words` with the results of one more channel put `shift` bits up in every lane.
FN sums v_join(sums words, sums acc, const float *multiplier, const mmx_requantize *q, int32_t shift) {
  finish f = finish_of(q);
  __m512i v = _mm512_and_si512(rounded(acc, multiplier, &f), _mm512_set1_epi32(0xFF));
  return _mm512_or_si512(words, _mm512_slli_epi32(v, (unsigned)shift));
}
FN sums v_none(void) { return _mm512_setzero_si512(); }
FN void v_dump(sums a, uint32_t *out) { _mm512_storeu_si512(out, a); }

#define DENSE_BY_SIZE 0  // for dense_groups.h
