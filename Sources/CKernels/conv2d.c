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

// Output cells summed at a time where there is one input channel, so that the sums live on the stack.
enum { TILE = 64 };

// `count` cells of one output row whose windows are not cut at the sides, one input channel: a row of a filter is then
// too short to be worth a dot product, so the loop runs along the image instead. `in` is the first window's first
// column in image row 0.
static void sum_tile(const mmx_window *w, const filter *f, mmx_span y, const int8_t *in, int32_t zero_point,
                     int32_t count, int32_t *sum) {
  int32_t kernel = w->kernel_width, weights = 0;
  for (int32_t i = 0; i < count; i++) sum[i] = 0;
  for (int32_t ky = y.first; ky < y.end; ky++) {
    const int8_t *row = in + (size_t)(y.origin + ky) * (size_t)w->in_width;
    for (int32_t kx = 0; kx < kernel; kx++) {
      int16_t weight = f->weight[ky * kernel + kx];
      weights += weight;
      if (w->stride_x == 1) {
        for (int32_t i = 0; i < count; i++) sum[i] += weight * (int16_t)row[kx + i];
      } else {
        for (int32_t i = 0; i < count; i++) sum[i] += weight * (int16_t)row[kx + i * w->stride_x];
      }
    }
  }
  for (int32_t i = 0; i < count; i++) sum[i] = mmx_biased(f->bias, sum[i], zero_point, weights);
}

// One output row with one input channel: uncut windows in tiles, the others one by one.
static void plane_row(const mmx_window *w, const filter *f, int32_t oy, const int8_t *in, const mmx_requantize *q,
                      int8_t *to) {
  mmx_span y = mmx_span_at(oy, w->stride_y, w->pad_top, w->kernel_height, w->in_height);
  int32_t room = w->in_width - w->kernel_width + w->pad_left;
  int32_t begin = (w->pad_left + w->stride_x - 1) / w->stride_x;
  int32_t end = room < 0 ? 0 : room / w->stride_x + 1;
  if (end > w->out_width) end = w->out_width;
  for (int32_t ox = 0; ox < w->out_width;) {
    if (ox >= begin && ox < end) {
      int32_t sum[TILE], count = end - ox < TILE ? end - ox : TILE;
      sum_tile(w, f, y, in + ox * w->stride_x - w->pad_left, q->in_zero_point, count, sum);
      for (int32_t i = 0; i < count; i++) to[(size_t)(ox + i) * (size_t)w->out_channels] = finish(f, q, sum[i]);
      ox += count;
    } else {
      mmx_span x = mmx_span_at(ox, w->stride_x, w->pad_left, w->kernel_width, w->in_width);
      to[(size_t)ox * (size_t)w->out_channels] = finish(f, q, sum_at(w, f, y, x, in, q->in_zero_point));
      ox += 1;
    }
  }
}

static void deep_row(const mmx_window *w, const filter *f, int32_t oy, const int8_t *in, const mmx_requantize *q,
                     int8_t *to) {
  mmx_span y = mmx_span_at(oy, w->stride_y, w->pad_top, w->kernel_height, w->in_height);
  for (int32_t ox = 0; ox < w->out_width; ox++, to += w->out_channels) {
    mmx_span x = mmx_span_at(ox, w->stride_x, w->pad_left, w->kernel_width, w->in_width);
    *to = finish(f, q, sum_at(w, f, y, x, in, q->in_zero_point));
  }
}

void mmx_conv2d_s8(const mmx_window *w, const int8_t *in, const int8_t *weight, const int32_t *bias,
                   const mmx_requantize *q, int8_t *out) {
  int32_t volume = w->kernel_height * w->kernel_width * w->in_channels;
  for (int32_t oc = 0; oc < w->out_channels; oc++) {
    const int8_t *own = weight + (size_t)oc * (size_t)volume;
    filter f = {own, mmx_sum(own, volume), bias[oc], q->multiplier[oc]};
    for (int32_t oy = 0; oy < w->out_height; oy++) {
      int8_t *to = out + (size_t)oy * (size_t)w->out_width * (size_t)w->out_channels + oc;
      if (w->in_channels == 1) {
        plane_row(w, &f, oy, in, q, to);
      } else {
        deep_row(w, &f, oy, in, q, to);
      }
    }
  }
}
