// Convolutions of the AVX2 path that are a product of matrices, and linear layers.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "path.h"
#pragma STDC FP_CONTRACT OFF
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define FN static inline __attribute__((always_inline))
#define TILES_OF_24 0
#include "vec_avx2_signs.h"

#include "../sums.h"
#include "stage.h"
#include "gemm.h"
#include "cells.h"
#include "dense_groups.h"

void mmx_signs_plan(mmx_layer *layer) {
  if (is_dense(layer)) {
    dense_plan(layer);
    layer->run = dense_run;
  } else {
    gemm_plan(layer);
    cells_plan(layer);
    layer->run = gemm_run;
  }
}

void mmx_signs_pack(mmx_layer *layer, const int8_t *weight, const int32_t *bias, const float *multiplier,
                    void *constants) {
  if (is_dense(layer)) {
    dense_pack(layer, weight, bias, multiplier, constants);
  } else if (cells_pack(layer, weight, bias, multiplier, constants)) {
    layer->run = cells_run;
  } else {
    layer->run = gemm_run;
    gemm_pack(layer, weight, bias, multiplier, constants);
  }
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
