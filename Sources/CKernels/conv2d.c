#pragma STDC FP_CONTRACT OFF
#include "mmx_kernels.h"
#include "round.h"
#include "span.h"
#include "sums.h"

// One output channel's filter with what does not change from cell to cell.
typedef struct {
  const int8_t *weight;  // [kernel_height][kernel_width][in_channels]
  int32_t total;         // sum of the weights
  int32_t bias;
  float multiplier;
} filter;

static inline int8_t finish(const filter *f, const mmx_requantize *q, int32_t acc) {
  return mmx_round_saturate((float)acc * f->multiplier, q->out_zero_point, q->clamp_min, q->clamp_max);
}

// The sum at one cell. Rows of the window are contiguous both in the image and in the filter.
static inline int32_t sum_at(const mmx_window *w, const filter *f, mmx_span y, mmx_span x, const int8_t *in,
                             int32_t zero_point) {
  size_t channels = (size_t)w->in_channels;
  int32_t taps = x.end - x.first;
  if (taps <= 0) return f->bias;
  int whole = taps == w->kernel_width && y.first == 0 && y.end == w->kernel_height;
  int32_t length = taps * w->in_channels;
  int32_t dot = 0, weights = 0;
  for (int32_t ky = y.first; ky < y.end; ky++) {
    size_t cell = (size_t)(y.origin + ky) * (size_t)w->in_width + (size_t)(x.origin + x.first);
    const int8_t *row = f->weight + (size_t)(ky * w->kernel_width + x.first) * channels;
    dot += mmx_dot(in + cell * channels, row, length);
    // Padding is real 0, so where the window is cut its weights must not meet the zero point.
    if (!whole) weights += mmx_sum(row, length);
  }
  return mmx_biased(f->bias, dot, zero_point, whole ? f->total : weights);
}

void mmx_conv2d_s8(const mmx_window *w, const int8_t *in, const int8_t *weight, const int32_t *bias,
                   const mmx_requantize *q, int8_t *out) {
  int32_t volume = w->kernel_height * w->kernel_width * w->in_channels;
  for (int32_t oc = 0; oc < w->out_channels; oc++) {
    const int8_t *own = weight + (size_t)oc * (size_t)volume;
    filter f = {own, mmx_sum(own, volume), bias[oc], q->multiplier[oc]};
    int8_t *to = out + oc;
    for (int32_t oy = 0; oy < w->out_height; oy++) {
      mmx_span y = mmx_span_at(oy, w->stride_y, w->pad_top, w->kernel_height, w->in_height);
      for (int32_t ox = 0; ox < w->out_width; ox++, to += w->out_channels) {
        mmx_span x = mmx_span_at(ox, w->stride_x, w->pad_left, w->kernel_width, w->in_width);
        *to = finish(&f, q, sum_at(w, &f, y, x, in, q->in_zero_point));
      }
    }
  }
}
