/* need.h: memory that must be there. The tests and `strata crash` end the program without it. */
#ifndef STRATA_COMMON_CRASH_NEED_H
#define STRATA_COMMON_CRASH_NEED_H

#include "strata.h"

#include <errno.h>
#include "strata.h"

#include <errno.h>
#include <stdbool.h>
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

/* A call that ran out of memory says nothing about the engine. */
static inline void need_memory(const struct strata_error *err)
{
    bool refused = err->code == STRATA_ERR_NO_MEMORY || err->sys == ENOMEM;
    need(refused ? NULL : (void *)(uintptr_t)err);
}

#endif
