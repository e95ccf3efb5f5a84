#pragma STDC FP_CONTRACT OFF
#include "mmx_kernels.h"
#include "round.h"

void mmx_requantize_s8(const int8_t *in, int32_t n, float multiplier, int32_t in_zero, int32_t out_zero,
                       int8_t *out) {
  for (int32_t i = 0; i < n; i++) {
    out[i] = mmx_round_saturate((float)(in[i] - in_zero) * multiplier, out_zero, -128, 127);
  }
}
