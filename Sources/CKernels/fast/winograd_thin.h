// Winograd's F(2 x 2, 3 x 3) with a 2 x 2 pool behind it, for few channels: see winograd.h, whose constants and arithmetic these
// are. What differs is what the products are too few to hide. The input is transformed along whole rows of (column, channel), so
// that no lane is empty; sums stay in registers until the output transform, four tiles at a time; and a last vector with only
// half its channels takes two groups at a time, in neighbouring lanes.

// THIN_LONGEST: elements of a row whose transforms stay in the first cache.
enum { THIN_TILES = 4, THIN_LONGEST = 768, HALF = LANES / 2 };

static int is_thin(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  return l->kind == MMX_CONV2D && l->pool_2x2 && w->kernel_height == 3 && w->kernel_width == 3 && w->stride_y == 1 &&
         w->stride_x == 1 && (w->in_channels == 6 || w->in_channels == 8) && w->out_channels >= LANES &&
         w->out_channels % HALF == 0 && l->out_width >= THIN_TILES &&
         (computed_columns(l) + 2) * w->in_channels <= THIN_LONGEST;
}

// Elements of a transformed row: as long as the staged one, and what vectors and groups read behind it.
static size_t thin_row(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  return mmx_round_up((size_t)((computed_columns(l) + 4) * w->in_channels), SHORTS) + 2 * SHORTS;
}

static void thin_run_6(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out);
static void thin_run_8(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out);

// By row of the tile: its columns after the vertical transform, then those after the horizontal one. Points 0 and 3 of
// neighbouring columns are one difference, d[x] - d[x + 2].
enum { THIN_ROWS = 4, THIN_FORMS = 3 };

static void thin_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  l->vectors = mmx_ceil_div(w->out_channels, LANES);
  l->block = 1;
  l->runs = 1;
  l->groups = w->in_channels / GROUP;
  size_t lanes = (size_t)l->vectors * LANES;
  l->constant_bytes = lanes * (POINTS * (size_t)l->groups * GROUP * sizeof(element) + sizeof(int32_t) + sizeof(float));
  l->scratch_bytes = staged_bytes(l) + mmx_round_up((1 + THIN_FORMS) * THIN_ROWS * thin_row(l) * sizeof(element), 64);
  l->run = w->in_channels == 6 ? thin_run_6 : thin_run_8;
}

// Groups of one vector at one point. With `half` of the channels, lanes in turns take the first and the second of two.
FN int thin_groups(const int C, const int half) { return half ? (C / GROUP + 1) / 2 : C / GROUP; }

// Columns of points in the order in which they are summed. Of a column, points 1 and 2 are summed first; their sum and their
// difference then take in points 0 and 3, and of columns it is the same. So weights of point 3 have their signs turned, along
// either way.
static const int8_t thin_columns[4] = {1, 2, 0, 3}, thin_rows[4] = {1, 2, 0, 3};

// One weight of a vector's lane, transformed, to its place at all points; `of`: how many groups of the vector there are.
static void thin_put(const mmx_layer *l, const int8_t *weight, int32_t oc, int32_t c, int32_t group, int32_t of, int32_t lane,
                     element *to) {
  size_t channels = (size_t)l->window.in_channels;
  int32_t u[POINTS] = {0};
  if (c < l->window.in_channels) transform_weight(weight + (size_t)oc * 9 * channels + (size_t)c, channels, u);
  for (int32_t k = 0; k < POINTS; k++) {
    int32_t x = thin_columns[k / 4], y = thin_rows[k % 4], turned = (x == 3) != (y == 3), pair = k / 2, second = k % 2;
    size_t place = (size_t)(((pair * of + group) * 2 + second) * LANES + lane) * GROUP + (size_t)(c % GROUP);
    to[place] = (element)(turned ? -u[4 * y + x] : u[4 * y + x]);
  }
}

// Weights [vector][column of points][pair of rows][group][2][LANES][GROUP].
static void thin_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier, void *constants) {
  int32_t lanes = l->vectors * LANES, outputs = l->window.out_channels;
  float *packed_multiplier = constants;
  int32_t *packed_bias = (int32_t *)(void *)(packed_multiplier + lanes);
  element *to = (element *)(void *)(packed_bias + lanes);
  l->weight = to;
  for (int32_t at = 0; at < lanes; at += LANES) {
    int half = outputs - at < LANES, groups = thin_groups(l->window.in_channels, half);
    for (int32_t lane = 0; lane < LANES; lane++) {
      packed_bias[at + lane] = bias[at + (half ? lane % HALF : lane)];
      packed_multiplier[at + lane] = multiplier[at + (half ? lane % HALF : lane)];
      for (int32_t g = 0; g < groups; g++) {
        int32_t oc = at + (half ? lane / 2 : lane), of = half ? 2 * g + lane % 2 : g;
        for (int32_t i = 0; i < GROUP; i++) thin_put(l, weight, oc, of * GROUP + i, g, groups, lane, to);
      }
    }
    to += POINTS * (size_t)l->groups * LANES * GROUP;
  }
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
}

FN void store_shorts(element *p, shorts v) { memcpy(p, &v, sizeof v); }

// A row of tiles. `from`: the first of four staged rows, `row` elements apart. To [4][columns], then [form][4][columns].
static void thin_transform(const element *from, size_t row, int32_t columns, int32_t channels, size_t apart, element *to) {
  int32_t length = columns * channels, tiles = length - 2 * channels;
  for (int32_t p = 0; p < length; p += SHORTS) {
    shorts t[4];
    transform_column(from + p, row, t);
#pragma unroll
    for (int i = 0; i < THIN_ROWS; i++) store_shorts(to + (size_t)i * apart + p, t[i]);
  }
  for (int i = 0; i < THIN_ROWS; i++) {
    const element *t = to + (size_t)i * apart;
    element *v = to + (size_t)(THIN_ROWS + i) * apart;
    for (int32_t p = 0; p < tiles; p += SHORTS) {
      shorts a = load_shorts(t + p), b = load_shorts(t + p + channels), c = load_shorts(t + p + 2 * channels);
      store_shorts(v + p, a - c);
      store_shorts(v + THIN_ROWS * apart + p, a + b);
      store_shorts(v + 2 * THIN_ROWS * apart + p, b - a);
    }
  }
}

// What the sums of a vector need. `v`: of the first form.
typedef struct {
  const element *v;
  size_t apart, form;  // elements from one row of points to the next, from one form to the next
} thin;

// Adds the products at two points of four tiles. `first`, `second`: the first tile's values there. `half`: with two groups a
// vector. `C`: input channels.
FN void thin_pair(const element *first, const element *second, const element *w, const int C, const int half, sums *a, sums *b) {
  const int step = 2 * C, along = (half ? 2 : 1) * GROUP, groups = thin_groups(C, half);
#pragma unroll
  for (int g = 0; g < groups; g++, first += along, second += along, w += 2 * LANES * GROUP) {
    word u = v_weights(w), v = v_weights(w + LANES * GROUP);
#pragma unroll
    for (int t = 0; t < THIN_TILES; t++) {
      const element *x = first + t * step, *y = second + t * step;
      a[t] = v_dot(a[t], half ? v_spread_two(x) : v_spread(x), u);
      b[t] = v_dot(b[t], half ? v_spread_two(y) : v_spread(y), v);
    }
  }
}

// One column of points: what it leaves in the upper outputs and in the lower ones. They begin as given.
FN void thin_column(const thin *s, const element *v, const element *w, const int C, const int half, const sums *upper,
                    const sums *lower, sums *above, sums *below) {
  const int pair = thin_groups(C, half) * 2 * LANES * GROUP;
  sums a[THIN_TILES], b[THIN_TILES];
#pragma unroll
  for (int t = 0; t < THIN_TILES; t++) a[t] = b[t] = v_none();
  thin_pair(v + s->apart, v + 2 * s->apart, w, C, half, a, b);
#pragma unroll
  for (int t = 0; t < THIN_TILES; t++) {
    sums p = v_add(a[t], b[t]), q = v_sub(a[t], b[t]);
    above[t] = upper ? v_add(p, upper[t]) : p;
    below[t] = lower ? v_add(q, lower[t]) : q;
  }
  thin_pair(v, v + 3 * s->apart, w + pair, C, half, above, below);
}

// The pooled sums of four tiles, the first at element `at` of its row: a vector each, or with `half` two tiles a vector.
FN void thin_sums(const thin *s, size_t at, const element *w, const int32_t *bias, const int C, const int half, sums *acc) {
  const int column = thin_groups(C, half) * 4 * LANES * GROUP;
  const element *v = s->v + at, *odd = v + C;
  sums u[2][THIN_TILES], d[2][THIN_TILES], y[4][THIN_TILES];
  thin_column(s, odd + s->form, w, C, half, 0, 0, u[0], d[0]);
  thin_column(s, odd + 2 * s->form, w + column, C, half, 0, 0, u[1], d[1]);
#pragma unroll
  for (int t = 0; t < THIN_TILES; t++) {
    y[0][t] = v_add(u[0][t], u[1][t]);
    y[1][t] = v_sub(u[0][t], u[1][t]);
    y[2][t] = v_add(d[0][t], d[1][t]);
    y[3][t] = v_sub(d[0][t], d[1][t]);
  }
  thin_column(s, v, w + 2 * column, C, half, y[0], y[2], y[0], y[2]);
  thin_column(s, odd, w + 3 * column, C, half, y[1], y[3], y[1], y[3]);
  sums most[THIN_TILES];
#pragma unroll
  for (int x = 0; x < 4; x++) {
    if (half) y[x][0] = v_joined(y[x][0], y[x][1]), y[x][1] = v_joined(y[x][2], y[x][3]);
#pragma unroll
    for (int t = 0; t < (half ? THIN_TILES / 2 : THIN_TILES); t++) most[t] = x == 0 ? y[x][t] : v_max(most[t], y[x][t]);
  }
  // The division and the bias keep the order, so the largest is found before.
#pragma unroll
  for (int t = 0; t < (half ? THIN_TILES / 2 : THIN_TILES); t++) {
    longs sum, offset;
    memcpy(&sum, &most[t], sizeof sum);
    memcpy(&offset, bias, sizeof offset);
    sum = (sum >> 2) + offset;
    memcpy(&acc[t], &sum, sizeof sum);
  }
}

// Four tiles' results, of all their channels. `out`: of the first tile.
FN void thin_tiles(const mmx_layer *l, const thin *s, size_t at, const finish *f, const int C, int8_t *out) {
  size_t channels = (size_t)l->window.out_channels, own = POINTS * (size_t)C * LANES;
  const element *w = l->weight;
  const float *multiplier[THIN_TILES];
  int8_t *to[THIN_TILES];
  int32_t valid[THIN_TILES], vector = 0;
  sums acc[THIN_TILES];
  for (; (size_t)(vector + 1) * LANES <= channels; vector++, w += own) {
    thin_sums(s, at, w, l->bias + vector * LANES, C, 0, acc);
#pragma unroll
    for (int t = 0; t < THIN_TILES; t++) {
      multiplier[t] = l->requantize.multiplier + vector * LANES;
      to[t] = out + (size_t)t * channels + vector * LANES;
      valid[t] = LANES;
    }
    v_store(acc, THIN_TILES, multiplier, to, valid, f, 1, 0);
  }
  if ((size_t)vector * LANES == channels) return;
  thin_sums(s, at, w, l->bias + vector * LANES, C, 1, acc);
  int8_t halves[THIN_TILES / 2 * LANES];
#pragma unroll
  for (int t = 0; t < THIN_TILES / 2; t++) {
    multiplier[t] = l->requantize.multiplier + vector * LANES;
    to[t] = halves + t * LANES;
    valid[t] = LANES;
  }
  v_store(acc, THIN_TILES / 2, multiplier, to, valid, f, 1, 0);
#pragma unroll
  for (int t = 0; t < THIN_TILES; t++) memcpy(out + (size_t)t * channels + vector * LANES, halves + t * HALF, HALF);
}

// `C`: input channels.
FN void thin_rows_of(const mmx_layer *l, const int8_t *in, void *scratch, const int C, int8_t *out) {
  staging st = stage(l, in, scratch);
  element *values = (element *)(void *)((char *)scratch + staged_bytes(l));
  int32_t tiles = computed_columns(l) / 2, rows = computed_rows(l) / 2;
  size_t apart = thin_row(l), each = (size_t)l->window.out_channels;
  thin s = {values + THIN_ROWS * apart, apart, THIN_ROWS * apart};
  finish f = finish_of(&l->requantize);
  for (int32_t y = 0; y < rows; y++, out += (size_t)tiles * each) {
    const element *from = (const element *)(const void *)(st.first + (size_t)(2 * y) * st.row);
    thin_transform(from, st.row / sizeof(element), 2 * tiles + 2, C, apart, values);
    for (int32_t tile = 0; tile < tiles; tile += THIN_TILES) {
      // The last lie over those before.
      int32_t at = tiles - tile < THIN_TILES ? tiles - THIN_TILES : tile;
      thin_tiles(l, &s, (size_t)(2 * at * C), &f, C, out + (size_t)at * each);
    }
  }
}

static void thin_run_6(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) { thin_rows_of(l, in, scratch, 6, out); }
static void thin_run_8(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) { thin_rows_of(l, in, scratch, 8, out); }
