// NEON of every arm64: staged values are int16 with the zero point taken off, smlal sums exact 32-bit products.
#include "finish_neon.h"
enum { LANES = 8, GROUP = 1, MAX_SUMS = 12 };
typedef int16_t element;
typedef int16x8_t word;

FN word v_weights(const element *p) { return vld1q_s16(p); }
FN word v_widened(const int8_t *p) { return vmovl_s8(vld1_s8(p)); }
FN word v_words(const void *p) {
  word v;
  memcpy(&v, p, sizeof v);
  return v;
}
FN word v_spread(const void *p) {
  int16_t value;
  memcpy(&value, p, sizeof value);
  return vdupq_n_s16(value);
}
FN sums v_dot(sums acc, word x, word w) {
  return (sums){vmlal_s16(acc.low, vget_low_s16(x), vget_low_s16(w)), vmlal_high_s16(acc.high, x, w)};
}

FN element staged_zero(int32_t zero_point) { (void)zero_point; return 0; }
FN int32_t staged_offset(int32_t zero_point) { (void)zero_point; return 0; }

FN void stage_values(const int8_t *in, int32_t n, int32_t zero_point, element *out) {
  int16x8_t zero = vdupq_n_s16((int16_t)zero_point);
  int32_t i = 0;
  for (; i + 8 <= n; i += 8) vst1q_s16(out + i, vsubq_s16(vmovl_s8(vld1_s8(in + i)), zero));
  for (; i < n; i++) out[i] = (element)(in[i] - zero_point);
}

// A word is one value: the row as it is.
FN void weave(const element *const *rows, int32_t n, char *words) {
  memcpy(words, rows[0], (size_t)n * sizeof(element));
}
