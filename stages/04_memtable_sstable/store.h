/* store.h: a memtable with its log, runs, which are sorted tables of one kind, and the list that
 * names them; and what changes that list: flush and merge. */
#ifndef STRATA_04_STORE_H
#define STRATA_04_STORE_H

#include "log.h"
#include "view.h"

struct store {
    const struct strata_env *env;
    const struct sstable_kind *kind; /* of its tables */
    void *common;                    /* what they have in common */
    uint64_t log_left;               /* bytes of log that a clean close may leave */
    struct group group;              /* its mutex guards the rest */
    struct view *view;               /* the present one */
    struct log log;                  /* of the view's memtable */
    struct tables tables;            /* as it was written last */
    struct mark_writer marker;       /* notes how far the log is synced */
    uint64_t sequence;               /* the next operation's number */
    struct replay opened;            /* what opening found in the log */
    int failed;                      /* a write, sync or rename failed: errno; no more writes */
    bool written;                    /* since open */
    size_t spared; /* the oldest so many runs are not merged unasked: one cannot be read */
    uint64_t flushes, merges, merged_bytes; /* since open */
};

/* All below: as the leader, the mutex held; it is free while files are written. NO_MEMORY: nothing
 * was changed. After another error the store is not to be written any more (store_spoil). */

/* Writes the memtable to a run, if there is anything in it, and begins a new one with a new log. */
int store_flush(struct store *store, struct strata_error *err);
/* Merges runs, if there are too many of a size. That one of them cannot be read is only told to the
 * log. */
int store_merge_due(struct store *store, struct strata_error *err);
/* Makes one run of all, without tombstones. */
int store_merge_all(struct store *store, struct strata_error *err);

/* 0, or the error that a write failed earlier. */
int store_usable(const struct store *store, struct strata_error *err);
/* Notes that `rc` was a failure after which nothing more may be written: not one of memory, and not
 * damage that was read. Returns it. */
int store_spoil(struct store *store, int rc, const struct strata_error *err);

#endif
