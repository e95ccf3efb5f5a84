#if defined(__aarch64__)
#include <string.h>

#include "path.h"
#pragma STDC FP_CONTRACT OFF
#define FN static inline __attribute__((always_inline))
#define PLAIN mmx_plain_neon
#define WIDE 4
#include "plain_body.h"
#endif
