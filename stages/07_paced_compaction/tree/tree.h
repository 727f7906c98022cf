/* tree.h: a log-structured merge tree with levels: a memtable with its log, one more of each while
 * it is being flushed, the tables, and the manifest that tells of all of them. What changes it, a
 * step at a time, is in tree.c and tree_compact.c. */
#ifndef STRATA_07_TREE_H
#define STRATA_07_TREE_H

#include "04_memtable_sstable/log.h"
#include "07_paced_compaction/compaction/compact.h"
#include "07_paced_compaction/events/events.h"
#include "06_leveled_compaction/manifest.h"
#include "07_paced_compaction/tree/super.h"
#include "07_paced_compaction/tree/obsolete.h"

/* A log whose operations are in a memtable. All zero: there is none. */
struct tree_log {
    struct log log;
    uint64_t first; /* sequence number of its first operation */
    uint64_t made;  /* bytes that it was made with, on the device */
};

#define TREE_STALLS 3

/* Since open. */
struct tree_stats {
    uint64_t bytes_in; /* keys and values that were written */
    uint64_t flushes, flushed_bytes;
    struct {
        uint64_t compactions, moves;        /* to this level */
        uint64_t read_bytes, written_bytes; /* by those compactions */
    } levels[LEVELS];
    uint64_t stalls, stall_ns, longest_ns; /* writes that did work, and how long */
    uint64_t stalled[TREE_STALLS];         /* of them, at least 1, 10 and 100 ms */
    uint64_t looked_in;                    /* tables, by gets; without the present version's */
    /* Bytes that were written to files: to logs, to manifests before the present one, and to
     * tables, those that were given up among them. */
    uint64_t log_bytes, manifest_bytes, table_bytes;
};

struct tree {
    const struct strata_env *env;
    const struct tree_parts *parts;
    const struct sstable_kind *kind; /* of its tables: one of the parts */
    void *common;                    /* what they have in common */
    struct group group;              /* its mutex guards the rest */
    pthread_mutex_t reading;     /* guards gets, and for readers super and sequence, which change
                                    with both held; this one for some instructions only */
    struct arena_source *memory; /* of its memtables; NULL: malloc */
    struct super *super;         /* the present one */
    struct tree_log live;        /* of its memtable */
    struct tree_log immutable;   /* of its sealed memtable */
    struct tree_log older;       /* a second log that open found */
    bool log_named;              /* the manifest tells of the live log: it may be written to */
    bool recovery_pending;       /* a crash ended a log: first of all a table is made of it */
    bool names_unsynced;         /* names in the directory may not be on the device */
    struct mark_writer marker;   /* notes how far the live log is synced */
    struct manifest manifest;
    struct version *version;        /* as the manifest tells; the present super has it, too */
    uint64_t next;                  /* number of the next file */
    uint64_t sequence;              /* of the next operation */
    uint64_t gets;                  /* since open */
    struct compact *flush;          /* under way, or NULL */
    struct compact *compaction;     /* likewise */
    struct obsolete_files obsolete; /* files that are named no more */
    uint64_t unpaced_bytes;         /* bytes that were written and no work was done for yet */
    uint64_t pace_bytes;            /* so many of them are worth a look at what is owed */
    struct replay opened;           /* what opening found in the last log */
    int failed;          /* a write, sync or rename failed: errno, or -1; no more writes */
    bool edit_uncertain; /* it is not known whether the last edit is on the device: no file goes */
    struct policy_quarantine
        quarantined;        /* tables that could not be read: nothing is compacted with them */
    bool compaction_paused; /* until the next flush nothing is compacted unasked: there was no room
                               for it */
    bool nothing_due;       /* nothing is due in the present version */
    bool draining; /* somebody waits until nothing is due: level 0 is, too, where it is worth it */
    struct tree_stats stats;
    struct events events;
};

/* A reader has let go: files that it alone had a use for go, unless somebody is the leader, or
 * wants to be, who will do that. */
void tree_remove_unread(struct tree *tree);

/* All below: alone with the tree, as the leader, and the mutex free. NO_MEMORY: nothing was
 * changed. After another error the tree is not to be written any more (tree_note_failure). */

/* Readers see this one from now on. The mutex is held. */
void tree_publish(struct tree *tree, struct super *super);
/* A new memtable and a new log; the full one is sealed, and none was. The log must be named before
 * it is written to. */
int tree_switch_memtable(struct tree *tree, struct strata_error *err);
/* The manifest tells of the live log, and, if there is a sealed one, that all of that is on the
 * device. */
int tree_name_log(struct tree *tree, struct strata_error *err);
/* A step of the flush of the sealed memtable. 0: there is more to do; COMPACT_DONE: it is in a
 * table, and its log is gone. */
int tree_flush_step(struct tree *tree, uint64_t *budget, struct strata_error *err);
/* tree_compact.c: a step of the compaction under way, or of the next one that is due. 0: there may
 * be more to do; COMPACT_DONE: one is done; NOT_FOUND: none is due. */
int tree_compact_step(struct tree *tree, uint64_t *budget, struct strata_error *err);
/* Everything goes into one level. The memtables are empty. */
int tree_compact_all(struct tree *tree, const struct strata_progress *progress,
                     struct strata_error *err);
/* What holds keys from `from` on and before `to` goes down level by level, as far as there are any.
 * Likewise. */
int tree_compact_part(struct tree *tree, struct strata_slice from, struct strata_slice to,
                      const struct strata_progress *progress, struct strata_error *err);
/* A step of this work returned `rc`: when that is not 0, its work ends. Returns it. */
int tree_end_work(struct tree *tree, struct compact **work, int rc);
/* Its outputs go. */
void tree_give_up(struct tree *tree, struct compact **work);
/* Gives up what is under way. */
void tree_abandon(struct tree *tree);

/* The names in the directory are on the device. IO. */
int tree_sync_names(struct tree *tree, struct strata_error *err);
/* 0, or the error that a write failed earlier. */
int tree_usable(const struct tree *tree, struct strata_error *err);
/* Notes that `rc` was a failure after which nothing more may be written: not one of memory, and not
 * damage that was read. Returns it. */
int tree_note_failure(struct tree *tree, int rc, const struct strata_error *err);

#endif
