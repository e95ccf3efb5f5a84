// Integer kernels of the engine. The portable functions declared here ARE the specification: every faster
// variant must give the same bytes for all inputs, -128 and 127 included.
//
// Conventions
// - Activations are int8, affine per tensor: real = scale * (q - zero_point), zero_point in [-128, 127].
// - Layout is NHWC with N = 1: x[(row * width + column) * channels + channel].
// - Weights are int8, symmetric per output channel (zero point 0), in [-127, 127].
// - A sum is bias + the terms (q - in_zero_point) * weight, int32. The loader refuses what could overflow (see
//   MMX_MAX_TERMS); should it happen all the same, sums wrap modulo 2^32, on every CPU alike.
// - Requantization is one float32 multiply, round half to even, add the zero point, saturate:
//     q = clamp(rint((float)acc * multiplier[oc]) + out_zero_point, clamp_min, clamp_max)
//   the arithmetic of ONNX QLinearConv / QLinearMatMul. (float)acc rounds to nearest even above 2^24. multiplier =
//   (in_scale * weight_scale) / out_scale, in float32, evaluated left to right. A fused ReLU is clamp_min =
//   out_zero_point. A product too large for an int saturates; NaN (which no sound scale gives) counts as 0.
// - Floating point runs in the default environment: round to nearest even, denormals kept, no contraction.
// - No function allocates, keeps state, or reads outside the extents stated. Extents are >= 1 and fit the buffers:
//   the caller (the model loader) has checked that. Inputs and outputs do not overlap.
#ifndef MMX_KERNELS_H
#define MMX_KERNELS_H
#include <stddef.h>
#include <stdint.h>

#include "mmx_confidence.h"
#include "mmx_image.h"
#include "mmx_spectrogram.h"

// Most terms of one sum: kernel volume x input channels, linear inputs, cells of a pooling window.
#define MMX_MAX_TERMS 65536
// Largest |(q - in_zero_point) * weight| = 255 * 127. MMX_MAX_TERMS of them stay 25,100,287 below 2^31; the loader
// requires |bias| <= INT32_MAX - terms * MMX_MAX_TERM.
#define MMX_MAX_TERM 32385

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

// in_channels == out_channels; scale and zero point are unchanged. Padding never wins; a window with no cell
// inside the image gives -128.
void mmx_max_pool_s8(const mmx_window *w, const int8_t *in, int8_t *out);

// in_channels == out_channels. Average over the cells inside the image. multiplier[0] = in_scale / out_scale; the
// mean is acc * (multiplier / count), acc = sum(q - in_zero_point), both operations in float32. Global average
// pooling is the window that covers the image. A window with no cell inside the image gives the clamped zero point.
void mmx_average_pool_s8(const mmx_window *w, const int8_t *in, const mmx_requantize *q, int8_t *out);

// in[n]; out[oc]; weight[oc][n].
void mmx_linear_s8(const int8_t *in, int32_t n, const int8_t *weight, const int32_t *bias, int32_t out_channels,
                   const mmx_requantize *q, int8_t *out);

// Like mmx_linear_s8 but ends as float32 logits: out[oc] = (float)acc * scale[oc], scale = in_scale * weight_scale[oc].
void mmx_linear_f32(const int8_t *in, int32_t n, const int8_t *weight, const int32_t *bias, int32_t out_channels,
                    int32_t in_zero_point, const float *scale, float *out);

// q = clamp(rint(a_scale * (a - a_zero) + b_scale * (b - b_zero)) + zero, clamp_min, clamp_max), where a_scale and
// b_scale are already divided by the output's scale; two float32 products, one float32 sum, never fused.
void mmx_add_s8(const int8_t *a, const int8_t *b, int32_t n, float a_scale, int32_t a_zero, float b_scale,
                int32_t b_zero, int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out);

// q = clamp(rint((float)((a - a_zero) * (b - b_zero)) * multiplier) + zero, clamp_min, clamp_max), the product a whole
// number; multiplier = (a_scale * b_scale) / out_scale, in float32, evaluated left to right.
void mmx_multiply_s8(const int8_t *a, const int8_t *b, int32_t n, int32_t a_zero, int32_t b_zero, float multiplier,
                     int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out);

// out = table[in + 128]: any function of one code. The same on every path.
void mmx_table_s8(const int8_t *in, int32_t n, const int8_t *table, int8_t *out);

// q = clamp(rint((x - in_zero) * multiplier) + out_zero, -128, 127): a part of a concat with its own scale.
void mmx_requantize_s8(const int8_t *in, int32_t n, float multiplier, int32_t in_zero, int32_t out_zero,
                       int8_t *out);

// q = clamp(rint(x / scale) + zero, -128, 127); one float32 division; NaN gives zero.
void mmx_quantize_f32(const float *in, int32_t n, float scale, int32_t zero, int8_t *out);

// The same arithmetic, packed for the instructions of one CPU.
#include "mmx_layer.h"
#endif
