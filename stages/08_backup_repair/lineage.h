/* lineage.h: what a table says of other tables, in its notes, for the day when no manifest does:
 * what it took the place of, and what was newer than it. Sequence numbers alone do not tell which
 * of two tables is newer: an output has the outcome of all its inputs' operations, old and new. */
#ifndef STRATA_08_LINEAGE_H
#define STRATA_08_LINEAGE_H

#include "strata_engine.h"

/* Of a flush: all zero, and no notes. */
struct lineage {
    uint32_t level;  /* that it was made for */
    bool repaired;   /* by a repair, and not by a compaction; then it stands alone */
    uint64_t group;  /* number of the first output of its compaction */
    uint64_t place;  /* among the outputs, from 1 */
    bool last;       /* none follows it */
    uint64_t *files; /* numbers: of what it took the place of, then of what was newer */
    size_t sources;  /* the inputs: all, or, if they are many, those that overlap with it */
    size_t above;    /* tables on levels above, that overlap with it */
    size_t room;
};

void lineage_free(struct lineage *lineage);
/* Sources first, then those above. NO_MEMORY. */
int lineage_add(struct lineage *lineage, bool above, uint64_t number, struct strata_error *err);
bool lineage_is_source(const struct lineage *lineage, uint64_t number);
bool lineage_is_above(const struct lineage *lineage, uint64_t number);

/* Appends its bytes. NO_MEMORY. */
int lineage_encode(const struct lineage *lineage, struct strata_buffer *to,
                   struct strata_error *err);
/* Of no bytes: a flush. Takes no memory by a number that it reads. To be freed in any case.
 * CORRUPT: they are none, or not the only bytes that would say so; NO_MEMORY. */
int lineage_decode(struct strata_slice bytes, struct lineage *lineage, struct strata_error *err);

#endif
