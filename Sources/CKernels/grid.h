// Where the cells of a result lie on a source picture.
#ifndef MMX_GRID_H
#define MMX_GRID_H
#include "mmx_image.h"

// The crop and its cells in units of which a source pixel has `pixel` a side, so that every edge is a whole number.
typedef struct {
  int64_t pixel;         // units in a source pixel's side
  int64_t cell;          // units in a result pixel's side
  int64_t left, top;     // where the crop begins
} mmx_grid;

static inline mmx_grid mmx_make_grid(const mmx_image *d, int32_t width, int32_t height) {
  // A source wider than the result's aspect ratio is used at its full height: a cell's side is height / d->height
  // pixels; else at its full width. Doubled, because half of what is left over goes to each side.
  int wide = (int64_t)width * d->height > (int64_t)height * d->width;
  int64_t from = wide ? height : width, to = wide ? d->height : d->width;
  return (mmx_grid){2 * to, 2 * from, width * to - from * d->width, height * to - from * d->height};
}
#endif
