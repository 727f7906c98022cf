/* pace.h: how much flush and compaction work a write does. The threads that write do it, a little
 * each: so no write waits for a whole compaction, and the debt does not grow without end. */
#ifndef STRATA_07_PACE_H
#define STRATA_07_PACE_H

#include "07_paced_compaction/compaction/debt.h"
#include "07_paced_compaction/tree/tree.h"

/* make_room of a tree's write path: before so many operations are logged, with so many bytes of
 * keys and values, a full memtable becomes immutable, and a quota of the debt is done. As the
 * leader, the mutex held; it is free while files are written. An error of a compaction, which
 * nobody asked for, is only logged, unless nothing may be written any more. */
int pace_write(void *tree, size_t operations, size_t bytes, struct strata_error *err);

/* Is the memtable full? Or did open leave something to the first write (7.I8, 7.I9)? The leader's,
 * the mutex held. */
bool pace_is_full(const struct tree *tree);
bool pace_is_first(const struct tree *tree);
#define PACE_ENTRY_BYTES ((size_t)64) /* that an operation takes beside key and value, about */

/* Has level 0 fewer tables than the stop trigger? */
bool pace_is_below_stop(const struct tree *tree, const struct version *version);
/* The debt of compactions. Of the one in progress `done` of so many bytes of inputs are read; 0 of
 * 0: there is none. No room: they are paused, or nothing is due. Super stays meanwhile. */
struct debt pace_compaction_debt(const struct tree *tree, uint64_t bytes, uint64_t done);

/* The error of a compaction names a table: it is left alone by all later ones. False: it names
 * none, or there is no memory. The versions do not change meanwhile. */
bool pace_quarantine(struct tree *tree, const struct strata_error *err);

/* All below: alone with the tree, the mutex free. */

/* The memtables become tables. */
int pace_flush(struct tree *tree, struct strata_error *err);
/* Compacts until nothing is due. */
int pace_drain(struct tree *tree, struct strata_error *err);
/* What a clean close leaves: an empty log, and CURRENT that says how far the manifest reaches, so
 * that the next open reads nothing again. It writes the memtables to tables, 1.5 x memtable_bytes
 * at most, as the immutable one is half done by then, and what is left of a compaction, if that is
 * no more than half of memtable_bytes; else its outputs are removed, as obsolete files are. */
int pace_close(struct tree *tree, struct strata_error *err);

#endif
