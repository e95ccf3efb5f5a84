// arm64 with dot products: staged values are int8 as they are, sdot sums four products in 32 bits.
#include "finish_neon.h"
enum { LANES = 8, GROUP = 4, MAX_SUMS = 12 };
typedef int8_t element;
typedef struct {
  int8x16_t low, high;
} word;

FN word v_weights(const element *p) { return (word){vld1q_s8(p), vld1q_s8(p + 16)}; }
FN word v_words(const void *p) { return v_weights(p); }
FN word v_spread(const void *p) {
  int32_t group;
  memcpy(&group, p, sizeof group);
  int8x16_t v = vreinterpretq_s8_s32(vdupq_n_s32(group));
  return (word){v, v};
}
FN sums v_dot(sums acc, word x, word w) {
  return (sums){vdotq_s32(acc.low, x.low, w.low), vdotq_s32(acc.high, x.high, w.high)};
}

FN element staged_zero(int32_t zero_point) { return (element)zero_point; }
FN int32_t staged_offset(int32_t zero_point) { return zero_point; }

FN void stage_values(const int8_t *in, int32_t n, int32_t zero_point, element *out) {
  (void)zero_point;
  memcpy(out, in, (size_t)n);
}

// words[i] = (rows[0][i], ..., rows[3][i]). May write as much as four vectors beyond n words.
FN void weave(const element *const *rows, int32_t n, char *words) {
  for (int32_t i = 0; i < n; i += 16) {
    // st4 interleaves four vectors byte by byte: exactly this.
    int8x16x4_t v = {{vld1q_s8(rows[0] + i), vld1q_s8(rows[1] + i), vld1q_s8(rows[2] + i), vld1q_s8(rows[3] + i)}};
    vst4q_s8((int8_t *)words + 4 * (size_t)i, v);
  }
}
