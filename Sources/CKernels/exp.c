#pragma STDC FP_CONTRACT OFF
#include "elementary.h"
#include "mmx_confidence.h"

float mmx_expf(float x) {
  if (x != x) return x + x;
  // The largest float whose exponent is finite, and one below which it rounds to 0.
  if (x > 88.72283172607421875f) return __builtin_inff();
  if (x < -104.0f) return 0.0f;
  return (float)mmx_exp_double((double)x);
}
