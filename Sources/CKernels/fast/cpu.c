// One probe of the CPU. It asks what the operating system has enabled too: vectors it does not save must not be used.
#include "path.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>

static uint64_t enabled_state(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return 0;  // OSXSAVE
  __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (uint64_t)d << 32 | a;
}

static int probe(mmx_isa isa) {
  enum { YMM = 0x06, ZMM = 0xE6 };
  uint32_t a, b, c, d, a1 = 0, unused;
  uint64_t state = enabled_state();
  if (isa == MMX_PORTABLE) return 1;
  // The operating system saves 128-bit registers on every x86-64.
  if (isa == MMX_SSE41) return __get_cpuid(1, &a, &b, &c, &d) && (c >> 19 & 1);
  if ((state & YMM) != YMM || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  if (a >= 1) __get_cpuid_count(7, 1, &a1, &unused, &unused, &unused);
  int avx2 = (b >> 5 & 1) && (b >> 8 & 1);  // with BMI2
  switch (isa) {
    case MMX_AVX2: return avx2;
    case MMX_AVX_VNNI: return avx2 && (a1 >> 4 & 1);
    case MMX_AVX512_VNNI:  // F, DQ, BW, VL, VNNI
      return avx2 && (state & ZMM) == ZMM && (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) && (b >> 31 & 1) &&
             (c >> 11 & 1);
    default: return 0;
  }
}

// A virtual machine's CPUID leaves it for the host, which takes tens of microseconds: asked once, kept as a bit a path.
int mmx_cpu_has(mmx_isa isa) {
  static _Atomic uint32_t kept;
  uint32_t has = atomic_load_explicit(&kept, memory_order_relaxed);
  if (has == 0) {  // The portable path's bit is never 0.
    for (int i = 0; i < MMX_ISA_COUNT; i++) has |= (uint32_t)probe((mmx_isa)i) << i;
    atomic_store_explicit(&kept, has, memory_order_relaxed);
  }
  return has >> isa & 1;
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
