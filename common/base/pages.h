/* pages.h: large pieces of memory from the system, on huge pages where it has them: random access
 * to a large structure on small pages misses the TLB at every step. */
#ifndef STRATA_COMMON_PAGES_H
#define STRATA_COMMON_PAGES_H

#include <stddef.h>

/* Bytes of a huge page; a mapping is a multiple of it. */
#define PAGES_HUGE ((size_t)2 << 20)

/* `size` bytes of zeros, a multiple of PAGES_HUGE, beginning at one. Physical memory is allocated
 * when a page is first touched. NULL: out of memory. */
void *pages_map(size_t size);
void pages_unmap(void *pages, size_t size); /* as it was mapped; NULL is fine */

#endif
