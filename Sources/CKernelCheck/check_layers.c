#include <stdio.h>
#include <string.h>

#include "checker.h"

static void kernel_of(mmx_checker *c, mmx_window *w) {
  static const int32_t usual[] = {1, 3, 3, 5};
  if (mmx_within(c, 0, 3) > 0) {
    w->kernel_height = w->kernel_width = usual[mmx_bits(c) % 4];
  } else {
    w->kernel_height = mmx_within(c, 1, 10);
    w->kernel_width = mmx_within(c, 1, 7);
  }
}

static mmx_window random_window(mmx_checker *c, mmx_layer_kind kind) {
  for (;;) {
    mmx_window w = {1, 1, mmx_channels(c), 1, 1, mmx_channels(c), 1, 1, 1, 1, 0, 0};
    if (kind == MMX_LINEAR || kind == MMX_LOGITS) {
      w.in_channels = mmx_within(c, 1, mmx_within(c, 0, 3) > 0 ? 80 : 1500);
      w.out_channels = mmx_within(c, 1, 150);
      return w;
    }
    if (kind == MMX_CONV2D && mmx_within(c, 0, 4) == 0) {
      w.in_channels = 1;
      w.out_channels = mmx_within(c, 1, 9);
    }
    if (kind == MMX_DEPTHWISE) w.out_channels = w.in_channels;
    kernel_of(c, &w);
    int stem = kind == MMX_CONV2D && w.in_channels == 1 && mmx_within(c, 0, 1) == 0;
    if (stem) w.kernel_height = w.kernel_width = 5;
    // What the paths of 16-bit products compute by another algorithm wants more channels and cells than most cases have.
    int transformed = kind == MMX_CONV2D && mmx_within(c, 0, 7) == 0;
    if (transformed) {
      w.kernel_height = w.kernel_width = 3;
      int thin = mmx_within(c, 0, 2) == 0;
      w.in_channels = thin ? 6 + 2 * mmx_within(c, 0, 1) : mmx_within(c, 10, 50);
      w.out_channels = thin ? 4 * mmx_within(c, 2, 6) : mmx_within(c, 4, 50);
    }
    if (stem) w.in_channels = 1, w.out_channels = mmx_within(c, 1, 9);
    // Pointwise layers of whole vectors, which some paths compute with cells along the lanes.
    int pointwise = kind == MMX_CONV2D && !transformed && !stem && mmx_within(c, 0, 15) == 0;
    if (pointwise) {
      w.kernel_height = w.kernel_width = 1;
      w.in_channels = 16 * mmx_within(c, 2, 9);
      w.out_channels = 16 * mmx_within(c, 1, 5);
    }
    int large = mmx_within(c, 0, 99) == 0;
    w.in_height = mmx_within(c, 1, large ? 130 : 16);
    w.in_width = mmx_within(c, 1, large ? 280 : stem || mmx_within(c, 0, 7) == 0 ? 60 : 16);
    w.stride_y = mmx_within(c, 1, 2);
    w.stride_x = mmx_within(c, 0, 3) == 0 ? mmx_within(c, 1, 3) : w.stride_y;
    if (transformed || pointwise || (stem && mmx_within(c, 0, 3) > 0)) w.stride_x = w.stride_y = 1;
    w.pad_top = mmx_within(c, 0, w.kernel_height - 1);
    w.pad_left = mmx_within(c, 0, w.kernel_width - 1);
    int32_t height = w.in_height + w.pad_top + mmx_within(c, 0, w.kernel_height - 1) - w.kernel_height;
    int32_t width = w.in_width + w.pad_left + mmx_within(c, 0, w.kernel_width - 1) - w.kernel_width;
    if (height < 0 || width < 0) continue;
    w.out_height = height / w.stride_y + 1;
    w.out_width = width / w.stride_x + 1;
    int64_t volume = (int64_t)w.kernel_height * w.kernel_width * w.in_channels;
    int64_t work = (int64_t)w.out_height * w.out_width * volume * (kind == MMX_DEPTHWISE ? 1 : w.out_channels);
    // Small layers are many more than large ones, so that a million cases take minutes.
    if (work > (large || mmx_within(c, 0, 49) == 0 ? 1 << 20 : pointwise ? 1 << 20 : transformed || stem ? 1 << 18 : 1 << 14)) continue;
    if (volume * w.out_channels <= VALUES && (int64_t)w.in_height * w.in_width * w.in_channels <= VALUES) return w;
  }
}

// Multipliers that bring most sums of this layer within int8, some beyond, and now and then absurd ones.
static void outputs(mmx_checker *c, const mmx_window *w, mmx_requantize *q, int32_t terms) {
  float middle = 1.0f / (float)terms;
  for (int32_t i = 0; i < w->out_channels; i++) {
    c->multiplier[i] = middle * (float)mmx_within(c, 1, 1000) * 0.0001f;
    if (mmx_within(c, 0, 63) == 0) c->multiplier[i] = mmx_bits(c) & 1 ? 3e38f : 1e-38f;
    c->bias[i] = mmx_within(c, -20000, 20000);
    if (mmx_within(c, 0, 31) == 0) c->bias[i] = INT32_MAX - terms * MMX_MAX_TERM;
    if (mmx_within(c, 0, 31) == 0) c->bias[i] = -(INT32_MAX - terms * MMX_MAX_TERM);
  }
  *q = (mmx_requantize){c->multiplier, mmx_zero_point(c), mmx_zero_point(c), -128, 127};
  if (mmx_bits(c) & 1) q->clamp_min = q->out_zero_point;
  if (mmx_within(c, 0, 3) == 0) {
    q->clamp_min = mmx_within(c, -128, 127);
    q->clamp_max = mmx_within(c, q->clamp_min, 127);
  }
}

static void describe(const mmx_layer *l, const char *what, char *text) {
  static const char *const kinds[] = {"conv2d", "depthwise", "linear", "logits"};
  const mmx_window *w = &l->window;
  snprintf(text, MMX_CHECK_TEXT, "%s %dx%dx%d -> %dx%dx%d, kernel %dx%d, stride %d,%d, pad %d,%d%s%s", kinds[l->kind],
           w->in_height, w->in_width, w->in_channels, w->out_height, w->out_width, w->out_channels, w->kernel_height,
           w->kernel_width, w->stride_y, w->stride_x, w->pad_top, w->pad_left, l->pool_2x2 ? ", pooled" : "", what);
}

int mmx_check_layer(mmx_checker *c, mmx_isa isa, char *text) {
  static const mmx_layer_kind kinds[] = {MMX_CONV2D, MMX_CONV2D, MMX_CONV2D, MMX_DEPTHWISE, MMX_DEPTHWISE,
                                         MMX_LINEAR, MMX_LOGITS};
  mmx_layer_kind kind = kinds[mmx_bits(c) % 7];
  mmx_window w = random_window(c, kind);
  int pool = kind == MMX_CONV2D && w.out_height > 1 && w.out_width > 1 && (mmx_bits(c) & 1);
  int32_t terms = w.kernel_height * w.kernel_width * (kind == MMX_DEPTHWISE ? 1 : w.in_channels);
  mmx_requantize q;
  outputs(c, &w, &q, terms);
  size_t inputs = (size_t)(w.in_height * w.in_width * w.in_channels), weights = (size_t)terms * (size_t)w.out_channels;
  int8_t *in = mmx_carve(c, c->in, inputs, 1), *weight = mmx_carve(c, c->weight, weights, 1);
  mmx_draw(c, in, inputs, -128);
  mmx_draw(c, weight, weights, -127);
  // As small as this, the sums of some paths may take another way.
  int32_t most = mmx_within(c, 0, 3) > 0 ? 127 : mmx_within(c, 1, 127);
  for (size_t i = 0; i < weights && most < 127; i++) weight[i] = (int8_t)(weight[i] % (most + 1));
  mmx_layer reference, layer;
  mmx_layer_plan(MMX_PORTABLE, kind, &w, &q, pool, &reference);
  mmx_layer_pack(&reference, weight, c->bias, c->multiplier, c->constants.start);
  mmx_layer_run(&reference, in, c->scratch.start, c->wanted);
  mmx_layer_plan(isa, kind, &w, &q, pool, &layer);
  if (layer.constant_bytes > CONSTANTS || layer.scratch_bytes > SCRATCH) {
    describe(&layer, ": wants more memory than the check has", text);
    return 0;
  }
  size_t n = (size_t)layer.out_height * (size_t)layer.out_width * (size_t)w.out_channels;
  if (kind == MMX_LOGITS) n *= sizeof(float);
  // Scratch full of old bytes: what is read beyond the layer's values must not matter.
  uint8_t *scratch = mmx_carve(c, c->scratch, layer.scratch_bytes, 64);
  uint8_t *constants = mmx_carve(c, c->constants, layer.constant_bytes, 64);
  memset(scratch, (int)(c->state & 0xFF), layer.scratch_bytes);
  int8_t *out = mmx_carve_out(c, n, kind == MMX_LOGITS ? sizeof(float) : 1);
  mmx_layer_pack(&layer, weight, c->bias, c->multiplier, constants);
  mmx_layer_run(&layer, in, scratch, out);
  describe(&layer, "", text);
  return mmx_compare(c, out, n, text);
}
