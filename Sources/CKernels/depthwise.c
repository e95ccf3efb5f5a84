#pragma STDC FP_CONTRACT OFF
#include "mmx_kernels.h"
#include "round.h"
#include "span.h"

// Channels summed at a time, so that the sums live on the stack.
enum { TILE = 64 };

// One output cell, `tile` channels from those that in, weight, bias, multiplier and out point at.
static void depthwise_tile(const mmx_window *w, mmx_span y, mmx_span x, const int8_t *in, const int8_t *weight,
                           const int32_t *bias, const float *multiplier, const mmx_requantize *q, int32_t tile,
                           int8_t *out) {
  int32_t sum[TILE] = {0};
  size_t channels = (size_t)w->in_channels;
  for (int32_t ky = y.first; ky < y.end; ky++) {
    for (int32_t kx = x.first; kx < x.end; kx++) {
      size_t cell = (size_t)(y.origin + ky) * (size_t)w->in_width + (size_t)(x.origin + kx);
      const int8_t *values = in + cell * channels;
      const int8_t *weights = weight + (size_t)(ky * w->kernel_width + kx) * channels;
      int16_t zero = (int16_t)q->in_zero_point;
      for (int32_t c = 0; c < tile; c++) sum[c] += (int16_t)(values[c] - zero) * (int16_t)weights[c];
    }
  }
  for (int32_t c = 0; c < tile; c++) {
    int32_t acc = (int32_t)((uint32_t)bias[c] + (uint32_t)sum[c]);
    out[c] = mmx_round_saturate((float)acc * multiplier[c], q->out_zero_point, q->clamp_min, q->clamp_max);
  }
}

void mmx_depthwise_conv2d_s8(const mmx_window *w, const int8_t *in, const int8_t *weight, const int32_t *bias,
                             const mmx_requantize *q, int8_t *out) {
  int32_t channels = w->in_channels;
  for (int32_t oy = 0; oy < w->out_height; oy++) {
    mmx_span y = mmx_span_at(oy, w->stride_y, w->pad_top, w->kernel_height, w->in_height);
    for (int32_t ox = 0; ox < w->out_width; ox++, out += channels) {
      mmx_span x = mmx_span_at(ox, w->stride_x, w->pad_left, w->kernel_width, w->in_width);
      for (int32_t c = 0; c < channels; c += TILE) {
        int32_t tile = channels - c < TILE ? channels - c : TILE;
        depthwise_tile(w, y, x, in + c, weight + c, bias + c, q->multiplier + c, q, tile, out + c);
      }
    }
  }
}
