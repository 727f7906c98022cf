/* need.h: memory that must be there. The tests and `strata crash` end the program without it. */
#ifndef STRATA_COMMON_CRASH_NEED_H
#define STRATA_COMMON_CRASH_NEED_H

#include <stdio.h>
#include <stdlib.h>

static inline void *need(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(7);
    }
    return memory;
}

#endif
