// The input of a layer in the path's own form, with its padding around it: what the inner loops read without a branch.
// Not an im2col: every value stands here once.

#include "tame.h"

#ifndef STAGED_AS_IS
#define STAGED_AS_IS 0
#endif

typedef struct {
  const char *first;  // window of the first output cell
  size_t row;         // bytes from one staged row to the next
  int32_t out_rows, out_columns;  // as the loops see them: rows of pairs with a pool, one long row for a pointwise layer
} staging;

// Reads behind a row's last value: the rest of a group, or of a vector.
enum { SLACK = 64 };

// Every cell is its own window: rows need no telling apart.
static int is_flat(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  return l->kind != MMX_DEPTHWISE && w->kernel_height == 1 && w->kernel_width == 1 && w->stride_x == 1 && w->stride_y == 1 && w->pad_top == 0 &&
         w->pad_left == 0 && !l->pool_2x2 && w->in_height == w->out_height && w->in_width == w->out_width;
}

// Output rows and columns that are computed: with a pool, none that it drops.
static int32_t computed_rows(const mmx_layer *l) {
  return l->pool_2x2 ? l->window.out_height / 2 * 2 : l->window.out_height;
}
static int32_t computed_columns(const mmx_layer *l) {
  return l->pool_2x2 ? l->window.out_width / 2 * 2 : l->window.out_width;
}

static int32_t staged_rows(const mmx_layer *l) {
  return (computed_rows(l) - 1) * l->window.stride_y + l->window.kernel_height;
}
static size_t staged_row_bytes(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  int32_t columns = (computed_columns(l) - 1) * w->stride_x + w->kernel_width;
  return mmx_round_up((size_t)columns * (size_t)w->in_channels * sizeof(element), 16);
}

static size_t staged_bytes(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  size_t rows = is_flat(l) ? (size_t)w->in_height * (size_t)w->in_width * (size_t)w->in_channels * sizeof(element)
                           : (size_t)staged_rows(l) * staged_row_bytes(l);
  return mmx_round_up(rows + SLACK, 64);
}

FN void fill(element *to, size_t n, element value) {
  for (size_t i = 0; i < n; i++) to[i] = value;
}

static staging stage(const mmx_layer *l, const int8_t *in, void *scratch) {
  const mmx_window *w = &l->window;
  int32_t zero = l->requantize.in_zero_point, rows = l->pool_2x2 ? 2 : 1;
  size_t channels = (size_t)w->in_channels;
  if (is_flat(l)) {
    int32_t cells = w->in_height * w->in_width;
    // Whole groups and the same bytes: nothing would be read beyond the input.
    if (STAGED_AS_IS && w->in_channels % GROUP == 0) return (staging){(const char *)in, 0, 1, cells};
    stage_values(in, cells * w->in_channels, zero, scratch);
    return (staging){scratch, 0, 1, cells};
  }
  element blank = staged_zero(zero);
  size_t row = staged_row_bytes(l);
  size_t length = row / sizeof(element), left = (size_t)w->pad_left * channels;
  // Of a row of the image, what the windows reach.
  size_t image = (size_t)w->in_width * channels;
  if (left > length) left = length;
  if (image > length - left) image = length - left;
  char *to = scratch;
  for (int32_t y = -w->pad_top; y < staged_rows(l) - w->pad_top; y++, to += row) {
    element *line = (element *)(void *)to;
    if (y < 0 || y >= w->in_height) {
      fill(line, length, blank);
      continue;
    }
    fill(line, left, blank);
    stage_values(in + (size_t)y * (size_t)w->in_width * channels, (int32_t)image, zero, line + left);
    fill(line + left + image, length - left - image, blank);
  }
  return (staging){scratch, row, computed_rows(l) / rows, computed_columns(l)};
}
