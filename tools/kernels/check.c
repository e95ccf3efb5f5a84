// Checks paths against the portable kernels without Swift: for other CPUs, under an emulator. See tools/kernels/arm64.
//   check [CASES] [PATH ...]    all paths that this CPU has, or those named
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmx_check.h"

static int check(mmx_checker *checker, mmx_isa isa, mmx_check_kind kind, uint64_t cases) {
  char text[MMX_CHECK_TEXT];
  for (uint64_t i = 0; i < cases; i++) {
    if (!mmx_check_case(checker, isa, kind, i, text)) {
      printf("%s\n", text);
      return 0;
    }
  }
  printf("%s: %llu %s, the same bytes\n", mmx_isa_name(isa), (unsigned long long)cases, mmx_check_name(kind));
  return 1;
}

int main(int count, char **arguments) {
  uint64_t cases = count > 1 ? strtoull(arguments[1], NULL, 10) : 100000;
  mmx_checker *checker = mmx_checker_new();
  if (checker == NULL) return 71;
  int good = 1, checked = 0;
  for (int isa = 1; isa < MMX_ISA_COUNT; isa++) {
    int named = count <= 2;
    for (int i = 2; i < count; i++) named |= strcmp(arguments[i], mmx_isa_name((mmx_isa)isa)) == 0;
    if (!named || !mmx_isa_available((mmx_isa)isa)) continue;
    checked++;
    for (int kind = 0; kind < MMX_CHECK_KINDS; kind++) {
      // A feature window costs as much as ten small layers.
      good &= check(checker, (mmx_isa)isa, (mmx_check_kind)kind, kind == MMX_CHECK_FEATURES ? (cases + 9) / 10 : cases);
    }
  }
  if (checked == 0) printf("no such path on this CPU\n");
  mmx_checker_free(checker);
  return good && checked > 0 ? 0 : 1;
}
