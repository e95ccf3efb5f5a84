#pragma STDC FP_CONTRACT OFF
#include "mmx_kernels.h"
#include "round.h"
#include "sums.h"

void mmx_linear_s8(const int8_t *in, int32_t n, const int8_t *weight, const int32_t *bias, int32_t out_channels,
                   const mmx_requantize *q, int8_t *out) {
  for (int32_t oc = 0; oc < out_channels; oc++) {
    const int8_t *row = weight + (size_t)oc * (size_t)n;
    int32_t acc = mmx_biased(bias[oc], mmx_dot(in, row, n), q->in_zero_point, mmx_sum(row, n));
    out[oc] = mmx_round_saturate((float)acc * q->multiplier[oc], q->out_zero_point, q->clamp_min, q->clamp_max);
  }
}
