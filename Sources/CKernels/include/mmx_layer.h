// Layers packed for one instruction set. Every path gives the bytes of the portable kernels in mmx_kernels.h.
//
// A layer is planned (sizes), packed (its constants written once into memory of the caller's), and then run any number
// of times, from any thread, with scratch memory of the caller's. Nothing here allocates. See docs/engine.md.
#ifndef MMX_LAYER_H
#define MMX_LAYER_H
#include "mmx_kernels.h"

typedef enum {
  MMX_PORTABLE = 0,
  MMX_AVX2 = 1,        // 16-bit products, vpmaddwd
  MMX_AVX_VNNI = 2,    // vpdpbusd on 256 bits
  MMX_AVX512_VNNI = 3, // vpdpbusd on 512 bits
  MMX_NEON = 4,        // 16-bit products, smlal
  MMX_DOTPROD = 5,     // sdot
  MMX_SSE41 = 6,       // 16-bit products, pmaddwd on 128 bits
} mmx_isa;
enum { MMX_ISA_COUNT = 7 };

// Short and lasting: "portable", "avx2", "avxvnni", "avx512vnni", "neon", "dotprod", "sse41".
const char *mmx_isa_name(mmx_isa isa);

// Whether this program holds the path and this CPU (and its operating system) can run it.
int mmx_isa_available(mmx_isa isa);

// The fastest path available here.
mmx_isa mmx_best_isa(void);

typedef enum { MMX_CONV2D, MMX_DEPTHWISE, MMX_LINEAR, MMX_LOGITS } mmx_layer_kind;

// Plain data. What run-time code reads; written by mmx_layer_plan and mmx_layer_pack only.
typedef struct mmx_layer {
  mmx_window window;           // as the layer computes it; with pool_2x2, extents before the pool
  mmx_requantize requantize;   // multiplier: in the layer's constants
  mmx_isa isa;
  mmx_layer_kind kind;
  int32_t pool_2x2;            // a 2x2 max pool of stride 2 without padding follows within the layer
  int32_t out_height, out_width;  // of what is written
  const void *weight;          // packed
  const int32_t *bias;         // with the activations' offset taken in
  size_t constant_bytes;       // to be given to mmx_layer_pack, aligned to 64
  size_t scratch_bytes;        // to be given to mmx_layer_run, aligned to 64
  // The plan.
  int32_t vectors, block;      // output channels in vectors of the path's lanes, and how many go together
  int32_t runs, groups;        // rows of a window, and groups of values in one
  int32_t direct;              // which kernel: an enumeration of the path's own
  void (*run)(const struct mmx_layer *layer, const int8_t *in, void *scratch, int8_t *out);
} mmx_layer;

// window: extents of the convolution; for LINEAR and LOGITS in_channels and out_channels, all else 1. q->multiplier is
// not read here. pool_2x2: 0 or 1 (CONV2D only, out extents >= 2). Fills `layer` but for its constants.
void mmx_layer_plan(mmx_isa isa, mmx_layer_kind kind, const mmx_window *window, const mmx_requantize *q,
                    int32_t pool_2x2, mmx_layer *layer);

// Writes the constants, `layer->constant_bytes` of them. weight, bias and multiplier as the portable kernel of the kind
// takes them; the layer keeps none of these pointers, but for the portable path, which keeps all three.
void mmx_layer_pack(mmx_layer *layer, const int8_t *weight, const int32_t *bias, const float *multiplier,
                    void *constants);

// out: int8, or float32 for LOGITS (in a buffer aligned for it). `scratch` belongs to one call at a time.
static inline void mmx_layer_run(const mmx_layer *layer, const int8_t *in, void *scratch, int8_t *out) {
  layer->run(layer, in, scratch, out);
}

// Operations without weights, features and confidence, for a path. The signatures of mmx_kernels.h, mmx_image.h,
// mmx_spectrogram.h and mmx_confidence.h, and the same bits in every result.
typedef struct {
  void (*max_pool)(const mmx_window *w, const int8_t *in, int8_t *out);
  void (*average_pool)(const mmx_window *w, const int8_t *in, const mmx_requantize *q, int8_t *out);
  void (*add)(const int8_t *a, const int8_t *b, int32_t n, float a_scale, int32_t a_zero, float b_scale,
              int32_t b_zero, int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out);
  void (*multiply)(const int8_t *a, const int8_t *b, int32_t n, int32_t a_zero, int32_t b_zero, float multiplier,
                   int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out);
  void (*requantize)(const int8_t *in, int32_t n, float multiplier, int32_t in_zero, int32_t out_zero, int8_t *out);
  void (*quantize)(const float *in, int32_t n, float scale, int32_t zero, int8_t *out);
  void (*image)(const mmx_image *d, const uint8_t *pixels, int32_t source_width, int32_t source_height,
                int32_t source_channels, const int8_t *table, void *scratch, int8_t *out);
  void (*spectrogram)(void *memory, const int16_t *pcm, int32_t fresh, float scale, int32_t zero, int8_t *out);
  float (*softmax_entropy)(const float *logits, int32_t n, float temperature, float *probability, int32_t *best);
} mmx_plain_kernels;

const mmx_plain_kernels *mmx_plain(mmx_isa isa);

// Sums of products in a loop that keeps everything in registers, with the path's own instructions: the most that
// the path can do. Runs `rounds` rounds of `mmx_peak_macs(isa)` multiply-accumulates; the result only keeps it alive.
int32_t mmx_peak(mmx_isa isa, int32_t rounds);
int64_t mmx_peak_macs(mmx_isa isa);
#endif
