// Triangular HTK mel bands, stored as what each FFT bin gives to the two bands it lies in.
#ifndef MMX_MEL_H
#define MMX_MEL_H
#include <stdint.h>

// Between two neighbouring edges one band rises and the one before it falls: segment j (0...bands) holds the bins
// first[j]..<first[j + 1], which give rise * power to band j and fall * power to band j - 1.
typedef struct {
  int32_t *first;      // [bands + 2]
  float *rise, *fall;  // [bins]
} mmx_mel;

// sample_rate, f_min and f_max in Hz; bins = fft / 2 + 1.
void mmx_mel_init(mmx_mel m, int32_t sample_rate, int32_t fft, int32_t bands, float f_min, float f_max);

// out[bands] from power[bins]; each half of a band is summed in ascending order, then the two are added.
void mmx_mel_apply(mmx_mel m, const float *power, int32_t bands, float *out);
#endif
