// One probe of the CPU. It asks what the operating system has enabled too: vectors it does not save must not be used.
#include "path.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>

// What the paths ask for.
typedef struct {
  uint64_t state;       // XCR0: what the operating system saves
  uint32_t c1, b7, c7;  // leaf 1 and leaf 7
  uint32_t a7_1;        // leaf 7, its second part
} cpu;

static cpu read_cpu(void) {
  cpu found = {0};
  uint32_t a, b, c, d, leaves, parts;
  __cpuid(0, leaves, b, c, d);
  if (leaves < 1) return found;
  __cpuid(1, a, b, found.c1, d);
  if (found.c1 & (1u << 27)) {  // OSXSAVE
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    found.state = (uint64_t)d << 32 | a;
  }
  if (leaves < 7) return found;
  __cpuid_count(7, 0, parts, found.b7, found.c7, d);
  if (parts >= 1) __cpuid_count(7, 1, found.a7_1, b, c, d);
  return found;
}

static int has(const cpu *of, mmx_isa isa) {
  enum { YMM = 0x06, ZMM = 0xE6 };
  uint32_t b = of->b7;
  int avx2 = (of->state & YMM) == YMM && (b >> 5 & 1) && (b >> 8 & 1);  // with BMI2
  switch (isa) {
    case MMX_PORTABLE: return 1;
    // The operating system saves 128-bit registers on every x86-64.
    case MMX_SSE41: return of->c1 >> 19 & 1;
    case MMX_AVX2: return avx2;
    case MMX_AVX_VNNI: return avx2 && (of->a7_1 >> 4 & 1);
    case MMX_AVX512_VNNI:  // F, DQ, BW, VL, VNNI
      return avx2 && (of->state & ZMM) == ZMM && (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) && (b >> 31 & 1) &&
             (of->c7 >> 11 & 1);
    default: return 0;
  }
}

// A virtual machine's CPUID leaves it for the host, which takes microseconds to tens of them each time: every leaf is asked
// once, and a bit a path is kept.
int mmx_cpu_has(mmx_isa isa) {
  static _Atomic uint32_t kept;
  uint32_t bits = atomic_load_explicit(&kept, memory_order_relaxed);
  if (bits == 0) {  // The portable path's bit is never 0.
    cpu here = read_cpu();
    for (int i = 0; i < MMX_ISA_COUNT; i++) bits |= (uint32_t)has(&here, (mmx_isa)i) << i;
    atomic_store_explicit(&kept, bits, memory_order_relaxed);
  }
  return bits >> isa & 1;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

int mmx_cpu_has(mmx_isa isa) {
  enum { ASIMDDP = 1 << 20 };  // HWCAP_ASIMDDP; NEON itself is in every arm64
  return isa == MMX_PORTABLE || isa == MMX_NEON || (isa == MMX_DOTPROD && (getauxval(AT_HWCAP) & ASIMDDP) != 0);
}
#else
int mmx_cpu_has(mmx_isa isa) { return isa == MMX_PORTABLE; }
#endif
