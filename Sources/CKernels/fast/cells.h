// Pointwise layers with cells along the lanes: eight cells' groups of four inputs, as uint8, times one group of one output channel.
// Which groups are added in 16 bits before they are widened is then each channel's own choice, made when packing (cells_bins.h): two
// take five instructions for 64 products and no sign, three or four of small weights still fewer.
#include "cells_bins.h"

enum { CELLS = 8, CELL_TILE = 6, CELL_ROW = CELL_TILE * 4 * CELLS, CELL_CHANNELS = 16 };

// Few groups find few partners, and few cells fill no vector.
static int may_be_cells(const mmx_layer *l) {
  const mmx_window *w = &l->window;
  return l->kind == MMX_CONV2D && is_flat(l) && w->in_channels % 16 == 0 && w->in_channels >= 32 &&
         w->in_channels <= 4 * MOST_CELL_GROUPS && w->out_channels % CELL_CHANNELS == 0 && w->out_height * w->out_width >= 4 * CELLS;
}

// Of all channels together: one group of eight may be split.
static int32_t most_cell_items(const mmx_layer *l) { return l->window.in_channels / 4 * l->window.out_channels / 8 * 9; }

static void cells_plan(mmx_layer *l) {
  if (!may_be_cells(l)) return;
  size_t items = (size_t)most_cell_items(l) * sizeof(cell_item);
  size_t constants = items + (size_t)l->window.out_channels * (2 * sizeof(int32_t) + sizeof(float));
  size_t scratch = (size_t)(TURNED * l->window.in_channels / 4 * CELL_ROW);
  if (l->constant_bytes < constants) l->constant_bytes = constants;
  if (l->scratch_bytes < scratch) l->scratch_bytes = scratch;
}

// How many bins of each size a channel has.
typedef struct {
  uint8_t of[MOST_TOGETHER];
} cell_counts;

FN int32_t items_of(cell_counts c) { return 4 * c.of[0] + 3 * c.of[1] + 2 * c.of[2] + c.of[3]; }

// Biases, multipliers, numbers of bins, and the items, channel by channel. Returns whether that is worth while.
static int cells_pack(mmx_layer *l, const int8_t *weight, const int32_t *bias, const float *multiplier, void *constants) {
  int32_t inputs = l->window.in_channels, channels = l->window.out_channels, groups = inputs / 4;
  if (!may_be_cells(l) || temper(bias, multiplier, channels, inputs) == WILD) return 0;
  if (memchr(weight, 0x80, (size_t)channels * (size_t)inputs)) return 0;  // -128, which has no negative
  int32_t *packed_bias = constants, left = most_cell_items(l), multiplications = 0;
  float *packed_multiplier = (float *)(void *)(packed_bias + channels);
  cell_counts *counts = (cell_counts *)(void *)(packed_multiplier + channels);
  cell_item *to = (cell_item *)(void *)(counts + channels);
  for (int32_t oc = 0; oc < channels; oc++, weight += inputs) {
    cell_items items;
    cell_items_of(weight, groups, &items);
    if (items.count > left) return 0;
    int32_t added = put_bins(&items, groups, CELL_ROW, counts[oc].of, to);
    left -= items.count;
    to += items.count;
    multiplications += items.count;
    for (int i = 0; i < MOST_TOGETHER; i++) multiplications += counts[oc].of[i];
    packed_bias[oc] = mmx_biased(bias[oc], added, l->requantize.in_zero_point + 128, mmx_sum(weight, inputs));
    packed_multiplier[oc] = multiplier[oc];
  }
  if (multiplications > channels * groups / 4 * 7) return 0;  // gemm.h takes two a group
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

// Two vectors of a bin, instruction by instruction in turns.
#define MUL2(i) \
  "vmovdqa %[a" #i "], %[s]\n\tvmovdqa %[b" #i "], %[t]\n\tvpmaddubsw %[w" #i "], %[s], %[s]\n\tvpmaddubsw %[w" #i "], %[t], %[t]\n\t"
#define FIRST2 "vmovdqa %[a0], %[p]\n\tvmovdqa %[b0], %[q]\n\tvpmaddubsw %[w0], %[p], %[p]\n\tvpmaddubsw %[w0], %[q], %[q]\n\t"
#define ADD2 "vpaddw %[s], %[p], %[p]\n\tvpaddw %[t], %[q], %[q]\n\t"
#define LAST2 "vpmaddwd %[one], %[p], %[p]\n\tvpmaddwd %[one], %[q], %[q]\n\tvpaddd %[p], %[c], %[c]\n\tvpaddd %[q], %[d], %[d]"
#define OUT2 [p] "=&x"(p), [q] "=&x"(q), [s] "=&x"(s), [t] "=&x"(t), [c] "+x"(*c), [d] "+x"(*d)
#define IN2(i) [a##i] "m"(a[i][q0]), [b##i] "m"(a[i][q0 + 1]), [w##i] "x"(w[i])
FN void two_of_bin(const __m256i *const *a, const __m256i *w, __m256i one, const int B, const int q0, sums *c, sums *d) {
  __m256i p, q, s, t;
  if (B == 4) __asm__(FIRST2 MUL2(1) ADD2 MUL2(2) ADD2 MUL2(3) ADD2 LAST2 : OUT2 : IN2(0), IN2(1), IN2(2), IN2(3), [one] "x"(one));
  if (B == 3) __asm__(FIRST2 MUL2(1) ADD2 MUL2(2) ADD2 LAST2 : OUT2 : IN2(0), IN2(1), IN2(2), [one] "x"(one));
  if (B == 2) __asm__(FIRST2 MUL2(1) ADD2 LAST2 : OUT2 : IN2(0), IN2(1), [one] "x"(one));
  if (B == 1) __asm__(FIRST2 LAST2 : [p] "=&x"(p), [q] "=&x"(q), [c] "+x"(*c), [d] "+x"(*d) : IN2(0), [one] "x"(one));
}

// `count` bins of B items for Q vectors of cells; returns the item behind them.
FN const cell_item *bin_sums(const char *x, const cell_item *item, int32_t count, __m256i one, const int B, const int Q, sums *acc) {
  for (; count > 0; count--, item += B) {
    const __m256i *a[MOST_TOGETHER];
    __m256i w[MOST_TOGETHER];
#pragma unroll
    for (int i = 0; i < B; i++) {
      a[i] = (const __m256i *)(const void *)(x + item[i].at);
      w[i] = v_spread(&item[i].weight);
    }
#pragma unroll
    for (int q = 0; q + 2 <= Q; q += 2) two_of_bin(a, w, one, B, q, acc + q, acc + q + 1);
#pragma unroll
    for (int q = Q / 2 * 2; q < Q; q++) {
      __m256i all = _mm256_maddubs_epi16(a[0][q], w[0]);
#pragma unroll
      for (int i = 1; i < B; i++) all = _mm256_add_epi16(all, _mm256_maddubs_epi16(a[i][q], w[i]));
      acc[q] = _mm256_add_epi32(acc[q], _mm256_madd_epi16(all, one));
    }
  }
  return item;
}

// One channel of Q vectors of cells.
FN void cell_sums(const char *x, const cell_item *item, cell_counts counts, int32_t bias, const int Q, sums *acc) {
  __m256i one = _mm256_set1_epi16(1);
  __asm__("" : "+x"(one));  // in a register, where the compiler would read it again for each bin
#pragma unroll
  for (int q = 0; q < Q; q++) acc[q] = _mm256_set1_epi32(bias);
  item = bin_sums(x, item, counts.of[0], one, 4, Q, acc);
  item = bin_sums(x, item, counts.of[1], one, 3, Q, acc);
  item = bin_sums(x, item, counts.of[2], one, 2, Q, acc);
  bin_sums(x, item, counts.of[3], one, 1, Q, acc);
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
  const cell_counts *counts = (const cell_counts *)(const void *)(l->bias + 2 * channels);
  const cell_item *item = (const cell_item *)(const void *)(counts + channels);
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
        cell_sums((const char *)x, item, counts[oc], l->bias[oc], Q, acc);
        item += items_of(counts[oc]);
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
