// Linear layers and logits on the paths of int16 products: each weight is used once a window, so what counts is how many
// bytes of them are read, and what it takes to make int16 of them.
//
// Where words hold two values, the weights of two outputs share an int16: twin = 256 * first + (second + 128). Shifted it
// is the first; as it stands, its sum is 256 * (the first's) + (the second's) + 128 * (the inputs'), modulo 2^32 exactly, and
// what is not wanted of that is known in the end. That is one shift for two weights where widening takes one for each. What
// is left over stays int8 and is widened as it is loaded.

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

// Pairs of vectors, of a block, whose weights are twins.
FN int twins_of(int vectors) { return GROUP == 2 ? vectors / 2 : 0; }

// The weight of output `oc` for input `at`; beyond the layer 0.
static int32_t dense_weight(const mmx_window *w, const int8_t *weight, int32_t oc, int32_t at) {
  int inside = oc < w->out_channels && at < w->in_channels;
  return inside ? weight[(size_t)oc * (size_t)w->in_channels + (size_t)at] : 0;
}

// One group of inputs of `block` vectors from output `oc` on; returns where the next group's go.
static int8_t *pack_group(const mmx_window *w, const int8_t *weight, int32_t oc, int32_t block, int32_t g, int8_t *to) {
  int32_t twins = twins_of(block);
  for (int32_t i = 0; i < LANES * twins; i++) {
    int32_t first = oc + i / LANES * 2 * LANES + i % LANES;
    for (int32_t at = g * GROUP; at < (g + 1) * GROUP; at++, to += sizeof(int16_t)) {
      int16_t twin = (int16_t)(256 * dense_weight(w, weight, first, at) + dense_weight(w, weight, first + LANES, at) + 128);
      memcpy(to, &twin, sizeof twin);
    }
  }
  for (int32_t lane = 2 * twins * LANES; lane < block * LANES; lane++) {
    for (int32_t at = g * GROUP; at < (g + 1) * GROUP; at++) *to++ = (int8_t)dense_weight(w, weight, oc + lane, at);
  }
  return to;
}

// Biases, multipliers, and weights [block][groups][pairs of vectors][LANES][GROUP] of twins, then the odd vector's.
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
    for (int32_t g = 0; g < l->groups; g++) to = pack_group(w, weight, first * LANES, block, g, to);
  }
}

typedef int16_t twin_words __attribute__((vector_size(2 * LANES * GROUP)));
typedef uint32_t lanes_u32 __attribute__((vector_size(4 * LANES)));

FN word first_of(word both) {
  twin_words v;
  memcpy(&v, &both, sizeof v);
  v >>= 8;
  memcpy(&both, &v, sizeof v);
  return both;
}

// The sum of the second of two outputs, out of that of their twins, that of the first, and 128 times the inputs' sum.
FN sums second_of(sums both, sums first, uint32_t inputs) {
  lanes_u32 b, f;
  memcpy(&b, &both, sizeof b);
  memcpy(&f, &first, sizeof f);
  b -= (f << 8) + inputs;
  memcpy(&both, &b, sizeof b);
  return both;
}

FN sums plus(sums a, const int32_t *b) {
  sums other = v_bias(b);
  lanes_u32 x, y;
  memcpy(&x, &a, sizeof x);
  memcpy(&y, &other, sizeof y);
  x += y;
  memcpy(&a, &x, sizeof x);
  return a;
}

// O vectors of outputs from the `first`th on. `inputs`: 128 times the sum of all staged values.
FN void dense_block(const mmx_layer *l, const char *x, uint32_t inputs, int32_t first, const int O, int8_t *out) {
  static const int32_t nothing[LANES];
  sums acc[4];
  const int twins = twins_of(O);
  const int8_t *w = (const int8_t *)l->weight + (size_t)first * (size_t)l->groups * LANES * GROUP;
  const int32_t *bias = l->bias + first * LANES;
#pragma unroll
  for (int o = 0; o < O; o++) acc[o] = v_bias(o < 2 * twins ? nothing : bias + o * LANES);
  for (int32_t g = 0; g < l->groups; g++, x += GROUP * sizeof(element), w += O * LANES * GROUP) {
    word v = v_spread(x);
#pragma unroll
    for (int o = 0; o < 2 * twins; o += 2) {
      word both = v_words(w + o * LANES * GROUP);
      acc[o] = v_dot(acc[o], v, first_of(both));
      acc[o + 1] = v_dot(acc[o + 1], v, both);
    }
#pragma unroll
    for (int o = 2 * twins; o < O; o++) acc[o] = v_dot(acc[o], v, v_widened(w + o * LANES * GROUP));
  }
#pragma unroll
  for (int o = 0; o < 2 * twins; o += 2) {
    acc[o + 1] = plus(second_of(acc[o + 1], acc[o], inputs), bias + (o + 1) * LANES);
    acc[o] = plus(acc[o], bias + o * LANES);
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
    tile_store(&t, acc, 1, O, 0, 0, out + first * LANES);
  }
}

static void dense_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  staging s = stage(l, in, scratch);
  // What stands behind the last value meets twins of 0, which are not 0: it counts.
  const element *values = (const element *)(const void *)s.first;
  uint32_t inputs = 0;
  for (int32_t i = 0; i < l->groups * GROUP; i++) inputs += (uint32_t)values[i] * 128;
  for (int32_t first = 0; first < l->vectors; first += l->block) {
    int32_t left = l->vectors - first;
    switch (left < l->block ? left : l->block) {
      case 1: dense_block(l, s.first, inputs, first, 1, out); break;
      case 2: dense_block(l, s.first, inputs, first, 2, out); break;
      case 3: dense_block(l, s.first, inputs, first, 3, out); break;
      default: dense_block(l, s.first, inputs, first, 4, out); break;
    }
  }
}
