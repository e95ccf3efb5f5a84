// Depthwise 3 x 3, over the strips of depthwise.h: R rows of output (1 or 2) at a time, the second a row further down the
// same strips.

enum { TAPS_OF_3 = 3 * WORDS_OF_3, VALUES_OF_3 = TAPS_OF_3 * LANES * GROUP };

// Sums of `n` blocks in R rows become results: sum r * n + i belongs to block i of row r.
FN void store_of_3(const woven *s, const sums *acc, const int n, const int R, const float *const *multiplier,
                   const size_t *apart, int32_t valid, int8_t *out) {
  const float *of[2 * TOGETHER];
  int8_t *to[2 * TOGETHER];
  int32_t left[2 * TOGETHER];
#pragma unroll
  for (int i = 0; i < R * n; i++) {
    of[i] = multiplier[i % n];
    to[i] = out + (size_t)(i / n) * s->out_row + apart[i % n];
    left[i] = valid;
  }
  v_store(acc, R * n, of, to, left, &s->finish);
}

// `n` blocks with the same weights, which are in `w`: those of the upper row, then those of the lower one.
FN void blocks_of_3(const woven *s, const word *w, size_t at, int32_t phase, const int n, const int R, int32_t valid,
                    int8_t *out) {
  sums acc[2 * TOGETHER];
  const float *multiplier[TOGETHER];
  size_t apart[TOGETHER];
  sums bias = v_bias(s->layer->bias + phase * LANES);
#pragma unroll
  for (int i = 0; i < R * n; i++) acc[i] = bias;
#pragma unroll
  for (int i = 0; i < n; i++) {
    multiplier[i] = s->layer->requantize.multiplier + phase * LANES;
    apart[i] = (size_t)i * s->out_step;
  }
#pragma unroll
  for (int kx = 0; kx < 3; kx++) {
#pragma unroll
    for (int j = 0; j < WORDS_OF_3; j++) {
      int tap = kx * WORDS_OF_3 + j;
#pragma unroll
      for (int i = 0; i < n; i++) {
        word x = v_words(s->strips[j] + at + (size_t)i * s->in_step + (size_t)kx * s->across);
        acc[i] = v_dot(acc[i], x, w[tap]);
        if (R == 2) acc[n + i] = v_dot(acc[n + i], x, w[TAPS_OF_3 + tap]);
      }
    }
  }
  store_of_3(s, acc, n, R, multiplier, apart, valid, out);
}

FN const element *weights_of_3(const mmx_layer *l, int32_t phase) {
  return (const element *)l->weight + (size_t)phase * VALUES_OF_3 * (in_pairs(l) ? 2 : 1);
}

FN void phase_of_3(const woven *s, series b, const int R, int8_t *out) {
  word w[2 * TAPS_OF_3];
  const element *from = weights_of_3(s->layer, b.phase);
#pragma unroll
  for (int i = 0; i < R * TAPS_OF_3; i++) w[i] = v_weights(from + (size_t)i * LANES * GROUP);
  int32_t even = b.last == b.valid ? b.count : b.count - 1;
  for (; even >= TOGETHER; even -= TOGETHER, b.count -= TOGETHER) {
    if (b.valid == LANES) {
      blocks_of_3(s, w, b.at, b.phase, TOGETHER, R, LANES, out);
    } else {
      blocks_of_3(s, w, b.at, b.phase, TOGETHER, R, b.valid, out);
    }
    b.at += TOGETHER * s->in_step;
    out += TOGETHER * s->out_step;
  }
  if (even >= 2) {
    blocks_of_3(s, w, b.at, b.phase, 2, R, b.valid, out);
    b.count -= 2;
    b.at += 2 * s->in_step;
    out += 2 * s->out_step;
  }
  for (; b.count > 0; b.count--, b.at += s->in_step, out += s->out_step) {
    blocks_of_3(s, w, b.at, b.phase, 1, R, b.count == 1 ? b.last : b.valid, out);
  }
}
static void phase_of_3_row(const woven *s, series b, int8_t *out) { phase_of_3(s, b, 1, out); }
static void phase_of_3_rows(const woven *s, series b, int8_t *out) { phase_of_3(s, b, 2, out); }

// TOGETHER blocks of neighbouring phases, in one place.
FN void neighbours_of_3(const woven *s, size_t at, int32_t phase, const int R, int8_t *out) {
  const mmx_layer *l = s->layer;
  const size_t own = (size_t)VALUES_OF_3 * (in_pairs(l) ? 2 : 1);
  const element *w = weights_of_3(l, phase);
  const float *multiplier[TOGETHER];
  size_t apart[TOGETHER];
  sums acc[2 * TOGETHER];
#pragma unroll
  for (int i = 0; i < TOGETHER; i++) {
    acc[i] = v_bias(l->bias + (phase + i) * LANES);
    acc[TOGETHER + i] = acc[i];
    multiplier[i] = l->requantize.multiplier + (phase + i) * LANES;
    apart[i] = (size_t)(i * LANES);
  }
#pragma unroll
  for (int kx = 0; kx < 3; kx++) {
#pragma unroll
    for (int j = 0; j < WORDS_OF_3; j++) {
      const char *from = s->strips[j] + at + (size_t)kx * s->across;
#pragma unroll
      for (int i = 0; i < TOGETHER; i++) {
        const element *of = w + (size_t)i * own + (kx * WORDS_OF_3 + j) * LANES * GROUP;
        word x = v_words(from + i * LANES * WORD);
        acc[i] = v_dot(acc[i], x, v_weights(of));
        if (R == 2) acc[TOGETHER + i] = v_dot(acc[TOGETHER + i], x, v_weights(of + VALUES_OF_3));
      }
    }
  }
  store_of_3(s, acc, TOGETHER, R, multiplier, apart, LANES, out);
}

// Few columns of many channels: one cell after the other.
FN void cells_of_3(const woven *s, const int R, int8_t *out) {
  const mmx_window *w = &s->layer->window;
  int32_t channels = w->in_channels;
  size_t step = (size_t)w->stride_x * s->across;
  for (int32_t ox = 0; ox < w->out_width; ox++, out += channels) {
    size_t at = (size_t)ox * step;
    for (int32_t phase = 0; phase * LANES < channels; phase += TOGETHER) {
      neighbours_of_3(s, at + (size_t)phase * LANES * WORD, phase, R, out + phase * LANES);
    }
  }
}
static void cells_of_3_row(const woven *s, int8_t *out) { cells_of_3(s, 1, out); }
static void cells_of_3_rows(const woven *s, int8_t *out) { cells_of_3(s, 2, out); }
