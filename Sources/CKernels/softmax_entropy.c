#pragma STDC FP_CONTRACT OFF
#include "elementary.h"
#include "mmx_confidence.h"

static int sound(const float *logits, int32_t n, float temperature) {
  if (!(temperature > 0.0f)) return 0;
  for (int32_t i = 0; i < n; i++) {
    // An infinity or NaN less itself is NaN.
    if (logits[i] - logits[i] != 0.0f) return 0;
  }
  return 1;
}

float mmx_softmax_entropy(const float *logits, int32_t n, float temperature, float *probability, int32_t *best) {
  *best = 0;
  if (!sound(logits, n, temperature)) {
    for (int32_t i = 0; i < n; i++) probability[i] = 1.0f / (float)n;
    return 1.0f;
  }
  for (int32_t i = 1; i < n; i++) {
    if (logits[i] > logits[*best]) *best = i;
  }
  float largest = logits[*best];
  double sum = 0.0, weighted = 0.0;
  for (int32_t i = 0; i < n; i++) {
    float below = (logits[i] - largest) / temperature;
    float e = mmx_expf(below);
    probability[i] = e;
    sum += (double)e;
    // At e = 0 `below` may be infinite; the limit of e * below is 0.
    if (e > 0.0f) weighted += (double)e * (double)below;
  }
  for (int32_t i = 0; i < n; i++) probability[i] = (float)((double)probability[i] / sum);
  // -sum(p ln p) with p = e / sum: both parts are >= 0, so nothing cancels.
  double entropy = (mmx_log_double(sum) - weighted / sum) / mmx_log_double((double)n);
  float h = (float)entropy;
  return h < 0.0f ? 0.0f : h > 1.0f ? 1.0f : h;
}
