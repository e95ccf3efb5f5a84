#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "path.h"
#pragma STDC FP_CONTRACT OFF
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("sse4.1"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("sse4.1")
#endif
#define FN static inline __attribute__((always_inline))
#define PATH mmx_path_sse41
#define PLAIN mmx_plain_sse41
#define TILES_OF_24 0
#define SHORT_PRODUCTS 1
#define DENSE "dense.h"
#define KEPT(x) "+x"(x)
enum { PEAK_SUMS = 12 };
#include "vec_sse41.h"
#include "path_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
