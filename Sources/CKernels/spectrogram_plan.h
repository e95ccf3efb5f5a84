// The tables and scratch of a spectrogram, shared by the portable kernel and the fast paths.
#ifndef MMX_SPECTROGRAM_PLAN_H
#define MMX_SPECTROGRAM_PLAN_H
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
  float *values;  // [frames][bands]
  float *wide;    // [2 fft][MMX_WIDE_FRAMES], aligned to 64: what the fast paths work in
  mmx_mel mel;
} mmx_spectrogram_plan;
#endif
