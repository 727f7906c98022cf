/* pages.h: large pieces of memory straight from the system, on huge pages where it gives them:
 * a structure that is walked at random misses the TLB on every step when it lies on small ones. */
#ifndef STRATA_COMMON_PAGES_H
#define STRATA_COMMON_PAGES_H

#include <stddef.h>

/* Bytes of a huge page; what is mapped is a multiple of it. */
#define PAGES_HUGE ((size_t)2 << 20)

/* `size` bytes of zeros, a multiple of PAGES_HUGE, beginning at one. Memory is taken as it is
 * touched. NULL: there is none to be had. */
void *pages_map(size_t size);
void pages_unmap(void *pages, size_t size); /* as it was mapped; NULL is fine */

#endif
