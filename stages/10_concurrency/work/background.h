/* background.h: the flush, the compactions and the removal of obsolete files of a tree, as jobs of
 * struct work: done by a thread beside the leader, or, for tests, by those who call, as a seed
 * says.
 *
 *     leader    log, memtable ... full: switch, name the log | log, memtable ...
 *     flush                                                  [=][=][=] install
 *     compact   [=][=] install                                                [=][=][=] ...
 *     remove                  [=]
 *
 * 10.I10: one thread alone installs flushes and compactions. The leader installs what names its
 * logs; `installing` is between them (7.I7). 10.I11: a flush begins only when its log is named: it
 * names the live log in its place. 10.I12: a limit that makes a writer wait has queued the job that
 * lifts it. 10.I13: what is short makes a job rest, and leaves nothing behind; any other failure of
 * a flush, or of an edit, is the group's: nothing is written any more. Neither is tried in a loop.
 */
#ifndef STRATA_10_BACKGROUND_H
#define STRATA_10_BACKGROUND_H

#include "07_paced_compaction/tree/tree.h"
#include "10_concurrency/work/ledger.h"
#include "10_concurrency/work/work.h"

enum background_job { BACKGROUND_FLUSH, BACKGROUND_COMPACTION, BACKGROUND_REMOVAL };

struct background {
    struct tree *tree;
    struct work work;
    /* The worker's, for the leader to see: */
    _Atomic uint64_t flush_left;      /* bytes of the immutable memtable that are to be written */
    _Atomic uint64_t compaction_done; /* of the one in progress, bytes of inputs */
    _Atomic uint64_t compaction_bytes;
    _Atomic bool flush_rests; /* its last try failed, for the reason below */
    _Atomic bool any_obsolete;
    int rc; /* guarded by the group's mutex */
    struct strata_error why;
    _Atomic uint64_t rests; /* so often a job rested since open */
    /* The leader's: */
    _Atomic bool compaction_due; /* one is worth beginning */
    struct ledger ledger;
};

/* `threads`: 0 or 1; 0: seeded. IO: there can be no thread; NO_MEMORY. */
int background_new(struct tree *tree, unsigned threads, uint64_t seed, struct background **out,
                   struct strata_error *err);
/* No step is under way any more. NULL is fine. */
void background_del(struct background *b);

/* Nobody works or writes meanwhile. */
void background_pause(struct background *b);
void background_resume(struct background *b);
/* A compaction is worth beginning. */
void background_compact(struct background *b);
/* Files may have lost their last reader. */
void background_unread(struct background *b);

/* room.c: make_room of a write path: waits until there is room for a write, early and briefly, as
 * the ledger says, and then as long as limits last. As the leader, the mutex held, which is free
 * meanwhile. Errors of `why`: the memtable is full, and its flush rests; nothing was changed. */
int background_make_room(struct background *b, size_t operations, size_t bytes,
                         struct strata_error *err);

#endif
