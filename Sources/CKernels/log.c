#pragma STDC FP_CONTRACT OFF
#include "elementary.h"
#include "mmx_confidence.h"

float mmx_logf(float x) {
  if (x == 0.0f) return -__builtin_inff();
  if (!(x > 0.0f)) return __builtin_nanf("");
  if (x == __builtin_inff()) return x;
  // Every denormal float is a normal double.
  return (float)mmx_log_double((double)x);
}
