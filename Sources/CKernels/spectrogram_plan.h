// The tables and scratch of a spectrogram, shared by the portable kernel and the fast paths.
#ifndef MMX_SPECTROGRAM_PLAN_H
#define MMX_SPECTROGRAM_PLAN_H
#include <string.h>

#include "mel.h"
#include "mmx_spectrogram.h"

// The most frames that a path transforms at a time (fast/wide_spectrogram.h).
enum { MMX_WIDE_FRAMES = 16 };

// What stands at the beginning of the caller's memory; the arrays follow it.
typedef struct {
  mmx_spectrogram d;
  float *hann;    // [frame], with 1 / 32768 and the halving that the FFT wants
  float *table;   // the FFT's
  float *re, *im, *other_re, *other_im;  // [fft / 2] each
  float *power;   // [fft / 2 + 1]
  float *values;  // [frames][bands]: ln(power + floor), kept from one run to the next
  float *wide;    // [2 fft][MMX_WIDE_FRAMES], aligned to 64: what the fast paths work in
  mmx_mel mel;
} mmx_spectrogram_plan;

// Moves the rows that stay to the front; the `fresh` last ones are free after it.
static inline void mmx_spectrogram_keep(const mmx_spectrogram_plan *p, int32_t fresh) {
  size_t bands = (size_t)p->d.bands, kept = (size_t)(p->d.frames - fresh);
  memmove(p->values, p->values + (size_t)fresh * bands, kept * bands * sizeof *p->values);
}
#endif
