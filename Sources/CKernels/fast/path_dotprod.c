#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#include "path.h"
#pragma STDC FP_CONTRACT OFF
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#define FN static inline __attribute__((always_inline))
#define PATH mmx_path_dotprod
#define PLAIN mmx_plain_neon
#define TILES_OF_24 0
#define SHORT_PRODUCTS 0
#define KEPT(x) "+w"(x.low), "+w"(x.high)
enum { PEAK_SUMS = 12 };
#include "vec_dotprod.h"
#include "path_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
