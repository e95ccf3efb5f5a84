// Answers the `ud2` that patch.py put where `cpuid` was, without AVX-512, AVX-VNNI, AMX and what else came after AVX2; with
// HIDE_AVX without AVX, AVX2 and FMA too. Preloaded. MASK_SAY=1 in the environment: counts on standard error at the end.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#ifndef HIDE_AVX
#define HIDE_AVX 0
#endif
#define BIT(n) (1u << (n))

static volatile sig_atomic_t answered;

// Leaf 7: bits of EBX, ECX and EDX, and of EAX in its second page.
static const uint32_t AVX512_B = BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31),
                      AVX512_C = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14),
                      AVX512_D = BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25),
                      AFTER_AVX2_A = BIT(4) | BIT(5) | BIT(21) | BIT(23);

static void answer(int number, siginfo_t *info, void *context) {
  (void)info;
  greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
  const uint8_t *at = (const uint8_t *)r[REG_RIP];
  if (at[0] != 0x0f || at[1] != 0x0b) {
    signal(number, SIG_DFL);
    return;
  }
  uint32_t leaf = (uint32_t)r[REG_RAX], page = (uint32_t)r[REG_RCX], a, b, c, d;
  __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(page));
  if (leaf == 1 && HIDE_AVX) c &= ~(BIT(12) | BIT(28) | BIT(29));
  if (leaf == 7 && page == 0) {
    b &= ~(AVX512_B | (HIDE_AVX ? BIT(5) : 0));
    c &= ~AVX512_C;
    d &= ~AVX512_D;
  }
  if (leaf == 7 && page == 1) {
    a &= ~AFTER_AVX2_A;
    b = c = d = 0;
  }
  r[REG_RAX] = a, r[REG_RBX] = b, r[REG_RCX] = c, r[REG_RDX] = d;
  r[REG_RIP] += 2;
  answered++;
}

__attribute__((constructor(101))) static void begin(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
  sigaction(SIGILL, &action, NULL);
  // What is started from here is not patched: a trap of its own has to stay one.
  unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void end(void) {
  if (getenv("MASK_SAY")) fprintf(stderr, "masked-peers: %d cpuid\n", (int)answered);
}
