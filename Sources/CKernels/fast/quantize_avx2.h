// mmx_quantize_f32 by a multiplication where that cannot round to another whole number. A product by the inverse and the
// quotient differ by less than 2^-22 of themselves, below 512 by less than 1/8000. So where the product is farther than that
// from the middle of two whole numbers, both round to the same one; beyond 512 both are at a bound. Elsewhere, at NaN and
// where the conversion overflows, a block is divided.
enum { QUANTIZED = 32 };

// 8 values rounded. `doubt`: gathers the lanes that are not certain.
FN __m256i rounded_products(const float *in, __m256 inverse, __m256 *doubt) {
  __m256 v = _mm256_mul_ps(_mm256_loadu_ps(in), inverse);
  __m256i whole = _mm256_cvtps_epi32(v);
  __m256 apart = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_sub_ps(v, _mm256_cvtepi32_ps(whole)));
  *doubt = _mm256_or_ps(*doubt, _mm256_cmp_ps(apart, _mm256_set1_ps(0.4998f), _CMP_NLE_UQ));
  return whole;
}

// Whether the block is certain; then it is written.
FN int quantize_block(const float *in, __m256 inverse, __m256i zero, int8_t *out) {
  __m256 doubt = _mm256_setzero_ps();
  __m256i a = rounded_products(in, inverse, &doubt), b = rounded_products(in + 8, inverse, &doubt);
  __m256i c = rounded_products(in + 16, inverse, &doubt), d = rounded_products(in + 24, inverse, &doubt);
  if (!_mm256_testz_ps(doubt, doubt)) return 0;
  // Saturating packs are monotone, and the sum with a zero point saturates too.
  __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero);
  __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero);
  __m256i all = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256((__m256i *)(void *)out, all);
  return 1;
}

static void path_quantize(const float *in, int32_t n, float scale, int32_t zero, int8_t *out);

static void quantize_avx2(const float *in, int32_t n, float scale, int32_t zero, int8_t *out) {
  // An inverse of full precision.
  int usual = scale > 1e-30f && scale < 1e30f;
  if (n < QUANTIZED || !usual) {
    path_quantize(in, n, scale, zero, out);
    return;
  }
  __m256 inverse = _mm256_set1_ps(1.0f / scale);
  __m256i zeros = _mm256_set1_epi16((int16_t)zero);
  for (int32_t i = 0; i < n; i += QUANTIZED) {
    int32_t at = i + QUANTIZED <= n ? i : n - QUANTIZED;  // The last block lies over the one before.
    if (!quantize_block(in + at, inverse, zeros, out + at)) path_quantize(in + at, QUANTIZED, scale, zero, out + at);
  }
}
