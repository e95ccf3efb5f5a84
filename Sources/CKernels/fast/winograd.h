// 3 x 3 convolution of stride 1 by Winograd's F(2 x 2, 3 x 3), exactly, for the paths whose staged values are int16: a tile
// of 2 x 2 outputs takes 16 products a channel instead of 36. (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2016.)
//
// Why it is exact: G holds halves, so the weights are transformed by 2G and every sum is four times the wanted one. With
// |value| <= 255 and |weight| <= 127 a transformed value is at most 4 * 255 and a weight at most 9 * 127, both int16. Sums
// in between wrap; four times the wanted sum, at most 4 * 9 * 255 * 127 a channel, does not (MOST_CHANNELS). The bias
// is added after the division by 4.

enum {
  POINTS = 16,
  SHORTS = LANES * GROUP < 8 ? 8 : LANES * GROUP,  // int16 of a vector
  FEWEST_CHANNELS = 12,   // with fewer, transforming costs more than the products saved
  MOST_CHANNELS = 1024,
  FEWEST_TILES = 9,       // with fewer, the weights, 16 / 9 as many, are read for too little
  CHUNK = 16,             // tiles that are transformed together: their values and sums stay in the first cache
};
typedef int16_t shorts __attribute__((vector_size(2 * SHORTS)));
typedef int32_t longs __attribute__((vector_size(4 * LANES)));

static int is_winograd(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  int32_t rows = computed_rows(l), columns = computed_columns(l);
  return l->kind == MMX_CONV2D && w->kernel_height == 3 && w->kernel_width == 3 && w->stride_y == 1 && w->stride_x == 1 &&
         w->in_channels >= FEWEST_CHANNELS && w->in_channels <= MOST_CHANNELS && w->out_channels >= LANES &&
         rows % 2 == 0 && columns % 2 == 0 && rows / 2 * (columns / 2) >= FEWEST_TILES;
}

// Rows of tiles in a chunk, and tiles of one.
static int32_t chunk_rows(const mmx_layer *l) {
  int32_t rows = CHUNK / (computed_columns(l) / 2);
  return rows < 1 ? 1 : rows;
}
static int32_t chunk_tiles(const mmx_layer *l) { return chunk_rows(l) * (computed_columns(l) / 2); }

// Elements from one point's values (and sums) to the next point's. The rest keeps 16 streams out of one set of the cache.
static size_t values_apart(const mmx_layer *l) {
  return (size_t)chunk_tiles(l) * mmx_round_up((size_t)l->window.in_channels, SHORTS) + 32;
}
static size_t sums_apart(const mmx_layer *l) { return (size_t)(chunk_tiles(l) * l->block * LANES) + 16; }

static void winograd_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  l->vectors = mmx_ceil_div(w->out_channels, LANES);
  l->block = best_block(l->vectors, 1, w->in_channels);
  l->runs = 1;
  l->groups = mmx_ceil_div(w->in_channels, GROUP);
  size_t lanes = (size_t)l->vectors * LANES;
  l->constant_bytes = lanes * (POINTS * (size_t)l->groups * GROUP * sizeof(element) + sizeof(int32_t) + sizeof(float));
  l->scratch_bytes = staged_bytes(l) + mmx_round_up(POINTS * values_apart(l) * sizeof(element), 64) +
                     mmx_round_up(POINTS * sums_apart(l) * sizeof(int32_t), 64);
}

// 2G g (2G)^T of one filter's channel; `g`: its first weight, `apart` weights from one tap to the next.
static void transform_weight(const int8_t *g, size_t apart, int32_t *u) {
  static const int8_t twice_g[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
  for (int i = 0; i < 4; i++) {
    int32_t row[3] = {0, 0, 0};
    for (int x = 0; x < 3; x++) {
      for (int y = 0; y < 3; y++) row[x] += twice_g[i][y] * g[(size_t)(3 * y + x) * apart];
    }
    for (int j = 0; j < 4; j++) {
      u[4 * i + j] = twice_g[j][0] * row[0] + twice_g[j][1] * row[1] + twice_g[j][2] * row[2];
    }
  }
}

// Weights [block][point][groups][vectors of the block][LANES][GROUP].
static void winograd_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier,
                          void *constants) {
  const mmx_window *w = &l->window;
  size_t channels = (size_t)w->in_channels, lanes = (size_t)l->vectors * LANES;
  element *to = constants;
  for (int32_t first = 0; first < l->vectors; first += l->block) {
    int32_t block = l->vectors - first < l->block ? l->vectors - first : l->block;
    size_t point = (size_t)(l->groups * block) * LANES * GROUP;
    for (int32_t at = 0; at < l->groups * GROUP; at++) {
      for (int32_t lane = 0; lane < block * LANES; lane++) {
        int32_t u[POINTS] = {0}, oc = first * LANES + lane;
        int inside = oc < w->out_channels && at < w->in_channels;
        if (inside) transform_weight(weight + (size_t)oc * 9 * channels + (size_t)at, channels, u);
        element *place = to + ((size_t)(at / GROUP * block) * LANES + (size_t)lane) * GROUP + (size_t)(at % GROUP);
        for (size_t k = 0; k < POINTS; k++) place[k * point] = (element)u[k];
      }
    }
    to += POINTS * point;
  }
  int32_t *packed_bias = (int32_t *)(void *)to;
  float *packed_multiplier = (float *)(void *)(packed_bias + lanes);
  for (size_t oc = 0; oc < lanes; oc++) {
    packed_bias[oc] = oc < (size_t)w->out_channels ? bias[oc] : 0;
    packed_multiplier[oc] = oc < (size_t)w->out_channels ? multiplier[oc] : 1.0f;
  }
  l->weight = constants;
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
}

FN shorts load_shorts(const element *p) {
  shorts v;
  memcpy(&v, p, sizeof v);
  return v;
}

// B^T d of one column of a tile; `p`: its first value, rows `row` elements apart.
FN void transform_column(const element *p, size_t row, shorts *t) {
  shorts a = load_shorts(p), b = load_shorts(p + row), c = load_shorts(p + 2 * row), d = load_shorts(p + 3 * row);
  t[0] = a - c;
  t[1] = b + c;
  t[2] = c - b;
  t[3] = b - d;
}

// A row of tiles: B^T d B. Neighbours share two columns. What stands behind the last channel meets weights of 0.
static void transform_row(const element *from, size_t row, int32_t tiles, int32_t channels, size_t apart, element *to) {
  size_t column = (size_t)channels, width = mmx_round_up((size_t)channels, SHORTS);
  for (size_t c = 0; c < column; c += SHORTS) {
    shorts t[4][4];
    transform_column(from + c, row, t[0]);
    transform_column(from + c + column, row, t[1]);
    for (int32_t tile = 0; tile < tiles; tile++) {
      const element *p = from + c + (size_t)(2 * tile) * column;
      element *v = to + (size_t)tile * width + c;
      transform_column(p + 2 * column, row, t[2]);
      transform_column(p + 3 * column, row, t[3]);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        shorts of[4] = {t[0][i] - t[2][i], t[1][i] + t[2][i], t[2][i] - t[1][i], t[1][i] - t[3][i]};
#pragma unroll
        for (int j = 0; j < 4; j++) memcpy(v + (size_t)(4 * i + j) * apart, &of[j], sizeof of[j]);
        t[0][i] = t[2][i];
        t[1][i] = t[3][i];
      }
    }
  }
}

// Sums of `count` times Q tiles at one point, as they are.
FN void point_sums(const tiling *t, const char *x, int32_t count, const int Q, const int O, int32_t *out) {
  for (int32_t i = 0; i < count; i++, x += (size_t)Q * t->step, out += Q * O * LANES) {
    sums acc[MAX_SUMS];
    tile_sums(t, x, 1, Q, O, acc);
#pragma unroll
    for (int j = 0; j < Q * O; j++) memcpy(out + j * LANES, &acc[j], sizeof acc[j]);
  }
}

typedef void (*point_function)(const tiling *t, const char *x, int32_t count, int32_t *out);
#define POINT(Q, O) \
  static void point_##Q##_##O(const tiling *t, const char *x, int32_t count, int32_t *out) { \
    point_sums(t, x, count, Q, O, out); \
  }
POINT(1, 1) POINT(2, 1) POINT(3, 1) POINT(4, 1) POINT(5, 1) POINT(6, 1) POINT(7, 1) POINT(8, 1) POINT(9, 1) POINT(10, 1)
POINT(1, 2) POINT(2, 2) POINT(3, 2) POINT(4, 2) POINT(5, 2) POINT(1, 3) POINT(2, 3) POINT(3, 3) POINT(1, 4) POINT(2, 4)
enum { POINT_SUMS = 10 };
// By vectors - 1 and tiles - 1.
static const point_function points_of[4][POINT_SUMS] = {
    {point_1_1, point_2_1, point_3_1, point_4_1, point_5_1, point_6_1, point_7_1, point_8_1, point_9_1, point_10_1},
    {point_1_2, point_2_2, point_3_2, point_4_2, point_5_2}, {point_1_3, point_2_3, point_3_3}, {point_1_4, point_2_4}};

// All tiles of a chunk at one point. `of`: by tiles - 1.
static void cover_point(const tiling *t, int32_t block, const pieces *p, const point_function *of, const char *x, int32_t *out) {
  if (p->large > 0) of[p->small](t, x, p->large, out);
  x += (size_t)(p->large * (p->small + 1)) * t->step;
  out += p->large * (p->small + 1) * block * LANES;
  of[p->small - 1](t, x, p->others, out);
}

// A^T m A / 4 + bias of one tile: outputs (0, 0), (0, 1), (1, 0), (1, 1).
FN void transform_sums(const int32_t *m, size_t apart, const int32_t *bias, longs *y) {
  longs upper[2], lower[2], b;
  memcpy(&b, bias, sizeof b);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    longs v[4];
#pragma unroll
    for (int j = 0; j < 4; j++) memcpy(&v[j], m + (size_t)(4 * i + j) * apart, sizeof v[j]);
    longs of[2] = {v[0] + v[1] + v[2], v[1] - v[2] - v[3]};
#pragma unroll
    for (int x = 0; x < 2; x++) {
      upper[x] = i == 0 ? of[x] : i < 3 ? upper[x] + of[x] : upper[x];
      lower[x] = i == 0 ? lower[x] : i == 1 ? of[x] : lower[x] - of[x];
    }
  }
#pragma unroll
  for (int x = 0; x < 2; x++) {
    y[x] = (upper[x] >> 2) + b;
    y[2 + x] = (lower[x] >> 2) + b;
  }
}

// Where a block's results go.
typedef struct {
  const tiling *t;
  const int32_t *m;
  size_t apart;              // of `m`, from point to point
  size_t out_row, out_tile;  // bytes from the upper row to the lower one, and from one tile to the next
  int32_t block;
} tile_results;

// `n` neighbouring tiles (1 or 4 of one output each with a pool, else 1 of four), one vector of channels.
FN void results_of(const tile_results *r, const int32_t *m, int32_t o, const int n, const int pool, const int full,
                   int8_t *out) {
  const tiling *t = r->t;
  sums acc[4];
  const float *multiplier[4];
  int8_t *to[4];
  int32_t valid[4];
  const int count = pool ? n : 4;
#pragma unroll
  for (int i = 0; i < n; i++) {
    longs y[4];
    sums s[4];
    transform_sums(m + (size_t)(i * r->block) * LANES, r->apart, t->bias + o * LANES, y);
#pragma unroll
    for (int j = 0; j < 4; j++) memcpy(&s[j], &y[j], sizeof s[j]);
    if (pool) acc[i] = v_max(v_max(s[0], s[1]), v_max(s[2], s[3]));
#pragma unroll
    for (int j = 0; j < 4 && !pool; j++) acc[j] = s[j];
  }
#pragma unroll
  for (int i = 0; i < count; i++) {
    multiplier[i] = t->multiplier + o * LANES;
    to[i] = out + (pool ? (size_t)i * r->out_tile : (size_t)(i / 2) * r->out_row + (size_t)(i % 2) * t->out_step);
    valid[i] = full ? LANES : t->channels - o * LANES;
  }
  v_store(acc, count, multiplier, to, valid, &t->finish, full, 0);
}

FN void results_row(const tile_results *r, const int32_t *m, int32_t tiles, const int pool, int8_t *out) {
  for (int32_t o = 0; o < r->block; o++) {
    const int32_t *from = m + o * LANES;
    int8_t *to = out + o * LANES;
    int full = r->t->channels >= (o + 1) * LANES;
    for (int32_t tile = 0; tile < tiles;) {
      if (pool && full && tiles - tile >= 4) {
        results_of(r, from, o, 4, pool, 1, to);
        tile += 4, from += 4 * r->block * LANES, to += 4 * r->out_tile;
        continue;
      }
      if (full) {
        results_of(r, from, o, 1, pool, 1, to);
      } else {
        results_of(r, from, o, 1, pool, 0, to);
      }
      tile++, from += r->block * LANES, to += r->out_tile;
    }
  }
}

// One block of output channels of a chunk: `rows` rows of `across` tiles.
static void chunk_block(const mmx_layer *l, int32_t first, int32_t rows, int32_t across, const element *values,
                        int32_t *m, int8_t *out) {
  static const int32_t nothing[4 * LANES];
  const mmx_window *w = &l->window;
  int32_t block = l->vectors - first < l->block ? l->vectors - first : l->block;
  size_t taken = (size_t)first * POINTS * (size_t)l->groups * LANES * GROUP;
  tiling t = {.runs = 1, .groups = l->groups, .bias = nothing, .channels = w->out_channels - first * LANES,
              .multiplier = l->requantize.multiplier + first * LANES, .out_step = (size_t)w->out_channels,
              .step = mmx_round_up((size_t)w->in_channels, SHORTS) * sizeof(element), .finish = finish_of(&l->requantize)};
  size_t apart = sums_apart(l);
  pieces tiles = cut(rows * across, POINT_SUMS / block);
  for (size_t k = 0; k < POINTS; k++) {
    t.weight = (const element *)l->weight + taken + k * (size_t)(l->groups * block) * LANES * GROUP;
    cover_point(&t, block, &tiles, points_of[block - 1], (const char *)(values + k * values_apart(l)), m + k * apart);
  }
  t.bias = l->bias + first * LANES;
  int32_t cells = l->pool_2x2 ? 1 : 2;
  tile_results r = {.t = &t, .m = m, .apart = apart, .block = block, .out_row = (size_t)l->out_width * t.out_step,
                    .out_tile = (size_t)cells * t.out_step};
  for (int32_t y = 0; y < rows; y++) {
    const int32_t *from = m + (size_t)(y * across * block) * LANES;
    int8_t *to = out + (size_t)(y * cells) * r.out_row + first * LANES;
    if (l->pool_2x2) {
      results_row(&r, from, across, 1, to);
    } else {
      results_row(&r, from, across, 0, to);
    }
  }
}

static void winograd_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  staging s = stage(l, in, scratch);
  element *values = (element *)(void *)((char *)scratch + staged_bytes(l));
  size_t apart = values_apart(l), width = mmx_round_up((size_t)l->window.in_channels, SHORTS);
  int32_t *m = (int32_t *)(void *)((char *)values + mmx_round_up(POINTS * apart * sizeof(element), 64));
  int32_t across = computed_columns(l) / 2, down = computed_rows(l) / 2, most = chunk_rows(l);
  size_t out_rows = (size_t)(l->out_width * l->window.out_channels) * (l->pool_2x2 ? 1 : 2);
  for (int32_t y = 0; y < down; y += most) {
    int32_t rows = down - y < most ? down - y : most;
    for (int32_t i = 0; i < rows; i++) {
      const element *from = (const element *)(const void *)(s.first + (size_t)(2 * (y + i)) * s.row);
      transform_row(from, s.row / sizeof(element), across, l->window.in_channels, apart,
                    values + (size_t)(i * across) * width);
    }
    for (int32_t first = 0; first < l->vectors; first += l->block) {
      chunk_block(l, first, rows, across, values, m, out + (size_t)y * out_rows);
    }
  }
}
