// Operations without weights. The portable sources define these functions under names that the including file gives.
static void path_max_pool(const mmx_window *w, const int8_t *in, int8_t *out);
static void path_average_pool(const mmx_window *w, const int8_t *in, const mmx_requantize *q, int8_t *out);
static void path_add(const int8_t *a, const int8_t *b, int32_t n, float a_scale, int32_t a_zero, float b_scale,
                     int32_t b_zero, int32_t zero, int32_t clamp_min, int32_t clamp_max, int8_t *out);
static void path_requantize(const int8_t *in, int32_t n, float multiplier, int32_t in_zero, int32_t out_zero,
                            int8_t *out);
#include "../add.c"
#include "../average_pool.c"
#include "../max_pool.c"
#include "../requantize.c"
