// Which paths there are, which of them this CPU can run, and the portable one.
#include "path.h"

static void conv2d_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  (void)scratch;
  mmx_conv2d_s8(&l->window, in, l->weight, l->bias, &l->requantize, out);
}
static void depthwise_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  (void)scratch;
  mmx_depthwise_conv2d_s8(&l->window, in, l->weight, l->bias, &l->requantize, out);
}
static void linear_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  (void)scratch;
  mmx_linear_s8(in, l->window.in_channels, l->weight, l->bias, l->window.out_channels, &l->requantize, out);
}
static void logits_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  (void)scratch;
  mmx_linear_f32(in, l->window.in_channels, l->weight, l->bias, l->window.out_channels,
                 l->requantize.in_zero_point, l->requantize.multiplier, (float *)(void *)out);
}

// The convolution into scratch memory, the pool from there.
static void pooled_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  const mmx_window *w = &l->window;
  conv2d_run(l, in, 0, scratch);
  mmx_window pool = {w->out_height, w->out_width, w->out_channels, w->out_height / 2, w->out_width / 2,
                     w->out_channels, 2, 2, 2, 2, 0, 0};
  mmx_max_pool_s8(&pool, scratch, out);
}

static void portable_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  switch (l->kind) {
    case MMX_CONV2D: l->run = l->pool_2x2 ? pooled_run : conv2d_run; break;
    case MMX_DEPTHWISE: l->run = depthwise_run; break;
    case MMX_LINEAR: l->run = linear_run; break;
    case MMX_LOGITS: l->run = logits_run; break;
  }
  if (l->pool_2x2) l->scratch_bytes = (size_t)w->out_height * (size_t)w->out_width * (size_t)w->out_channels;
}

static void portable_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                          void *constants) {
  (void)constants;
  l->weight = weight;
  l->bias = bias;
  l->requantize.multiplier = multiplier;
}

enum { PORTABLE_SUMS = 8, PORTABLE_LENGTH = 64 };

// Dot products, as the portable kernels sum.
static int32_t portable_peak(int32_t rounds) {
  int8_t a[PORTABLE_LENGTH], b[PORTABLE_LENGTH];
  for (int i = 0; i < PORTABLE_LENGTH; i++) a[i] = b[i] = (int8_t)(i + rounds);
  int32_t total = 0;
  for (int32_t r = 0; r < rounds * PORTABLE_SUMS; r++) {
    __asm__ volatile("" : : "r"(a), "r"(b) : "memory");
    for (int i = 0; i < PORTABLE_LENGTH; i++) total += (int32_t)a[i] * (int32_t)b[i];
  }
  return total;
}

const mmx_plain_kernels mmx_plain_portable = {
    mmx_max_pool_s8, mmx_average_pool_s8, mmx_add_s8, mmx_multiply_s8, mmx_requantize_s8, mmx_quantize_f32, mmx_image_run,
    mmx_spectrogram_run, mmx_softmax_entropy};

const mmx_path mmx_path_portable = {
    portable_plan, portable_pack, &mmx_plain_portable, portable_peak,
    PORTABLE_SUMS * PORTABLE_LENGTH};

// By mmx_isa; null where the program holds no such path.
static const mmx_path *const paths[MMX_ISA_COUNT] = {
    [MMX_PORTABLE] = &mmx_path_portable,
#if defined(__x86_64__)
    [MMX_SSE41] = &mmx_path_sse41,
    [MMX_AVX2] = &mmx_path_avx2,
    [MMX_AVX_VNNI] = &mmx_path_avxvnni,
    [MMX_AVX512_VNNI] = &mmx_path_avx512vnni,
#elif defined(__aarch64__)
    [MMX_NEON] = &mmx_path_neon,
    [MMX_DOTPROD] = &mmx_path_dotprod,
#endif
};

const char *mmx_isa_name(mmx_isa isa) {
  static const char *const names[MMX_ISA_COUNT] = {"portable", "avx2", "avxvnni", "avx512vnni",
                                                   "neon", "dotprod", "sse41"};
  return (int)isa >= 0 && (int)isa < MMX_ISA_COUNT ? names[isa] : "unknown";
}

mmx_isa mmx_best_isa(void) {
  static const mmx_isa order[] = {MMX_AVX512_VNNI, MMX_AVX_VNNI, MMX_DOTPROD, MMX_AVX2, MMX_NEON, MMX_SSE41};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    if (mmx_isa_available(order[i])) return order[i];
  }
  return MMX_PORTABLE;
}

int mmx_isa_available(mmx_isa isa) {
  if ((int)isa < 0 || (int)isa >= MMX_ISA_COUNT || paths[isa] == 0) return 0;
  return mmx_cpu_has(isa);
}

void mmx_layer_plan(mmx_isa isa, mmx_layer_kind kind, const mmx_window *window, const mmx_requantize *q,
                    int32_t pool_2x2, mmx_layer *layer) {
  *layer = (mmx_layer){.window = *window, .requantize = *q, .isa = isa, .kind = kind, .pool_2x2 = pool_2x2,
                       .out_height = window->out_height, .out_width = window->out_width};
  if (pool_2x2) {
    layer->out_height /= 2;
    layer->out_width /= 2;
  }
  if (kind == MMX_DEPTHWISE && window->kernel_height > MMX_MOST_ROWS) layer->isa = MMX_PORTABLE;
  paths[layer->isa]->plan(layer);
}

void mmx_layer_pack(mmx_layer *layer, const int8_t *weight, const int32_t *bias, const float *multiplier,
                    void *constants) {
  paths[layer->isa]->pack(layer, weight, bias, multiplier, constants);
}

const mmx_plain_kernels *mmx_plain(mmx_isa isa) { return paths[isa]->plain; }
int32_t mmx_peak(mmx_isa isa, int32_t rounds) { return paths[isa]->peak(rounds); }
int64_t mmx_peak_macs(mmx_isa isa) { return paths[isa]->peak_macs; }
