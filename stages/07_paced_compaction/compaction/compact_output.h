/* compact_output.h: what compact.c and its outputs share. */
#ifndef STRATA_07_COMPACT_OUTPUT_H
#define STRATA_07_COMPACT_OUTPUT_H

#include "07_paced_compaction/compaction/compact.h"

/* Its outputs stand on level 0: there tables overlap, and stand by age, and what is one by its age
 * is one table. */
bool compact_to_level_0(const struct compact *c);

/* A table that begins with the cursor's key. NO_MEMORY, IO. */
int compact_begin_output(struct compact *c, struct strata_error *err);
/* It is whole, and on the device; at once: on its way there, as `behind`. */
int compact_end_output(struct compact *c, struct strata_error *err);
/* What is behind, if anything, is on the device. */
int compact_take_behind(struct compact *c, struct strata_error *err);
/* Where outputs end (full_bytes, grand); before the first entry. */
void compact_set_limits(struct compact *c);
/* Of the level below, tables that end before this key are passed: the output overlaps with them. */
void compact_pass_below(struct compact *c, struct strata_slice key);

/* To be asked of each key: does the present output end before it? It is as large as a table should
 * be, or overlaps with too much of the level below (I2). */
static inline bool compact_ends_before(struct compact *c, struct strata_slice key)
{
    if (c->grand_at < c->grand_count)
        compact_pass_below(c, key);
    return c->writer && (c->writer->file->end + c->writer->bytes.size >= c->full_bytes ||
                         c->grand_bytes > PICK_TIMES * c->full_bytes);
}

#endif
