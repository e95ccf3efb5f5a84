#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "path.h"
#pragma STDC FP_CONTRACT OFF
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi2")
#endif
#define FN static inline __attribute__((always_inline))
#define PATH mmx_path_avx512vnni
#define PLAIN mmx_plain_avx512
#define TILES_OF_24 1
#define SHORT_PRODUCTS 0
#define DENSE "dense_groups.h"
#define KEPT(x) "+v"(x)
enum { PEAK_SUMS = 24 };
#include "vec_avx512vnni.h"
#include "path_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
