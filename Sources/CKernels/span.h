// Which part of a sliding window lies inside the image, along one axis.
#ifndef MMX_SPAN_H
#define MMX_SPAN_H
#include <stdint.h>

// Taps [first, end) of the kernel fall on cells origin + tap inside the image; empty (first >= end) if none does.
typedef struct {
  int32_t origin, first, end;
} mmx_span;

static inline mmx_span mmx_span_at(int32_t out, int32_t stride, int32_t pad, int32_t kernel, int32_t extent) {
  int32_t origin = out * stride - pad;
  int32_t last = extent - origin;
  return (mmx_span){origin, origin < 0 ? -origin : 0, last < kernel ? last : kernel};
}
#endif
