/* pace.h: how much of the work that is owed a write does. Flushes and compactions are done by the
 * threads that write, a little each: so that no write waits for a whole one, and that what is owed
 * does not grow without end. */
#ifndef STRATA_07_PACE_H
#define STRATA_07_PACE_H

#include "07_paced_compaction/tree/tree.h"

/* As the leader, the mutex held; it is free while files are written. Before so many bytes are
 * written: a full memtable makes way, and the share of what is owed is done. What goes wrong with a
 * compaction, which nobody asked for, is only told to the log, unless nothing may be written any
 * more. */
int pace_write(struct tree *tree, uint64_t bytes, struct strata_error *err);
/* The memtables become tables. As the leader, the mutex free, as all below. */
int pace_flush(struct tree *tree, struct strata_error *err);
/* The compaction under way, or the next one, up to its next wait for the device. 0, or
 * COMPACT_DONE: there may be more to do; NOT_FOUND: nothing is due. */
int pace_compact(struct tree *tree, struct strata_error *err);
/* Nothing is due any more. */
int pace_drain(struct tree *tree, struct strata_error *err);

#endif
