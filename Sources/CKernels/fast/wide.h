// Vectors of WIDE floats and what belongs to them, in the compiler's own vector types: one text for every CPU. What is
// computed lane by lane here is what the portable kernels compute value by value, in the same order, so the bits are the
// same. WIDE is 4, 8 or 16; a type wider than the CPU's registers becomes several of them.
#include <stdint.h>
#include <string.h>

#include "../elementary.h"
// Such types are never passed between functions that are not inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

typedef float reals __attribute__((vector_size(4 * WIDE)));
typedef int32_t ints __attribute__((vector_size(4 * WIDE)));
typedef uint32_t words __attribute__((vector_size(4 * WIDE)));
typedef double doubles __attribute__((vector_size(8 * WIDE)));
typedef int64_t longs __attribute__((vector_size(8 * WIDE)));
typedef int8_t bytes __attribute__((vector_size(WIDE)));

FN reals load_reals(const float *p) {
  reals v;
  memcpy(&v, p, sizeof v);
  return v;
}
FN void store_reals(float *p, reals v) { memcpy(p, &v, sizeof v); }
FN ints load_ints(const void *p) {
  ints v;
  memcpy(&v, p, sizeof v);
  return v;
}
FN reals spread_real(float x) { return x - (reals){}; }
FN reals pick(ints mask, reals yes, reals no) { return (reals)(((ints)yes & mask) | ((ints)no & ~mask)); }

// The lower and the upper halves of two vectors, interleaved.
#if WIDE == 4
#define LOW_ZIP 0, 4, 1, 5
#define HIGH_ZIP 2, 6, 3, 7
#elif WIDE == 8
#define LOW_ZIP 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_ZIP 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW_ZIP 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_ZIP 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#endif

// rows[i][j] becomes rows[j][i]: every round is a perfect shuffle of all WIDE * WIDE words.
FN void transpose(ints *rows) {
#pragma unroll
  for (int round = 1; round < WIDE; round *= 2) {
    ints next[WIDE];
#pragma unroll
    for (int i = 0; i < WIDE / 2; i++) {
      next[2 * i] = __builtin_shufflevector(rows[i], rows[i + WIDE / 2], LOW_ZIP);
      next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + WIDE / 2], HIGH_ZIP);
    }
#pragma unroll
    for (int i = 0; i < WIDE; i++) rows[i] = next[i];
  }
}

// mmx_logf of values above 0. Twice as many as elsewhere: the chain of a polynomial leaves room for a second.
enum { LOGS = 2 * WIDE };
typedef float log_reals __attribute__((vector_size(4 * LOGS)));
typedef double log_doubles __attribute__((vector_size(8 * LOGS)));
typedef int32_t log_ints __attribute__((vector_size(4 * LOGS)));
typedef int64_t log_longs __attribute__((vector_size(8 * LOGS)));

FN log_reals log_of(log_reals x) {
  log_longs bits = (log_longs)__builtin_convertvector(x, log_doubles) + MMX_TO_ONE;
  // The exponent's bits become a double with no conversion: 0x433 is the exponent of 2^52.
  log_doubles scale = (log_doubles)((bits >> 52) | 0x4330000000000000) - (4503599627370496.0 + 1023.0);
  log_doubles m = (log_doubles)((bits & MMX_MANTISSA) + MMX_HALF_ROOT);
  log_doubles s = (m - 1.0) / (m + 1.0), z = s * s;
  log_doubles p = mmx_log_terms[0] - (log_doubles){};
#pragma unroll
  for (int i = 1; i < MMX_LOG_TERMS; i++) p = p * z + mmx_log_terms[i];
  log_doubles y = scale * MMX_LN2_HIGH + (2.0 * s + (2.0 * s * z * p + scale * MMX_LN2_LOW));
  log_ints infinite = x == __builtin_inff();
  return (log_reals)(((log_ints)x & infinite) | ((log_ints)__builtin_convertvector(y, log_reals) & ~infinite));
}

// mmx_expf of values that are not NaN and at most 0: eight registers of doubles, since the chain of the polynomial is long and
// a processor looks ahead no further than to the next few.
enum { EXPS = 4 * WIDE };
typedef float exp_reals __attribute__((vector_size(4 * EXPS)));
typedef double exp_doubles __attribute__((vector_size(8 * EXPS)));
typedef int32_t exp_ints __attribute__((vector_size(4 * EXPS)));
typedef int64_t exp_longs __attribute__((vector_size(8 * EXPS)));

// One register of doubles, and what the compiler must believe to change: left alone, it computes one register's polynomial after the
// other, each of whose steps waits for the one before.
typedef double register_doubles __attribute__((vector_size(4 * WIDE)));
#if defined(__aarch64__)
#define IN_TURN(x) __asm__ volatile("" : "+w"(x))
#else
#define IN_TURN(x) __asm__ volatile("" : "+x"(x))
#endif
enum { CHAINS = (int)(sizeof(exp_doubles) / sizeof(register_doubles)) };

FN exp_doubles exp_polynomial(exp_doubles of) {
  register_doubles r[CHAINS], p[CHAINS];
  memcpy(r, &of, sizeof r);
#pragma unroll
  for (int c = 0; c < CHAINS; c++) p[c] = mmx_exp_terms[0] - (register_doubles){};
#pragma unroll
  for (int i = 1; i < MMX_EXP_TERMS; i++) {
#pragma unroll
    for (int c = 0; c < CHAINS; c++) {
      p[c] = p[c] * r[c] + mmx_exp_terms[i];
      IN_TURN(p[c]);
    }
  }
  memcpy(&of, p, sizeof of);
  return of;
}

FN exp_reals exp_of(exp_reals x) {
  exp_ints lives = x >= -104.0f;
  exp_doubles d = __builtin_convertvector((exp_reals)((exp_ints)x & lives), exp_doubles);
  exp_doubles shifted = d * MMX_LOG2_E + MMX_ROUND_DOUBLE, n = shifted - MMX_ROUND_DOUBLE;
  exp_doubles r = (d - n * MMX_LN2_HIGH) - n * MMX_LN2_LOW;
  exp_doubles p = exp_polynomial(r);
  // The last bits of `shifted` are n itself.
  exp_doubles power = (exp_doubles)(((exp_longs)shifted + 1023) << 52);
  return (exp_reals)((exp_ints)__builtin_convertvector(p * power, exp_reals) & lives);
}

// mmx_round_saturate to int8's own bounds.
FN void store_rounded(reals v, int32_t zero, int8_t *out) {
  v = pick(v < -512.0f, spread_real(-512.0f), v);
  v = pick(v > 512.0f, spread_real(512.0f), v);
  v = pick(v == v, v, (reals){});
  ints whole = (ints)(v + 12582912.0f) - (0x4B400000 - zero);
  ints low = whole < -128, high = whole > 127;
  whole = (low & -128) | (high & 127) | (whole & ~(low | high));
  bytes narrow = __builtin_convertvector(whole, bytes);
  memcpy(out, &narrow, sizeof narrow);
}
