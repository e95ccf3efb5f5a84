// Linear layers and logits on the paths of int16 products: each weight is used once a window, so what counts is how many
// bytes of them are read. They stay int8 and are widened as they are loaded.

static int is_dense(const mmx_layer *l) { return l->kind == MMX_LINEAR || l->kind == MMX_LOGITS; }

static void dense_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  l->vectors = mmx_ceil_div(w->out_channels, LANES);
  l->block = l->vectors < 4 ? l->vectors : 4;
  l->runs = 1;
  l->groups = mmx_ceil_div(w->in_channels, GROUP);
  size_t lanes = (size_t)l->vectors * LANES;
  l->constant_bytes = lanes * (sizeof(int32_t) + sizeof(float) + (size_t)l->groups * GROUP);
  l->scratch_bytes = staged_bytes(l);
}

// Biases, multipliers, and weights [block][groups][vectors of the block][LANES][GROUP].
static void dense_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                       void *constants) {
  const mmx_window *w = &l->window;
  int32_t lanes = l->vectors * LANES;
  int32_t *packed_bias = constants;
  float *packed_multiplier = (float *)(void *)(packed_bias + lanes);
  int8_t *to = (int8_t *)(packed_multiplier + lanes);
  l->weight = to;
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
  for (int32_t oc = 0; oc < lanes; oc++) {
    packed_bias[oc] = oc < w->out_channels ? bias[oc] : 0;
    packed_multiplier[oc] = oc < w->out_channels ? multiplier[oc] : 1.0f;
  }
  for (int32_t first = 0; first < l->vectors; first += l->block) {
    int32_t block = l->vectors - first < l->block ? l->vectors - first : l->block;
    for (int32_t g = 0; g < l->groups; g++) {
      for (int32_t oc = first * LANES; oc < (first + block) * LANES; oc++) {
        for (int32_t at = g * GROUP; at < (g + 1) * GROUP; at++) {
          int inside = oc < w->out_channels && at < w->in_channels;
          *to++ = inside ? weight[(size_t)oc * (size_t)w->in_channels + (size_t)at] : 0;
        }
      }
    }
  }
}

// O vectors of outputs from the `first`th on.
FN void dense_block(const mmx_layer *l, const char *x, int32_t first, const int O, int8_t *out) {
  sums acc[4];
  const int8_t *w = (const int8_t *)l->weight + (size_t)first * (size_t)l->groups * LANES * GROUP;
#pragma unroll
  for (int o = 0; o < O; o++) acc[o] = v_bias(l->bias + (first + o) * LANES);
  for (int32_t g = 0; g < l->groups; g++, x += GROUP * sizeof(element), w += O * LANES * GROUP) {
    word v = v_spread(x);
#pragma unroll
    for (int o = 0; o < O; o++) acc[o] = v_dot(acc[o], v, v_widened(w + o * LANES * GROUP));
  }
  tiling t = {.multiplier = l->requantize.multiplier + first * LANES, .channels = l->window.out_channels - first * LANES,
              .finish = finish_of(&l->requantize)};
  if (l->kind == MMX_LOGITS) {
#pragma unroll
    for (int o = 0; o < O; o++) {
      v_store_real(acc[o], t.multiplier + o * LANES, t.channels - o * LANES,
                   (float *)(void *)out + (first + o) * LANES);
    }
  } else {
    tile_store(&t, acc, 1, O, 0, out + first * LANES);
  }
}

static void dense_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  staging s = stage(l, in, scratch);
  for (int32_t first = 0; first < l->vectors; first += l->block) {
    int32_t left = l->vectors - first;
    switch (left < l->block ? left : l->block) {
      case 1: dense_block(l, s.first, first, 1, out); break;
      case 2: dense_block(l, s.first, first, 2, out); break;
      case 3: dense_block(l, s.first, first, 3, out); break;
      default: dense_block(l, s.first, first, 4, out); break;
    }
  }
}
