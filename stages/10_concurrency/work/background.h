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
 * lifts it. 10.I13: what is short makes a job rest, and leaves nothing behind, or a write fail, of
 * which nothing is left in the log; any other failure of a flush, or of an edit, and any failed
 * sync is the group's: nothing is written any more. Neither is tried in a loop. */
#ifndef STRATA_10_BACKGROUND_H
#define STRATA_10_BACKGROUND_H

#include "07_paced_compaction/tree/tree.h"
#include "10_concurrency/work/epoch.h"
#include "10_concurrency/work/ledger.h"
#include "10_concurrency/work/work.h"

enum background_job { BACKGROUND_FLUSH, BACKGROUND_COMPACTION, BACKGROUND_REMOVAL };

struct background {
    struct tree *tree;
    struct epoch *epoch; /* of its readers */
    struct work work;
    /* The worker's, for the leader to see: */
    _Atomic uint64_t flush_left;      /* bytes of the immutable memtable that are to be written */
    _Atomic uint64_t compaction_done; /* of the one in progress, bytes of inputs */
    _Atomic uint64_t compaction_bytes;
    _Atomic int flush_error;      /* errno; its last try failed, for the reason below; else 0 */
    _Atomic int compaction_error; /* likewise */
    _Atomic bool any_obsolete;
    _Atomic bool poisoned; /* for what was not short */
    bool reported;         /* a call has failed since nothing can be written any more */
    int rc;                /* guarded by the group's mutex */
    struct strata_error why;
    _Atomic uint64_t rests;   /* so often a job rested since open */
    _Atomic bool stale_asked; /* stale tables are to be looked for, whatever is worth beginning */
    /* The leader's: */
    _Atomic bool compaction_due; /* one is worth beginning */
    struct ledger ledger;
};

/* `threads`: 0 or 1; 0: seeded. The thread begins with the first job; where there can be none,
 * those who write do the work, and that is logged. NO_MEMORY. */
int background_new(struct tree *tree, struct epoch *epoch, unsigned threads, uint64_t seed,
                   struct background **out, struct strata_error *err);
/* No step is under way any more. True: nothing can be written any more, and no call
 * has said so. */
bool background_del(struct background *b);

/* Nobody works or writes meanwhile. */
void background_pause(struct background *b);
/* `failed`: what was done meanwhile did, and its caller gets the error. */
void background_resume(struct background *b, bool failed);
/* A write, or a flush that was asked for, has failed: if only something was short, nothing is left
 * of it (10.I13), and writing goes on. The leader's, or alone; the mutex is free. */
void background_forgive(struct background *b);
/* There is something to do. No mutex is held: that there is no thread for it is logged. */
void background_queue(struct background *b, enum background_job job);
/* A compaction is worth beginning. `stale`: until all stale tables are rewritten. */
void background_compact(struct background *b, bool stale);
/* The errno why a job rests, of the flush first; 0: none does, also without any (NULL). */
uint64_t background_error(const struct background *b);
/* Files may have lost their last reader. */
void background_unread(struct background *b);

/* room.c: make_room of a write path: waits until there is room for a write, early and briefly, as
 * the ledger says, and then as long as limits last. As the leader, the mutex held, which is free
 * meanwhile. Errors of `why`: the memtable is full, and its flush rests; nothing was changed. */
int background_make_room(struct background *b, size_t operations, size_t bytes,
                         struct strata_error *err);

#endif
