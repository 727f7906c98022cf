/* tree.h: a log-structured merge tree with levels: a memtable with its log, one more of each while
 * that memtable is flushed, the tables, and the manifest that names logs and tables. What changes
 * it, a step at a time, is in tree.c, compaction/tree_compact.c and change.c.
 *
 * What holds of every tree (tree_check.c, and asserts):
 *
 * 7.I1: there are two memtables at most, each with a log of its own; a full one becomes immutable
 *       only when the one before it is in a table.
 * 7.I2: a log is written to only after an edit has named it, and it becomes immutable only when all
 *       of it is durable: what the next log holds never comes back without it.
 * 7.I3: readers are given the version that the manifest says.
 * 7.I4: new files are durable before an edit names them; a file is removed only after an edit has
 *       taken its name away, and never while it is not known whether that edit is durable.
 * 7.I7: one change at a time: `installing` is held from before an edit is made until readers have
 *       what it says and the logs are those that it names, and while a memtable becomes immutable.
 *       Where all changes are made by one thread nobody waits for it.
 *
 * Threads: the leader of the group of writers, and those who are alone with the tree (tree_enter).
 * Beside a leader one other thread may do steps of the flush and of compactions, and remove
 * obsolete files (parts->threads). What both of them look at is atomic, or changes under
 * `installing`; a version or memtable that is not pinned is looked at only with that lock. Locks
 * are taken in the order installing, listening, the group's mutex, reading. */
#ifndef STRATA_07_TREE_H
#define STRATA_07_TREE_H

#include "04_memtable_sstable/write_path.h"
#include "06_leveled_compaction/version/version_set.h"
#include "07_paced_compaction/compaction/compact.h"
#include "07_paced_compaction/policy/policy.h"
#include "events/events.h"
#include "obsolete.h"
#include "super.h"
#include "threads/striped.h"

struct tree {
    struct write_path path; /* the live log and the memtable; its group's mutex guards the rest */
    const struct strata_env *env;
    const struct tree_parts *parts;
    const struct sstable_kind *kind; /* of its tables: one of the parts */
    void *common;                    /* what they have in common */
    struct compaction_env work;      /* these for a compaction */
    struct sync_mutex reading;    /* guards, for readers, super, which changes with both held; for
                                   * some instructions only */
    struct arena_source *memory;  /* of its memtables; NULL: malloc */
    struct sync_mutex installing; /* 7.I7 */
    struct sync_mutex listening;  /* one event at a time */
    uint64_t event_ns;            /* time of the last one */
    struct super *_Atomic super;  /* the current one; its version is the manifest's */
    struct version_set versions;
    struct live_log live;   /* how the manifest names the live log, or will: as it was made */
    _Atomic bool log_named; /* the manifest names the live log: it may be written to */
    struct log immutable;   /* of its immutable memtable; all zero: there is none */
    struct log older;       /* a second log that open found */
    _Atomic bool recovery_pending; /* a crash ended the live log: it is flushed before a write */
    _Atomic bool names_unsynced;   /* names in the directory may not be durable */
    bool names_doubted;            /* a sync of it failed; guarded by `installing` */
    struct striped gets;           /* since open; the first of its counts */
    struct replay opened;          /* what opening found in the last log */
    struct compact *flush;         /* in progress, or NULL */
    struct compact *compaction;
    struct obsolete_files obsolete;       /* that no edit names any more */
    struct policy_quarantine quarantined; /* tables that could not be read: never compacted */
    uint64_t unpaced_bytes;               /* written since the last quota of work was done */
    uint64_t pace_bytes;                  /* so many of those are worth another look at the debt */
    _Atomic bool compaction_paused;       /* until the next flush: there was no room, memory or
                                           * descriptor */
    _Atomic bool nothing_due; /* no compaction is due in the current version. Any thread may clear
                               * it */
    _Atomic bool stale; /* the compaction in progress, or the last one, was picked by pick_stale */
    bool draining;      /* a caller waits until nothing is due: level 0 is due sooner */
    struct tree_stats stats;
    struct events events;
    const struct compact *logged[2]; /* in progress, as the event log says; [1]: a flush */
};

/* ---- Its life (tree_open.c) ------------------------------------------------------------------ */

/* Reads the manifest, opens the tables, puts the logs into the memtable, and removes what no edit
 * names; with env->is_new, makes everything anew. As an engine's slots open
 * and open_unsynced. CORRUPT, IO, NO_MEMORY; then nothing is left open. */
int tree_new(const struct strata_env *env, const struct tree_parts *parts, void **tree,
             struct strata_error *err);
/* Closes what is open and frees it: nothing is written. Gives up what is in progress. */
int tree_del(struct tree *tree, struct strata_error *err);

/* The log of this number, which the version names. */
static inline const struct log *tree_log(const struct tree *tree, uint64_t number)
{
    return number == tree->path.log.number    ? &tree->path.log
           : number == tree->immutable.number ? &tree->immutable
                                              : &tree->older;
}

/* As version_set_is_obsolete, and files beside the tables (tree_check.c). */
bool tree_is_obsolete(const struct tree *tree, const char *name);

/* 7.I1 to 7.I3 (tree_check.c). Alone with the tree. CORRUPT: our own bug. */
int tree_check(const struct tree *tree, struct strata_error *err);
/* The same, for asserts of who is not alone: takes `installing`. */
bool tree_is_whole(struct tree *tree);

/* ---- Alone with the tree --------------------------------------------------------------------- */

/* Waits until no other thread writes, flushes or compacts, and keeps them out. */
void tree_be_alone(struct tree *tree);
/* `failed`: so did what was done meanwhile. */
void tree_end_alone(struct tree *tree, bool failed);
/* The same, to change it. 0, or the error of group_usable. To be ended by tree_leave in any case,
 * with what came of the work. */
int tree_enter(struct tree *tree, struct strata_error *err);
void tree_leave(struct tree *tree, int rc);

/* ---- Readers --------------------------------------------------------------------------------- */

/* The current memtables and tables, referred to once more (super_unref, then tree_remove_unread).
 */
struct super *tree_pin(struct tree *tree);
/* The number of the last operation. A reader pins first, and sees what is not newer than this. */
static inline uint64_t tree_last(const struct tree *tree)
{
    return tree->path.sequence - 1;
}
/* A reader has dropped a super: files that it alone needed are removed, unless a writer is at
 * work or waits, who will do that. */
void tree_remove_unread(struct tree *tree);

/* ---- Steps ----------------------------------------------------------------------------------- */

/* All below: alone with the tree, the mutex free; tree_flush_step and tree_compact_step also by the
 * one thread that works beside the leader. NO_MEMORY: nothing was changed. After another
 * error nothing may be written any more (write_path_spoil). */

/* Readers see this one from now on. The mutex is held. */
void tree_publish(struct tree *tree, struct super *super);
/* Drops the one that they saw before, when none of them looks at it. The mutex is free. */
void tree_retire(struct tree *tree, struct super *super);
/* A new memtable and a new log; the full memtable becomes immutable, and there was none. The new
 * log must be named before it is written to (7.I2). */
int tree_switch_memtable(struct tree *tree, struct strata_error *err);
/* An edit names the live log, and, if there is an immutable one, says that it is durable. */
int tree_name_log(struct tree *tree, struct strata_error *err);
/* A step of the flush of the immutable memtable. 0: there is more to do; COMPACT_DONE: it is in a
 * table, and its log is obsolete. */
int tree_flush_step(struct tree *tree, uint64_t *budget, struct strata_error *err);
/* compaction/tree_compact.c: a step of the compaction in progress, or of the next one that is due.
 * 0: there may be more to do; COMPACT_DONE: one is done; NOT_FOUND: none is due. */
int tree_compact_step(struct tree *tree, uint64_t *budget, struct strata_error *err);
/* Everything goes into one level. The memtables are empty. */
int tree_compact_all(struct tree *tree, const struct strata_progress *progress,
                     struct strata_error *err);
/* Tables that hold keys from `from` on and before `to` go down level by level, as far as there are
 * any. Likewise. */
int tree_compact_range(struct tree *tree, struct strata_slice from, struct strata_slice to,
                       const struct strata_progress *progress, struct strata_error *err);
/* A step of this work returned `rc`: when that is not 0, the work ends. `why`: of a failure; NULL:
 * no step failed. Returns `rc`. */
int tree_end_work(struct tree *tree, struct compact **work, int rc, const struct strata_error *why);
/* Gives up what is in progress: the files of its outputs are removed. */
void tree_abandon(struct tree *tree);
/* Makes the names in the directory durable. IO. */
int tree_sync_names(struct tree *tree, struct strata_error *err);

#endif
