#include "mmx_image.h"

#include "grid.h"

// Units that the cell beginning at `start` and source pixel i have in common along one axis.
static inline uint32_t overlap(const mmx_grid *g, int64_t start, int64_t i) {
  int64_t low = i * g->pixel > start ? i * g->pixel : start;
  int64_t end = (i + 1) * g->pixel, cell_end = start + g->cell;
  int64_t high = end < cell_end ? end : cell_end;
  return (uint32_t)(high - low);
}

// column[x] = sum over the source rows in this row of cells, each weighted by its overlap; at most 255 * cell. Rows are
// `stride` bytes apart, `samples` of them are wanted.
static void sum_rows(const mmx_grid *g, int64_t top, const uint8_t *pixels, size_t stride, size_t samples,
                     uint32_t *column) {
  for (size_t x = 0; x < samples; x++) column[x] = 0;
  int64_t first = top / g->pixel, last = (top + g->cell - 1) / g->pixel;
  for (int64_t y = first; y <= last; y++) {
    uint32_t weight = overlap(g, top, y);
    const uint8_t *row = pixels + (size_t)y * stride;
    for (size_t x = 0; x < samples; x++) column[x] += weight * row[x];
  }
}

// The rounded mean of one cell in every channel of the source.
static void average(const mmx_grid *g, int64_t left, const uint32_t *column, int32_t channels, uint32_t *mean) {
  uint64_t sum[3] = {0, 0, 0};
  int64_t first = left / g->pixel, last = (left + g->cell - 1) / g->pixel;
  for (int64_t x = first; x <= last; x++) {
    uint64_t weight = overlap(g, left, x);
    for (int32_t c = 0; c < channels; c++) sum[c] += weight * column[x * channels + c];
  }
  uint64_t area = (uint64_t)(g->cell * g->cell);
  for (int32_t c = 0; c < channels; c++) mean[c] = (uint32_t)((2 * sum[c] + area) / (2 * area));
}

static int extent_is_sound(int32_t n) { return n >= 1 && n <= MMX_MAX_IMAGE_EXTENT; }

size_t mmx_image_scratch_size(const mmx_image *d, int32_t max_source_width) {
  if (!extent_is_sound(d->width) || !extent_is_sound(d->height) || !extent_is_sound(max_source_width)) return 0;
  if (d->channels != 1 && d->channels != 3) return 0;
  // Sums of columns in 32 bits, for the fast paths in 16 as well, and what their last vector has too much.
  return (size_t)max_source_width * 3 * (sizeof(uint32_t) + sizeof(uint16_t)) + 128;
}

void mmx_image_run(const mmx_image *d, const uint8_t *pixels, int32_t source_width, int32_t source_height,
                   int32_t source_channels, const int8_t *table, void *scratch, int8_t *out) {
  mmx_grid g = mmx_make_grid(d, source_width, source_height);
  // Only the columns that the crop touches are summed; from here on they count from the first of them.
  size_t channels = (size_t)source_channels, stride = (size_t)source_width * channels;
  int64_t first = g.left / g.pixel, last = (g.left + d->width * g.cell - 1) / g.pixel;
  size_t samples = (size_t)(last - first + 1) * channels;
  pixels += (size_t)first * channels;
  g.left -= first * g.pixel;
  uint32_t *column = scratch;
  for (int32_t oy = 0; oy < d->height; oy++) {
    sum_rows(&g, g.top + oy * g.cell, pixels, stride, samples, column);
    for (int32_t ox = 0; ox < d->width; ox++, out += d->channels) {
      uint32_t mean[3];
      average(&g, g.left + ox * g.cell, column, source_channels, mean);
      if (source_channels == 1) mean[1] = mean[2] = mean[0];
      if (source_channels == 3 && d->channels == 1) {
        mean[0] = (77 * mean[0] + 150 * mean[1] + 29 * mean[2] + 128) >> 8;
      }
      for (int32_t c = 0; c < d->channels; c++) out[c] = table[c * 256 + (int32_t)mean[c]];
    }
  }
}
