#include "cfuzzer.h"

extern int LLVMFuzzerRunDriver(int *argc, char ***argv, mmx_fuzz_body body);

int mmx_fuzz(int argc, char **argv, mmx_fuzz_body body) { return LLVMFuzzerRunDriver(&argc, &argv, body); }
