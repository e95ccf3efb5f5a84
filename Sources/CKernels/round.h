// The one rounding of the kernels: float32 to int8.
#ifndef MMX_ROUND_H
#define MMX_ROUND_H
#pragma STDC FP_CONTRACT OFF
#include <stdint.h>
#include <string.h>

static inline int32_t mmx_clamp(int32_t x, int32_t low, int32_t high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

// clamp(rint(v) + zero, low, high), ties to even, NaN as 0. zero, low and high within [-128, 127].
static inline int8_t mmx_round_saturate(float v, int32_t zero, int32_t low, int32_t high) {
  // Beyond +-256 the answer is a bound whatever the zero point, so this changes nothing and tames the conversion.
  v = v < -512.0f ? -512.0f : v;
  v = v > 512.0f ? 512.0f : v;
  v = v == v ? v : 0.0f;
  // 1.5 * 2^23: the sum's last mantissa bit has weight 1, so the addition itself rounds, half to even. rintf would
  // be a library call on CPUs without a rounding instruction in their baseline.
  float shifted = v + 12582912.0f;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (int8_t)mmx_clamp(bits - 0x4B400000 + zero, low, high);
}
#endif
