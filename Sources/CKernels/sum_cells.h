// The sums of an average pool's window, for each channel.
#ifndef MMX_SUM_CELLS_H
#define MMX_SUM_CELLS_H
#include <stddef.h>
#include <stdint.h>

// Adds `rows` x `columns` cells to sum[channels]; `row`, `column`: bytes from one to the next.
static inline void mmx_sum_cells(const int8_t *cells, int32_t rows, int32_t columns, size_t row, size_t column,
                                 int32_t channels, int32_t *sum) {
  for (int32_t y = 0; y < rows; y++) {
    for (int32_t x = 0; x < columns; x++) {
      const int8_t *values = cells + (size_t)y * row + (size_t)x * column;
      for (int32_t c = 0; c < channels; c++) sum[c] += values[c];
    }
  }
}
#endif
