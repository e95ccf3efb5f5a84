// Integer kernels of the engine. The portable functions declared here ARE the specification: every faster
// variant must give the same bytes for all inputs, -128 and 127 included.
//
// Conventions
// - Activations are int8, affine per tensor: real = scale * (q - zero_point), zero_point in [-128, 127].
// - Layout is NHWC with N = 1: x[(row * width + column) * channels + channel].
// - Weights are int8, symmetric per output channel (zero point 0), in [-127, 127].
// - Sums are int32 and must not overflow: the loader bounds kernel volume x channels (see MMX_MAX_TERMS).
// - Requantization is one float32 multiply, round half to even, add the zero point, saturate:
//     q = clamp(rint(acc * multiplier[oc]) + out_zero_point, clamp_min, clamp_max)
//   the arithmetic of ONNX QLinearConv / QLinearMatMul. multiplier = (in_scale * weight_scale) / out_scale,
//   in float32, evaluated left to right. A fused ReLU is clamp_min = out_zero_point.
// - No function allocates, keeps state, or reads outside the extents stated.
#ifndef MMX_KERNELS_H
#define MMX_KERNELS_H
#include <stddef.h>
#include <stdint.h>

// Products of two 8-bit numbers are at most 2^14 (128 * 128), so 2^16 terms stay below 2^30, with room for bias.
#define MMX_MAX_TERMS 65536

// Geometry of a 2-D sliding window. Out extents: (in + before + after - kernel) / stride + 1, rounded down.
// Padding contributes real 0, which is in_zero_point for a convolution and nothing at all for a pool.
typedef struct {
  int32_t in_height, in_width, in_channels;
  int32_t out_height, out_width, out_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_y, stride_x;
  int32_t pad_top, pad_left;  // bottom and right follow from the out extents
} mmx_window;

// How a sum becomes an int8.
typedef struct {
  const float *multiplier;  // [out_channels]
  int32_t in_zero_point, out_zero_point;
  int32_t clamp_min, clamp_max;  // within [-128, 127]
} mmx_requantize;

// out[oh][ow][oc]; weight[oc][kh][kw][ic]; bias[oc] int32 in units of in_scale * weight_scale[oc].
void mmx_conv2d_s8(const mmx_window *w, const int8_t *in, const int8_t *weight, const int32_t *bias,
                   const mmx_requantize *q, int8_t *out);

// in_channels == out_channels; weight[kh][kw][c].
void mmx_depthwise_conv2d_s8(const mmx_window *w, const int8_t *in, const int8_t *weight,
                             const int32_t *bias, const mmx_requantize *q, int8_t *out);

// in_channels == out_channels; scale and zero point are unchanged. Padding never wins.
void mmx_max_pool_s8(const mmx_window *w, const int8_t *in, int8_t *out);

// Average over the cells inside the image. multiplier[0] = in_scale / out_scale; the mean is
// acc * (multiplier / count), acc = sum(q - in_zero_point), both operations in float32. Global average
// pooling is the window that covers the image.
void mmx_average_pool_s8(const mmx_window *w, const int8_t *in, const mmx_requantize *q, int8_t *out);

// out[oc]; weight[oc][n].
void mmx_linear_s8(const int8_t *in, int32_t n, const int8_t *weight, const int32_t *bias, int32_t out_channels,
                   const mmx_requantize *q, int8_t *out);

// Like mmx_linear_s8 but ends as float32 logits: out[oc] = acc * scale[oc], scale = in_scale * weight_scale[oc].
void mmx_linear_f32(const int8_t *in, int32_t n, const int8_t *weight, const int32_t *bias, int32_t out_channels,
                    int32_t in_zero_point, const float *scale, float *out);

// q = clamp(rint(a_scale * (a - a_zero) + b_scale * (b - b_zero)) + zero, clamp_min, clamp_max), where a_scale and
// b_scale are already divided by the output's scale; two float32 products, one float32 sum, never fused.
void mmx_add_s8(const int8_t *a, const int8_t *b, int32_t n, float a_scale, int32_t a_zero, float b_scale,
                int32_t b_zero, int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out);

// q = clamp(rint((x - in_zero) * multiplier) + out_zero, -128, 127): a part of a concat with its own scale.
void mmx_requantize_s8(const int8_t *in, int32_t n, float multiplier, int32_t in_zero, int32_t out_zero,
                       int8_t *out);

// q = clamp(rint(x / scale) + zero, -128, 127); NaN gives zero.
void mmx_quantize_f32(const float *in, int32_t n, float scale, int32_t zero, int8_t *out);

// Calibrated softmax of logits / temperature and its normalized entropy (paper eq. 2), with exp and log of our
// own (libm differs between CPUs). probability[n] is written. n >= 2, temperature > 0.
// Returns entropy in [0, 1]; *best is the first index of the largest probability.
// A NaN or infinite logit gives entropy 1 and best 0: what is not a number is never sure.
float mmx_softmax_entropy(const float *logits, int32_t n, float temperature, float *probability, int32_t *best);

// Natural exponent and logarithm, float32 in and out, the same bits on every IEEE-754 CPU (|error| <= 2 ulp).
float mmx_expf(float x);
float mmx_logf(float x);

// Features (see features.c). A plan is built once into memory the caller owns.

// Log spectrogram or log mel spectrogram of 16-bit PCM.
typedef struct {
  int32_t sample_rate;  // Hz
  int32_t window;       // samples in one window
  int32_t frame;        // samples in one frame, <= fft
  int32_t hop;          // samples between frames; frames = (window - frame) / hop + 1 at least
  int32_t fft;          // power of two, 64...4096
  int32_t frames;       // rows of the result
  int32_t bands;        // columns of the result
  int32_t mel;          // 1: triangular HTK mel bands from f_min to f_max; 0: FFT bins 0..<bands
  float f_min, f_max;   // Hz, mel only
  float floor;          // added to every band's power before the logarithm, > 0
  float mean, std;      // value = (ln(power + floor) - mean) / std
  int32_t center;       // 1: the window's own mean of ln(power + floor) is subtracted first
} mmx_spectrogram;

// Bytes of memory that mmx_spectrogram_init needs, or 0 when the description is not sound.
size_t mmx_spectrogram_size(const mmx_spectrogram *d);
// Builds tables in memory (16-byte aligned). Twiddles, window and mel weights come from arithmetic of our own.
void mmx_spectrogram_init(const mmx_spectrogram *d, void *memory);
// out[frames][bands] quantized: clamp(rint(value / scale) + zero). Frame = pcm/32768 * periodic Hann; power = |FFT|^2.
void mmx_spectrogram_run(void *memory, const int16_t *pcm, float scale, int32_t zero, int8_t *out);

// Image preparation: centre crop to the target's aspect ratio, exact area average (integers, half up), grey from
// RGB as (77 R + 150 G + 29 B + 128) >> 8, RGB from grey by repetition, then a table from 8-bit to int8.
// table[channel][256]. scratch: mmx_image_scratch_size bytes.
typedef struct {
  int32_t width, height, channels;  // of the result; channels 1 or 3
} mmx_image;
size_t mmx_image_scratch_size(const mmx_image *d, int32_t max_source_width);
void mmx_image_run(const mmx_image *d, const uint8_t *pixels, int32_t source_width, int32_t source_height,
                   int32_t source_channels, const int8_t *table, void *scratch, int8_t *out);
#endif
