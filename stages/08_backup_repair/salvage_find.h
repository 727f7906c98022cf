/* salvage_find.h: the blocks of a table whose index is lost, found by what their bytes are. */
#ifndef STRATA_08_SALVAGE_FIND_H
#define STRATA_08_SALVAGE_FIND_H

#include "09_fast_paths/table/pax_table_inside.h"

struct finder {
    struct strata_slice file; /* borrowed: up to where blocks may lie */
    uint64_t number;          /* of it: seeds the checks */
    size_t *ends;             /* where a section may end, ascending */
    size_t count, room;
    size_t next;   /* of the ends: those before it are behind us */
    size_t at;     /* in the file */
    bool sure;     /* something begins there: the first block, or one behind another */
    uint64_t work; /* bytes looked at in vain, about */
};

/* To be freed in any case. NO_MEMORY. */
int finder_init(struct finder *finder, struct strata_slice file, uint64_t number,
                struct strata_error *err);
void finder_free(struct finder *finder);
/* The next one; `*gap`: bytes before it are none. NOT_FOUND: there are no more, or looking for them
 * takes too long (FINDER_WORK); NO_MEMORY. */
int finder_next(struct finder *finder, struct pax_table_block *block, bool *gap,
                struct strata_error *err);

/* Looking for blocks ends when so many bytes were looked at in vain: what a few damaged blocks of a
 * table take is less. */
static inline uint64_t finder_most(const struct finder *finder)
{
    return ((uint64_t)1 << 29) + 256 * (uint64_t)finder->file.size;
}

#endif
