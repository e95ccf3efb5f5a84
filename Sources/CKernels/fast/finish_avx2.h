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
  // The zero point is -128 and nothing is clamped beyond int8, as behind a ReLU: results are 0...255 with their highest bit turned,
  // and `zero` is that bit in every byte.
  int lowest;
} finish;

FN finish finish_of(const mmx_requantize *q) {
  int lowest = q->out_zero_point == -128 && q->clamp_min == -128 && q->clamp_max == 127;
  return (finish){lowest ? _mm256_set1_epi8(-128) : _mm256_set1_epi16((int16_t)q->out_zero_point),
                  _mm256_set1_epi8((char)q->clamp_min), _mm256_set1_epi8((char)q->clamp_max), lowest};
}

// Above int32 the conversion would give its smallest; below it that is what is wanted. `tame`: no result is beyond it.
FN __m256i rounded(sums acc, const float *multiplier, const int tame) {
  __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(multiplier));
  return _mm256_cvtps_epi32(tame ? v : _mm256_min_ps(v, _mm256_set1_ps(512.0f)));
}

// Rounded values in 16 bits to results, in the order of packs.
FN __m256i bytes_of(__m256i low, __m256i high, const finish *f) {
  if (f->lowest) return _mm256_xor_si256(_mm256_packus_epi16(low, high), f->zero);
  __m256i all = _mm256_packs_epi16(_mm256_adds_epi16(low, f->zero), _mm256_adds_epi16(high, f->zero));
  return _mm256_min_epi8(_mm256_max_epi8(all, f->low), f->high);
}

FN void store_8(__m128i bytes, int32_t n, int8_t *out) {
  if (n >= 8) {
    _mm_storel_epi64((__m128i *)(void *)out, bytes);
    return;
  }
  uint64_t all = (uint64_t)_mm_cvtsi128_si64(bytes);
  if (n == 4) {
    memcpy(out, &all, 4);
  } else {
    for (int32_t i = 0; i < n; i++) out[i] = (int8_t)(all >> (8 * i));
  }
}

// Up to four vectors of sums at a time: saturating packs are monotone, so clamping last changes nothing. `together`: of so
// many vectors the results stand one behind the other, all lanes of them; 0 where `valid` has to be asked.
FN void v_store(const sums *acc, int32_t count, const float *const *multiplier, int8_t *const *out,
                const int32_t *valid, const finish *f, const int together, const int tame) {
#pragma unroll
  for (int32_t i = 0; i < count; i += 4) {
    int32_t left = count - i;
    __m256i a = rounded(acc[i], multiplier[i], tame);
    __m256i b = left > 1 ? rounded(acc[i + 1], multiplier[i + 1], tame) : a;
    __m256i c = left > 2 ? rounded(acc[i + 2], multiplier[i + 2], tame) : a;
    __m256i d = left > 3 ? rounded(acc[i + 3], multiplier[i + 3], tame) : a;
    __m256i low = _mm256_packs_epi32(a, b), high = left > 2 ? _mm256_packs_epi32(c, d) : low;
    __m256i all = bytes_of(low, high, f);
    all = _mm256_permutevar8x32_epi32(all, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    __m128i first = _mm256_castsi256_si128(all);
    if (together >= 4 && left > 3) {
      _mm256_storeu_si256((__m256i *)(void *)out[i], all);
      continue;
    }
    if (together >= 2 && left > 1) {
      _mm_storeu_si128((__m128i *)(void *)out[i], first);
    } else {
      store_8(first, together ? LANES : valid[i], out[i]);
      if (left > 1) store_8(_mm_unpackhi_epi64(first, first), together ? LANES : valid[i + 1], out[i + 1]);
    }
    if (left < 3) continue;
    __m128i second = _mm256_extracti128_si256(all, 1);
    if (together >= 2 && left > 3) {
      _mm_storeu_si128((__m128i *)(void *)out[i + 2], second);
    } else {
      store_8(second, together ? LANES : valid[i + 2], out[i + 2]);
      if (left > 3) store_8(_mm_unpackhi_epi64(second, second), together ? LANES : valid[i + 3], out[i + 3]);
    }
  }
}

FN void v_store_real(sums acc, const float *scale, int32_t valid, float *out) {
  __m256 of = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(scale));
  if (valid >= 8) {
    _mm256_storeu_ps(out, of);
    return;
  }
  float values[8];
  _mm256_storeu_ps(values, of);
  memcpy(out, values, (size_t)valid * sizeof(float));
}
FN sums v_swapped(sums a) { return _mm256_shuffle_epi32(a, 0xB1); }  // lanes 1, 0, 3, 2, ...

// `words` with the results of one more channel put `shift` bits up in every lane.
FN sums v_join(sums words, sums acc, const float *multiplier, const mmx_requantize *q, int32_t shift) {
  __m256i v = rounded(acc, multiplier, 0), zero = _mm256_set1_epi32(q->out_zero_point);
  v = _mm256_max_epi32(v, _mm256_set1_epi32(q->clamp_min - q->out_zero_point));
  v = _mm256_min_epi32(v, _mm256_set1_epi32(q->clamp_max - q->out_zero_point));
  v = _mm256_and_si256(_mm256_add_epi32(v, zero), _mm256_set1_epi32(0xFF));
  return _mm256_or_si256(words, _mm256_slli_epi32(v, shift));
}
FN sums v_none(void) { return _mm256_setzero_si256(); }
FN void v_dump(sums a, uint32_t *out) { _mm256_storeu_si256((__m256i *)(void *)out, a); }

// Eight cells whose channels, 3 to 8, each have their own vector; results stand cell by cell. `multiplier`: [channel][8].
FN void v_store_columns(const sums *acc, int32_t channels, const float *multiplier, const finish *f, int8_t *out) {
  const __m256i by_cell = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6,
                                           10, 14, 3, 7, 11, 15);
  __m256i of[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    __m256i v[4];
#pragma unroll
    for (int j = 0; j < 4; j++) {
      int32_t c = 4 * i + j < channels ? 4 * i + j : channels - 1;
      v[j] = rounded(acc[c], multiplier + 8 * c, 0);
    }
    __m256i all = bytes_of(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]), f);
    of[i] = _mm256_shuffle_epi8(all, by_cell);
  }
  uint64_t cells[8];  // 0, 1, 4, 5, 2, 3, 6, 7
  _mm256_storeu_si256((__m256i *)(void *)cells, _mm256_unpacklo_epi32(of[0], of[1]));
  _mm256_storeu_si256((__m256i *)(void *)(cells + 4), _mm256_unpackhi_epi32(of[0], of[1]));
  // What a cell writes too much, the next one writes over.
#pragma unroll
  for (int i = 0; i < 6; i++) memcpy(out + i * channels, &cells[i % 2 + i / 2 % 2 * 4 + i / 4 * 2], 8);
#pragma unroll
  for (int i = 6; i < 8; i++) memcpy(out + i * channels, &cells[i % 2 + i / 2 % 2 * 4 + i / 4 * 2], (size_t)channels);
}
