/* compact_output.h: what compact.c and its outputs share. */
#ifndef STRATA_06_COMPACT_OUTPUT_H
#define STRATA_06_COMPACT_OUTPUT_H

#include "compact.h"

/* Its outputs stand on level 0: there tables overlap, and stand by age, and what is one by its age
 * is one table. */
bool compact_to_level_0(const struct compact *c);

/* A table that begins with the cursor's key. NO_MEMORY, IO. */
int compact_begin_output(struct compact *c, struct strata_error *err);
/* It is whole, and on the device; at once: on its way there, as `behind`. */
int compact_end_output(struct compact *c, struct strata_error *err);
/* What is behind, if anything, is on the device. */
int compact_take_behind(struct compact *c, struct strata_error *err);
/* To be asked of each key: with it the present output overlaps with too much of the level below. */
bool compact_overlaps_much(struct compact *c, struct strata_slice key);
/* There is an output, and it is as large as a table should be. */
bool compact_is_full(const struct compact *c);

#endif
