// What the checks share: memory between guard pages, and dice.
#ifndef MMX_CHECKER_H
#define MMX_CHECKER_H
#include "include/mmx_check.h"

enum { VALUES = 1 << 20, CHANNELS = 1 << 12, CONSTANTS = 1 << 23, SCRATCH = 1 << 23, MARGIN = 64 };

// Pages of which the first and the last are out of bounds.
typedef struct {
  uint8_t *start, *end;
} region;

struct mmx_checker {
  region in, other, out, weight, constants, scratch, memory;
  int32_t bias[CHANNELS];
  float multiplier[CHANNELS];
  int8_t wanted[VALUES];
  uint64_t state;
  int low;  // this case's memory lies at the beginning of the regions, not at their end
};

// `bytes` of a region, aligned: right behind its first guard page or right before its last.
void *mmx_carve(const mmx_checker *c, region r, size_t bytes, size_t alignment);

// Room for results, with MARGIN bytes to spare on the side away from the guard page.
void *mmx_carve_out(const mmx_checker *c, size_t bytes, size_t alignment);
// Whether `out` is what is wanted and its margin untouched; else what is wrong is added to `text`.
int mmx_compare(const mmx_checker *c, const void *out, size_t bytes, char *text);

// SplitMix64.
static inline uint64_t mmx_bits(mmx_checker *c) {
  uint64_t z = (c->state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static inline int32_t mmx_within(mmx_checker *c, int32_t low, int32_t high) {
  return low + (int32_t)(mmx_bits(c) % (uint64_t)(high - low + 1));
}

static inline float mmx_real(mmx_checker *c, float low, float high) {
  return low + (high - low) * (float)(mmx_bits(c) >> 40) / 16777216.0f;
}

// How values are drawn: any, often at an end, always at an end, or all the same end.
void mmx_draw(mmx_checker *c, int8_t *to, size_t n, int8_t low);
// -128, 127 and 0 are frequent.
int32_t mmx_zero_point(mmx_checker *c);
int32_t mmx_channels(mmx_checker *c);

int mmx_check_layer(mmx_checker *c, mmx_isa isa, char *text);
int mmx_check_plain(mmx_checker *c, mmx_isa isa, char *text);
int mmx_check_features(mmx_checker *c, mmx_isa isa, char *text);
#endif
