// Depthwise 3 x 3, over the strips of depthwise.h: R rows of output (1 or 2) at a time, the second a row further down the
// same strips.

// What the compiler must have in a register here: sums grow tap by tap, where it would compute one row after the other and
// keep the words of all taps on the stack between.
#if defined(__x86_64__)
#define PIN(x) __asm__("" : KEPT(x))
#else
#define PIN(x) (void)(x)
#endif

enum { TAPS_OF_3 = 3 * WORDS_OF_3, VALUES_OF_3 = TAPS_OF_3 * LANES * GROUP };

// What the inner loops need of `woven` and its layer, as a value: what stands in memory would be read again after every store,
// since results are bytes and bytes may alias anything.
typedef struct {
  const char *strips[WORDS_OF_3];
  const element *weight;
  const int32_t *bias;
  const float *multiplier;
  size_t across, in_step, out_step, out_row, channels, own;  // `own`: elements of a block's weights
  finish finish;
} woven_3;

FN woven_3 woven_3_of(const woven *s) {
  const mmx_layer *l = s->layer;
  woven_3 v = {.weight = l->weight, .bias = l->bias, .multiplier = l->requantize.multiplier, .across = s->across,
               .in_step = s->in_step, .out_step = s->out_step, .out_row = s->out_row,
               .channels = (size_t)l->window.in_channels, .own = (size_t)VALUES_OF_3 * (in_pairs(l) ? 2 : 1),
               .finish = s->finish};
#pragma unroll
  for (int j = 0; j < WORDS_OF_3; j++) v.strips[j] = s->strips[j];
  return v;
}

// Sums of `n` blocks in R rows become results: sum r * n + i belongs to block i of row r.
FN void store_of_3(const woven_3 *s, const sums *acc, const int n, const int R, const float *const *multiplier,
                   const size_t *apart, int32_t valid, const int together, int8_t *out) {
  const float *of[2 * TOGETHER];
  int8_t *to[2 * TOGETHER];
  int32_t left[2 * TOGETHER];
#pragma unroll
  for (int i = 0; i < R * n; i++) {
    of[i] = multiplier[i % n];
    to[i] = out + (size_t)(i / n) * s->out_row + apart[i % n];
    left[i] = valid;
  }
  v_store(acc, R * n, of, to, left, &s->finish, together, 1);
}

// `n` blocks with the same weights, which are in `w`: those of the upper row, then those of the lower one. `adjacent`: the
// results of one block stand right behind those of the one before.
FN void blocks_of_3(const woven_3 *s, const word *w, size_t at, int32_t phase, const int n, const int R, int32_t valid,
                    const int adjacent, int8_t *out) {
  sums acc[2 * TOGETHER];
  const float *multiplier[TOGETHER];
  size_t apart[TOGETHER];
  sums bias = v_bias(s->bias + phase * LANES);
#pragma unroll
  for (int i = 0; i < R * n; i++) acc[i] = bias;
#pragma unroll
  for (int i = 0; i < n; i++) {
    multiplier[i] = s->multiplier + phase * LANES;
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
#pragma unroll
      for (int i = 0; i < R * n; i++) PIN(acc[i]);
    }
  }
  store_of_3(s, acc, n, R, multiplier, apart, valid, adjacent ? n : 0, out);
}

FN void phase_of_3(const woven *given, series b, const int R, int8_t *out) {
  const woven_3 held = woven_3_of(given), *s = &held;
  word w[2 * TAPS_OF_3];
  const element *from = s->weight + (size_t)b.phase * s->own;
#pragma unroll
  for (int i = 0; i < R * TAPS_OF_3; i++) w[i] = v_weights(from + (size_t)i * LANES * GROUP);
  int32_t even = b.last == b.valid ? b.count : b.count - 1;
  for (; even >= TOGETHER; even -= TOGETHER, b.count -= TOGETHER) {
    if (b.valid == LANES && s->out_step == LANES) {
      blocks_of_3(s, w, b.at, b.phase, TOGETHER, R, LANES, 1, out);
    } else {
      blocks_of_3(s, w, b.at, b.phase, TOGETHER, R, b.valid, 0, out);
    }
    b.at += TOGETHER * s->in_step;
    out += TOGETHER * s->out_step;
  }
  if (even >= 2) {
    blocks_of_3(s, w, b.at, b.phase, 2, R, b.valid, 0, out);
    b.count -= 2;
    b.at += 2 * s->in_step;
    out += 2 * s->out_step;
  }
  for (; b.count > 0; b.count--, b.at += s->in_step, out += s->out_step) {
    blocks_of_3(s, w, b.at, b.phase, 1, R, b.count == 1 ? b.last : b.valid, 0, out);
  }
}
static void phase_of_3_row(const woven *s, series b, int8_t *out) { phase_of_3(s, b, 1, out); }
static void phase_of_3_rows(const woven *s, series b, int8_t *out) { phase_of_3(s, b, 2, out); }

// V blocks of neighbouring phases in each of C neighbouring cells, `stride` columns apart: a weight that is loaded serves
// all cells, and with a stride of 1 a word serves two of them. The sums are those of row 0, cell by cell, then of row 1.
FN void neighbours_of_3(const woven_3 *s, size_t at, int32_t phase, const int R, const int C, const int V, const size_t stride,
                        const int together, int8_t *out) {
  const size_t own = R == 2 ? 2 * VALUES_OF_3 : s->own;
  const element *w = s->weight + (size_t)phase * own;
  const float *multiplier[2 * TOGETHER];
  size_t apart[2 * TOGETHER];
  sums acc[2 * TOGETHER];
#pragma unroll
  for (int i = 0; i < C * V; i++) {
    int v = i % V;
    acc[i] = v_bias(s->bias + (phase + v) * LANES);
    if (R == 2) acc[C * V + i] = acc[i];
    multiplier[i] = s->multiplier + (phase + v) * LANES;
    apart[i] = (size_t)(i / V) * s->channels + (size_t)(v * LANES);
  }
#pragma unroll
  for (int j = 0; j < WORDS_OF_3; j++) {
#pragma unroll
    for (int kx = 0; kx < 3; kx++) {
#pragma unroll
      for (int v = 0; v < V; v++) {
        const element *of = w + (size_t)v * own + (kx * WORDS_OF_3 + j) * LANES * GROUP;
        word upper = v_weights(of), lower = R == 2 ? v_weights(of + VALUES_OF_3) : upper;
#pragma unroll
        for (int c = 0; c < C; c++) {
          word x = v_words(s->strips[j] + at + ((size_t)kx + (size_t)c * stride) * s->across + (size_t)(v * LANES) * WORD);
          acc[c * V + v] = v_dot(acc[c * V + v], x, upper);
          if (R == 2) acc[(C + c) * V + v] = v_dot(acc[(C + c) * V + v], x, lower);
        }
#pragma unroll
        for (int c = 0; c < R * C; c++) PIN(acc[c * V + v]);
      }
    }
  }
  store_of_3(s, acc, C * V, R, multiplier, apart, LANES, together, out);
}

// V neighbouring phases of C cells at a time, as long as there are so many cells; returns how many cells are left.
FN int32_t cells_by(const woven_3 *s, int32_t left, size_t *at, const int R, const int C, const int V, const size_t stride,
                    const int together, int8_t **out) {
  int32_t channels = (int32_t)s->channels;
  for (; left >= C; left -= C, *at += (size_t)C * stride * s->across, *out += C * channels) {
    for (int32_t phase = 0; phase * LANES < channels; phase += V) {
      neighbours_of_3(s, *at + (size_t)(phase * LANES) * WORD, phase, R, C, V, stride, together, *out + phase * LANES);
    }
  }
  return left;
}

// As many sums as there are registers for: where words hold two rows, weights are taken from memory, for two cells or four.
FN void cells_of_3(const woven *given, const int R, const size_t stride, int8_t *out) {
  const woven_3 held = woven_3_of(given), *s = &held;
  int32_t left = given->layer->window.out_width;
  size_t at = 0;
  if (WORDS_OF_3 == 1) {
    cells_by(s, left, &at, R, 1, TOGETHER, stride, TOGETHER, &out);
    return;
  }
  if (held.channels == LANES) {  // Cells stand one behind the other.
    left = cells_by(s, left, &at, R, 4, 1, stride, 4, &out);
    cells_by(s, left, &at, R, 1, 1, stride, 1, &out);
    return;
  }
  if (R == 1) left = cells_by(s, left, &at, R, 4, 2, stride, 2, &out);
  left = cells_by(s, left, &at, R, 2, 2, stride, 2, &out);
  cells_by(s, left, &at, R, 1, 2, stride, 2, &out);
}
static void cells_of_3_row(const woven *s, int8_t *out) { cells_of_3(s, 1, (size_t)s->layer->window.stride_x, out); }
static void cells_of_3_rows(const woven *s, int8_t *out) { cells_of_3(s, 2, (size_t)s->layer->window.stride_x, out); }
static void flat_cells_of_3_rows(const woven *s, int8_t *out) { cells_of_3(s, 2, 1, out); }
