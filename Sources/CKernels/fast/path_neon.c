#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#include "path.h"
#pragma STDC FP_CONTRACT OFF
#define FN static inline __attribute__((always_inline))
#define PATH mmx_path_neon
#define PLAIN mmx_plain_neon
#define TILES_OF_24 0
#define SHORT_PRODUCTS 1
#define DENSE "dense.h"
#define KEPT(x) "+w"(x)
enum { PEAK_SUMS = 12 };
#include "vec_neon.h"
#include "path_body.h"
#endif
