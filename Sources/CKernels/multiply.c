#pragma STDC FP_CONTRACT OFF
#include "mmx_kernels.h"
#include "round.h"

void mmx_multiply_s8(const int8_t *a, const int8_t *b, int32_t n, int32_t a_zero, int32_t b_zero, float multiplier,
                     int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out) {
  for (int32_t i = 0; i < n; i++) {
    int32_t product = (a[i] - a_zero) * (b[i] - b_zero);
    out[i] = mmx_round_saturate((float)product * multiplier, zero, clamp_min, clamp_max);
  }
}
