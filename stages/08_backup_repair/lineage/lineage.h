/* lineage.h: where a table came from, in its own notes, for the day when no manifest says so: which
 * tables it replaced, and which were newer than it. Sequence numbers alone do not say which of two
 * tables is newer: the output of a compaction has the outcome of all operations of its inputs, old
 * and new. */
#ifndef STRATA_08_LINEAGE_H
#define STRATA_08_LINEAGE_H

#include "04_memtable_sstable/run/sstable.h"

#define LINEAGE_OTHER 0x7fu /* no lineage begins like this */

/* All zero, and no notes: of a flush. */
struct lineage {
    uint32_t level;   /* that it was made for */
    bool repaired;    /* made by a repair: the only output */
    uint64_t group;   /* number of the first output of its compaction */
    uint64_t ordinal; /* among the outputs, from 1 */
    bool last;        /* of the outputs */
    uint64_t *files;  /* numbers: of what it replaced, then of what was newer */
    size_t sources;   /* the inputs: all, or, if they are many, those that overlap with it */
    size_t above;     /* tables of levels above, that overlap with it */
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
/* No bytes: a flush. Allocates nothing by a number that it reads. To be freed in any case. CORRUPT:
 * the bytes are not a lineage, or not the only bytes for it; NO_MEMORY. */
int lineage_decode(struct strata_slice bytes, struct lineage *lineage, struct strata_error *err);

#endif
