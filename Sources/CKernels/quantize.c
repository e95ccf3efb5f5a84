#pragma STDC FP_CONTRACT OFF
#include "mmx_kernels.h"
#include "round.h"

void mmx_quantize_f32(const float *in, int32_t n, float scale, int32_t zero, int8_t *out) {
  for (int32_t i = 0; i < n; i++) out[i] = mmx_round_saturate(in[i] / scale, zero, -128, 127);
}
