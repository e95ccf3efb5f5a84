#pragma STDC FP_CONTRACT OFF
#include "confidence.h"
#include "mmx_confidence.h"

float mmx_softmax_entropy(const float *logits, int32_t n, float temperature, float *probability, int32_t *best) {
  *best = 0;
  if (!mmx_logits_are_sound(logits, n, temperature)) {
    for (int32_t i = 0; i < n; i++) probability[i] = 1.0f / (float)n;
    return 1.0f;
  }
  for (int32_t i = 1; i < n; i++) {
    if (logits[i] > logits[*best]) *best = i;
  }
  float largest = logits[*best];
  double sum[MMX_PARTIAL_SUMS] = {0.0}, weighted[MMX_PARTIAL_SUMS] = {0.0};
  for (int32_t i = 0; i < n; i++) {
    float below = (logits[i] - largest) / temperature;
    float e = mmx_expf(below);
    probability[i] = e;
    sum[i % MMX_PARTIAL_SUMS] += (double)e;
    // At e = 0 `below` may be infinite; the limit of e * below is 0.
    if (e > 0.0f) weighted[i % MMX_PARTIAL_SUMS] += (double)e * (double)below;
  }
  return mmx_normalize(mmx_total(sum), mmx_total(weighted), n, probability);
}
