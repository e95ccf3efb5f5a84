// Sums of products of int8, the heart of convolution and linear layers.
#ifndef MMX_SUMS_H
#define MMX_SUMS_H
#include <stdint.h>

// sum(a[i] * b[i]). At most MMX_MAX_TERMS terms, so |sum| <= 2^30.
static inline int32_t mmx_dot(const int8_t *a, const int8_t *b, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i++) sum += (int32_t)a[i] * (int32_t)b[i];
  return sum;
}

static inline int32_t mmx_sum(const int8_t *a, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i++) sum += a[i];
  return sum;
}

// bias + dot - zero_point * weights, wrapping modulo 2^32: sum(w * (x - z)) = sum(w * x) - z * sum(w) lets the inner
// loop be a plain dot product.
static inline int32_t mmx_biased(int32_t bias, int32_t dot, int32_t zero_point, int32_t weights) {
  return (int32_t)((uint32_t)bias + (uint32_t)dot - (uint32_t)zero_point * (uint32_t)weights);
}
#endif
