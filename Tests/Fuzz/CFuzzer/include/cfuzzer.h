// The way into libFuzzer for a program with a main of its own (libclang_rt.fuzzer_no_main).
#ifndef MMX_CFUZZER_H
#define MMX_CFUZZER_H
#include <stddef.h>
#include <stdint.h>

typedef int (*mmx_fuzz_body)(const uint8_t *data, size_t size);

// Runs libFuzzer with its own options in argv[1...]; does not return but with --help and the like.
int mmx_fuzz(int argc, char **argv, mmx_fuzz_body body);
#endif
