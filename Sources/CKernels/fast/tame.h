// Whether sums times multipliers stay within int32, which they do in any layer whose outputs its scales were made for: then the
// conversion needs no bound before it. A layer with a multiplier beyond that is WILD and takes a slower way.

enum { TAME, WILD };

// Of all outputs. `terms`: of one sum.
static int32_t temper(const int32_t *bias, const float *multiplier, int32_t outputs, int32_t terms) {
  for (int32_t i = 0; i < outputs; i++) {
    double most = (double)terms * MMX_MAX_TERM + (bias[i] < 0 ? -(double)bias[i] : (double)bias[i]);
    // (float) may round a sum up; and NaN is not tame.
    if (!(most * (double)multiplier[i] < 2147483000.0)) return WILD;
  }
  return TAME;
}
