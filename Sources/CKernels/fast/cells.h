// Pointwise layers with cells along the lanes: eight cells' groups of four inputs, as uint8, times one group of one output channel.
// Which groups are added in 16 bits before they are widened is then each channel's own choice, made when packing: two whose
// products cannot leave 16 bits together, which takes five instructions for 64 products and no sign. So that most groups find such a
// partner, inputs are staged twice, the second time with the first and third of four turned round (255 - u).
//
// 128 * 255 = 32,640 fits int16: of the two weights that meet in a lane, and of their partner's, neither those above 0 nor those below
// it are more than 128 together. A group that is more by itself is split into two.

enum { CELLS = 8, MOST_CELL_GROUPS = 64, CELL_TILE = 6, CELL_ROW = CELL_TILE * 4 * CELLS, TURNED = 2, CELL_CHANNELS = 16 };

typedef struct {
  int32_t first, second;        // weights of two groups
  uint16_t at_first, at_second; // bytes to their staged vectors
} cell_pair;

// Few groups find few partners, and few cells fill no vector.
static int may_be_cells(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  return l->kind == MMX_CONV2D && is_flat(l) && w->in_channels % 16 == 0 && w->in_channels >= 48 &&
         w->in_channels <= 4 * MOST_CELL_GROUPS && w->out_channels % CELL_CHANNELS == 0 && w->out_height * w->out_width >= 4 * CELLS;
}

static int32_t most_cell_pairs(const mmx_layer *l) { return l->window.in_channels / 4 * 3 / 4; }

static void cells_plan(mmx_layer *l) {
  if (!may_be_cells(l)) return;
  size_t channels = (size_t)l->window.out_channels, pairs = (size_t)most_cell_pairs(l) * sizeof(cell_pair);
  size_t constants = channels * (pairs + 2 * sizeof(int32_t) + sizeof(float));
  size_t scratch = (size_t)(TURNED * l->window.in_channels / 4 * CELL_ROW);
  if (l->constant_bytes < constants) l->constant_bytes = constants;
  if (l->scratch_bytes < scratch) l->scratch_bytes = scratch;
}

// A group as it may be staged: what meets in the two lanes, above 0 and below it, in four fields of 16 bits.
typedef struct {
  int8_t weight[4];
  int32_t group, size;
  uint64_t load[TURNED];
} cell_item;

// More than fits, beside whatever else.
static const uint64_t no_load = 0x4000400040004000;

static int fits(uint64_t load) { return ((load + 0x7F7F7F7F7F7F7F7F) & 0x8000800080008000) == 0; }

static uint64_t load_of(const int8_t *w, int turned) {
  uint64_t load = 0;
  for (int i = 0; i < 4; i++) {
    int32_t v = turned && i % 2 == 0 ? -w[i] : w[i];
    if (v > 127) return no_load;
    load += (uint64_t)(v < 0 ? -v : v) << (16 * (i / 2) + (v < 0 ? 32 : 0));
  }
  return fits(load) ? load : no_load;
}

static cell_item cell_item_of(const int8_t *weight, int32_t group) {
  cell_item item = {.group = group};
  memcpy(item.weight, weight, 4);
  for (int i = 0; i < 4; i++) item.size += weight[i] < 0 ? -weight[i] : weight[i];
  for (int t = 0; t < TURNED; t++) item.load[t] = load_of(weight, t);
  return item;
}

// One channel's groups, the largest first; returns how many.
static int32_t cell_items(const int8_t *weight, int32_t groups, cell_item *items) {
  int32_t count = 0;
  for (int32_t g = 0; g < groups; g++, weight += 4) {
    cell_item parts[2] = {cell_item_of(weight, g)};
    int32_t n = 1;
    if (parts[0].load[0] == no_load && parts[0].load[1] == no_load) {
      int8_t half[2][4];
      for (int i = 0; i < 4; i++) {
        half[0][i] = (int8_t)(weight[i] / 2);
        half[1][i] = (int8_t)(weight[i] - half[0][i]);
      }
      for (n = 0; n < 2; n++) parts[n] = cell_item_of(half[n], g);
    }
    for (int32_t i = 0; i < n; i++) {
      int32_t at = count++;
      for (; at > 0 && items[at - 1].size < parts[i].size; at--) items[at] = items[at - 1];
      items[at] = parts[i];
    }
  }
  return count;
}

// How an item is staged, where and with which weights; returns what turning adds to its sums.
static int32_t put_item(const cell_item *item, int turned, int32_t groups, int32_t *weight, uint16_t *at) {
  int8_t own[4];
  int32_t added = 0;
  for (int i = 0; i < 4; i++) {
    int turn = turned && i % 2 == 0;
    own[i] = (int8_t)(turn ? -item->weight[i] : item->weight[i]);
    added += turn ? 255 * item->weight[i] : 0;
  }
  memcpy(weight, own, 4);
  *at = (uint16_t)((turned * groups + item->group) * CELL_ROW);
  return added;
}

// Pairs of one channel, each item with the largest that fits; returns their number, or -1 where they would be more than `most`.
static int32_t pair_items(cell_item *items, int32_t count, int32_t groups, int32_t most, cell_pair *pairs, int32_t *added) {
  int32_t n = 0;
  for (int32_t i = 0; i < count; i++) {
    if (items[i].group < 0) continue;
    if (n == most) return -1;
    cell_pair *pair = &pairs[n++];
    int32_t with = i + 1, own = 0, other = 0, found = 0;
    for (; with < count && !found; with++) {
      if (items[with].group < 0) continue;
      for (int32_t t = 0; t < TURNED * TURNED && !found; t++) {
        own = t / TURNED, other = t % TURNED;
        found = fits(items[i].load[own] + items[with].load[other]);
      }
    }
    if (found) {
      *added += put_item(&items[with - 1], other, groups, &pair->second, &pair->at_second);
      items[with - 1].group = -1;
    } else {
      own = items[i].load[0] == no_load;
      pair->second = 0;
      pair->at_second = 0;
    }
    *added += put_item(&items[i], own, groups, &pair->first, &pair->at_first);
  }
  return n;
}

// Biases, multipliers, numbers of pairs, and the pairs, channel by channel. Returns whether that is worth while.
static int cells_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier, void *constants) {
  int32_t inputs = l->window.in_channels, channels = l->window.out_channels, groups = inputs / 4;
  if (!may_be_cells(l) || temper(bias, multiplier, channels, inputs) == WILD) return 0;
  int32_t *packed_bias = constants, *counts = packed_bias + 2 * channels;
  float *packed_multiplier = (float *)(void *)(packed_bias + channels);
  cell_pair *pairs = (cell_pair *)(void *)(counts + channels);
  for (int32_t oc = 0; oc < channels; oc++, weight += inputs) {
    cell_item items[2 * MOST_CELL_GROUPS];
    int32_t added = 0, count = cell_items(weight, groups, items);
    counts[oc] = pair_items(items, count, groups, most_cell_pairs(l), pairs, &added);
    if (counts[oc] < 0) return 0;
    pairs += counts[oc];
    packed_bias[oc] = mmx_biased(bias[oc], added, l->requantize.in_zero_point + 128, mmx_sum(weight, inputs));
    packed_multiplier[oc] = multiplier[oc];
  }
  l->weight = constants;
  l->bias = packed_bias;
  l->requantize.multiplier = packed_multiplier;
  return 1;
}

// 4 x 4 words in each half.
FN void cross(__m256i *v) {
  __m256i a = _mm256_unpacklo_epi32(v[0], v[1]), b = _mm256_unpacklo_epi32(v[2], v[3]);
  __m256i c = _mm256_unpackhi_epi32(v[0], v[1]), d = _mm256_unpackhi_epi32(v[2], v[3]);
  v[0] = _mm256_unpacklo_epi64(a, b);
  v[1] = _mm256_unpackhi_epi64(a, b);
  v[2] = _mm256_unpacklo_epi64(c, d);
  v[3] = _mm256_unpackhi_epi64(c, d);
}

// Q vectors of cells from the `first`th on: [turned or not][groups][CELL_TILE]. Behind the last cell stands the last cell.
FN void stage_cells(const int8_t *in, int32_t inputs, int32_t first, int32_t cells, const int Q, __m256i *to) {
  const __m256i sign = _mm256_set1_epi8(-128), turn = _mm256_set1_epi16(0x00FF);
  int32_t groups = inputs / 4;
  for (int q = 0; q < Q; q++, first += CELLS) {
    const int8_t *from[CELLS];
    for (int i = 0; i < CELLS; i++) from[i] = in + (size_t)(first + i < cells ? first + i : cells - 1) * (size_t)inputs;
    for (int32_t g = 0; g < groups; g += 4) {
      __m256i v[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(from[i] + 4 * g));
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(from[i + 4] + 4 * g));
        v[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
      }
      cross(v);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        __m256i u = _mm256_xor_si256(v[i], sign);
        to[(g + i) * CELL_TILE + q] = u;
        to[(groups + g + i) * CELL_TILE + q] = _mm256_xor_si256(u, turn);
      }
    }
  }
}

// One channel of Q vectors of cells.
FN void cell_sums(const char *x, const cell_pair *pair, int32_t count, int32_t bias, const int Q, sums *acc) {
  __m256i one = _mm256_set1_epi16(1);
  __asm__("" : "+x"(one));  // in a register, where the compiler would read it again for each pair
#pragma unroll
  for (int q = 0; q < Q; q++) acc[q] = _mm256_set1_epi32(bias);
  for (const cell_pair *end = pair + count; pair < end; pair++) {
    const __m256i *a = (const __m256i *)(const void *)(x + pair->at_first), *b = (const __m256i *)(const void *)(x + pair->at_second);
    __m256i first = _mm256_set1_epi32(pair->first), second = _mm256_set1_epi32(pair->second);
#pragma unroll
    for (int q = 0; q < Q; q++) {
      __m256i both = _mm256_add_epi16(_mm256_maddubs_epi16(a[q], first), _mm256_maddubs_epi16(b[q], second));
      acc[q] = _mm256_add_epi32(acc[q], _mm256_madd_epi16(both, one));
    }
  }
}

// CELL_CHANNELS channels of up to eight cells: words hold two channels of four cells in each half.
FN void store_cells(const __m256i *words, const int apart, const finish *f, int32_t cells, size_t step, int8_t *out) {
  const __m256i by_cell = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6,
                                           10, 14, 3, 7, 11, 15);
  __m256i v[4];
#pragma unroll
  for (int i = 0; i < 4; i++) v[i] = _mm256_shuffle_epi8(bytes_of(words[2 * i * apart], words[(2 * i + 1) * apart], f), by_cell);
  cross(v);
  for (int i = 0; i < 4; i++) {
    if (i < cells) _mm_storeu_si128((__m128i *)(void *)(out + (size_t)i * step), _mm256_castsi256_si128(v[i]));
    if (i + 4 < cells) _mm_storeu_si128((__m128i *)(void *)(out + (size_t)(i + 4) * step), _mm256_extracti128_si256(v[i], 1));
  }
}

FN void cell_tile(const mmx_layer *l, const int8_t *in, int32_t first, int32_t cells, const int Q, __m256i *x, int8_t *out) {
  int32_t channels = l->window.out_channels;
  const float *multiplier = l->requantize.multiplier;
  const int32_t *counts = l->bias + 2 * channels;
  const cell_pair *pairs = (const cell_pair *)(const void *)(counts + channels);
  const finish f = finish_of(&l->requantize);
  stage_cells(in, l->window.in_channels, first, cells, Q, x);
  for (int32_t from = 0; from < channels; from += CELL_CHANNELS) {
    __m256i words[CELL_CHANNELS / 2 * CELL_TILE];
    for (int32_t i = 0; i < CELL_CHANNELS / 2; i++) {
      __m256i rounds[2][CELL_TILE];
#pragma unroll
      for (int k = 0; k < 2; k++) {
        int32_t oc = from + 2 * i + k;
        sums acc[CELL_TILE];
        cell_sums((const char *)x, pairs, counts[oc], l->bias[oc], Q, acc);
        pairs += counts[oc];
        __m256 of = _mm256_set1_ps(multiplier[oc]);
#pragma unroll
        for (int q = 0; q < Q; q++) rounds[k][q] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(acc[q]), of));
      }
#pragma unroll
      for (int q = 0; q < Q; q++) words[i * Q + q] = _mm256_packs_epi32(rounds[0][q], rounds[1][q]);
    }
    for (int q = 0; q < Q; q++) {
      int32_t cell = first + q * CELLS;
      store_cells(words + q, Q, &f, cells - cell, (size_t)channels, out + (size_t)cell * (size_t)channels + from);
    }
  }
}

static void cells_run(const mmx_layer *l, const int8_t *in, void *scratch, int8_t *out) {
  int32_t cells = l->window.out_height * l->window.out_width;
  pieces p = cut(mmx_ceil_div(cells, CELLS), CELL_TILE);
  for (int32_t i = 0, first = 0; i < p.large + p.others; i++) {
    int32_t vectors = p.small + (i < p.large);
    switch (vectors) {
      case 1: cell_tile(l, in, first, cells, 1, scratch, out); break;
      case 2: cell_tile(l, in, first, cells, 2, scratch, out); break;
      case 3: cell_tile(l, in, first, cells, 3, scratch, out); break;
      case 4: cell_tile(l, in, first, cells, 4, scratch, out); break;
      case 5: cell_tile(l, in, first, cells, 5, scratch, out); break;
      default: cell_tile(l, in, first, cells, 6, scratch, out); break;
    }
    first += vectors * CELLS;
  }
}
