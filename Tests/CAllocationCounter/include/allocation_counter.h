// Counts what the calling thread takes from the heap, for the tests that say "nothing allocates here".
#ifndef MMX_ALLOCATION_COUNTER_H
#define MMX_ALLOCATION_COUNTER_H
#include <stdint.h>
// Calls of malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign on this thread so far.
// Always 0 under a sanitizer, which wants the allocator for itself: see mmx_counts_allocations.
uint64_t mmx_allocations(void);
int mmx_counts_allocations(void);
#endif
