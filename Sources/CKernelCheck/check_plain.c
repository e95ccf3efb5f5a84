#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checker.h"

static float any_scale(mmx_checker *c) {
  static const float ends[] = {1e-38f, 3e38f, INFINITY, 1e-45f};
  return mmx_within(c, 0, 31) == 0 ? ends[mmx_bits(c) % 4] : mmx_real(c, 0.001f, 3);
}

static int check_pool(mmx_checker *c, mmx_isa isa, char *text) {
  int average = (int)(mmx_bits(c) & 1);
  mmx_window w = {0};
  w.in_channels = w.out_channels = mmx_channels(c);
  w.in_height = mmx_within(c, 1, 20);
  w.in_width = mmx_within(c, 1, 20);
  w.kernel_height = mmx_within(c, 1, mmx_bits(c) & 1 ? 3 : 20);
  w.kernel_width = mmx_within(c, 1, mmx_bits(c) & 1 ? 3 : 20);
  w.stride_y = mmx_within(c, 1, 3);
  w.stride_x = mmx_within(c, 1, 3);
  w.pad_top = mmx_within(c, 0, w.kernel_height - 1);
  w.pad_left = mmx_within(c, 0, w.kernel_width - 1);
  if (mmx_within(c, 0, 7) == 0) {  // More cells than 16 bits sum.
    w.in_height = w.in_width = w.kernel_height = w.kernel_width = 20;
    w.pad_top = w.pad_left = 0;
  }
  int32_t height = w.in_height + w.pad_top + mmx_within(c, 0, w.kernel_height - 1) - w.kernel_height;
  int32_t width = w.in_width + w.pad_left + mmx_within(c, 0, w.kernel_width - 1) - w.kernel_width;
  w.out_height = height < 0 ? 1 : height / w.stride_y + 1;
  w.out_width = width < 0 ? 1 : width / w.stride_x + 1;
  size_t in_size = (size_t)(w.in_height * w.in_width * w.in_channels);
  size_t n = (size_t)(w.out_height * w.out_width * w.out_channels);
  int8_t *in = mmx_carve(c, c->in, in_size, 1), *out = mmx_carve_out(c, n, 1);
  mmx_draw(c, in, in_size, -128);
  snprintf(text, MMX_CHECK_TEXT, "%s pool %dx%dx%d -> %dx%d, kernel %dx%d", average ? "average" : "max", w.in_height,
           w.in_width, w.in_channels, w.out_height, w.out_width, w.kernel_height, w.kernel_width);
  const mmx_plain_kernels *k = mmx_plain(isa);
  if (average) {
    float scale = any_scale(c);
    mmx_requantize q = {&scale, mmx_zero_point(c), mmx_zero_point(c), mmx_within(c, -128, 0), mmx_within(c, 0, 127)};
    mmx_average_pool_s8(&w, in, &q, c->wanted);
    k->average_pool(&w, in, &q, out);
  } else {
    mmx_max_pool_s8(&w, in, c->wanted);
    k->max_pool(&w, in, out);
  }
  return mmx_compare(c, out, n, text);
}

static int check_elementwise(mmx_checker *c, mmx_isa isa, char *text) {
  int32_t n = mmx_within(c, 1, mmx_within(c, 0, 9) == 0 ? 5000 : 200);
  size_t size = (size_t)n;
  int8_t *a = mmx_carve(c, c->in, size, 1), *b = mmx_carve(c, c->other, size, 1), *out = mmx_carve_out(c, size, 1);
  mmx_draw(c, a, size, -128);
  mmx_draw(c, b, size, -128);
  float s = any_scale(c), t = any_scale(c);
  int32_t az = mmx_zero_point(c), bz = mmx_zero_point(c), zero = mmx_zero_point(c);
  int32_t low = mmx_within(c, -128, 0), high = mmx_within(c, 0, 127);
  const mmx_plain_kernels *k = mmx_plain(isa);
  int which = mmx_within(c, 0, 2);
  if (which == 0) {
    snprintf(text, MMX_CHECK_TEXT, "product of %d values", n);
    mmx_multiply_s8(a, b, n, az, bz, s, zero, low, high, c->wanted);
    k->multiply(a, b, n, az, bz, s, zero, low, high, out);
  } else if (which == 1) {
    snprintf(text, MMX_CHECK_TEXT, "sum of %d values", n);
    mmx_add_s8(a, b, n, s, az, t, bz, zero, low, high, c->wanted);
    k->add(a, b, n, s, az, t, bz, zero, low, high, out);
  } else {
    snprintf(text, MMX_CHECK_TEXT, "requantization of %d values", n);
    mmx_requantize_s8(a, n, s, az, zero, c->wanted);
    k->requantize(a, n, s, az, zero, out);
  }
  return mmx_compare(c, out, size, text);
}

// Reals with ties, infinities, NaN, denormals and zeros of both signs among them.
static void reals(mmx_checker *c, float *to, int32_t n, int wild) {
  static const float odd[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-45f, -0.0f, 0.0f};
  int manner = mmx_within(c, 0, 3);
  for (int32_t i = 0; i < n; i++) {
    to[i] = manner == 0 ? (float)mmx_within(c, -300, 300) * 0.5f : manner == 1 ? -0.0f : mmx_real(c, -20, 20);
    if (wild && mmx_within(c, 0, 9) == 0) to[i] = odd[mmx_bits(c) % 8];
  }
}

static int check_quantize(mmx_checker *c, mmx_isa isa, char *text) {
  int32_t n = mmx_within(c, 1, 200);
  size_t size = (size_t)n;
  float *in = mmx_carve(c, c->in, size * sizeof *in, sizeof *in), scale = mmx_bits(c) & 1 ? 1.0f : any_scale(c);
  int8_t *out = mmx_carve_out(c, size, 1);
  int32_t zero = mmx_zero_point(c), at_edges = mmx_within(c, 0, 2) == 0;
  reals(c, in, n, 1);
  // Quotients at and next to the middle of two whole numbers.
  for (int32_t i = 0; i < n && at_edges; i++) in[i] = (float)mmx_within(c, -300, 300) * 0.5f * scale;
  snprintf(text, MMX_CHECK_TEXT, "quantization of %d values", n);
  mmx_quantize_f32(in, n, scale, zero, c->wanted);
  mmx_plain(isa)->quantize(in, n, scale, zero, out);
  return mmx_compare(c, out, size, text);
}

static int check_confidence(mmx_checker *c, mmx_isa isa, char *text) {
  int32_t n = mmx_within(c, 2, mmx_within(c, 0, 9) == 0 ? 1000 : 40), best = -1, wanted_best = -1;
  size_t size = (size_t)n * sizeof(float);
  float *in = mmx_carve(c, c->in, size, sizeof *in), *out = mmx_carve_out(c, size, sizeof(float));
  reals(c, in, n, mmx_within(c, 0, 3) == 0);
  float temperature = mmx_within(c, 0, 31) == 0 ? 0.0f : mmx_real(c, 0.01f, 10);
  snprintf(text, MMX_CHECK_TEXT, "confidence of %d logits", n);
  float wanted = mmx_softmax_entropy(in, n, temperature, (float *)(void *)c->wanted, &wanted_best);
  float got = mmx_plain(isa)->softmax_entropy(in, n, temperature, out, &best);
  if (memcmp(&got, &wanted, sizeof got) != 0 || best != wanted_best) {
    snprintf(text, MMX_CHECK_TEXT, "confidence of %d logits: entropy %.9g, class %d, not %.9g, class %d", n, (double)got,
             best, (double)wanted, wanted_best);
    return 0;
  }
  return mmx_compare(c, out, size, text);
}

int mmx_check_plain(mmx_checker *c, mmx_isa isa, char *text) {
  switch (mmx_within(c, 0, 3)) {
    case 0: return check_pool(c, isa, text);
    case 1: return check_elementwise(c, isa, text);
    case 2: return check_quantize(c, isa, text);
    default: return check_confidence(c, isa, text);
  }
}
