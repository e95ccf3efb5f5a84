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
#define PATH mmx_path_avx2
#define PLAIN mmx_plain_avx2
#define TILES_OF_24 0
#define SHORT_PRODUCTS 1
#define POOLED_SHORTS 1
// What is left of convolutions, and linear layers: in path_avx2_signs.c.
#define GEMM_PLAN mmx_signs_plan
#define GEMM_PACK mmx_signs_pack
#define KEPT(x) "+x"(x)
enum { PEAK_SUMS = 12 };
#include "vec_avx2.h"
#include "path_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
