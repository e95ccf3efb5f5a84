#include <string.h>

#include "mmx_kernels.h"
#include "span.h"

void mmx_max_pool_s8(const mmx_window *w, const int8_t *in, int8_t *out) {
  int32_t channels = w->in_channels;
  for (int32_t oy = 0; oy < w->out_height; oy++) {
    mmx_span y = mmx_span_at(oy, w->stride_y, w->pad_top, w->kernel_height, w->in_height);
    for (int32_t ox = 0; ox < w->out_width; ox++, out += channels) {
      mmx_span x = mmx_span_at(ox, w->stride_x, w->pad_left, w->kernel_width, w->in_width);
      memset(out, -128, (size_t)channels);
      for (int32_t ky = y.first; ky < y.end; ky++) {
        for (int32_t kx = x.first; kx < x.end; kx++) {
          const int8_t *cell =
              in + ((size_t)(y.origin + ky) * (size_t)w->in_width + (size_t)(x.origin + kx)) * (size_t)channels;
          for (int32_t c = 0; c < channels; c++) out[c] = cell[c] > out[c] ? cell[c] : out[c];
        }
      }
    }
  }
}
