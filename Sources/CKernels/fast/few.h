// Convolution of one input channel into few: output columns along the lanes, one weight spread over all of them at a
// time. (gemm.h would leave most lanes empty, and spread every input value for a handful of products.) The image is woven
// once into strips, strip y holding the words of rows y ... y + GROUP - 1.

enum { FEW = 8 };  // most output channels: their sums stand in registers

static int is_few(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  return l->kind == MMX_CONV2D && w->in_channels == 1 && w->stride_x == 1 && w->out_channels <= FEW &&
         w->kernel_width * w->kernel_height > 1 && computed_columns(l) >= LANES;
}

static size_t few_strip_bytes(const mmx_layer *l) {
  return mmx_round_up(staged_row_bytes(l) / sizeof(element) * WORD + 2 * SLACK, 64);
}

static void few_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  l->runs = strip_words(w);
  l->groups = w->kernel_width;
  l->vectors = l->block = w->out_channels;
  size_t lanes = (size_t)w->out_channels * LANES;
  l->constant_bytes = lanes * (sizeof(int32_t) + sizeof(float)) +
                      (size_t)(l->runs * l->groups * w->out_channels) * WORD;
  l->scratch_bytes = staged_bytes(l) + (size_t)staged_rows(l) * few_strip_bytes(l);
}

static void few_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                     void *constants) {
  const mmx_window *w = &l->window;
  int32_t volume = w->kernel_height * w->kernel_width, offset = staged_offset(l->requantize.in_zero_point);
  int32_t *packed_bias = constants;
  float *packed_multiplier = (float *)(void *)(packed_bias + w->out_channels * LANES);
  element *to = (element *)(void *)(packed_multiplier + w->out_channels * LANES);
  for (int32_t oc = 0; oc < w->out_channels; oc++) {
    int32_t sum = mmx_biased(bias[oc], 0, offset, mmx_sum(weight + oc * volume, volume));
    for (int32_t lane = 0; lane < LANES; lane++) {
      packed_bias[oc * LANES + lane] = sum;
      packed_multiplier[oc * LANES + lane] = multiplier[oc];
    }
  }
  l->weight = to;
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
  for (int32_t word = 0; word < l->runs; word++) {
    for (int32_t kx = 0; kx < l->groups; kx++) {
      for (int32_t oc = 0; oc < w->out_channels; oc++) {
        for (int32_t i = 0; i < GROUP; i++) {
          int32_t ky = word * GROUP + i;
          *to++ = (element)(ky < w->kernel_height ? weight[oc * volume + ky * w->kernel_width + kx] : 0);
        }
      }
    }
  }
}

typedef struct {
  const mmx_layer *layer;
  size_t strip;  // bytes from one strip to the next
} columns;

// LANES cells of one row, O channels. `strips` points at the first column of the window's first strip.
FN void few_sums(const columns *c, const char *strips, const int O, sums *acc) {
  const mmx_layer *l = c->layer;
#pragma unroll
  for (int o = 0; o < O; o++) acc[o] = v_bias(l->bias + o * LANES);
  const char *w = l->weight;
  for (int32_t j = 0; j < l->runs; j++, strips += GROUP * c->strip) {
    for (int32_t kx = 0; kx < l->groups; kx++, w += O * WORD) {
      word x = v_words(strips + kx * WORD);
#pragma unroll
      for (int o = 0; o < O; o++) acc[o] = v_dot(acc[o], x, v_spread(w + o * WORD));
    }
  }
}

// Rounds the sums and interleaves the channels: `count` cells, taken from every `step`th lane.
FN void few_store(const columns *c, const sums *acc, const int O, int32_t count, int32_t step, int8_t *out) {
  const mmx_requantize *q = &c->layer->requantize;
  uint32_t low[LANES], high[LANES];
  // Four channels to a word, as many words as there must be.
  sums words[2] = {v_none(), v_none()};
#pragma unroll
  for (int o = 0; o < O; o++) words[o / 4] = v_join(words[o / 4], acc[o], q->multiplier + o * LANES, q, o % 4 * 8);
  v_dump(words[0], low);
  if (O > 4) v_dump(words[1], high);
  for (int32_t i = 0; i < count; i++, out += O) {
    memcpy(out, &low[i * step], O < 4 ? O : 4);
    if (O > 4) memcpy(out + 4, &high[i * step], O - 4);
  }
}

FN void few_row(const columns *c, const char *strips, int8_t *out, int32_t cells, int32_t down, const int O) {
  int32_t step = c->layer->pool_2x2 ? 2 : 1;
  for (int32_t x = 0; x < cells; x += LANES, strips += LANES * WORD) {
    sums acc[FEW];
    few_sums(c, strips, O, acc);
    if (step == 2) {
      sums below[FEW];
      few_sums(c, strips + (size_t)down * c->strip, O, below);
#pragma unroll
      for (int o = 0; o < O; o++) {
        sums higher = v_max(acc[o], below[o]);
        acc[o] = v_max(higher, v_swapped(higher));
      }
    }
    int32_t count = (cells - x < LANES ? cells - x : LANES) / step;
    few_store(c, acc, O, count, step, out);
    out += count * O;
  }
}

static void few_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  const mmx_window *w = &l->window;
  staging s = stage(l, in, scratch);
  columns c = {l, few_strip_bytes(l)};
  char *strips = (char *)scratch + staged_bytes(l);
  int32_t rows = staged_rows(l), values = (int32_t)(s.row / sizeof(element));
  for (int32_t y = 0; y < rows; y++) {
    const element *of[GROUP];
    // Beyond the last row any values will do: their weights are 0.
    for (int32_t i = 0; i < GROUP; i++) {
      of[i] = (const element *)(const void *)(s.first + (size_t)(y + i < rows ? y + i : y) * s.row);
    }
    weave(of, values, strips + (size_t)y * c.strip);
  }
  int32_t step = l->pool_2x2 ? 2 : 1;
  size_t out_row = (size_t)(s.out_columns / step) * (size_t)w->out_channels;
  for (int32_t oy = 0; oy < s.out_rows; oy++, out += out_row) {
    const char *from = strips + (size_t)(oy * step * w->stride_y) * c.strip;
    switch (w->out_channels) {
      case 1: few_row(&c, from, out, s.out_columns, w->stride_y, 1); break;
      case 2: few_row(&c, from, out, s.out_columns, w->stride_y, 2); break;
      case 3: few_row(&c, from, out, s.out_columns, w->stride_y, 3); break;
      case 4: few_row(&c, from, out, s.out_columns, w->stride_y, 4); break;
      case 5: few_row(&c, from, out, s.out_columns, w->stride_y, 5); break;
      case 6: few_row(&c, from, out, s.out_columns, w->stride_y, 6); break;
      case 7: few_row(&c, from, out, s.out_columns, w->stride_y, 7); break;
      default: few_row(&c, from, out, s.out_columns, w->stride_y, 8); break;
    }
  }
}
