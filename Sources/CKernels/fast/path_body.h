// Everything of a path after its vectors: the including file has set the target and included a vec_*.h.
#include "../round.h"
#include "../sums.h"
#ifndef WEAVES_INPUT
#define WEAVES_INPUT 0
#endif
#include "stage.h"
#include "gemm.h"
#include "depthwise.h"
#include "few.h"
#ifdef DENSE
#include DENSE
#endif
#if SHORT_PRODUCTS
#include "winograd.h"
#if POOLED_SHORTS
#include "winograd_thin.h"
#include "few5.h"
#endif
#endif

#ifndef GEMM_PLAN
#define GEMM_PLAN own_gemm_plan
#define GEMM_PACK gemm_pack
static void own_gemm_plan(mmx_layer *l) {
  gemm_plan(l);
  l->run = l->kind == MMX_LOGITS ? logits_run : gemm_run;
}
#endif

static void path_plan(mmx_layer *l) {
  if (l->kind == MMX_DEPTHWISE) {
    depthwise_plan(l);
    l->run = depthwise_run;
#if POOLED_SHORTS
  } else if (is_few5(l)) {
    few5_plan(l);
#endif
  } else if (is_few(l)) {
    few_plan(l);
    l->run = few_run;
#ifdef DENSE
  } else if (is_dense(l)) {
    dense_plan(l);
    l->run = dense_run;
#endif
#if POOLED_SHORTS
  } else if (is_thin(l)) {
    thin_plan(l);
#endif
#if SHORT_PRODUCTS
  } else if (is_winograd(l)) {
    winograd_plan(l);
    l->run = winograd_run;
#endif
  } else {
    GEMM_PLAN(l);
  }
}

static void path_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                      void *constants) {
  if (l->kind == MMX_DEPTHWISE) {
    depthwise_pack(l, weight, bias, multiplier, constants);
#if POOLED_SHORTS
  } else if (is_few5(l)) {
    few5_pack(l, weight, bias, multiplier, constants);
#endif
  } else if (is_few(l)) {
    few_pack(l, weight, bias, multiplier, constants);
#ifdef DENSE
  } else if (is_dense(l)) {
    dense_pack(l, weight, bias, multiplier, constants);
#endif
#if POOLED_SHORTS
  } else if (is_thin(l)) {
    thin_pack(l, weight, bias, multiplier, constants);
#endif
#if SHORT_PRODUCTS
  } else if (is_winograd(l)) {
    winograd_pack(l, weight, bias, multiplier, constants);
#endif
  } else {
    GEMM_PACK(l, weight, bias, multiplier, constants);
  }
}

// As many independent sums as hide the dot product's latency.
static int32_t path_peak(int32_t rounds) {
  sums acc[PEAK_SUMS];
  int32_t results[LANES] = {rounds};
  element values[LANES * GROUP] __attribute__((aligned(64)));
  for (int i = 0; i < LANES * GROUP; i++) values[i] = (element)(i + rounds);
  word x = v_weights(values), w = v_spread(values);
#pragma unroll
  for (int i = 0; i < PEAK_SUMS; i++) acc[i] = v_bias(results);
  for (int32_t r = 0; r < rounds; r++) {
#pragma unroll
    for (int i = 0; i < PEAK_SUMS; i++) {
      // What the compiler must believe to change every time, so that it cannot multiply once for all.
      __asm__ volatile("" : KEPT(x), KEPT(w));
      acc[i] = v_dot(acc[i], x, w);
    }
  }
#pragma unroll
  for (int i = 1; i < PEAK_SUMS; i++) acc[0] = v_max(acc[0], acc[i]);
  memcpy(results, &acc[0], sizeof results);
  return results[0];
}

const mmx_path PATH = {
    path_plan, path_pack, &PLAIN, path_peak, (int64_t)PEAK_SUMS * LANES * GROUP};
