#include <stdio.h>
#include <string.h>

#include "checker.h"

// Noise, full-scale noise of two values, silence, one value, or a quiet sawtooth.
static void sound(mmx_checker *c, int16_t *pcm, int32_t n) {
  int manner = mmx_within(c, 0, 4), period = mmx_within(c, 2, 400);
  int16_t same = (int16_t)mmx_bits(c);
  for (int32_t i = 0; i < n; i++) {
    switch (manner) {
      case 0: pcm[i] = (int16_t)mmx_bits(c); break;
      case 1: pcm[i] = mmx_bits(c) & 1 ? INT16_MAX : INT16_MIN; break;
      case 2: pcm[i] = 0; break;
      case 3: pcm[i] = same; break;
      default: pcm[i] = (int16_t)(i % period * 13 - 200 + mmx_within(c, -3, 3)); break;
    }
  }
}

static int check_spectrogram(mmx_checker *c, mmx_isa isa, char *text) {
  mmx_spectrogram d;
  do {
    int32_t fft = 64 << mmx_within(c, 0, mmx_within(c, 0, 9) == 0 ? 6 : 3);
    d = (mmx_spectrogram){.sample_rate = mmx_within(c, 100, 50000), .frame = mmx_within(c, 1, fft), .fft = fft,
                          .hop = mmx_within(c, 1, 300), .frames = mmx_within(c, 1, mmx_within(c, 0, 9) == 0 ? 70 : 20),
                          .bands = mmx_within(c, 1, mmx_bits(c) & 1 ? fft / 2 + 1 : 40), .mel = (int32_t)(mmx_bits(c) & 1),
                          .center = (int32_t)(mmx_bits(c) & 1)};
    if (mmx_bits(c) & 1) d.frame = fft - mmx_within(c, 0, 3);
    d.window = (d.frames - 1) * d.hop + d.frame;
    float top = (float)d.sample_rate / 2;
    d.f_min = mmx_bits(c) & 1 ? 0.0f : mmx_real(c, 0, top / 2);
    d.f_max = mmx_bits(c) & 1 ? top : mmx_real(c, top / 2, top);
    static const float floors[] = {1e-30f, 1e-5f, 1.0f, 1e-45f, 3e38f};
    d.floor = floors[mmx_bits(c) % 5];
    d.mean = mmx_real(c, -10, 10);
    d.std = mmx_real(c, 0.01f, 5);
  } while (mmx_spectrogram_size(&d) == 0);
  snprintf(text, MMX_CHECK_TEXT, "spectrogram of %d frames of %d every %d, fft %d, %d %s", d.frames, d.frame, d.hop, d.fft,
           d.bands, d.mel ? "mel bands" : "bins");
  void *memory = mmx_carve(c, c->memory, mmx_spectrogram_size(&d), 16);
  // A window, and one that begins some hops later on the same sound: its frames that are known are not computed again.
  int32_t hops = mmx_bits(c) & 1 ? mmx_within(c, 0, d.frames) : 0, shift = hops * d.hop;
  int16_t *pcm = mmx_carve(c, c->in, (size_t)(d.window + shift) * sizeof(int16_t), sizeof(int16_t));
  sound(c, pcm, d.window + shift);
  mmx_spectrogram_init(&d, memory);
  float scale = mmx_real(c, 0.001f, 0.2f);
  int32_t zero = mmx_zero_point(c);
  size_t n = (size_t)d.frames * (size_t)d.bands;
  mmx_spectrogram_run(memory, pcm + shift, d.frames, scale, zero, c->wanted);
  int8_t *out = mmx_carve_out(c, n, 1);
  // What stands in memory from the run above would be right by chance.
  mmx_plain(isa)->spectrogram(memory, pcm, d.frames, scale, zero, out);
  mmx_plain(isa)->spectrogram(memory, pcm + shift, hops, scale, zero, out);
  return mmx_compare(c, out, n, text);
}

static int check_image(mmx_checker *c, mmx_isa isa, char *text) {
  static const int32_t channels[] = {1, 3};
  int32_t most = mmx_within(c, 0, 19) == 0 ? 640 : 120;
  mmx_image d = {mmx_within(c, 1, 70), mmx_within(c, 1, 70), channels[mmx_bits(c) & 1]};
  int32_t width = mmx_within(c, 1, most), height = mmx_within(c, 1, most), of = channels[mmx_bits(c) & 1];
  if (mmx_within(c, 0, 9) == 0) d.width = d.height = mmx_within(c, 1, 3);
  if (mmx_within(c, 0, 199) == 0) {
    width = mmx_within(c, 1, 20);
    height = mmx_within(c, 300, MMX_MAX_IMAGE_EXTENT);
    if (mmx_bits(c) & 1) width = height, height = mmx_within(c, 1, 20);
  }
  snprintf(text, MMX_CHECK_TEXT, "picture %dx%dx%d -> %dx%dx%d", width, height, of, d.width, d.height, d.channels);
  size_t pixels = (size_t)width * (size_t)height * (size_t)of, n = (size_t)(d.width * d.height * d.channels);
  int8_t *in = mmx_carve(c, c->in, pixels, 1), *table = mmx_carve(c, c->other, (size_t)d.channels * 256, 1);
  mmx_draw(c, in, pixels, -128);
  for (int32_t i = 0; i < d.channels * 256; i++) table[i] = (int8_t)(i + i / 256 * 91);
  size_t size = mmx_image_scratch_size(&d, width);
  mmx_image_run(&d, (const uint8_t *)in, width, height, of, table, c->scratch.start, c->wanted);
  void *scratch = mmx_carve(c, c->scratch, size, 4);
  memset(scratch, (int)(c->state & 0xFF), size);
  int8_t *out = mmx_carve_out(c, n, 1);
  mmx_plain(isa)->image(&d, (const uint8_t *)in, width, height, of, table, scratch, out);
  return mmx_compare(c, out, n, text);
}

int mmx_check_features(mmx_checker *c, mmx_isa isa, char *text) {
  return mmx_bits(c) & 1 ? check_spectrogram(c, isa, text) : check_image(c, isa, text);
}
