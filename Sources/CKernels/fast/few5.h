// A 5 x 5 convolution of one input channel into few, with a 2 x 2 pool behind it: 40 words of products for four outputs instead
// of 60. Rows and columns are split into even and odd ones. With h0 the even taps, h1 the odd ones and h2 their sums, the two
// outputs of a pair are
//   x0 * h0 + x1 * h1 = (x0 - x1) * h0 + x1 * h2
//   x1 * h0 + x2 * h1 = (x2 - x1) * h1 + x1 * h2         x0 = row 2 Y, x1 = row 2 Y + 1, x2 = row 2 Y + 2
// and what both share is computed once (Winograd's F(2, 2), on filters of 3, 3 and 2 taps). Columns likewise, so that nine sums make
// four outputs, and a pool takes the largest of one lane. Sums of weights are within 4 * 127 and differences of values within
// 4 * 255: exact in 16 bits.

enum {
  FORMS = 3,       // of rows, and of columns: x0 - x1, x1, x2 - x1
  FORM_TAPS = 3,   // the last form has one less
  FEW5_WORDS = 136,  // of a strip
  FEW5_CHANNELS = 3, // that go together
  FEW5_DOTS = 40,
  FEW5_RING = 3,   // strip Y holds rows Y and Y + 1 of each form; a window reads Y and Y + 2
};

static int is_few5(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  return is_few(l) && w->out_channels >= 3 && l->pool_2x2 && w->stride_y == 1 && w->kernel_height == 5 && w->kernel_width == 5 &&
         l->out_width >= LANES && l->out_width <= FEW5_WORDS - 2 * LANES;
}

static size_t few5_row(const mmx_layer *l) { return mmx_round_up((size_t)computed_columns(l) + 4, 16) + 48; }

static void few5_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out);

static void few5_plan(mmx_layer *l) {
  const mmx_window *w = &l->window;
  l->runs = l->groups = 1;
  l->vectors = l->block = w->out_channels;
  size_t channels = mmx_round_up((size_t)w->out_channels, FEW5_CHANNELS);
  l->constant_bytes = channels * (LANES * (sizeof(int32_t) + sizeof(float)) + FEW5_DOTS * WORD);
  l->scratch_bytes = staged_bytes(l) + mmx_round_up(2 * FORMS * few5_row(l) * sizeof(element), 64) +
                     (size_t)FEW5_RING * FORMS * FORMS * FEW5_WORDS * WORD;
  l->run = few5_run;
}

// The order in which forms are summed: first what outputs share.
static const int8_t few5_order[FORMS] = {1, 0, 2};
FN int few5_taps(const int form) { return form == 2 ? 2 : FORM_TAPS; }
FN int few5_row_words(const int form) { return form == 2 ? 1 : 2; }

// A tap of a form's filter from the 5 taps of `h`, `step` weights apart.
static int32_t few5_tap(const int8_t *h, int32_t step, int32_t form, int32_t tap) {
  int32_t even = tap < 3 ? h[2 * tap * step] : 0, odd = tap < 2 ? h[(2 * tap + 1) * step] : 0;
  return form == 0 ? even : form == 2 ? odd : even + odd;
}

// The same along both ways. `y`, `x`: taps of the forms.
static int32_t few5_weight(const int8_t *h, int32_t row_form, int32_t y, int32_t column_form, int32_t x) {
  int32_t even = y < 3 ? few5_tap(h + 10 * y, 1, column_form, x) : 0;
  int32_t odd = y < 2 ? few5_tap(h + 10 * y + 5, 1, column_form, x) : 0;
  return row_form == 0 ? even : row_form == 2 ? odd : even + odd;
}

// Biases and multipliers [channel][LANES], then weights [channel / 3][column form][row form][words of rows][taps][3][2].
static void few5_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier, void *constants) {
  int32_t channels = l->window.out_channels, most = (int32_t)mmx_round_up((size_t)channels, FEW5_CHANNELS);
  int32_t *packed_bias = constants;
  float *packed_multiplier = (float *)(void *)(packed_bias + most * LANES);
  element *to = (element *)(void *)(packed_multiplier + most * LANES);
  l->weight = to;
  for (int32_t i = 0; i < most * LANES; i++) {
    packed_bias[i] = i / LANES < channels ? bias[i / LANES] : 0;
    packed_multiplier[i] = i / LANES < channels ? multiplier[i / LANES] : 1.0f;
  }
  for (int32_t first = 0; first < most; first += FEW5_CHANNELS) {
    for (int32_t k = 0; k < FORMS * FORMS; k++) {
      int32_t column_form = few5_order[k / FORMS], row_form = few5_order[k % FORMS];
      for (int32_t word = 0; word < few5_row_words(row_form); word++) {
        for (int32_t x = 0; x < few5_taps(column_form); x++) {
          for (int32_t oc = first; oc < first + FEW5_CHANNELS; oc++) {
            for (int32_t y = GROUP * word; y < GROUP * (word + 1); y++) {
              *to++ = (element)(oc < channels ? few5_weight(weight + 25 * oc, row_form, y, column_form, x) : 0);
            }
          }
        }
      }
    }
  }
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
}

// The three forms of a row: of `x0`, the row behind it, and the one after, which past the last row is any.
static void few5_forms(const element *x0, const element *x1, const element *x2, int32_t n, size_t apart, element *to) {
  for (int32_t i = 0; i < n; i += SHORTS) {
    shorts a = load_shorts(x0 + i), b = load_shorts(x1 + i), c = load_shorts(x2 + i);
    shorts of[FORMS] = {a - b, b, c - b};
#pragma unroll
    for (int f = 0; f < FORMS; f++) memcpy(to + (size_t)f * apart + i, &of[f], sizeof of[f]);
  }
}

// Strips of one row: words of two rows of one form, by row form and column form.
static void few5_weave(const element *above, const element *below, size_t apart, int32_t n, char *strips) {
  for (int f = 0; f < FORMS; f++, above += apart, below += apart, strips += FORMS * FEW5_WORDS * WORD) {
    for (int32_t x = 0; x < n; x += LANES) {
      word even, odd, next, unused;
      v_even_odd(above + 2 * x, below + 2 * x, &even, &odd);
      v_even_odd(above + 2 * x + 2, below + 2 * x + 2, &next, &unused);
      shorts e, o, s;
      memcpy(&e, &even, sizeof e);
      memcpy(&o, &odd, sizeof o);
      memcpy(&s, &next, sizeof s);
      shorts of[FORMS] = {e - o, o, s - o};
#pragma unroll
      for (int i = 0; i < FORMS; i++) memcpy(strips + ((size_t)i * FEW5_WORDS + (size_t)x) * WORD, &of[i], sizeof of[i]);
    }
  }
}

// Adds the products of one row form and one column form: V vectors of columns, three channels. Returns where the next weights are.
FN const char *few5_dots(const char *first, const char *second, const char *w, const int row_form, const int column_form,
                         const int V, sums *acc) {
  const size_t at = (size_t)((row_form * FORMS + column_form) * FEW5_WORDS) * WORD;
#pragma unroll
  for (int j = 0; j < few5_row_words(row_form); j++) {
#pragma unroll
    for (int k = 0; k < few5_taps(column_form); k++, w += FEW5_CHANNELS * WORD) {
      word x[2];
#pragma unroll
      for (int v = 0; v < V; v++) x[v] = v_words((j == 0 ? first : second) + at + (size_t)(k + v * LANES) * WORD);
#pragma unroll
      for (int c = 0; c < FEW5_CHANNELS; c++) {
        word by = v_spread(w + c * WORD);
#pragma unroll
        for (int v = 0; v < V; v++) acc[c * V + v] = v_dot(acc[c * V + v], x[v], by);
      }
#pragma unroll
      for (int i = 0; i < FEW5_CHANNELS * V; i++) PIN(acc[i]);
    }
  }
  return w;
}

// The pooled sums of V vectors of columns, three channels; `first` and `second`: the window's strips at the first column.
FN void few5_sums(const char *first, const char *second, const char *w, const int32_t *bias, const int V, sums *most) {
  enum { N = FEW5_CHANNELS * 2 };
  sums upper[N], lower[N], shared[N];
#pragma unroll
  for (int form = 0; form < FORMS; form++) {
    const int of = form == 0 ? 1 : form == 1 ? 0 : 2;  // few5_order
    sums a[N], b[N];
#pragma unroll
    for (int i = 0; i < FEW5_CHANNELS * V; i++) shared[i] = form == 0 ? v_bias(bias + i / V * LANES) : v_none();
    w = few5_dots(first, second, w, 1, of, V, shared);
#pragma unroll
    for (int i = 0; i < FEW5_CHANNELS * V; i++) a[i] = form == 0 ? shared[i] : v_add(shared[i], upper[i]);
    w = few5_dots(first, second, w, 0, of, V, a);
#pragma unroll
    for (int i = 0; i < FEW5_CHANNELS * V; i++) b[i] = form == 0 ? shared[i] : v_add(shared[i], lower[i]);
    w = few5_dots(first, second, w, 2, of, V, b);
#pragma unroll
    for (int i = 0; i < FEW5_CHANNELS * V; i++) {
      if (form == 0) {
        upper[i] = a[i];
        lower[i] = b[i];
      } else {
        sums larger = v_max(a[i], b[i]);
        most[i] = form == 1 ? larger : v_max(most[i], larger);
      }
    }
  }
}

// V vectors of pooled columns from column `x` on, all channels.
FN void few5_columns(const mmx_layer *l, const char *first, const char *second, int32_t x, const int V, const finish *f,
                     int8_t *out) {
  sums acc[2][FEW + 1];
  const char *w = l->weight;
  int32_t channels = l->window.out_channels;
  size_t at = (size_t)x * WORD;
  for (int32_t c = 0; c < channels; c += FEW5_CHANNELS, w += FEW5_DOTS * FEW5_CHANNELS * WORD) {
    sums most[2 * FEW5_CHANNELS];
    few5_sums(first + at, second + at, w, l->bias + c * LANES, V, most);
#pragma unroll
    for (int i = 0; i < FEW5_CHANNELS; i++) {
#pragma unroll
      for (int v = 0; v < V; v++) acc[v][c + i] = most[i * V + v];
    }
  }
#pragma unroll
  for (int v = 0; v < V; v++) {
    v_store_columns(acc[v], channels, l->requantize.multiplier, f, out + (size_t)((x + v * LANES) * channels));
  }
}

static void few5_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  staging s = stage(l, in, scratch);
  size_t apart = few5_row(l), ring = (size_t)(FORMS * FORMS * FEW5_WORDS) * WORD;
  element *forms = (element *)(void *)((char *)scratch + staged_bytes(l));
  char *strips = (char *)forms + mmx_round_up(2 * FORMS * apart * sizeof(element), 64);
  int32_t columns = l->out_width, rows = l->out_height, n = 2 * columns + 4, last = staged_rows(l) - 1;
  finish f = finish_of(&l->requantize);
  // Row y of the forms and then strip y - 1, which it completes; behind the last row weights are 0.
  for (int32_t y = 0, woven = 0; y < rows + FEW5_RING - 1 || woven < rows + FEW5_RING - 1; y++) {
    element *own = forms + (size_t)(y % 2 * FORMS) * apart, *before = forms + (size_t)((y + 1) % 2 * FORMS) * apart;
    if (y < rows + FEW5_RING - 1) {
      const char *row = s.first + (size_t)(2 * y) * s.row;
      const element *x0 = (const element *)(const void *)row, *x1 = (const element *)(const void *)(row + s.row);
      few5_forms(x0, x1, 2 * y + 2 > last ? x1 : (const element *)(const void *)(row + 2 * s.row), n, apart, own);
    }
    if (y == 0) continue;
    few5_weave(before, own, apart, columns + 2, strips + (size_t)(woven % FEW5_RING) * ring);
    woven++;
    if (woven < FEW5_RING) continue;
    int32_t at = woven - FEW5_RING;
    const char *first = strips + (size_t)(at % FEW5_RING) * ring, *second = strips + (size_t)((at + 2) % FEW5_RING) * ring;
    int8_t *to = out + (size_t)(at * columns * l->window.out_channels);
    int32_t x = 0;
    for (; x + 2 * LANES <= columns; x += 2 * LANES) few5_columns(l, first, second, x, 2, &f, to);
    // The last lie over those before.
    for (; x < columns; x += LANES) few5_columns(l, first, second, columns - x < LANES ? columns - LANES : x, 1, &f, to);
  }
}
