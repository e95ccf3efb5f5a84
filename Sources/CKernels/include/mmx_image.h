// From a camera's pixels to the first layer's int8, in integers only.
#ifndef MMX_IMAGE_H
#define MMX_IMAGE_H
#include <stddef.h>
#include <stdint.h>

// Largest extent of a source or result, in pixels: keeps every sum within 64 bits, every column within 32.
#define MMX_MAX_IMAGE_EXTENT 16384

typedef struct {
  int32_t width, height, channels;  // of the result; channels 1 or 3
} mmx_image;

// Bytes of scratch (4-byte aligned) for sources up to this width, or 0 when an extent is not in
// 1...MMX_MAX_IMAGE_EXTENT or channels is neither 1 nor 3.
size_t mmx_image_scratch_size(const mmx_image *d, int32_t max_source_width);

// pixels[source_height][source_width][source_channels], source_channels 1 or 3; out[height][width][channels].
// In this order:
// 1. Crop: the largest centred rectangle of the source with the result's aspect ratio. Its edges may cut through
//    pixels: they are exact rationals, never rounded.
// 2. Area average: each result pixel is the exact mean over its (square) cell of the crop, per channel, rounded half
//    up. The same for enlarging.
// 3. Channels: grey = (77 R + 150 G + 29 B + 128) >> 8; RGB from grey by repetition.
// 4. table[channel][256] of the result's channel.
void mmx_image_run(const mmx_image *d, const uint8_t *pixels, int32_t source_width, int32_t source_height,
                   int32_t source_channels, const int8_t *table, void *scratch, int8_t *out);
#endif
