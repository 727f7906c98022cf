/* work.h: scripts that more than one crash test does. Knows nothing of cmocka. */
#ifndef STRATA_TESTS_WORK_H
#define STRATA_TESTS_WORK_H

#include "crash/script.h"

/* All that a handle does, in few steps: made, written, read, opened again, read; and a value that
 * is larger than what it is read through. */
void work_life(struct script *script);
/* Segments that fill, batches where they are promised, merges, deletes, syncs and reopening. */
void work_upkeep(struct script *script);
/* The same kinds of steps at random. */
void work_long(struct script *script, uint64_t seed, int steps);
/* What makes every type of record there is, and files of several sectors with records of one
 * size among them. */
void work_records(struct script *script);

#endif
