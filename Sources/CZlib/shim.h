#include <zlib.h>

/* Both are macros. 15 + 16: the largest window, and gzip's header and checksum. */
static inline int mmx_deflate_begin(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
static inline int mmx_inflate_begin(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
