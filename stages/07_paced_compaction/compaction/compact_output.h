/* compact_output.h: what compact.c and its outputs share. */
#ifndef STRATA_07_COMPACT_OUTPUT_H
#define STRATA_07_COMPACT_OUTPUT_H

#include "07_paced_compaction/compaction/compact.h"

/* Its outputs go to level 0, where tables overlap, and are ordered by age: there is one output. */
bool compact_to_level_0(const struct compact *c);

/* Begins an output with the cursor's key. NO_MEMORY, IO. */
int compact_begin_output(struct compact *c, struct strata_error *err);
/* Finishes the current output, and waits for the device; at once: it is on its way there, as
 * `behind`. */
int compact_end_output(struct compact *c, struct strata_error *err);
/* Waits for the output that is behind, if there is one. */
int compact_take_behind(struct compact *c, struct strata_error *err);
/* Sets where outputs end (full_bytes, grand); before the first entry. */
void compact_set_limits(struct compact *c);
/* Counts the tables of the level below that end before this key: the output overlaps with them. */
void compact_pass_below(struct compact *c, struct strata_slice key);

/* To be asked of each key: does the current output end before it (7.I24)? */
static inline bool compact_ends_before(struct compact *c, struct strata_slice key)
{
    if (c->grand_at < c->grand_count)
        compact_pass_below(c, key);
    return c->writer && (c->writer->file->end + c->writer->bytes.size >= c->full_bytes ||
                         c->grand_bytes > PICK_TIMES * c->full_bytes);
}

#endif
