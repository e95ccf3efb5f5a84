#include "mmx_kernels.h"

void mmx_table_s8(const int8_t *in, int32_t n, const int8_t *table, int8_t *out) {
  for (int32_t i = 0; i < n; i++) out[i] = table[in[i] + 128];
}
