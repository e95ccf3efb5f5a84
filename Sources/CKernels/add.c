#pragma STDC FP_CONTRACT OFF
#include "mmx_kernels.h"
#include "round.h"

void mmx_add_s8(const int8_t *a, const int8_t *b, int32_t n, float a_scale, int32_t a_zero, float b_scale,
                int32_t b_zero, int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out) {
  for (int32_t i = 0; i < n; i++) {
    float left = a_scale * (float)(a[i] - a_zero);
    float right = b_scale * (float)(b[i] - b_zero);
    out[i] = mmx_round_saturate(left + right, zero, clamp_min, clamp_max);
  }
}
