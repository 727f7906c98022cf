/* commit.h: the store of stage 3, and committing a list of batches to it. */
#ifndef STRATA_03_COMMIT_H
#define STRATA_03_COMMIT_H

#include "group.h"
#include "recover.h"
#include "mark.h"
#include "wal.h"

/* One operation that was written and is still to be applied to the index. */
struct pending {
    unsigned type;
    uint64_t offset;
    struct strata_slice key; /* the caller's */
    uint64_t hash;           /* of the key */
    uint64_t before;         /* position of its record before this; 0: it has none */
    bool collides;           /* another live key has this hash */
};

struct wal_store {
    const struct strata_env *env;
    struct group group; /* its mutex guards the rest */
    struct keydir keydir;
    struct recovered opened;
    uint64_t sequence;         /* the next operation's number */
    uint64_t salt;             /* of the active segment's frames */
    uint64_t synced;           /* bytes of the active segment that are on the device */
    uint64_t synced_at_ns;     /* when */
    uint64_t since_checkpoint; /* bytes logged */
    uint64_t checkpoints;      /* written since open */
    bool written;              /* since open, or found at open and not yet in TAIL or INDEX */

    struct mark_writer marker; /* notes how far the active segment is synced */
    struct wal_group log;      /* the group being written */
    struct pending *pending;
    size_t pending_count, pending_capacity;
    struct index overlay; /* hash -> 1 + index in pending: what the group has done so far */
};

/* Commits every batch in the list, in order, each all or nothing: one append for all, one sync if
 * one of them, or the policy, asks for it. Fills in their rc and err. Called as the leader, the
 * mutex held; it is released during the sync. */
void commit_list(void *store, struct group_commit *list);

/* Closes the active segment, on the device, and starts the next one. Leader only. */
int commit_rotate(struct wal_store *store, struct strata_error *err);
/* Syncs the log and writes the index. The index is a help and no data: that it could not be written
 * is logged, and no failure. Leader only. */
int commit_checkpoint(struct wal_store *store, struct strata_error *err);
/* Merges list[at..at+count) and writes the index, which the merge has made unfit. `asked`: by the
 * caller of the library, who gets the error; else it is a warning (merge.h). */
int commit_merge(struct wal_store *store, size_t at, size_t count, bool asked,
                 struct strata_error *err);
void commit_free(struct wal_store *store);

#endif
