// Convolution as a product of matrices that is never laid out: output channels along the lanes, a tile of output cells
// in registers, one group of input values spread over all lanes at a time. Serves pointwise and linear layers too.

// Weights of one vector and group: LANES x GROUP, in some paths two of that.
#ifndef WEIGHT_PARTS
#define WEIGHT_PARTS 1
#endif
#ifndef DOTS_IN_PAIRS
#define DOTS_IN_PAIRS 0
FN void v_dot_pair(sums *a, sums *b, word x, const element *u, const element *v) {
  *a = v_dot(*a, x, v_weights(u));
  *b = v_dot(*b, x, v_weights(v));
}
#endif
enum { WEIGHTS = LANES * GROUP * WEIGHT_PARTS };

// What one call over a row of tiles needs.
typedef struct {
  size_t step;        // bytes from one output cell's window to the next
  size_t down;        // bytes to the window of the cell below
  size_t row;         // bytes from one row of staged input to the next
  int32_t runs, groups;
  const element *weight;      // [runs][groups][vectors of the tile][parts][LANES][GROUP]
  const int32_t *bias;
  const float *multiplier;
  int32_t channels;   // of the output from this tile's first on
  size_t out_step;    // bytes from one output cell to the next
  finish finish;
} tiling;

// R x Q cells by O vectors. `p` points at the window of the first.
FN void tile_sums(const tiling *t, const char *p, const int R, const int Q, const int O, sums *acc) {
#pragma unroll
  for (int o = 0; o < O; o++) {
    sums b = v_bias(t->bias + o * LANES);
#pragma unroll
    for (int i = 0; i < R * Q; i++) acc[i * O + o] = b;
  }
  const element *w = t->weight;
  size_t step = t->step, three = 3 * t->step;
  const int pairs = DOTS_IN_PAIRS && O % 2 == 0;
  for (int32_t run = 0; run < t->runs; run++, p += t->row) {
    const char *x = p;
    for (int32_t g = 0; g < t->groups; g++, x += GROUP * sizeof(element), w += O * WEIGHTS) {
#pragma unroll
      for (int i = 0; i < R * Q; i++) {
        // At most two steps from a base, which addresses take for nothing.
        int q = i % Q;
        word v = v_spread(x + (i / Q) * t->down + (size_t)(q / 3) * three + (size_t)(q % 3) * step);
#pragma unroll
        for (int o = 0; o < O; o += pairs ? 2 : 1) {
          sums *of = acc + i * O + o;
          if (pairs) {
            v_dot_pair(of, of + 1, v, w + o * WEIGHTS, w + (o + 1) * WEIGHTS);
          } else {
            *of = v_dot(*of, v, v_weights(w + o * WEIGHTS));
          }
        }
      }
    }
  }
}

// The tile's results. `full`: whether all lanes hold channels; 2 where they are all the channels there are, too, so that cells stand
// one behind the other.
FN void tile_store(const tiling *t, const sums *acc, const int cells, const int O, const int full, const int tame, int8_t *out) {
  const float *multiplier[MAX_SUMS];
  int8_t *to[MAX_SUMS];
  int32_t valid[MAX_SUMS];
#pragma unroll
  for (int c = 0; c < cells; c++) {
#pragma unroll
    for (int o = 0; o < O; o++) {
      multiplier[c * O + o] = t->multiplier + o * LANES;
      to[c * O + o] = out + (size_t)c * t->out_step + o * LANES;
      valid[c * O + o] = full ? LANES : t->channels - o * LANES;
    }
  }
  const int together = cells == 1 || O % 4 == 0 || full == 2 ? 4 : O == 2 ? 2 : 1;
  v_store(acc, cells * O, multiplier, to, valid, &t->finish, full ? together : 0, tame);
}

// `count` tiles side by side. With two rows, 2x2 cells become their maximum: rounding, offset and clamp are monotone,
// so the maximum of the sums gives the maximum of the results.
FN void tile_row(const tiling *t, const char *x, int8_t *out, int32_t count, const int R, const int Q, const int O,
                 const int tame) {
  const int cells = R == 2 ? Q / 2 : Q;
  for (int32_t i = 0; i < count; i++, x += (size_t)Q * t->step, out += (size_t)cells * t->out_step) {
    sums acc[MAX_SUMS];
    tile_sums(t, x, R, Q, O, acc);
#pragma unroll
    for (int j = 0; j < cells * O && R == 2; j++) {
      int c = j / O, o = j % O;
      sums upper = v_max(acc[2 * c * O + o], acc[(2 * c + 1) * O + o]);
      sums lower = v_max(acc[(Q + 2 * c) * O + o], acc[(Q + 2 * c + 1) * O + o]);
      acc[j] = v_max(upper, lower);
    }
    if (WEIGHT_PARTS == 2 && O <= 2 && t->out_step == (size_t)(O * LANES)) {
      tile_store(t, acc, cells, O, 2, tame, out);
    } else if (t->channels >= O * LANES) {
      tile_store(t, acc, cells, O, 1, tame, out);
    } else {
      tile_store(t, acc, cells, O, 0, tame, out);
    }
  }
}

typedef void (*tile_row_function)(const tiling *t, const char *x, int8_t *out, int32_t count);

#define TILE_ROW(R, Q, O) \
  static void tile_row_##R##_##Q##_##O(const tiling *t, const char *x, int8_t *out, int32_t count) { \
    tile_row(t, x, out, count, R, Q, O, 1); \
  }
#include "tiles.h"

// The smallest tiles serve layers that are wild.
static void wild_row(const tiling *t, const char *x, int8_t *out, int32_t count) { tile_row(t, x, out, count, 1, 1, 1, 0); }
static void wild_rows(const tiling *t, const char *x, int8_t *out, int32_t count) { tile_row(t, x, out, count, 2, 2, 1, 0); }

// Most cells of a tile in a row, with so many vectors of channels. `groups`: in all, of one sum. Of short sums the results
// count, which are rounded and stored four vectors at a time.
static int32_t widest(int32_t vectors, int32_t rows, int32_t groups) {
  if (WEIGHT_PARTS == 2 && vectors == 2 && rows == 1 && groups <= 16) return 4;
  int32_t cells = MAX_SUMS / (vectors * rows);
  if (rows == 2) cells = cells < 2 ? 2 : cells / 2 * 2;
  return cells > 12 ? 12 : cells;
}

// How many vectors go together: what leaves the fewest over, of these the one that reads the least.
static int32_t best_block(int32_t vectors, int32_t rows, int32_t groups) {
  int32_t best = 1;
  double best_cost = 1e30;
  for (int32_t block = 1; block <= 4 && block <= vectors; block++) {
    if (rows == 2 && block * 4 > MAX_SUMS) break;
    int32_t cells = rows * widest(block, rows, groups);
    int32_t blocks = mmx_ceil_div(vectors, block);
    // Loads of a group of a tile, against the products it feeds.
    double cost = blocks * (block * cells + 0.5 * (cells + block) + 2) / (double)cells;
    if (cost < best_cost) {
      best_cost = cost;
      best = block;
    }
  }
  return best;
}

static void gemm_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  int rows = l->pool_2x2 ? 2 : 1;
  l->vectors = mmx_ceil_div(w->out_channels, LANES);
  l->runs = w->kernel_height;
  l->groups = mmx_ceil_div(w->kernel_width * w->in_channels, GROUP);
  l->block = l->kind == MMX_LOGITS ? 1 : best_block(l->vectors, rows, l->runs * l->groups);
  size_t weights = (size_t)l->vectors * (size_t)l->runs * (size_t)l->groups * WEIGHTS * sizeof(element);
  l->constant_bytes = weights + (size_t)l->vectors * LANES * (sizeof(int32_t) + sizeof(float));
  l->scratch_bytes = staged_bytes(l);
}

// The groups of one output channel, `length` weights and zeros behind them, `apart` elements from one to the next.
FN void put_groups(const int8_t *weight, int32_t length, size_t apart, element *to) {
  for (; length >= GROUP; length -= GROUP, weight += GROUP, to += apart) {
    int8_t values[GROUP];
    memcpy(values, weight, GROUP);
    for (int32_t j = 0; j < GROUP; j++) to[j] = (element)values[j];
  }
  for (int32_t j = 0; j < GROUP && length > 0; j++) to[j] = (element)(j < length ? weight[j] : 0);
}

// Of a vector's weights the sizes, and behind them the signs.
FN void tell_apart(element *w) {
  for (int32_t i = 0; i < LANES * GROUP; i++) {
    element sign = (element)(w[i] < 0 ? -1 : 0);
    w[i] = (element)((w[i] ^ sign) - sign);
    w[LANES * GROUP + i] = sign;
  }
}

// What signs as masks leave in the sum over these weights.
static uint32_t left_by_signs(const int8_t *weight, int32_t n) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < n && WEIGHT_PARTS == 2; i++) sum += weight[i] < 0 ? (uint32_t)-weight[i] : 0;
  return sum;
}

static void gemm_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                      void *constants) {
  const mmx_window *w = &l->window;
  int32_t length = w->kernel_width * w->in_channels, volume = length * l->runs;
  int32_t lanes = l->vectors * LANES, offset = staged_offset(l->requantize.in_zero_point);
  l->direct = l->kind == MMX_LOGITS ? TAME : temper(bias, multiplier, w->out_channels, volume);
  if (l->direct == WILD) l->block = 1;
  // vpdpbusd takes signed weights: only activations are staged unsigned.
  element *to = constants;
  for (int32_t first = 0; first < l->vectors; first += l->block) {
    int32_t block = l->vectors - first < l->block ? l->vectors - first : l->block;
    size_t apart = (size_t)block * WEIGHTS, row = (size_t)l->groups * apart;
    for (int32_t run = 0; run < l->runs; run++, to += row) {
      for (int32_t lane = 0; lane < block * LANES; lane++) {
        int32_t oc = first * LANES + lane;
        element *own = to + lane / LANES * WEIGHTS + lane % LANES * GROUP;
        if (oc < w->out_channels) {
          put_groups(weight + (size_t)oc * (size_t)volume + (size_t)(run * length), length, apart, own);
        } else {
          for (int32_t g = 0; g < l->groups; g++) memset(own + (size_t)g * apart, 0, GROUP * sizeof(element));
        }
      }
      for (element *of = to; WEIGHT_PARTS == 2 && of < to + row; of += WEIGHTS) tell_apart(of);
    }
  }
  int32_t *packed_bias = (int32_t *)(void *)to;
  float *packed_multiplier = (float *)(void *)(packed_bias + lanes);
  for (int32_t oc = 0; oc < lanes; oc++) {
    int inside = oc < w->out_channels;
    const int8_t *own = weight + (size_t)(inside ? oc : 0) * (size_t)volume;
    int32_t sum = inside && offset != 0 ? mmx_sum(own, volume) : 0;
    packed_bias[oc] = inside ? mmx_biased(bias[oc], (int32_t)left_by_signs(own, volume), offset, sum) : 0;
    packed_multiplier[oc] = inside ? multiplier[oc] : 1.0f;
  }
  l->weight = constants;
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
}

FN tiling tiling_of(const mmx_layer *l, int32_t first) {
  size_t taken = (size_t)first * (size_t)l->runs * (size_t)l->groups * WEIGHTS;
  return (tiling){.runs = l->runs, .groups = l->groups, .weight = (const element *)l->weight + taken,
                  .bias = l->bias + first * LANES, .multiplier = l->requantize.multiplier + first * LANES,
                  .channels = l->window.out_channels - first * LANES,
                  .out_step = (size_t)l->window.out_channels, .finish = finish_of(&l->requantize)};
}

// `units` in pieces as alike as possible, of at most `most`: first `large` of one more than `small`, then `others` of `small`. Cut
// once for many rows: divisions are slow beside a short one.
typedef struct {
  int32_t small, large, others;
} pieces;

static pieces cut(int32_t units, int32_t most) {
  int32_t count = mmx_ceil_div(units, most), small = units / count, large = units - small * count;
  return (pieces){small, large, count - large};
}

// One row (or pair of rows) of output cells, in tiles. `of`: by cells - 1.
static void cover_row(const tiling *t, int32_t unit, const pieces *p, const tile_row_function *of, const char *x, int8_t *out) {
  if (p->large > 0) {
    of[(p->small + 1) * unit - 1](t, x, out, p->large);
    x += (size_t)(p->large * (p->small + 1) * unit) * t->step;
    out += (size_t)(p->large * (p->small + 1)) * t->out_step;
  }
  of[p->small * unit - 1](t, x, out, p->others);
}

static void gemm_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  const mmx_window *w = &l->window;
  int32_t rows = l->pool_2x2 ? 2 : 1;
  staging s = stage(l, in, scratch);
  for (int32_t first = 0; first < l->vectors; first += l->block) {
    int32_t block = l->vectors - first < l->block ? l->vectors - first : l->block;
    tiling t = tiling_of(l, first);
    t.step = (size_t)(w->stride_x * w->in_channels) * sizeof(element);
    t.row = s.row;
    t.down = s.row * (size_t)w->stride_y;
    pieces tiles = cut(s.out_columns / rows, widest(block, rows, t.runs * t.groups) / rows);
    int8_t *to = out + first * LANES;
    for (int32_t oy = 0; oy < s.out_rows; oy++, to += (size_t)(s.out_columns / rows) * t.out_step) {
      const char *from = s.first + (size_t)oy * t.down * (size_t)rows;
      if (l->direct == WILD) {
        (rows == 2 ? wild_rows : wild_row)(&t, from, to, s.out_columns / rows);
      } else {
        cover_row(&t, rows, &tiles, tile_rows[rows - 1][block - 1], from, to);
      }
    }
  }
}

// Real results (logits) of a linear layer.
static void logits_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  staging s = stage(l, in, scratch);
  for (int32_t first = 0; first < l->vectors; first++) {
    tiling t = tiling_of(l, first);
    sums acc[1];
    tile_sums(&t, s.first, 1, 1, 1, acc);
    v_store_real(acc[0], t.multiplier, t.channels, (float *)(void *)out + first * LANES);
  }
}
