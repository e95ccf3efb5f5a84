// What a path gives to the table in layer.c.
#ifndef MMX_PATH_H
#define MMX_PATH_H
#include "../include/mmx_layer.h"

// A depthwise kernel with more rows runs on the portable path.
enum { MMX_MOST_ROWS = 64 };

typedef struct {
  void (*plan)(mmx_layer *layer);
  void (*pack)(mmx_layer *layer, const int8_t *weight, const int32_t *bias, const float *multiplier,
               void *constants);
  const mmx_plain_kernels *plain;
  int32_t (*peak)(int32_t rounds);
  int64_t peak_macs;
} mmx_path;

extern const mmx_path mmx_path_portable;
// Operations without weights: what paths of the same vectors share.
extern const mmx_plain_kernels mmx_plain_portable;
#if defined(__x86_64__)
extern const mmx_path mmx_path_sse41, mmx_path_avx2, mmx_path_avxvnni, mmx_path_avx512vnni;
extern const mmx_plain_kernels mmx_plain_sse41, mmx_plain_avx2, mmx_plain_avx512;
// Convolutions of the AVX2 path that are a product of matrices, and linear layers.
void mmx_signs_plan(mmx_layer *layer);
void mmx_signs_pack(mmx_layer *layer, const int8_t *weight, const int32_t *bias, const float *multiplier, void *constants);
#elif defined(__aarch64__)
extern const mmx_path mmx_path_neon, mmx_path_dotprod;
extern const mmx_plain_kernels mmx_plain_neon;
#endif

// Whether this CPU can run a path.
int mmx_cpu_has(mmx_isa isa);

static inline size_t mmx_round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
static inline int32_t mmx_ceil_div(int32_t n, int32_t d) { return (n + d - 1) / d; }
#endif
