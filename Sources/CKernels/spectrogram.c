#pragma STDC FP_CONTRACT OFF
#include "mmx_spectrogram.h"

#include "elementary.h"
#include "fft.h"
#include "mmx_confidence.h"
#include "round.h"
#include "spectrogram_plan.h"

static int is_finite(float x) { return x - x == 0.0f; }

static int is_sound(const mmx_spectrogram *d) {
  if (d->sample_rate < 1 || d->frame < 1 || d->hop < 1 || d->frames < 1 || d->bands < 1) return 0;
  if (d->fft < 64 || d->fft > 4096 || (d->fft & (d->fft - 1)) != 0 || d->frame > d->fft) return 0;
  if (d->window < 1 || d->window > MMX_MAX_WINDOW_SAMPLES) return 0;
  if ((int64_t)(d->frames - 1) * d->hop + d->frame > d->window) return 0;
  if (d->bands > d->fft / 2 + 1) return 0;
  if ((int64_t)d->frames * d->bands > MMX_MAX_SPECTROGRAM_VALUES) return 0;
  if ((d->mel != 0 && d->mel != 1) || (d->center != 0 && d->center != 1)) return 0;
  if (!is_finite(d->floor) || !(d->floor > 0.0f)) return 0;
  if (!is_finite(d->mean) || !is_finite(d->std) || !(d->std > 0.0f)) return 0;
  if (d->mel) {
    if (!is_finite(d->f_min) || !is_finite(d->f_max) || !(d->f_min >= 0.0f)) return 0;
    if (!(d->f_min < d->f_max) || !((double)d->f_max * 2.0 <= (double)d->sample_rate)) return 0;
  }
  return 1;
}

// Takes `count` elements of 4 bytes from the block, rounded up to whole 16 bytes; without a block it only counts.
static void *take(char *block, size_t *used, int32_t count) {
  size_t start = *used;
  *used += ((size_t)count * 4 + 15) & ~(size_t)15;
  return block ? block + start : NULL;
}

// Lays the arrays out in `block` and returns the bytes used.
static size_t lay_out(const mmx_spectrogram *d, char *block, mmx_spectrogram_plan *p) {
  size_t used = (sizeof(mmx_spectrogram_plan) + 15) & ~(size_t)15;
  int32_t bins = d->fft / 2 + 1;
  p->hann = take(block, &used, d->frame);
  p->table = take(block, &used, mmx_fft_table_floats(d->fft));
  p->re = take(block, &used, d->fft / 2);
  p->im = take(block, &used, d->fft / 2);
  p->other_re = take(block, &used, d->fft / 2);
  p->other_im = take(block, &used, d->fft / 2);
  p->power = take(block, &used, bins);
  p->values = take(block, &used, d->frames * d->bands);
  // The fast paths' work: a cache line more than they need, to begin at one.
  char *wide = take(block, &used, 2 * d->fft * MMX_WIDE_FRAMES + 16);
  p->wide = (float *)(void *)(wide + (-(uintptr_t)wide & 63));
  p->mel.first = take(block, &used, d->mel ? d->bands + 2 : 0);
  p->mel.rise = take(block, &used, d->mel ? bins : 0);
  p->mel.fall = take(block, &used, d->mel ? bins : 0);
  return used;
}

size_t mmx_spectrogram_size(const mmx_spectrogram *d) {
  mmx_spectrogram_plan pointers;
  return is_sound(d) ? lay_out(d, NULL, &pointers) : 0;
}

void mmx_spectrogram_init(const mmx_spectrogram *d, void *memory) {
  mmx_spectrogram_plan *p = memory;
  p->d = *d;
  lay_out(d, memory, p);
  for (int32_t i = 0; i < d->frame; i++) {
    double hann = 0.5 - 0.5 * mmx_direction_of(i, d->frame).cosine;
    p->hann[i] = (float)hann * (0.5f / 32768.0f);
  }
  mmx_fft_init(d->fft, p->table);
  if (d->mel) mmx_mel_init(p->mel, d->sample_rate, d->fft, d->bands, d->f_min, d->f_max);
}

// Windowed samples, even ones as real and odd ones as imaginary parts, zeros after the frame.
static void load_frame(const mmx_spectrogram_plan *p, const int16_t *pcm) {
  int32_t pairs = p->d.frame / 2, half = p->d.fft / 2;
  for (int32_t i = 0; i < pairs; i++) {
    p->re[i] = (float)pcm[2 * i] * p->hann[2 * i];
    p->im[i] = (float)pcm[2 * i + 1] * p->hann[2 * i + 1];
  }
  for (int32_t i = pairs; i < half; i++) p->re[i] = p->im[i] = 0.0f;
  if (p->d.frame & 1) p->re[pairs] = (float)pcm[2 * pairs] * p->hann[2 * pairs];
}

void mmx_spectrogram_run(void *memory, const int16_t *pcm, int32_t fresh, float scale, int32_t zero, int8_t *out) {
  const mmx_spectrogram_plan *p = memory;
  const mmx_spectrogram *d = &p->d;
  mmx_spectrogram_keep(p, fresh);
  for (int32_t frame = d->frames - fresh; frame < d->frames; frame++) {
    float *row = p->values + (size_t)frame * (size_t)d->bands;
    load_frame(p, pcm + (size_t)frame * (size_t)d->hop);
    mmx_fft_power(d->fft, p->table, p->re, p->im, p->other_re, p->other_im, p->power);
    if (d->mel) mmx_mel_apply(p->mel, p->power, d->bands, row);
    const float *bands = d->mel ? row : p->power;
    for (int32_t b = 0; b < d->bands; b++) row[b] = mmx_logf(bands[b] + d->floor);
  }
  int32_t count = d->frames * d->bands;
  double sum = 0.0;
  for (int32_t i = 0; i < count; i++) sum += (double)p->values[i];
  float own = d->center ? (float)(sum / (double)count) : 0.0f;
  for (int32_t i = 0; i < count; i++) {
    float value = (p->values[i] - own - d->mean) / d->std;
    out[i] = mmx_round_saturate(value / scale, zero, -128, 127);
  }
}
