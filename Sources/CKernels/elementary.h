// exp, log, sine and cosine in double from additions, multiplications and divisions alone: IEEE 754 fixes the bits of
// those, while C libraries differ in their own. Errors are a few units in the last place of double.
#ifndef MMX_ELEMENTARY_H
#define MMX_ELEMENTARY_H
#pragma STDC FP_CONTRACT OFF
#include <stdint.h>
#include <string.h>

// Coefficients, the highest power first. fast/wide.h evaluates the same polynomials in the same order.
enum { MMX_EXP_TERMS = 14, MMX_LOG_TERMS = 11 };
static const double mmx_exp_terms[MMX_EXP_TERMS] = {
    1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0,
    1.0 / 720.0,        1.0 / 120.0,       1.0 / 24.0,       1.0 / 6.0,       0.5,            1.0,           1.0};
static const double mmx_log_terms[MMX_LOG_TERMS] = {1.0 / 23.0, 1.0 / 21.0, 1.0 / 19.0, 1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0,
                                                    1.0 / 11.0, 1.0 / 9.0,  1.0 / 7.0,  1.0 / 5.0,  1.0 / 3.0};
// 1.5 * 2^52: adding it rounds to an integer, as in mmx_round_saturate.
#define MMX_ROUND_DOUBLE 6755399441055744.0
// ln 2 in two parts; the first has 21 trailing zero bits, so an exponent times it is exact.
#define MMX_LN2_HIGH 6.93147180369123816490e-01
#define MMX_LN2_LOW 1.90821492927058770002e-10
#define MMX_LOG2_E 1.4426950408889634
// The bits of sqrt(1/2), and their distance from those of 1.
#define MMX_HALF_ROOT 0x3FE6A09E667F3BCD
#define MMX_TO_ONE (0x3FF0000000000000 - MMX_HALF_ROOT)
#define MMX_MANTISSA 0x000FFFFFFFFFFFFF

// e^x for |x| <= 700: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor polynomial of degree 13 (remainder below 1e-17).
static inline double mmx_exp_double(double x) {
  const double *c = mmx_exp_terms;
  double n = (x * MMX_LOG2_E + MMX_ROUND_DOUBLE) - MMX_ROUND_DOUBLE;
  double r = (x - n * MMX_LN2_HIGH) - n * MMX_LN2_LOW;
  double p = c[0];
  for (int i = 1; i < MMX_EXP_TERMS; i++) p = p * r + c[i];
  uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return p * power;
}

// ln x for a normal positive x: x = 2^e m, m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m - 1) / (m + 1)), whose series
// is cut after s^23 (remainder below 1e-18).
static inline double mmx_log_double(double x) {
  const double *c = mmx_log_terms;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  // Adding the distance from sqrt(1/2) to 1 carries into the exponent exactly when m reaches sqrt(2).
  bits += MMX_TO_ONE;
  int64_t e = (int64_t)(bits >> 52) - 1023;
  bits = (bits & MMX_MANTISSA) + MMX_HALF_ROOT;
  double m;
  memcpy(&m, &bits, sizeof m);
  double s = (m - 1.0) / (m + 1.0);
  double z = s * s;
  double p = c[0];
  for (int i = 1; i < MMX_LOG_TERMS; i++) p = p * z + c[i];
  double scale = (double)e;
  return scale * MMX_LN2_HIGH + (2.0 * s + (2.0 * s * z * p + scale * MMX_LN2_LOW));
}

typedef struct {
  double cosine, sine;
} mmx_direction;

// Cosine and sine of 2 pi part / whole, 0 <= part < whole < 2^28. The octant is found in integers, so symmetric
// angles have the same bits; Taylor polynomials on [0, pi / 4] (remainders below 1e-17).
static inline mmx_direction mmx_direction_of(int32_t part, int32_t whole) {
  int64_t eighths = 8 * (int64_t)part;
  int octant = (int)(eighths / whole);
  int64_t rest = eighths - (int64_t)octant * whole;
  if (octant & 1) rest = whole - rest;
  double a = 0.78539816339744830962 * ((double)rest / (double)whole);
  double z = a * a;
  double cosine = 1.0, sine = a, term_c = 1.0, term_s = a;
  for (int i = 1; i <= 9; i++) {
    term_c = -(term_c * z) / (double)((2 * i - 1) * (2 * i));
    term_s = -(term_s * z) / (double)((2 * i) * (2 * i + 1));
    cosine += term_c;
    sine += term_s;
  }
  // Octants 1 and 2, 5 and 6 lie nearer to the vertical axis.
  int swap = (octant & 3) == 1 || (octant & 3) == 2;
  double x = swap ? sine : cosine, y = swap ? cosine : sine;
  if (octant >= 2 && octant < 6) x = -x;
  if (octant >= 4) y = -y;
  return (mmx_direction){x, y};
}
#endif
