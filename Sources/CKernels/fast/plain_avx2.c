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
#define PLAIN mmx_plain_avx2
#define WIDE 8
#define QUANTIZE quantize_avx2
#include "quantize_avx2.h"
#include "plain_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
