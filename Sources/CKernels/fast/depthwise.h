// Depthwise convolution: channels along the lanes. The rows under a window are first woven into a strip of words, one
// word holding GROUP values of one column and channel, so that a tap of all those rows is one load and one dot product.
//
// With a horizontal stride of 1, a row of output is one long run of (column, channel), and blocks of lanes may span
// cells; after `period` blocks the channels, and with them the weights, repeat. Otherwise blocks end with their cell. Blocks
// with the same weights go together, so that the weights stay in registers.
//
// Of a 3 x 3 kernel with a vertical stride of 1, two rows of output go together: the strips that the upper row reads hold
// the lower row's window too, one row down. Strips are then woven for every other row only, and a word that is loaded
// serves two sums.

enum { WORD = GROUP * sizeof(element), TOGETHER = 4, FEW_COLUMNS = 12, WORDS_OF_3 = (3 + GROUP - 1) / GROUP };

static int32_t strip_words(const mmx_window *w) { return mmx_ceil_div(w->kernel_height, GROUP); }

static size_t strip_bytes(const mmx_layer *l) {
  return mmx_round_up(staged_row_bytes(l) / sizeof(element) * WORD + 2 * SLACK, 64);
}

// Strips that are alive at a time: strip y holds rows y ... y + GROUP - 1, and a window reads every GROUPth.
static int32_t ring(const mmx_layer *l) { return (strip_words(&l->window) - 1) * GROUP + 1; }

static int32_t common_factor(int32_t a, int32_t b) { return b == 0 ? a : common_factor(b, a % b); }

// Whether rows of output go in pairs. (Without words of several rows nothing would be gained.)
static int in_pairs(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  return GROUP > 1 && w->kernel_height == 3 && w->kernel_width == 3 && w->stride_y == 1 && l->direct == TAME;
}

// A row of the input that is nothing but padding.
static size_t blank_bytes(const mmx_layer *l) {
  return mmx_round_up((size_t)l->window.in_width * (size_t)l->window.in_channels, 64);
}

static void depthwise_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  l->runs = w->kernel_width;
  l->groups = strip_words(w);
  int32_t run = w->stride_x == 1 ? w->out_width * w->in_channels : w->in_channels;
  l->vectors = mmx_ceil_div(run, LANES);
  int32_t period = w->in_channels / common_factor(w->in_channels, LANES);
  l->block = w->stride_x == 1 && period < l->vectors ? period : l->vectors;
  size_t taps = (size_t)(l->runs * l->groups) * (in_pairs(l) ? 2 : 1);
  l->constant_bytes = (size_t)l->block * LANES * (taps * WORD + sizeof(int32_t) + sizeof(float));
  l->scratch_bytes = (WEAVES_INPUT ? blank_bytes(l) : staged_bytes(l)) + (size_t)ring(l) * strip_bytes(l);
}

// The weights of one block, `down` rows down in their words; returns where the next block's go.
static element *pack_taps(const mmx_layer *l, const int8_t *weight, int32_t block, int32_t down, element *to) {
  const mmx_window *w = &l->window;
  int32_t channels = w->in_channels;
  for (int32_t kx = 0; kx < l->runs; kx++) {
    for (int32_t word = 0; word < l->groups; word++) {
      for (int32_t lane = 0; lane < LANES; lane++) {
        int32_t c = (block * LANES + lane) % channels;
        for (int32_t i = 0; i < GROUP; i++) {
          int32_t ky = word * GROUP + i - down;
          int inside = ky >= 0 && ky < w->kernel_height;
          *to++ = (element)(inside ? weight[(ky * w->kernel_width + kx) * channels + c] : 0);
        }
      }
    }
  }
  return to;
}

// Weights [block][kx][word][lane][GROUP]; in pairs, a block's weights for the lower row follow those for the upper one.
static void depthwise_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                           void *constants) {
  const mmx_window *w = &l->window;
  int32_t channels = w->in_channels, offset = staged_offset(l->requantize.in_zero_point);
  l->direct = temper(bias, multiplier, channels, w->kernel_height * w->kernel_width);
  element *to = constants;
  for (int32_t block = 0; block < l->block; block++) {
    to = pack_taps(l, weight, block, 0, to);
    if (in_pairs(l)) to = pack_taps(l, weight, block, 1, to);
  }
  int32_t *packed_bias = (int32_t *)(void *)to;
  float *packed_multiplier = (float *)(void *)(packed_bias + l->block * LANES);
  for (int32_t at = 0; at < l->block * LANES; at++) {
    int32_t c = at % channels, sum = 0;
    for (int32_t tap = 0; tap < w->kernel_height * w->kernel_width; tap++) sum += weight[tap * channels + c];
    packed_bias[at] = mmx_biased(bias[c], 0, offset, sum);
    packed_multiplier[at] = multiplier[c];
  }
  l->weight = constants;
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
}

enum { MOST_WORDS = MMX_MOST_ROWS };

// Blocks that share their weights, in one row of output or two.
typedef struct {
  const mmx_layer *layer;
  const char *strips[MOST_WORDS];  // the window's, from its first column on
  size_t across;           // bytes in a strip from one column to the next
  size_t in_step, out_step;  // bytes from one block to the next
  size_t out_row;            // bytes from one row of output to the next
  finish finish;
} woven;

FN void store_blocks(const woven *s, const sums *acc, const int n, int32_t phase, int32_t valid, int8_t *out) {
  const float *multiplier[TOGETHER];
  int8_t *to[TOGETHER];
  int32_t left[TOGETHER];
#pragma unroll
  for (int i = 0; i < n; i++) {
    multiplier[i] = s->layer->requantize.multiplier + phase * LANES;
    to[i] = out + (size_t)i * s->out_step;
    left[i] = valid;
  }
  v_store(acc, n, multiplier, to, left, &s->finish, 0, 0);
}

// `n` blocks of any kernel. `at`: bytes into the strips.
FN void any_blocks(const woven *s, size_t at, int32_t phase, const int n, int32_t valid, int8_t *out) {
  const mmx_layer *l = s->layer;
  const element *w = (const element *)l->weight + (size_t)phase * (size_t)(l->runs * l->groups) * LANES * GROUP;
  sums acc[TOGETHER];
#pragma unroll
  for (int i = 0; i < n; i++) acc[i] = v_bias(l->bias + phase * LANES);
  for (int32_t kx = 0; kx < l->runs; kx++, at += s->across) {
    for (int32_t j = 0; j < l->groups; j++, w += LANES * GROUP) {
#pragma unroll
      for (int i = 0; i < n; i++) {
        acc[i] = v_dot(acc[i], v_words(s->strips[j] + at + (size_t)i * s->in_step), v_weights(w));
      }
    }
  }
  store_blocks(s, acc, n, phase, valid, out);
}

// Blocks of one phase: `valid` lanes of all but the last are stored, `last` of that.
typedef struct {
  size_t at;
  int32_t phase, count, valid, last;
} series;

static void phase_of_any(const woven *s, series b, int8_t *out) {
  for (; b.count > TOGETHER; b.count -= TOGETHER, b.at += TOGETHER * s->in_step, out += TOGETHER * s->out_step) {
    any_blocks(s, b.at, b.phase, TOGETHER, b.valid, out);
  }
  for (; b.count > 0; b.count--, b.at += s->in_step, out += s->out_step) {
    any_blocks(s, b.at, b.phase, 1, b.count == 1 ? b.last : b.valid, out);
  }
}

#include "depthwise3.h"

// One row of output from the strips in `s`, or two.
static void depthwise_rows(const woven *s, int32_t rows, int8_t *out) {
  const mmx_layer *l = s->layer;
  const mmx_window *w = &l->window;
  int flat = w->stride_x == 1, of_3 = w->kernel_width == 3 && w->kernel_height == 3 && l->direct == TAME;
  int32_t run = flat ? w->out_width * w->in_channels : w->in_channels;
  int short_of_registers = WORDS_OF_3 == 2, channels = w->in_channels;
  if (of_3 && (channels % ((short_of_registers ? 2 : TOGETHER) * LANES) == 0 || (short_of_registers && channels == LANES)) &&
      (short_of_registers || w->out_width <= FEW_COLUMNS)) {
    (rows == 1 ? cells_of_3_row : flat ? flat_cells_of_3_rows : cells_of_3_rows)(s, out);
    return;
  }
  for (int32_t phase = 0; phase < l->block; phase++) {
    int32_t left = run - phase * LANES, most = left < LANES ? left : LANES;
    series b = {(size_t)phase * LANES * WORD, phase, w->out_width, most, most};
    if (flat) {
      int32_t apart = l->block * LANES;
      b.count = mmx_ceil_div(left, apart);
      int32_t rest = left - (b.count - 1) * apart;
      b.last = rest < LANES ? rest : LANES;
    }
    (!of_3 ? phase_of_any : rows == 2 ? phase_of_3_rows : phase_of_3_row)(s, b, out + phase * LANES);
  }
}

// Where strips are woven from.
typedef struct {
  const mmx_layer *layer;
#if WEAVES_INPUT
  const int8_t *in, *blank;
#else
  staging staged;
#endif
} rows_below;

#if WEAVES_INPUT
static int32_t strip_left(const mmx_layer *l) { return l->window.pad_left * l->window.in_channels; }

// Words of a strip, and those between the paddings that come from the image: of a row, what the windows reach.
static int32_t strip_length(const mmx_layer *l) { return (int32_t)(staged_row_bytes(l) / sizeof(element)); }
static int32_t strip_image(const mmx_layer *l) {
  int32_t image = l->window.in_width * l->window.in_channels, most = strip_length(l) - strip_left(l);
  return image < most ? image : most < 0 ? 0 : most;
}

// The paddings of all strips stay as they are from one row to the next.
static rows_below rows_of(const mmx_layer *l, const int8_t *in, char *scratch) {
  memset(scratch, l->requantize.in_zero_point, blank_bytes(l));
  size_t left = (size_t)strip_left(l), image = (size_t)strip_image(l), length = (size_t)strip_length(l);
  if (left > length) left = length;
  char *strip = scratch + blank_bytes(l);
  for (int32_t i = 0; i < ring(l); i++, strip += strip_bytes(l)) {
    memset(strip, 0, left * WORD);
    memset(strip + (left + image) * WORD, 0, (length - left - image) * WORD);
  }
  return (rows_below){l, in, (const int8_t *)scratch};
}

static char *strips_in(const mmx_layer *l, void *scratch) { return (char *)scratch + blank_bytes(l); }

// Strip y, rows y ... y + GROUP - 1.
static void weave_strip(const rows_below *r, int32_t y, char *strip) {
  const mmx_layer *l = r->layer;
  const mmx_window *w = &l->window;
  const int8_t *of[GROUP];
  for (int32_t i = 0; i < GROUP; i++) {
    int32_t at = y + i - w->pad_top;
    of[i] = at < 0 || at >= w->in_height ? r->blank : r->in + (size_t)at * (size_t)(w->in_width * w->in_channels);
  }
  int32_t n = strip_image(l), zero = l->requantize.in_zero_point, i = 0;
  strip += (size_t)strip_left(l) * WORD;
  for (; i + WOVEN <= n; i += WOVEN) weave_input(of[0] + i, of[1] + i, zero, strip + (size_t)i * WORD);
  if (i == n) return;
  if (n >= WOVEN) {  // The last lie over those before.
    i = n - WOVEN;
    weave_input(of[0] + i, of[1] + i, zero, strip + (size_t)i * WORD);
    return;
  }
  element *words = (element *)(void *)strip;
  for (; i < n; i++) {
    for (int32_t j = 0; j < GROUP; j++) words[i * GROUP + j] = (element)(of[j][i] - zero);
  }
}
#else
static rows_below rows_of(const mmx_layer *l, const int8_t *in, char *scratch) {
  return (rows_below){l, stage(l, in, scratch)};
}

static char *strips_in(const mmx_layer *l, void *scratch) { return (char *)scratch + staged_bytes(l); }

static void weave_strip(const rows_below *r, int32_t y, char *strip) {
  size_t row = r->staged.row;
  int32_t rows = staged_rows(r->layer);
  const element *of[GROUP];
  // Beyond the window's last row any values will do: their weights are 0.
  for (int32_t i = 0; i < GROUP; i++) {
    of[i] = (const element *)(const void *)(r->staged.first + (size_t)(y + i < rows ? y + i : y) * row);
  }
  weave(of, (int32_t)(row / sizeof(element)), strip);
}
#endif

static void depthwise_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  const mmx_window *w = &l->window;
  rows_below rows = rows_of(l, in, scratch);
  int flat = w->stride_x == 1;
  woven v = {.layer = l, .across = (size_t)w->in_channels * WORD, .finish = finish_of(&l->requantize)};
  v.out_step = flat ? (size_t)l->block * LANES : (size_t)w->in_channels;
  v.in_step = flat ? v.out_step * WORD : (size_t)w->stride_x * v.across;
  char *strips = strips_in(l, scratch);
  size_t strip = strip_bytes(l);
  int32_t alive = ring(l), next = 0;
  v.out_row = (size_t)w->out_width * (size_t)w->in_channels;
  int32_t together = in_pairs(l) ? 2 : 1, down = w->stride_y * together;
  // Of the strips, windows begin at every `down`th and go on by GROUP.
  int32_t every = common_factor(down, GROUP);
  for (int32_t oy = 0; oy < w->out_height; oy += together, out += (size_t)together * v.out_row) {
    int32_t first = oy * w->stride_y;
    if (next < first) next = first;
    for (; next < first + alive; next++) {
      if (next % every == 0) weave_strip(&rows, next, strips + (size_t)(next % alive) * strip);
    }
    for (int32_t j = 0; j < l->groups; j++) v.strips[j] = strips + (size_t)((first + j * GROUP) % alive) * strip;
    depthwise_rows(&v, w->out_height - oy < together ? 1 : together, out);
  }
}
