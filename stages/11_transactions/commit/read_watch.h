/* read_watch.h: a transaction that has read much validates that itself, before its commit is
 * queued, so that others need not wait meanwhile. What is written from then on the leader compares
 * with it:
 *
 *     snapshot 40        begins to watch: 90            its turn in the queue: 97
 *     |----- validated by itself -----||--- each commit: ----||
 *                                          is it in the set?      marked: CONFLICT
 *
 * 11.I11: the number up to which it validates is taken as it begins to watch, under the group's
 *         mutex. The leader marks watches after a commit has its numbers, and before the mutex is
 *         free: so each operation is validated or compared, whichever it is. */
#ifndef STRATA_11_READ_WATCH_H
#define STRATA_11_READ_WATCH_H

#include "11_transactions/txn/txn.h"

#define READ_WATCH_KEYS 1024u /* without ranges: so many are left to the leader */

/* It watches what it depends on, which must not change until read_watch_end. Returns the number of
 * the last operation before. */
uint64_t read_watch_begin(struct txn *txn);
/* Nothing if it does not watch. */
void read_watch_end(struct txn *txn);

/* If it has read much: begins to watch, and validates all before. 0, or as validate. */
int read_watch_validate(struct txn *txn, struct strata_error *err);

/* The leader's: those of the list that were committed. */
void read_watch_mark(struct read_watch *all, const struct group_commit *list);

#endif
