// Operations without weights, features and confidence of a path: the portable sources once more, compiled for the path's
// vectors, and those that are written for vectors. The including file has set the target, WIDE and PLAIN.
#ifndef QUANTIZE
#define QUANTIZE path_quantize
#endif
#include "../grid.h"
#include "../confidence.h"
#include "../round.h"
#include "../spectrogram_plan.h"
#include "path.h"

// The portable sources define these under names of our own.
#define mmx_max_pool_s8 path_max_pool
#define mmx_average_pool_s8 path_average_pool
#define mmx_add_s8 path_add
#define mmx_multiply_s8 path_multiply
#define mmx_requantize_s8 path_requantize
#define mmx_quantize_f32 path_quantize
static void path_max_pool(const mmx_window *w, const int8_t *in, int8_t *out);
static void path_average_pool(const mmx_window *w, const int8_t *in, const mmx_requantize *q, int8_t *out);
static void path_add(const int8_t *a, const int8_t *b, int32_t n, float a_scale, int32_t a_zero, float b_scale,
                     int32_t b_zero, int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out);
static void path_multiply(const int8_t *a, const int8_t *b, int32_t n, int32_t a_zero, int32_t b_zero,
                          float multiplier, int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out);
static void path_requantize(const int8_t *in, int32_t n, float multiplier, int32_t in_zero, int32_t out_zero,
                            int8_t *out);
static void path_quantize(const float *in, int32_t n, float scale, int32_t zero, int8_t *out);
#include "../sum_cells.h"
#include "wide_sums.h"
#define MMX_SUM_CELLS wide_sum_cells
#include "../add.c"
#include "../average_pool.c"
#include "../max_pool.c"
#include "../multiply.c"
#include "../quantize.c"
#include "../requantize.c"
#include "thin_pool.h"

#include "wide.h"
#include "wide_fft.h"
#include "wide_spectrogram.h"
#include "wide_image.h"
#include "wide_confidence.h"

const mmx_plain_kernels PLAIN = {
    path_max_pool, thin_average_pool, path_add, path_multiply, path_requantize, QUANTIZE, wide_image,
    wide_spectrogram, wide_softmax_entropy};
