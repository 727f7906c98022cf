/* pages.c: see pages.h. */
#define _GNU_SOURCE
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

void pages_unmap(void *pages, size_t size)
{
    if (pages)
        munmap(pages, size);
}

/* A huge page begins at a multiple of its size: one page more than needed is mapped, and the parts
 * before and after the aligned range are unmapped. */
void *pages_map(size_t size)
{
    uint8_t *all, *begin;
    size_t before;

    if (size > SIZE_MAX - PAGES_HUGE)
        return NULL;
    all = mmap(NULL, size + PAGES_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    before = (PAGES_HUGE - (uintptr_t)all % PAGES_HUGE) % PAGES_HUGE;
    begin = all + before;
    if (before)
        munmap(all, before);
    munmap(begin + size, PAGES_HUGE - before);
#ifdef MADV_HUGEPAGE
    madvise(begin, size, MADV_HUGEPAGE); /* only a hint: small pages work, but slower */
#endif
    return begin;
}
