// Log spectrogram or log mel spectrogram of 16-bit PCM, quantized for the first layer.
#ifndef MMX_SPECTROGRAM_H
#define MMX_SPECTROGRAM_H
#include <stddef.h>
#include <stdint.h>

// Bounds that keep every size computed here far from overflow; no sensible window comes near them.
#define MMX_MAX_WINDOW_SAMPLES (1 << 24)
#define MMX_MAX_SPECTROGRAM_VALUES (1 << 22)

// Frame i holds the samples [i * hop, i * hop + frame), as pcm / 32768 * periodic Hann (0.5 - 0.5 cos(2 pi n / frame)),
// followed by zeros up to fft. power[k] = |FFT|^2, not scaled, k in 0...fft / 2.
// Mel (HTK): bands + 2 edges at equal distances of 2595 log10(1 + f / 700) from f_min to f_max; band b rises
// linearly in Hz from 0 at edge b to 1 at edge b + 1 and falls to 0 at edge b + 2, evaluated at the bins' centres
// k * sample_rate / fft, not normalized (torchaudio's melscale_fbanks(norm=None, mel_scale="htk")). A band too
// narrow to hold a bin has power 0.
typedef struct {
  int32_t sample_rate;  // Hz
  int32_t window;       // samples in one window
  int32_t frame;        // samples in one frame, <= fft
  int32_t hop;          // samples between frames
  int32_t fft;          // power of two, 64...4096
  int32_t frames;       // rows of the result, at most (window - frame) / hop + 1
  int32_t bands;        // columns of the result, at most fft / 2 + 1
  int32_t mel;          // 1: triangular HTK mel bands from f_min to f_max; 0: FFT bins 0..<bands
  float f_min, f_max;   // Hz, 0 <= f_min < f_max <= sample_rate / 2; mel only
  float floor;          // added to every band's power before the logarithm, > 0
  float mean, std;      // value = (ln(power + floor) - mean) / std, std > 0
  int32_t center;       // 1: the window's own mean of ln(power + floor) is subtracted first
} mmx_spectrogram;

// Bytes of memory that mmx_spectrogram_init needs, or 0 when the description is not sound.
size_t mmx_spectrogram_size(const mmx_spectrogram *d);
// Builds tables in memory (16-byte aligned, mmx_spectrogram_size bytes, not to be moved afterwards). Twiddles, window
// and mel weights come from arithmetic of our own. The description is one mmx_spectrogram_size accepted.
void mmx_spectrogram_init(const mmx_spectrogram *d, void *memory);
// pcm[window]; out[frames][bands] quantized: clamp(rint(value / scale) + zero, -128, 127). scale > 0. All in float32
// but for the sum behind `center`, which is double. Memory also holds the scratch: one run at a time.
// fresh: how many of the frames, the last ones, are computed from pcm, 0...frames. The others are those that the run
// before ended with: to be used where this window begins `fresh` hops after that one, on the same samples. The result
// is then that of fresh = frames, to the bit.
void mmx_spectrogram_run(void *memory, const int16_t *pcm, int32_t fresh, float scale, int32_t zero, int8_t *out);
#endif
