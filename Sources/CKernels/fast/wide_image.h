// The picture of ../image.c: source rows that lie in a cell whole are summed in 16 bits and multiplied once, and columns go
// together by four values. Integers throughout, or doubles that hold them exactly.

typedef uint8_t octets __attribute__((vector_size(2 * WIDE)));
typedef uint16_t halves __attribute__((vector_size(4 * WIDE)));
typedef uint32_t wholes __attribute__((vector_size(8 * WIDE)));
typedef int32_t four __attribute__((vector_size(16)));
typedef double four_reals __attribute__((vector_size(32)));

enum { BLOCK = 2 * WIDE, BLOCKS = 4 };

// A place along one axis: so many units into a source pixel.
typedef struct {
  int32_t pixel, units;
} place;

// What a cell has in common with source pixels first...last: `head` units of the first, `tail` of the last, and all in
// between whole. With one pixel only, `head` is all of the cell.
typedef struct {
  int32_t first, last, head, tail;
} extent;

FN place place_at(int64_t units, int32_t pixel) {
  return (place){(int32_t)(units / pixel), (int32_t)(units % pixel)};
}

FN place advanced(place p, place by, int32_t pixel) {
  int32_t units = p.units + by.units, over = units >= pixel;
  return (place){p.pixel + by.pixel + over, over ? units - pixel : units};
}

FN extent between(place from, place to, int32_t pixel) {
  extent e = {from.pixel, to.pixel, pixel - from.units, to.units};
  if (to.units == 0) {
    e.last--;
    e.tail = pixel;
  }
  if (e.first == e.last) e.head = e.tail - from.units;
  return e;
}

FN halves load_octets(const uint8_t *p) {
  octets v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, halves);
}

// `n` blocks of samples over the rows of `e`. A cell has at most 257 whole rows, and 257 * 255 fits 16 bits.
FN void sum_blocks(const uint8_t *pixels, size_t stride, extent e, int32_t pixel, const int n, uint32_t *column) {
  const uint8_t *row = pixels + (size_t)e.first * stride;
  wholes sum[BLOCKS];
#pragma unroll
  for (int i = 0; i < n; i++) sum[i] = __builtin_convertvector(load_octets(row + i * BLOCK), wholes) * (uint32_t)e.head;
  if (e.first < e.last) {
    halves inner[BLOCKS];
#pragma unroll
    for (int i = 0; i < n; i++) inner[i] = (halves){};
    for (int32_t y = e.first + 1; y < e.last; y++) {
      row += stride;
#pragma unroll
      for (int i = 0; i < n; i++) inner[i] += load_octets(row + i * BLOCK);
    }
    row += stride;
#pragma unroll
    for (int i = 0; i < n; i++) {
      sum[i] += __builtin_convertvector(inner[i], wholes) * (uint32_t)pixel;
      sum[i] += __builtin_convertvector(load_octets(row + i * BLOCK), wholes) * (uint32_t)e.tail;
    }
  }
#pragma unroll
  for (int i = 0; i < n; i++) memcpy(column + i * BLOCK, &sum[i], sizeof sum[i]);
}

// At least BLOCK samples; the last blocks lie over those before.
static void wide_sum_rows(const uint8_t *pixels, size_t stride, size_t samples, extent e, int32_t pixel, uint32_t *column) {
  size_t x = 0;
  for (; x + BLOCKS * BLOCK <= samples; x += BLOCKS * BLOCK) sum_blocks(pixels + x, stride, e, pixel, BLOCKS, column + x);
  for (; x < samples; x += BLOCK) {
    size_t at = x + BLOCK <= samples ? x : samples - BLOCK;
    sum_blocks(pixels + at, stride, e, pixel, 1, column + at);
  }
}

FN four load_four(const uint32_t *p) {
  four v;
  memcpy(&v, p, sizeof v);
  return v;
}
FN four_reals exact(four v) { return __builtin_convertvector(v, four_reals); }

// A cell's weighted sum of RGB columns; the fourth value is of no use. Inner sums are at most 255 * 32768 * 257 < 2^31.
FN four_reals sum_rgb(const uint32_t *column, extent e, int32_t pixel) {
  const uint32_t *at = column + 3 * (size_t)e.first;
  four_reals sum = exact(load_four(at)) * (double)e.head;
  if (e.first == e.last) return sum;
  four inner = {};
  for (int32_t x = e.first + 1; x < e.last; x++) inner += load_four(at += 3);
  return sum + exact(inner) * (double)pixel + exact(load_four(at + 3)) * (double)e.tail;
}

FN double sum_grey(const uint32_t *column, extent e, int32_t pixel) {
  double sum = (double)column[e.first] * (double)e.head;
  if (e.first == e.last) return sum;
  four four_sums = {};
  int32_t x = e.first + 1;
  for (; x + 4 <= e.last; x += 4) four_sums += load_four(column + x);
  int32_t inner = four_sums[0] + four_sums[1] + four_sums[2] + four_sums[3];
  for (; x < e.last; x++) inner += (int32_t)column[x];
  return sum + (double)inner * (double)pixel + (double)column[e.last] * (double)e.tail;
}

// Means of one row of cells. The division of 2 sum + area by 2 area, rounded down, is a multiplication: with another 1/2
// above, the quotient (below 256) is at least 2^-32 from any whole number, and the product errs by less than 2^-43.
FN void wide_cells(const mmx_image *d, const uint32_t *column, int32_t channels, place left, place by, int32_t pixel,
                   double area, const int8_t *table, int8_t *out) {
  double half = area + 0.5, reciprocal = 1.0 / (2.0 * area);
  for (int32_t ox = 0; ox < d->width; ox++, out += d->channels) {
    place right = advanced(left, by, pixel);
    extent e = between(left, right, pixel);
    left = right;
    four mean;
    if (channels == 3) {
      mean = __builtin_convertvector((2.0 * sum_rgb(column, e, pixel) + half) * reciprocal, four);
    } else {
      mean = (int32_t)((2.0 * sum_grey(column, e, pixel) + half) * reciprocal) - (four){};
    }
    if (channels == 3 && d->channels == 1) {
      out[0] = table[(77 * mean[0] + 150 * mean[1] + 29 * mean[2] + 128) >> 8];
    } else if (d->channels == 1) {
      out[0] = table[mean[0]];
    } else {
      out[0] = table[mean[0]];
      out[1] = table[256 + mean[1]];
      out[2] = table[512 + mean[2]];
    }
  }
}

static void wide_image(const mmx_image *d, const uint8_t *pixels, int32_t source_width, int32_t source_height,
                       int32_t source_channels, const int8_t *table, void *scratch, int8_t *out) {
  mmx_grid g = mmx_make_grid(d, source_width, source_height);
  int32_t pixel = (int32_t)g.pixel, cell = (int32_t)g.cell;
  place by = place_at(cell, pixel), left = place_at(g.left, pixel), top = place_at(g.top, pixel);
  size_t channels = (size_t)source_channels, stride = (size_t)source_width * channels;
  int32_t last = (int32_t)((g.left + d->width * g.cell - 1) / pixel);
  size_t samples = (size_t)(last - left.pixel + 1) * channels;
  // A sliver, or cells of more rows than 16 bits hold.
  if (samples < BLOCK || by.pixel > 256) {
    mmx_image_run(d, pixels, source_width, source_height, source_channels, table, scratch, out);
    return;
  }
  pixels += (size_t)left.pixel * channels;
  left.pixel = 0;
  double area = (double)cell * (double)cell;
  for (int32_t oy = 0; oy < d->height; oy++, out += d->width * d->channels) {
    place bottom = advanced(top, by, pixel);
    wide_sum_rows(pixels, stride, samples, between(top, bottom, pixel), pixel, scratch);
    if (channels == 3) {
      wide_cells(d, scratch, 3, left, by, pixel, area, table, out);
    } else {
      wide_cells(d, scratch, 1, left, by, pixel, area, table, out);
    }
    top = bottom;
  }
}
