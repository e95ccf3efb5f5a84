// The test executable's own malloc family comes before glibc's in symbol look-up, so every library's calls
// (the Swift runtime's too) pass here and go on to glibc's real ones.
#include "allocation_counter.h"
#include <errno.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS 0
#else
#define COUNTS 1
#endif
#else
#define COUNTS 1
#endif

static __thread uint64_t count;
uint64_t mmx_allocations(void) { return count; }
int mmx_counts_allocations(void) { return COUNTS; }

#if COUNTS
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

void *malloc(size_t size) {
  count++;
  return __libc_malloc(size);
}
void *calloc(size_t n, size_t size) {
  count++;
  return __libc_calloc(n, size);
}
void *realloc(void *p, size_t size) {
  count++;
  return __libc_realloc(p, size);
}
void *memalign(size_t alignment, size_t size) {
  count++;
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  count++;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
  count++;
  void *p = __libc_memalign(alignment, size);
  if (!p) return ENOMEM;
  *out = p;
  return 0;
}
void free(void *p) { __libc_free(p); }
#endif
