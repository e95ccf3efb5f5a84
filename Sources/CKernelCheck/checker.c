#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checker.h"

enum { PAGE = 1 << 16 };  // at least the system's

static int reserve(region *r, size_t bytes) {
  bytes = (bytes + PAGE - 1) / PAGE * PAGE;
  uint8_t *all = mmap(NULL, bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return 0;
  *r = (region){all + PAGE, all + PAGE + bytes};
  return mprotect(r->start, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void release(region r) {
  if (r.start != NULL) munmap(r.start - PAGE, (size_t)(r.end - r.start) + 2 * PAGE);
}

mmx_checker *mmx_checker_new(void) {
  mmx_checker *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  if (reserve(&c->in, 4 * VALUES) && reserve(&c->other, 4 * VALUES) && reserve(&c->out, 4 * VALUES) &&
      reserve(&c->weight, VALUES) && reserve(&c->constants, CONSTANTS) && reserve(&c->scratch, SCRATCH) &&
      reserve(&c->memory, SCRATCH)) {
    return c;
  }
  mmx_checker_free(c);
  return NULL;
}

void mmx_checker_free(mmx_checker *c) {
  if (c == NULL) return;
  release(c->in);
  release(c->other);
  release(c->out);
  release(c->weight);
  release(c->constants);
  release(c->scratch);
  release(c->memory);
  free(c);
}

void *mmx_carve(const mmx_checker *c, region r, size_t bytes, size_t alignment) {
  bytes = (bytes + alignment - 1) / alignment * alignment;
  return c->low ? r.start : r.end - bytes;
}

void *mmx_carve_out(const mmx_checker *c, size_t bytes, size_t alignment) {
  uint8_t *out = mmx_carve(c, c->out, bytes, alignment);
  memset(out, 0x5A, bytes);
  memset(c->low ? out + bytes : out - MARGIN, 0x5A, MARGIN);
  return out;
}

int mmx_compare(const mmx_checker *c, const void *out, size_t bytes, char *text) {
  const uint8_t *margin = c->low ? (const uint8_t *)out + bytes : (const uint8_t *)out - MARGIN;
  int whole = 1, same = memcmp(out, c->wanted, bytes) == 0;
  for (size_t i = 0; i < MARGIN; i++) whole &= margin[i] == 0x5A;
  if (whole && same) return 1;
  size_t used = strlen(text);
  snprintf(text + used, MMX_CHECK_TEXT - used, same ? ": wrote beyond its output" : ": other bytes than the portable kernels");
  return 0;
}

void mmx_draw(mmx_checker *c, int8_t *to, size_t n, int8_t low) {
  int manner = mmx_within(c, 0, 3);
  int8_t same = mmx_bits(c) & 1 ? 127 : low;
  uint64_t word = 0;
  for (size_t i = 0; i < n; i++) {
    if (i % 8 == 0) word = mmx_bits(c);
    uint8_t byte = (uint8_t)(word >> (8 * (i % 8)));
    int8_t any = (int8_t)byte < low ? low : (int8_t)byte;
    if (manner == 0) to[i] = any;
    if (manner == 1) to[i] = byte % 3 == 0 ? low : byte % 3 == 1 ? 127 : any;
    if (manner == 2) to[i] = byte & 1 ? 127 : low;
    if (manner == 3) to[i] = same;
  }
}

int32_t mmx_zero_point(mmx_checker *c) {
  switch (mmx_within(c, 0, 3)) {
    case 0: return -128;
    case 1: return 127;
    case 2: return 0;
    default: return mmx_within(c, -128, 127);
  }
}

int32_t mmx_channels(mmx_checker *c) {
  static const int32_t usual[] = {1, 3, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
  return mmx_bits(c) & 1 ? usual[mmx_bits(c) % 12] : mmx_within(c, 1, 70);
}

const char *mmx_check_name(mmx_check_kind kind) {
  static const char *const names[MMX_CHECK_KINDS] = {"layers", "operations", "feature windows"};
  return names[kind];
}

// The case that this thread runs now, for the handler of a signal; empty beside one.
static __thread char now[MMX_CHECK_TEXT];

static void tell(int signal_number) {
  ssize_t ignored = write(2, now, strlen(now));
  (void)ignored;
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

int mmx_check_case(mmx_checker *c, mmx_isa isa, mmx_check_kind kind, uint64_t number, char text[MMX_CHECK_TEXT]) {
  c->state = number * 0xD1342543DE82EF95u + 1 + (uint64_t)kind;
  c->low = (int)(number & 1);
  snprintf(now, sizeof now, "%s: case %llu of %s touched memory that is not its own\n", mmx_isa_name(isa),
           (unsigned long long)number, mmx_check_name(kind));
  signal(SIGSEGV, tell);
  char what[MMX_CHECK_TEXT] = "";
  int good = kind == MMX_CHECK_LAYERS  ? mmx_check_layer(c, isa, what)
             : kind == MMX_CHECK_PLAIN ? mmx_check_plain(c, isa, what)
                                       : mmx_check_features(c, isa, what);
  now[0] = 0;
  if (!good) snprintf(text, MMX_CHECK_TEXT, "%s: case %llu of %s, %.180s", mmx_isa_name(isa), (unsigned long long)number, mmx_check_name(kind), what);
  return good;
}
