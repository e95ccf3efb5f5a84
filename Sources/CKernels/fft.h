// Power spectrum of a real signal: a complex FFT of half the length (Stockham, radix 4, natural order in and out)
// and one unpacking pass. The order of operations is fixed, so the bits are the same on every CPU.
#ifndef MMX_FFT_H
#define MMX_FFT_H
#include <stdint.h>

// Floats of the table for a real signal of n samples, n a power of two, 64...4096.
static inline int32_t mmx_fft_table_floats(int32_t n) { return 2 * n; }

// Fills table[mmx_fft_table_floats(n)].
void mmx_fft_init(int32_t n, float *table);

// The n real samples x as re[i] = x[2 i] / 2, im[i] = x[2 i + 1] / 2 (halved by the caller, whose window does it for
// nothing). re, im and the scratch other_re, other_im hold n / 2 floats each, 16-byte aligned; all four are
// overwritten. power[k] = |X[k]|^2 for k in 0...n / 2.
void mmx_fft_power(int32_t n, const float *table, float *re, float *im, float *other_re, float *other_im,
                   float *power);
#endif
