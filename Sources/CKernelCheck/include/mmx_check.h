// Random layers through a path and through the portable kernels: the bytes must be the same.
#ifndef MMX_CHECK_H
#define MMX_CHECK_H
#include "mmx_layer.h"

enum { MMX_CHECK_TEXT = 256 };

// Memory of a checker; every case fits.
typedef struct mmx_checker mmx_checker;
mmx_checker *mmx_checker_new(void);  // null when there is no memory
void mmx_checker_free(mmx_checker *checker);

// Runs case number `number`: shape, stride, padding, pool, weights, activations, zero points, clamps and multipliers all
// follow from it. Extremes (-128, 127, -127) are frequent. 1 if the bytes agree and nothing else was written; else 0
// with a line in `text` that says what the layer was.
int mmx_check_case(mmx_checker *checker, mmx_isa isa, uint64_t number, char text[MMX_CHECK_TEXT]);
#endif
