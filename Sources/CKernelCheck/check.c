#include "include/mmx_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = 1 << 18, CHANNELS = 1 << 12, GUARD = 128, CONSTANTS = 1 << 23, SCRATCH = 1 << 22 };

struct mmx_checker {
  int8_t in[VALUES], weight[VALUES], wanted[VALUES], got[VALUES + 2 * GUARD];
  int32_t bias[CHANNELS];
  float multiplier[CHANNELS];
  uint8_t *constants, *scratch;
  uint64_t state;
};

mmx_checker *mmx_checker_new(void) {
  mmx_checker *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  c->constants = aligned_alloc(64, CONSTANTS);
  c->scratch = aligned_alloc(64, SCRATCH);
  if (c->constants != NULL && c->scratch != NULL) return c;
  mmx_checker_free(c);
  return NULL;
}

void mmx_checker_free(mmx_checker *c) {
  if (c == NULL) return;
  free(c->constants);
  free(c->scratch);
  free(c);
}

// SplitMix64.
static uint64_t bits(mmx_checker *c) {
  uint64_t z = (c->state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static int32_t within(mmx_checker *c, int32_t low, int32_t high) {
  return low + (int32_t)(bits(c) % (uint64_t)(high - low + 1));
}

// How values are drawn: any, often at an end, always at an end, or all the same end.
static void draw(mmx_checker *c, int8_t *to, size_t n, int8_t low) {
  int manner = within(c, 0, 3);
  int8_t same = bits(c) & 1 ? 127 : low;
  uint64_t word = 0;
  for (size_t i = 0; i < n; i++) {
    if (i % 8 == 0) word = bits(c);
    uint8_t byte = (uint8_t)(word >> (8 * (i % 8)));
    int8_t any = (int8_t)byte < low ? low : (int8_t)byte;
    if (manner == 0) to[i] = any;
    if (manner == 1) to[i] = byte % 3 == 0 ? low : byte % 3 == 1 ? 127 : any;
    if (manner == 2) to[i] = byte & 1 ? 127 : low;
    if (manner == 3) to[i] = same;
  }
}

static int32_t zero_point(mmx_checker *c) {
  switch (within(c, 0, 3)) {
    case 0: return -128;
    case 1: return 127;
    case 2: return 0;
    default: return within(c, -128, 127);
  }
}

static int32_t channels(mmx_checker *c) {
  static const int32_t usual[] = {1, 3, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
  return bits(c) & 1 ? usual[bits(c) % 12] : within(c, 1, 70);
}

static void kernel_of(mmx_checker *c, mmx_window *w) {
  static const int32_t usual[] = {1, 3, 3, 5};
  if (within(c, 0, 3) > 0) {
    w->kernel_height = w->kernel_width = usual[bits(c) % 4];
  } else {
    w->kernel_height = within(c, 1, 10);
    w->kernel_width = within(c, 1, 7);
  }
}

static mmx_window random_window(mmx_checker *c, mmx_layer_kind kind) {
  for (;;) {
    mmx_window w = {1, 1, channels(c), 1, 1, channels(c), 1, 1, 1, 1, 0, 0};
    if (kind == MMX_LINEAR || kind == MMX_LOGITS) {
      w.in_channels = within(c, 1, within(c, 0, 3) > 0 ? 80 : 1500);
      w.out_channels = within(c, 1, 150);
      return w;
    }
    if (kind == MMX_CONV2D && within(c, 0, 4) == 0) {
      w.in_channels = 1;
      w.out_channels = within(c, 1, 9);
    }
    if (kind == MMX_DEPTHWISE) w.out_channels = w.in_channels;
    kernel_of(c, &w);
    w.in_height = within(c, 1, 16);
    w.in_width = within(c, 1, within(c, 0, 7) == 0 ? 60 : 16);
    w.stride_y = within(c, 1, 2);
    w.stride_x = within(c, 0, 3) == 0 ? within(c, 1, 3) : w.stride_y;
    w.pad_top = within(c, 0, w.kernel_height - 1);
    w.pad_left = within(c, 0, w.kernel_width - 1);
    int32_t height = w.in_height + w.pad_top + within(c, 0, w.kernel_height - 1) - w.kernel_height;
    int32_t width = w.in_width + w.pad_left + within(c, 0, w.kernel_width - 1) - w.kernel_width;
    if (height < 0 || width < 0) continue;
    w.out_height = height / w.stride_y + 1;
    w.out_width = width / w.stride_x + 1;
    int64_t volume = (int64_t)w.kernel_height * w.kernel_width * w.in_channels;
    int64_t work = (int64_t)w.out_height * w.out_width * volume * (kind == MMX_DEPTHWISE ? 1 : w.out_channels);
    // Small layers are many more than large ones, so that a million cases take minutes.
    if (work > (within(c, 0, 49) == 0 ? 1 << 20 : 1 << 14)) continue;
    if (volume * w.out_channels <= VALUES) return w;
  }
}

// Multipliers that bring most sums of this layer within int8, some beyond, and now and then absurd ones.
static void outputs(mmx_checker *c, const mmx_window *w, mmx_requantize *q, int32_t terms) {
  float middle = 1.0f / (float)terms;
  for (int32_t i = 0; i < w->out_channels; i++) {
    c->multiplier[i] = middle * (float)within(c, 1, 1000) * 0.0001f;
    if (within(c, 0, 63) == 0) c->multiplier[i] = bits(c) & 1 ? 3e38f : 1e-38f;
    c->bias[i] = within(c, -20000, 20000);
    if (within(c, 0, 31) == 0) c->bias[i] = INT32_MAX - terms * MMX_MAX_TERM;
    if (within(c, 0, 31) == 0) c->bias[i] = -(INT32_MAX - terms * MMX_MAX_TERM);
  }
  *q = (mmx_requantize){c->multiplier, zero_point(c), zero_point(c), -128, 127};
  if (bits(c) & 1) q->clamp_min = q->out_zero_point;
  if (within(c, 0, 3) == 0) {
    q->clamp_min = within(c, -128, 127);
    q->clamp_max = within(c, q->clamp_min, 127);
  }
}

static void describe(const mmx_layer *l, uint64_t number, const char *what, char *text) {
  static const char *const kinds[] = {"conv2d", "depthwise", "linear", "logits"};
  const mmx_window *w = &l->window;
  snprintf(text, MMX_CHECK_TEXT, "%s: case %llu, %s %dx%dx%d -> %dx%dx%d, kernel %dx%d, stride %d,%d, pad %d,%d%s: %s",
           mmx_isa_name(l->isa), (unsigned long long)number, kinds[l->kind], w->in_height, w->in_width, w->in_channels,
           w->out_height, w->out_width, w->out_channels, w->kernel_height, w->kernel_width, w->stride_y, w->stride_x,
           w->pad_top, w->pad_left, l->pool_2x2 ? ", pooled" : "", what);
}

static size_t rounded(size_t n) { return (n + 63) / 64 * 64; }

int mmx_check_case(mmx_checker *c, mmx_isa isa, uint64_t number, char text[MMX_CHECK_TEXT]) {
  c->state = number * 0xD1342543DE82EF95u + 1;
  static const mmx_layer_kind kinds[] = {MMX_CONV2D, MMX_CONV2D, MMX_CONV2D, MMX_DEPTHWISE, MMX_DEPTHWISE,
                                         MMX_LINEAR, MMX_LOGITS};
  mmx_layer_kind kind = kinds[bits(c) % 7];
  mmx_window w = random_window(c, kind);
  int pool = kind == MMX_CONV2D && w.out_height > 1 && w.out_width > 1 && (bits(c) & 1);
  int32_t terms = w.kernel_height * w.kernel_width * (kind == MMX_DEPTHWISE ? 1 : w.in_channels);
  mmx_requantize q;
  outputs(c, &w, &q, terms);
  draw(c, c->in, (size_t)(w.in_height * w.in_width * w.in_channels), -128);
  draw(c, c->weight, (size_t)terms * (size_t)w.out_channels, -127);
  mmx_layer reference, layer;
  mmx_layer_plan(MMX_PORTABLE, kind, &w, &q, pool, &reference);
  mmx_layer_pack(&reference, c->weight, c->bias, c->multiplier, c->constants);
  mmx_layer_run(&reference, c->in, c->scratch, c->wanted);
  mmx_layer_plan(isa, kind, &w, &q, pool, &layer);
  if (layer.constant_bytes > CONSTANTS || layer.scratch_bytes > SCRATCH) {
    describe(&layer, number, "wants more memory than the check has", text);
    return 0;
  }
  size_t n = (size_t)layer.out_height * (size_t)layer.out_width * (size_t)w.out_channels;
  if (kind == MMX_LOGITS) n *= sizeof(float);
  // Right before the end of its memory, and scratch full of old bytes: what is read beyond must not matter.
  uint8_t *scratch = c->scratch + SCRATCH - rounded(layer.scratch_bytes);
  uint8_t *constants = c->constants + CONSTANTS - rounded(layer.constant_bytes);
  memset(scratch, (int)(number & 0xFF), layer.scratch_bytes);
  memset(c->got, 0x5A, n + 2 * GUARD);
  mmx_layer_pack(&layer, c->weight, c->bias, c->multiplier, constants);
  mmx_layer_run(&layer, c->in, scratch, c->got + GUARD);
  if (memcmp(c->got + GUARD, c->wanted, n) != 0) {
    describe(&layer, number, "other bytes than the portable kernels", text);
    return 0;
  }
  for (size_t i = 0; i < GUARD; i++) {
    if (c->got[i] != 0x5A || c->got[GUARD + n + i] != 0x5A) {
      describe(&layer, number, "wrote beyond its output", text);
      return 0;
    }
  }
  return 1;
}
