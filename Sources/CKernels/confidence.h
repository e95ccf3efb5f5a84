// The parts of mmx_softmax_entropy that the portable kernel and the fast paths share.
#ifndef MMX_CONFIDENCE_PARTS_H
#define MMX_CONFIDENCE_PARTS_H
#pragma STDC FP_CONTRACT OFF
#include "elementary.h"

static inline int mmx_logits_are_sound(const float *logits, int32_t n, float temperature) {
  int unsound = !(temperature > 0.0f);
  // An infinity or NaN less itself is NaN.
  for (int32_t i = 0; i < n; i++) unsound |= logits[i] - logits[i] != 0.0f;
  return !unsound;
}

// Partial sums of exponentials and of exponential * exponent: as many as hide the additions' latency.
enum { MMX_PARTIAL_SUMS = 16 };

static inline double mmx_total(const double *partial) {
  double sum = 0.0;
  for (int i = 0; i < MMX_PARTIAL_SUMS; i++) sum += partial[i];
  return sum;
}

// Probabilities from exponentials, given their sum and that of exponential * exponent; returns the normalized entropy.
static inline float mmx_normalize(double sum, double weighted, int32_t n, float *probability) {
  for (int32_t i = 0; i < n; i++) probability[i] = (float)((double)probability[i] / sum);
  // -sum(p ln p) with p = e / sum: both parts are >= 0, so nothing cancels.
  double entropy = (mmx_log_double(sum) - weighted / sum) / mmx_log_double((double)n);
  float h = (float)entropy;
  return h < 0.0f ? 0.0f : h > 1.0f ? 1.0f : h;
}
#endif
