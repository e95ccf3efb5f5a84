// The pictures of MJPG cameras, decoded by libjpeg-turbo, and the process without rights in which that is done: what a
// camera sends comes from a USB plug, and so from anybody. In C because libjpeg reports errors by longjmp.
#ifndef MMEXIT_CJPEG_H
#define MMEXIT_CJPEG_H
#include <stddef.h>
#include <stdint.h>

// Decodes one baseline picture of exactly width x height into packed grey (channels 1) or RGB (3), full range.
// 0; or 1 where it is damaged, of another size, progressive or in several scans. `pixels` is then undefined.
int mmx_jpeg_decode(const uint8_t *bytes, size_t count, int width, int height, int channels, uint8_t *pixels);

// Encodes for tests and tools: `pixels` as above. The number of bytes, 0 where they are more than `capacity`.
size_t mmx_jpeg_encode(const uint8_t *pixels, int width, int height, int channels, int quality, uint8_t *bytes,
                       size_t capacity);

// The first argument of a program that is to call mmx_jpeg_serve.
#define MMX_JPEG_ARGUMENT "--decode-pictures"

// The decoding process. Standard input is a socket: it receives the number of bytes of a picture (uint32_t), and
// sends mmx_jpeg_decode's answer (uint8_t); before the first it sends 0 once. Descriptor 3 is memory that is shared
// with the parent: `capacity` bytes for the picture, behind them the pixels. From the first answer on the kernel lets it read, write and
// end, and nothing else. Ends when the socket does.
_Noreturn void mmx_jpeg_serve(const char *width, const char *height, const char *channels, const char *capacity);

// Starts `program` as the above with these descriptors: its process, or the negative errno.
int mmx_jpeg_spawn(const char *program, int socket, int memory, int width, int height, int channels, size_t capacity);

// Memory that can be shared: a descriptor, or the negative errno.
int mmx_jpeg_memory(size_t size);
#endif
