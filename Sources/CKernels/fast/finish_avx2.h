// Eight sums in 256 bits, and how they become int8: what the paths of this width share.
#include <immintrin.h>
#include <string.h>
typedef __m256i sums;
typedef __m256i word;  // GROUP values a lane

FN sums v_bias(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
FN word v_spread(const void *p) {
  int32_t group;
  memcpy(&group, p, sizeof group);
  return _mm256_set1_epi32(group);
}
FN word v_words(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
FN sums v_max(sums a, sums b) { return _mm256_max_epi32(a, b); }

// The output stage's constants in registers.
typedef struct {
  __m256i zero, low, high;
} finish;

FN finish finish_of(const mmx_requantize *q) {
  return (finish){_mm256_set1_epi16((int16_t)q->out_zero_point), _mm256_set1_epi8((char)q->clamp_min),
                  _mm256_set1_epi8((char)q->clamp_max)};
}

FN __m256i rounded(sums acc, const float *multiplier) {
  __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(multiplier));
  // Above int32 the conversion would give its smallest; below it that is what is wanted.
  return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(512.0f)));
}

FN void store_some(uint64_t bytes, int32_t n, int8_t *out) {
  if (n >= 8) {
    memcpy(out, &bytes, 8);
  } else if (n == 4) {
    memcpy(out, &bytes, 4);
  } else {
    for (int32_t i = 0; i < n; i++) out[i] = (int8_t)(bytes >> (8 * i));
  }
}

// Up to four vectors of sums at a time: saturating packs are monotone, so clamping last changes nothing.
FN void v_store(const sums *acc, int32_t count, const float *const *multiplier, int8_t *const *out,
                const int32_t *valid, const finish *f) {
#pragma unroll
  for (int32_t i = 0; i < count; i += 4) {
    int32_t left = count - i;
    __m256i a = rounded(acc[i], multiplier[i]);
    __m256i b = left > 1 ? rounded(acc[i + 1], multiplier[i + 1]) : a;
    __m256i c = left > 2 ? rounded(acc[i + 2], multiplier[i + 2]) : a;
    __m256i d = left > 3 ? rounded(acc[i + 3], multiplier[i + 3]) : a;
    __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(a, b), f->zero);
    __m256i high = left > 2 ? _mm256_adds_epi16(_mm256_packs_epi32(c, d), f->zero) : low;
    __m256i all = _mm256_packs_epi16(low, high);
    all = _mm256_min_epi8(_mm256_max_epi8(all, f->low), f->high);
    all = _mm256_permutevar8x32_epi32(all, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    if (left > 3 && out[i + 1] == out[i] + 8 && out[i + 2] == out[i] + 16 && out[i + 3] == out[i] + 24 &&
        valid[i + 3] >= 8) {
      _mm256_storeu_si256((__m256i *)(void *)out[i], all);
      continue;
    }
    if (left > 3 && out[i + 1] == out[i] + 8 && out[i + 3] == out[i + 2] + 8 && valid[i + 1] >= 8 && valid[i + 3] >= 8) {
      _mm_storeu_si128((__m128i *)(void *)out[i], _mm256_castsi256_si128(all));
      _mm_storeu_si128((__m128i *)(void *)out[i + 2], _mm256_extracti128_si256(all, 1));
      continue;
    }
    store_some((uint64_t)_mm256_extract_epi64(all, 0), valid[i], out[i]);
    if (left > 1) store_some((uint64_t)_mm256_extract_epi64(all, 1), valid[i + 1], out[i + 1]);
    if (left > 2) store_some((uint64_t)_mm256_extract_epi64(all, 2), valid[i + 2], out[i + 2]);
    if (left > 3) store_some((uint64_t)_mm256_extract_epi64(all, 3), valid[i + 3], out[i + 3]);
  }
}

FN void v_store_real(sums acc, const float *scale, int32_t valid, float *out) {
  float values[8];
  _mm256_storeu_ps(values, _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(scale)));
  memcpy(out, values, (size_t)(valid < 8 ? valid : 8) * sizeof(float));
}
FN sums v_swapped(sums a) { return _mm256_shuffle_epi32(a, 0xB1); }  // lanes 1, 0, 3, 2, ...

// `words` with the results of one more channel put `shift` bits up in every lane.
FN sums v_join(sums words, sums acc, const float *multiplier, const mmx_requantize *q, int32_t shift) {
  __m256i v = rounded(acc, multiplier), zero = _mm256_set1_epi32(q->out_zero_point);
  v = _mm256_max_epi32(v, _mm256_set1_epi32(q->clamp_min - q->out_zero_point));
  v = _mm256_min_epi32(v, _mm256_set1_epi32(q->clamp_max - q->out_zero_point));
  v = _mm256_and_si256(_mm256_add_epi32(v, zero), _mm256_set1_epi32(0xFF));
  return _mm256_or_si256(words, _mm256_slli_epi32(v, shift));
}
FN sums v_none(void) { return _mm256_setzero_si256(); }
FN void v_dump(sums a, uint32_t *out) { _mm256_storeu_si256((__m256i *)(void *)out, a); }
