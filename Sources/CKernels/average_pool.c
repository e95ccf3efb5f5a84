#pragma STDC FP_CONTRACT OFF
#include "mmx_kernels.h"
#include "round.h"
#include "span.h"
#include "sum_cells.h"

// The paths sum faster.
#ifndef MMX_SUM_CELLS
#define MMX_SUM_CELLS mmx_sum_cells
#endif

// Channels summed at a time, so that the sums live on the stack.
enum { TILE = 64 };

static void pool_tile(const mmx_window *w, mmx_span y, mmx_span x, const int8_t *in, int32_t tile,
                      const mmx_requantize *q, int8_t *out) {
  int32_t sum[TILE] = {0};
  int32_t rows = y.end > y.first ? y.end - y.first : 0;
  int32_t columns = x.end > x.first ? x.end - x.first : 0;
  int32_t count = rows * columns;
  if (count > 0) {
    size_t cell = (size_t)(y.origin + y.first) * (size_t)w->in_width + (size_t)(x.origin + x.first);
    size_t column = (size_t)w->in_channels, row = column * (size_t)w->in_width;
    MMX_SUM_CELLS(in + cell * column, rows, columns, row, column, tile, sum);
  }
  // No cell: 0 * inf is NaN, which rounds as 0 and leaves the zero point.
  float scale = q->multiplier[0] / (float)count;
  for (int32_t c = 0; c < tile; c++) {
    float mean = (float)(sum[c] - count * q->in_zero_point) * scale;
    out[c] = mmx_round_saturate(mean, q->out_zero_point, q->clamp_min, q->clamp_max);
  }
}

void mmx_average_pool_s8(const mmx_window *w, const int8_t *in, const mmx_requantize *q, int8_t *out) {
  int32_t channels = w->in_channels;
  for (int32_t oy = 0; oy < w->out_height; oy++) {
    mmx_span y = mmx_span_at(oy, w->stride_y, w->pad_top, w->kernel_height, w->in_height);
    for (int32_t ox = 0; ox < w->out_width; ox++, out += channels) {
      mmx_span x = mmx_span_at(ox, w->stride_x, w->pad_left, w->kernel_width, w->in_width);
      for (int32_t c = 0; c < channels; c += TILE) {
        int32_t tile = channels - c < TILE ? channels - c : TILE;
        pool_tile(w, y, x, in + c, tile, q, out + c);
      }
    }
  }
}
