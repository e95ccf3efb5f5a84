// SSE4.1: staged values are int16 with the zero point taken off, products exact in pmaddwd, as in vec_avx2.h on 128 bits.
#include <smmintrin.h>
#include <string.h>
enum { LANES = 4, GROUP = 2, MAX_SUMS = 10 };
typedef int16_t element;
typedef __m128i sums;
typedef __m128i word;  // GROUP values a lane

FN sums v_bias(const int32_t *p) { return _mm_loadu_si128((const __m128i *)p); }
FN word v_weights(const element *p) { return _mm_load_si128((const __m128i *)(const void *)p); }
FN word v_widened(const int8_t *p) { return _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)p)); }
FN word v_words(const void *p) { return _mm_loadu_si128((const __m128i *)p); }
FN word v_spread(const void *p) {
  int32_t group;
  memcpy(&group, p, sizeof group);
  return _mm_set1_epi32(group);
}
FN sums v_dot(sums acc, word x, word w) { return _mm_add_epi32(acc, _mm_madd_epi16(x, w)); }
FN sums v_max(sums a, sums b) { return _mm_max_epi32(a, b); }

FN element staged_zero(int32_t zero_point) { (void)zero_point; return 0; }
FN int32_t staged_offset(int32_t zero_point) { (void)zero_point; return 0; }

FN void stage_values(const int8_t *in, int32_t n, int32_t zero_point, element *out) {
  __m128i zero = _mm_set1_epi16((int16_t)zero_point);
  int32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    __m128i v = _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)(in + i)));
    _mm_storeu_si128((__m128i *)(void *)(out + i), _mm_sub_epi16(v, zero));
  }
  for (; i < n; i++) out[i] = (element)(in[i] - zero_point);
}

// The output stage's constants in registers.
typedef struct {
  __m128i zero, low, high;
} finish;

FN finish finish_of(const mmx_requantize *q) {
  return (finish){_mm_set1_epi16((int16_t)q->out_zero_point), _mm_set1_epi8((char)q->clamp_min),
                  _mm_set1_epi8((char)q->clamp_max)};
}

// Above int32 the conversion would give its smallest; below it that is what is wanted. `tame`: no result is beyond it.
FN __m128i rounded(sums acc, const float *multiplier, const int tame) {
  __m128 v = _mm_mul_ps(_mm_cvtepi32_ps(acc), _mm_loadu_ps(multiplier));
  return _mm_cvtps_epi32(tame ? v : _mm_min_ps(v, _mm_set1_ps(512.0f)));
}

FN void store_some(uint32_t bytes, int32_t n, int8_t *out) {
  if (n >= 4) {
    memcpy(out, &bytes, 4);
  } else {
    for (int32_t i = 0; i < n; i++) out[i] = (int8_t)(bytes >> (8 * i));
  }
}

// Up to four vectors of sums at a time: saturating packs are monotone, so clamping last changes nothing. `together`: of so
// many vectors the results stand one behind the other, all lanes of them; 0 where `valid` has to be asked.
FN void v_store(const sums *acc, int32_t count, const float *const *multiplier, int8_t *const *out,
                const int32_t *valid, const finish *f, const int together, const int tame) {
#pragma unroll
  for (int32_t i = 0; i < count; i += 4) {
    int32_t left = count - i;
    __m128i a = rounded(acc[i], multiplier[i], tame);
    __m128i b = left > 1 ? rounded(acc[i + 1], multiplier[i + 1], tame) : a;
    __m128i c = left > 2 ? rounded(acc[i + 2], multiplier[i + 2], tame) : a;
    __m128i d = left > 3 ? rounded(acc[i + 3], multiplier[i + 3], tame) : a;
    __m128i low = _mm_adds_epi16(_mm_packs_epi32(a, b), f->zero);
    __m128i high = left > 2 ? _mm_adds_epi16(_mm_packs_epi32(c, d), f->zero) : low;
    __m128i all = _mm_packs_epi16(low, high);
    all = _mm_min_epi8(_mm_max_epi8(all, f->low), f->high);
    if (together >= 4 && left > 3) {
      _mm_storeu_si128((__m128i *)(void *)out[i], all);
      continue;
    }
    const int full = together != 0;
    if (together >= 2 && left > 1) {
      _mm_storel_epi64((__m128i *)(void *)out[i], all);
    } else {
      store_some((uint32_t)_mm_extract_epi32(all, 0), full ? LANES : valid[i], out[i]);
      if (left > 1) store_some((uint32_t)_mm_extract_epi32(all, 1), full ? LANES : valid[i + 1], out[i + 1]);
    }
    if (together >= 2 && left > 3) {
      _mm_storeh_pd((double *)(void *)out[i + 2], _mm_castsi128_pd(all));
    } else {
      if (left > 2) store_some((uint32_t)_mm_extract_epi32(all, 2), full ? LANES : valid[i + 2], out[i + 2]);
      if (left > 3) store_some((uint32_t)_mm_extract_epi32(all, 3), full ? LANES : valid[i + 3], out[i + 3]);
    }
  }
}

FN void v_store_real(sums acc, const float *scale, int32_t valid, float *out) {
  float values[4];
  _mm_storeu_ps(values, _mm_mul_ps(_mm_cvtepi32_ps(acc), _mm_loadu_ps(scale)));
  memcpy(out, values, (size_t)(valid < 4 ? valid : 4) * sizeof(float));
}
FN sums v_swapped(sums a) { return _mm_shuffle_epi32(a, 0xB1); }  // lanes 1, 0, 3, 2

// `words` with the results of one more channel put `shift` bits up in every lane.
FN sums v_join(sums words, sums acc, const float *multiplier, const mmx_requantize *q, int32_t shift) {
  __m128i v = rounded(acc, multiplier, 0), zero = _mm_set1_epi32(q->out_zero_point);
  v = _mm_max_epi32(v, _mm_set1_epi32(q->clamp_min - q->out_zero_point));
  v = _mm_min_epi32(v, _mm_set1_epi32(q->clamp_max - q->out_zero_point));
  v = _mm_and_si128(_mm_add_epi32(v, zero), _mm_set1_epi32(0xFF));
  return _mm_or_si128(words, _mm_slli_epi32(v, shift));
}
FN sums v_none(void) { return _mm_setzero_si128(); }
FN void v_dump(sums a, uint32_t *out) { _mm_storeu_si128((__m128i *)(void *)out, a); }

// words[i] = (rows[0][i], rows[1][i]). May write as much as two vectors beyond n words.
FN void weave(const element *const *rows, int32_t n, char *words) {
  for (int32_t i = 0; i < n; i += 8) {
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(rows[0] + i));
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(rows[1] + i));
    __m128i *to = (__m128i *)(void *)(words + 4 * (size_t)i);
    _mm_storeu_si128(to, _mm_unpacklo_epi16(a, b));
    _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(a, b));
  }
}

#define WEAVES_INPUT 1
enum { WOVEN = 8 };  // values at a time
// words[i] = (a[i] - zero, b[i] - zero) of WOVEN values of the input.
FN void weave_input(const int8_t *a, const int8_t *b, int32_t zero_point, char *words) {
  __m128i zero = _mm_set1_epi16((int16_t)zero_point);
  __m128i x = _mm_loadl_epi64((const __m128i *)(const void *)a), y = _mm_loadl_epi64((const __m128i *)(const void *)b);
  __m128i both = _mm_unpacklo_epi8(x, y), *to = (__m128i *)(void *)words;
  _mm_storeu_si128(to, _mm_sub_epi16(_mm_cvtepi8_epi16(both), zero));
  _mm_storeu_si128(to + 1, _mm_sub_epi16(_mm_cvtepi8_epi16(_mm_srli_si128(both, 8)), zero));
}
