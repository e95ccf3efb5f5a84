// Random work through a path and through the portable kernels: the bytes must be the same.
#ifndef MMX_CHECK_H
#define MMX_CHECK_H
#include "mmx_layer.h"

enum { MMX_CHECK_TEXT = 256 };

typedef enum {
  MMX_CHECK_LAYERS,    // mmx_layer_run: convolutions, depthwise, linear, logits
  MMX_CHECK_PLAIN,     // mmx_plain without features: pools, sums, requantization, quantization, confidence
  MMX_CHECK_FEATURES,  // mmx_plain's pictures and spectrograms
} mmx_check_kind;
enum { MMX_CHECK_KINDS = 3 };

// "layers", "operations", "feature windows".
const char *mmx_check_name(mmx_check_kind kind);

// Memory of a checker; every case fits. It lies between pages that nobody may touch: a kernel that reads or writes beyond
// what it was given ends the process with a signal, after one line on standard error that says in which case.
typedef struct mmx_checker mmx_checker;
mmx_checker *mmx_checker_new(void);  // null when there is no memory
void mmx_checker_free(mmx_checker *checker);

// Runs case number `number`: shapes, values, zero points, clamps and multipliers all follow from it. Extremes are
// frequent. 1 if the bytes agree and nothing else was written; else 0 with a line in `text` that says what it was.
int mmx_check_case(mmx_checker *checker, mmx_isa isa, mmx_check_kind kind, uint64_t number, char text[MMX_CHECK_TEXT]);
#endif
