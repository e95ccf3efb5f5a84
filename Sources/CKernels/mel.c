#pragma STDC FP_CONTRACT OFF
#include "mel.h"

#include "elementary.h"

// ln(1 + f / 700), proportional to HTK's 2595 log10(1 + f / 700); the factor cancels where only equal distances count.
static double mel_of(double f) { return mmx_log_double(1.0 + f / 700.0); }
static double hertz_of(double mel) { return 700.0 * (mmx_exp_double(mel) - 1.0); }

void mmx_mel_init(mmx_mel m, int32_t sample_rate, int32_t fft, int32_t bands, float f_min, float f_max) {
  double low = mel_of((double)f_min), step = (mel_of((double)f_max) - low) / (double)(bands + 1);
  double bin_width = (double)sample_rate / (double)fft;
  int32_t bins = fft / 2 + 1, bin = 0;
  double left = (double)f_min;
  while (bin < bins && (double)bin * bin_width < left) bin++;
  for (int32_t j = 0; j <= bands; j++) {
    double right = j == bands ? (double)f_max : hertz_of(low + step * (double)(j + 1));
    m.first[j] = bin;
    for (; bin < bins && (double)bin * bin_width < right; bin++) {
      double f = (double)bin * bin_width;
      m.rise[bin] = (float)((f - left) / (right - left));
      m.fall[bin] = (float)((right - f) / (right - left));
    }
    left = right;
  }
  m.first[bands + 1] = bin;
}

void mmx_mel_apply(mmx_mel m, const float *power, int32_t bands, float *out) {
  for (int32_t j = 0; j <= bands; j++) {
    float rise = 0.0f, fall = 0.0f;
    for (int32_t k = m.first[j]; k < m.first[j + 1]; k++) {
      rise += m.rise[k] * power[k];
      fall += m.fall[k] * power[k];
    }
    if (j < bands) out[j] = rise;
    if (j > 0) out[j - 1] += fall;
  }
}
