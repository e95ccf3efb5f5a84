// Eight sums in two NEON vectors, and how they become int8: what the arm64 paths share. The conversion rounds half to
// even and saturates (NaN gives 0), and every narrowing saturates, so no bound is needed before the last.
#include <arm_neon.h>
#include <string.h>
typedef struct {
  int32x4_t low, high;
} sums;

FN sums v_bias(const int32_t *p) { return (sums){vld1q_s32(p), vld1q_s32(p + 4)}; }
FN sums v_max(sums a, sums b) { return (sums){vmaxq_s32(a.low, b.low), vmaxq_s32(a.high, b.high)}; }

typedef struct {
  int16x8_t zero;
  int8x8_t low, high;
} finish;

FN finish finish_of(const mmx_requantize *q) {
  return (finish){vdupq_n_s16((int16_t)q->out_zero_point), vdup_n_s8((int8_t)q->clamp_min),
                  vdup_n_s8((int8_t)q->clamp_max)};
}

FN int16x4_t rounded(int32x4_t acc, const float *multiplier) {
  return vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(multiplier))));
}

FN void v_store(const sums *acc, int32_t count, const float *const *multiplier, int8_t *const *out,
                const int32_t *valid, const finish *f, const int together, const int tame) {
  (void)together;
  (void)tame;
#pragma unroll
  for (int32_t i = 0; i < count; i++) {
    int16x8_t v = vcombine_s16(rounded(acc[i].low, multiplier[i]), rounded(acc[i].high, multiplier[i] + 4));
    int8x8_t bytes = vmin_s8(vmax_s8(vqmovn_s16(vqaddq_s16(v, f->zero)), f->low), f->high);
    if (valid[i] >= 8) {
      vst1_s8(out[i], bytes);
    } else {
      int8_t some[8];
      vst1_s8(some, bytes);
      memcpy(out[i], some, (size_t)valid[i]);
    }
  }
}

FN void v_store_real(sums acc, const float *scale, int32_t valid, float *out) {
  float values[8];
  vst1q_f32(values, vmulq_f32(vcvtq_f32_s32(acc.low), vld1q_f32(scale)));
  vst1q_f32(values + 4, vmulq_f32(vcvtq_f32_s32(acc.high), vld1q_f32(scale + 4)));
  memcpy(out, values, (size_t)(valid < 8 ? valid : 8) * sizeof(float));
}
FN sums v_swapped(sums a) { return (sums){vrev64q_s32(a.low), vrev64q_s32(a.high)}; }  // lanes 1, 0, 3, 2, ...

// `words` with the results of one more channel put `shift` bits up in every lane.
FN sums v_join(sums words, sums acc, const float *multiplier, const mmx_requantize *q, int32_t shift) {
  finish f = finish_of(q);
  int16x8_t v = vcombine_s16(rounded(acc.low, multiplier), rounded(acc.high, multiplier + 4));
  int8x8_t bytes = vmin_s8(vmax_s8(vqmovn_s16(vqaddq_s16(v, f.zero)), f.low), f.high);
  uint16x8_t wide = vmovl_u8(vreinterpret_u8_s8(bytes));
  int32x4_t by = vdupq_n_s32(shift);
  uint32x4_t low = vshlq_u32(vmovl_u16(vget_low_u16(wide)), by), high = vshlq_u32(vmovl_high_u16(wide), by);
  return (sums){vorrq_s32(words.low, vreinterpretq_s32_u32(low)), vorrq_s32(words.high, vreinterpretq_s32_u32(high))};
}
FN sums v_none(void) { return (sums){vdupq_n_s32(0), vdupq_n_s32(0)}; }
FN void v_dump(sums a, uint32_t *out) {
  vst1q_s32((int32_t *)out, a.low);
  vst1q_s32((int32_t *)out + 4, a.high);
}
