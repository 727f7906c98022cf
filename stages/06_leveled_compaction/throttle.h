/* throttle.h: what a write does before it may go on, so that the tables of level 0 stay few. */
#ifndef STRATA_06_THROTTLE_H
#define STRATA_06_THROTTLE_H

#include "lsm_tree.h"

#define THROTTLE_SLOWDOWN 8u /* tables of level 0 from which on each write does a compaction */
#define THROTTLE_STOP 12u    /* ... from which on no write goes on */

/* For a write that is about to be logged, as the leader, with the mutex held; it is free while
 * files are written. A full memtable is flushed, and compactions are done. NO_MEMORY, CORRUPT (of
 * a flush), IO: nothing is to be written. */
int throttle_write(struct lsm_tree *tree, struct strata_error *err);
/* For a caller who asked, the mutex free: compactions until none is due; with `all`, when the
 * memtable is empty, all tables are merged first. An error of one is returned; writes go on after
 * it, if they may. */
int throttle_drain(struct lsm_tree *tree, bool all, struct strata_error *err);

#endif
