// The sums of an average pool, in 16 bits as long as they fit: 255 cells of at most 128.
enum { SHORTS_SUMMED = 16, MOST_CELLS = 255 };
typedef int8_t summed_bytes __attribute__((vector_size(SHORTS_SUMMED)));
typedef int16_t summed_shorts __attribute__((vector_size(2 * SHORTS_SUMMED)));

FN void add_shorts(const summed_shorts *part, const int parts, int32_t *sum) {
#pragma unroll
  for (int i = 0; i < parts; i++) {
    for (int lane = 0; lane < SHORTS_SUMMED; lane++) sum[i * SHORTS_SUMMED + lane] += part[i][lane];
  }
}

// `parts` vectors of channels.
FN void sum_channels(const int8_t *cells, int32_t rows, int32_t columns, size_t row, size_t column, const int parts,
                     int32_t *sum) {
  summed_shorts part[4] = {};
  int32_t added = 0;
  for (int32_t y = 0; y < rows; y++) {
    const int8_t *at = cells + (size_t)y * row;
    for (int32_t x = 0; x < columns; x++, at += column) {
#pragma unroll
      for (int i = 0; i < parts; i++) {
        summed_bytes values;
        memcpy(&values, at + i * SHORTS_SUMMED, sizeof values);
        part[i] += __builtin_convertvector(values, summed_shorts);
      }
      if (++added < MOST_CELLS) continue;
      add_shorts(part, parts, sum);
      memset(part, 0, sizeof part);
      added = 0;
    }
  }
  add_shorts(part, parts, sum);
}

static void wide_sum_cells(const int8_t *cells, int32_t rows, int32_t columns, size_t row, size_t column,
                           int32_t channels, int32_t *sum) {
  int32_t c = 0;
  for (; c + 4 * SHORTS_SUMMED <= channels; c += 4 * SHORTS_SUMMED) {
    sum_channels(cells + c, rows, columns, row, column, 4, sum + c);
  }
  for (; c + SHORTS_SUMMED <= channels; c += SHORTS_SUMMED) {
    sum_channels(cells + c, rows, columns, row, column, 1, sum + c);
  }
  mmx_sum_cells(cells + c, rows, columns, row, column, channels - c, sum + c);
}
