// Which groups of one output channel cells.h adds in 16 bits before it widens them: first the largest, then whatever still fits beside
// it, the larger first, up to four. A bin of k groups takes k + 1 multiplications.
//
// 128 * 255 = 32,640 fits int16: of the weights of a bin that meet in a lane, neither those above 0 nor those below it are more than
// 128 together. Inputs are staged twice, the second time with the first and third of four turned round (255 - u), so that a group has
// two ways to fit. A group that is more by itself is split into two.

enum { TURNED = 2, MOST_CELL_GROUPS = 64, MOST_CELL_ITEMS = 2 * MOST_CELL_GROUPS, MOST_TOGETHER = 4, CELL_FULL = 128 };

typedef struct {
  uint32_t weight;  // four of int8
  int32_t at;       // bytes to the staged vectors of its group
} cell_item;

// One channel's groups, the largest first but for differences below 8. `load`: what meets in the two lanes, above 0 and below it, in
// four fields of 16 bits; behind the last three that fit nowhere.
typedef struct {
  cell_item item[MOST_CELL_ITEMS];  // `at` is the group's number here
  uint64_t load[TURNED][MOST_CELL_ITEMS + 3];
  int32_t count;
} cell_items;

static const uint64_t no_load = 0x4000400040004000;

static int fits(uint64_t load) { return ((load + 0x7F7F7F7F7F7F7F7F) & 0x8000800080008000) == 0; }

// The sizes of four groups' weights above 0 and below it.
FN void loads_of(__m128i w, uint64_t *to) {
  __m128i above = _mm_max_epi8(w, _mm_setzero_si128()), below = _mm_sub_epi8(above, w), one = _mm_set1_epi8(1);
  above = _mm_maddubs_epi16(above, one);
  below = _mm_maddubs_epi16(below, one);
  _mm_storeu_si128((__m128i *)(void *)to, _mm_unpacklo_epi32(above, below));
  _mm_storeu_si128((__m128i *)(void *)(to + 2), _mm_unpackhi_epi32(above, below));
}

// Bytes 0 and 2 negated.
FN uint32_t turned_weight(uint32_t w) { return ((0x01000100 - (w & 0x00FF00FF)) & 0x00FF00FF) | (w & 0xFF00FF00); }

// Four groups, with halves of those that are too much; returns how many items.
FN int32_t four_items(const int8_t *weight, int32_t group, cell_item *item, uint64_t *load, uint64_t *turned) {
  uint64_t loads[TURNED][4];
  uint32_t w[4];
  memcpy(w, weight, sizeof w);
  __m128i all = _mm_loadu_si128((const __m128i *)(const void *)weight);
  loads_of(all, loads[0]);
  loads_of(_mm_sign_epi8(all, _mm_set1_epi16(0x01FF)), loads[1]);
  int32_t n = 0;
  for (int i = 0; i < 4; i++) {
    item[n] = (cell_item){w[i], group + i};
    load[n] = loads[0][i];
    turned[n] = loads[1][i];
    if (fits(load[n]) || fits(turned[n])) {
      n++;
      continue;
    }
    // Halves of all four, of which the `i`th is taken.
    int8_t half[2][16];
    for (int k = 0; k < 16; k++) {
      half[0][k] = (int8_t)(weight[k] / 2);
      half[1][k] = (int8_t)(weight[k] - half[0][k]);
    }
    for (int k = 0; k < 2; k++, n++) {
      uint64_t own[4];
      __m128i v = _mm_loadu_si128((const __m128i *)(const void *)half[k]);
      item[n].at = group + i;
      memcpy(&item[n].weight, half[k] + 4 * i, 4);
      loads_of(v, own);
      load[n] = own[i];
      loads_of(_mm_sign_epi8(v, _mm_set1_epi16(0x01FF)), own);
      turned[n] = own[i];
    }
  }
  return n;
}

static void cell_items_of(const int8_t *weight, int32_t groups, cell_items *sorted) {
  cell_item item[MOST_CELL_ITEMS];
  uint64_t load[TURNED][MOST_CELL_ITEMS];
  uint8_t start[64] = {0};
  int32_t n = 0;
  for (int32_t g = 0; g < groups; g += 4) n += four_items(weight + 4 * g, g, item + n, load[0] + n, load[1] + n);
  uint8_t place[MOST_CELL_ITEMS];
  for (int32_t i = 0; i < n; i++) {
    uint32_t size = (uint32_t)((load[0][i] * 0x0001000100010001) >> 48);
    start[place[i] = (uint8_t)(63 - size / 8)]++;
  }
  for (int32_t i = 0, sum = 0; i < 64; i++) {
    int32_t here = start[i];
    start[i] = (uint8_t)sum;
    sum += here;
  }
  for (int32_t i = 0; i < n; i++) {
    int32_t to = start[place[i]]++;
    sorted->item[to] = item[i];
    for (int t = 0; t < TURNED; t++) sorted->load[t][to] = fits(load[t][i]) ? load[t][i] : no_load;
  }
  for (int32_t i = n; i < n + 3; i++) sorted->load[0][i] = sorted->load[1][i] = no_load;
  sorted->count = n;
}

// The first item from the `from`th on that fits beside `load`, or `count`.
FN int32_t next_that_fits(const cell_items *s, int32_t from, uint64_t load) {
  __m256i room = _mm256_sub_epi16(_mm256_set1_epi16(CELL_FULL), _mm256_set1_epi64x((int64_t)load));
  const __m256i none = _mm256_setzero_si256();
  // 64 at a time without a branch, which would be guessed wrong.
  for (int32_t base = from / 64 * 64; base < s->count; base += 64) {
    uint64_t fit = 0;
    for (int32_t i = base; i < base + 64 && i < s->count; i += 4) {
      __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(s->load[0] + i));
      __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(s->load[1] + i));
      a = _mm256_cmpeq_epi64(_mm256_cmpgt_epi16(a, room), none);
      b = _mm256_cmpeq_epi64(_mm256_cmpgt_epi16(b, room), none);
      fit |= (uint64_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_or_si256(a, b))) << (i - base);
    }
    if (from > base) fit &= ~(uint64_t)0 << (from - base);
    if (fit) return base + __builtin_ctzll(fit);
  }
  return s->count;
}

typedef struct {
  int32_t count, item[MOST_TOGETHER], turned[MOST_TOGETHER];
  uint64_t load;
} cell_bin;

// The bin of the `first`th item, staged so.
static cell_bin bin_of(const cell_items *s, int32_t first, int turned) {
  cell_bin bin = {1, {first}, {turned}, s->load[turned][first]};
  for (int32_t i = first; bin.count < MOST_TOGETHER;) {
    i = next_that_fits(s, i + 1, bin.load);
    if (i >= s->count) break;
    uint64_t load = bin.load + s->load[0][i];
    int turn = !fits(load);
    bin.load += s->load[turn][i];
    bin.item[bin.count] = i;
    bin.turned[bin.count++] = turn;
  }
  return bin;
}

// An item as it is staged; returns what turning adds to its sums.
static int32_t put_item(const cell_item *item, int turned, int32_t groups, int32_t row, cell_item *to) {
  uint32_t w = item->weight;
  *to = (cell_item){turned ? turned_weight(w) : w, (turned * groups + item->at) * row};
  return turned ? 255 * ((int8_t)w + (int8_t)(w >> 16)) : 0;
}

// One channel's bins, those of most items first. `counts`: how many there are of four items, of three, of two and of one. `row`: bytes
// of a staged group. Returns what turning adds to the sums.
static int32_t put_bins(cell_items *s, int32_t groups, int32_t row, uint8_t *counts, cell_item *to) {
  cell_bin bins[MOST_CELL_ITEMS];
  int32_t n = 0, added = 0;
  memset(counts, 0, MOST_TOGETHER);
  for (int32_t first = 0; first < s->count; first++) {
    if (s->load[0][first] == no_load && s->load[1][first] == no_load) continue;
    cell_bin bin = bin_of(s, first, s->load[0][first] == no_load);
    for (int32_t i = 0; i < bin.count; i++) {
      int32_t k = bin.item[i];
      s->load[0][k] = s->load[1][k] = no_load;
    }
    counts[MOST_TOGETHER - bin.count]++;
    bins[n++] = bin;
  }
  cell_item *of[MOST_TOGETHER];
  for (int32_t i = 0; i < MOST_TOGETHER; i++) {
    of[i] = to;
    to += counts[i] * (MOST_TOGETHER - i);
  }
  for (int32_t i = 0; i < n; i++) {
    const cell_bin *bin = &bins[i];
    cell_item **next = &of[MOST_TOGETHER - bin->count];
    for (int32_t k = 0; k < bin->count; k++) {
      added += put_item(&s->item[bin->item[k]], bin->turned[k], groups, row, (*next)++);
    }
  }
  return added;
}
