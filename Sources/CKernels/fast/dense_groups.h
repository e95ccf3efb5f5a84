// Linear layers and logits on the paths of words of four int8: each weight is used once a window, so what counts is that it is
// read once, a byte, and that there are as many sums under way as hide what a product takes. With one cell alone, gemm.h's
// tiles have too few.
//
// Without vpdpbusd the product is vpmaddubsw's, whose unsigned factor is the input's size and whose signed one the weight, or its
// complement where the input is negative. What that leaves in a sum is the same for all outputs. (A convolution's weights are used
// more than once: there their own sizes and signs are told apart, when packing.)

enum { DENSE_BLOCK = 8 };

#if !DENSE_BY_SIZE
FN sums v_dense_dot(sums acc, word x, word size, word w) {
  (void)size;
  return v_dot(acc, x, w);
}
FN sums v_dense_bias(const int32_t *p, int32_t left) {
  (void)left;
  return v_bias(p);
}
FN int32_t stage_sizes(element *values, int32_t n, element *sizes) {
  (void)values, (void)n, (void)sizes;
  return 0;
}
#endif

static int is_dense(const mmx_layer *l) { return l->kind == MMX_LINEAR || l->kind == MMX_LOGITS; }

static size_t dense_staged(const mmx_layer *l) { return mmx_round_up((size_t)l->window.in_channels + GROUP, 64); }

static void dense_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  l->vectors = mmx_ceil_div(w->out_channels, LANES);
  l->block = l->vectors < DENSE_BLOCK ? l->vectors : DENSE_BLOCK;
  l->runs = 1;
  l->groups = mmx_ceil_div(w->in_channels, GROUP);
  size_t lanes = (size_t)l->vectors * LANES;
  l->constant_bytes = lanes * (sizeof(int32_t) + sizeof(float) + (size_t)l->groups * GROUP);
  l->scratch_bytes = 2 * dense_staged(l);
}

// Weights [block][groups][vectors of the block][LANES][GROUP], then biases and multipliers.
static void dense_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                       void *constants) {
  const mmx_window *w = &l->window;
  int32_t lanes = l->vectors * LANES, inputs = w->in_channels, offset = staged_offset(l->requantize.in_zero_point);
  int8_t *to = constants;
  l->direct = l->kind == MMX_LOGITS ? TAME : temper(bias, multiplier, w->out_channels, inputs);
  for (int32_t first = 0; first < lanes; first += l->block * LANES) {
    int32_t end = first + l->block * LANES < lanes ? first + l->block * LANES : lanes;
    for (int32_t at = 0; at < l->groups * GROUP; at += GROUP) {
      int32_t some = inputs - at < GROUP ? inputs - at : GROUP;
      for (int32_t oc = first; oc < end; oc++, to += GROUP) {
        memset(to, 0, GROUP);
        if (oc < w->out_channels) memcpy(to, weight + (size_t)oc * (size_t)inputs + (size_t)at, (size_t)some);
      }
    }
  }
  int32_t *packed_bias = (int32_t *)(void *)to;
  float *packed_multiplier = (float *)(void *)(packed_bias + lanes);
  for (int32_t oc = 0; oc < lanes; oc++) {
    int inside = oc < w->out_channels;
    int32_t sum = inside ? mmx_sum(weight + (size_t)oc * (size_t)inputs, inputs) : 0;
    packed_bias[oc] = inside ? mmx_biased(bias[oc], 0, offset, sum) : 0;
    packed_multiplier[oc] = inside ? multiplier[oc] : 1.0f;
  }
  l->weight = constants;
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
}

// O vectors of outputs from the `first`th on, of staged inputs, or of their signs and, behind them, their sizes. `left` is added
// to every sum.
FN void dense_block(const mmx_layer *l, const element *x, int32_t left, int32_t first, const int O, int8_t *out) {
  sums acc[DENSE_BLOCK];
  const int8_t *w = (const int8_t *)l->weight + (size_t)first * (size_t)l->groups * LANES * GROUP;
#pragma unroll
  for (int o = 0; o < O; o++) acc[o] = v_dense_bias(l->bias + (first + o) * LANES, left);
  const element *end = x + (size_t)l->groups * GROUP;
  size_t sizes = dense_staged(l);
  for (; x < end; x += GROUP, w += O * LANES * GROUP) {
    word given = v_spread(x), size = DENSE_BY_SIZE ? v_spread(x + sizes) : given;
#pragma unroll
    for (int o = 0; o < O; o++) acc[o] = v_dense_dot(acc[o], given, size, v_words(w + o * LANES * GROUP));
  }
  const float *multiplier = l->requantize.multiplier + first * LANES;
  int32_t channels = l->window.out_channels - first * LANES;
  if (l->kind == MMX_LOGITS) {
#pragma unroll
    for (int o = 0; o < O; o++) {
      v_store_real(acc[o], multiplier + o * LANES, channels - o * LANES, (float *)(void *)out + (first + o) * LANES);
    }
    return;
  }
  tiling t = {.multiplier = multiplier, .channels = channels, .finish = finish_of(&l->requantize)};
  if (l->direct == TAME && channels >= O * LANES) {
    tile_store(&t, acc, 1, O, 1, 1, out + first * LANES);
  } else {
    tile_store(&t, acc, 1, O, 0, 0, out + first * LANES);
  }
}

static void dense_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  int32_t inputs = l->window.in_channels, padded = l->groups * GROUP;
  element *x = scratch;
  stage_values(in, inputs, l->requantize.in_zero_point, x);
  // Weights of 0 meet what is behind the last input.
  for (int32_t i = inputs; i < padded; i++) x[i] = 0;
  int32_t left = DENSE_BY_SIZE ? stage_sizes(x, padded, x + dense_staged(l)) : 0;
  for (int32_t first = 0; first < l->vectors; first += l->block) {
    int32_t vectors = l->vectors - first;
    switch (vectors < l->block ? vectors : l->block) {
      case 1: dense_block(l, x, left, first, 1, out); break;
      case 2: dense_block(l, x, left, first, 2, out); break;
      case 3: dense_block(l, x, left, first, 3, out); break;
      case 4: dense_block(l, x, left, first, 4, out); break;
      case 5: dense_block(l, x, left, first, 5, out); break;
      case 6: dense_block(l, x, left, first, 6, out); break;
      case 7: dense_block(l, x, left, first, 7, out); break;
      default: dense_block(l, x, left, first, 8, out); break;
    }
  }
}
