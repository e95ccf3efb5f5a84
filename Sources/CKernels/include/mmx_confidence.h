// From logits to a confidence, with exp and log of our own: libm differs between C libraries and CPUs.
#ifndef MMX_CONFIDENCE_H
#define MMX_CONFIDENCE_H
#include <stdint.h>

// Natural exponent and logarithm, float32 in and out, the same bits on every IEEE-754 CPU (|error| <= 1 ulp).
// exp: NaN -> NaN, +inf and overflow -> +inf, -inf and underflow -> 0. log: NaN and below 0 -> NaN, +-0 -> -inf.
float mmx_expf(float x);
float mmx_logf(float x);

// Calibrated softmax of logits / temperature and its normalized entropy (paper eq. 2). probability[n] is written.
// n >= 2, temperature > 0. Returns entropy in [0, 1]; *best is the first index of the largest logit.
// With d = (logit - largest) / temperature and e = mmx_expf(d): probability = e / S, S = sum(e), and the entropy is
// (ln S - sum(e * d) / S) / ln n: 1 for equal logits and 0 for one-hot ones, exactly. Sums are in double: each class i goes
// to partial sum i modulo 16 in index order, and the 16 are added in theirs. (Up to 16 classes, that is index order.)
// A NaN or infinite logit (or temperature <= 0 or NaN) gives entropy 1, best 0, and 1 / n for all: what is not a
// number is never sure.
float mmx_softmax_entropy(const float *logits, int32_t n, float temperature, float *probability, int32_t *best);
#endif
