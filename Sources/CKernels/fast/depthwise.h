// Depthwise convolution: channels along the lanes. The rows under a window are first woven into a strip of words, one
// word holding GROUP values of one column and channel, so that a tap of all those rows is one load and one dot product.
//
// With a horizontal stride of 1, a row of output is one long run of (column, channel) and blocks of lanes may span
// cells; the weights then repeat with a period of `block` blocks. Otherwise blocks end with their cell.

enum { WORD = GROUP * sizeof(element), TOGETHER = 4 };

static int32_t strip_words(const mmx_window *w) { return mmx_ceil_div(w->kernel_height, GROUP); }

static size_t strip_bytes(const mmx_layer *l) {
  return mmx_round_up(staged_row_bytes(l) / sizeof(element) * WORD + 2 * SLACK, 64);
}

static int32_t common_factor(int32_t a, int32_t b) { return b == 0 ? a : common_factor(b, a % b); }

static int32_t run_of(const mmx_layer *l) {
  return l->window.stride_x == 1 ? l->window.out_width * l->window.in_channels : l->window.in_channels;
}

static void depthwise_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  l->runs = w->kernel_width;
  l->groups = strip_words(w);
  l->vectors = mmx_ceil_div(run_of(l), LANES);
  // Blocks after which weights, bias and multiplier repeat, and a whole number of steps of the loop.
  int32_t period = w->in_channels / common_factor(w->in_channels, LANES);
  period *= TOGETHER / common_factor(period, TOGETHER);
  l->block = w->stride_x == 1 && period < l->vectors ? period : l->vectors;
  size_t taps = (size_t)(l->runs * l->groups);
  l->constant_bytes = (size_t)l->block * LANES * (taps * WORD + sizeof(int32_t) + sizeof(float));
  l->scratch_bytes = staged_bytes(l) + (size_t)l->groups * strip_bytes(l);
}

static void depthwise_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                           void *constants) {
  const mmx_window *w = &l->window;
  int32_t channels = w->in_channels, offset = staged_offset(l->requantize.in_zero_point);
  element *to = constants;
  int32_t *packed_bias = (int32_t *)(void *)(to + (size_t)l->block * LANES * (size_t)(l->runs * l->groups) * GROUP);
  float *packed_multiplier = (float *)(void *)(packed_bias + l->block * LANES);
  for (int32_t block = 0; block < l->block; block++) {
    for (int32_t lane = 0; lane < LANES; lane++) {
      int32_t at = block * LANES + lane, c = at % channels, sum = 0;
      for (int32_t kx = 0; kx < l->runs; kx++) {
        for (int32_t ky = 0; ky < l->groups * GROUP; ky++) {
          int8_t value = ky < w->kernel_height ? weight[(ky * w->kernel_width + kx) * channels + c] : 0;
          size_t word = ((size_t)block * (size_t)l->runs + (size_t)kx) * (size_t)l->groups + (size_t)(ky / GROUP);
          to[(word * LANES + (size_t)lane) * GROUP + (size_t)(ky % GROUP)] = (element)value;
          sum += value;
        }
      }
      packed_bias[at] = mmx_biased(bias[c], 0, offset, sum);
      packed_multiplier[at] = multiplier[c];
    }
  }
  l->weight = constants;
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
}

typedef struct {
  const mmx_layer *layer;
  size_t strip;  // bytes from one strip of words to the next
  size_t across; // bytes in a strip from one column to the next
  finish finish;
} woven;

// `n` blocks from `block` on (counted within the weights' period). `valid` lanes are stored.
FN void blocks(const woven *s, const char *x, int32_t block, const int n, int32_t valid, int8_t *out) {
  const mmx_layer *l = s->layer;
  sums acc[TOGETHER];
  const float *multiplier[TOGETHER];
  int8_t *to[TOGETHER];
  int32_t left[TOGETHER];
  size_t own = (size_t)(l->runs * l->groups) * LANES * GROUP;
  const element *w = (const element *)l->weight + (size_t)block * own;
#pragma unroll
  for (int i = 0; i < n; i++) {
    acc[i] = v_bias(l->bias + (block + i) * LANES);
    multiplier[i] = l->requantize.multiplier + (block + i) * LANES;
    to[i] = out + i * LANES;
    left[i] = valid - i * LANES;
  }
  for (int32_t kx = 0; kx < l->runs; kx++, x += s->across) {
    const char *at = x;
    for (int32_t j = 0; j < l->groups; j++, at += s->strip, w += LANES * GROUP) {
#pragma unroll
      for (int i = 0; i < n; i++) {
        acc[i] = v_dot(acc[i], v_words(at + i * LANES * WORD), v_weights(w + (size_t)i * own));
      }
    }
  }
  v_store(acc, n, multiplier, to, left, &s->finish);
}

// One run of output values; where it is long, block numbers wrap round the weights' period.
static void depthwise_run_of(const woven *s, const char *x, int32_t count, int8_t *out) {
  int32_t block = 0, period = s->layer->block;
  while (count > 0) {
    int32_t n = mmx_ceil_div(count, LANES);
    if (n >= TOGETHER && block + TOGETHER <= period) n = TOGETHER;
    if (n > period - block) n = period - block;
    switch (n) {
      case 1: blocks(s, x, block, 1, count, out); break;
      case 2: blocks(s, x, block, 2, count, out); break;
      case 3: blocks(s, x, block, 3, count, out); break;
      default: n = TOGETHER; blocks(s, x, block, TOGETHER, count, out); break;
    }
    block = block + n == period ? 0 : block + n;
    x += n * LANES * WORD;
    out += n * LANES;
    count -= n * LANES;
  }
}

static void depthwise_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  const mmx_window *w = &l->window;
  staging s = stage(l, in, scratch);
  woven v = {l, strip_bytes(l), (size_t)w->in_channels * WORD, finish_of(&l->requantize)};
  char *strips = (char *)scratch + staged_bytes(l);
  int32_t run = run_of(l), values = (int32_t)(s.row / sizeof(element));
  for (int32_t oy = 0; oy < w->out_height; oy++) {
    const char *window = s.first + (size_t)(oy * w->stride_y) * s.row;
    for (int32_t j = 0; j < l->groups; j++) {
      const element *rows[GROUP];
      for (int32_t i = 0; i < GROUP; i++) {
        int32_t ky = j * GROUP + i;
        rows[i] = (const element *)(const void *)(window + (size_t)(ky < w->kernel_height ? ky : 0) * s.row);
      }
      weave(rows, values, strips + (size_t)j * v.strip);
    }
    for (int32_t done = 0, x = 0; done < w->out_width * w->in_channels; done += run, x += w->stride_x) {
      depthwise_run_of(&v, strips + (size_t)x * v.across, run, out);
      out += run;
    }
  }
}
