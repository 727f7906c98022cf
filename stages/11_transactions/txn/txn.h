/* txn.h: a transaction: a snapshot, what was read of it, and writes that nobody else sees yet.
 *
 * Threads: one at a time uses a transaction. */
#ifndef STRATA_11_TXN_H
#define STRATA_11_TXN_H

#include "10_concurrency/snapshot_tree.h"
#include "11_transactions/commit/newest_writes.h"
#include "11_transactions/lock/locks.h"
#include "11_transactions/txn/own_writes.h"
#include "11_transactions/txn/read_set.h"

struct txn_iter;
struct commit;
struct resolver;
struct filter;

/* What the transactions of a database share: snapshot_tree.later. */
struct txn_shared {
    struct locks locks;
    struct read_watch
        *watches;           /* of the transactions that validate; guarded by the group's mutex */
    _Atomic uint64_t begun; /* transactions */
    _Atomic uint64_t committed;                 /* those that wrote something */
    _Atomic uint64_t ended[STRATA_TIMEOUT + 1]; /* by STRATA_CONFLICT, DEADLOCK, TIMEOUT */
    struct newest_writes newest;
    /* Of a later stage: what the leader calls, commit_group or what calls that; and, of a commit
     * with `merges` that has passed, after those before it in its group, what makes its operations
     * such as can be logged: 0, or < 0, and it is not committed. */
    void (*lead)(void *tree, struct group_commit *list);
    struct resolver *resolver; /* the leader's, while it leads */
    struct filter *filter;     /* NULL: there is none */
    int (*resolve)(struct snapshot_tree *tree, struct commit *commit,
                   const struct group_commit *passed, struct strata_error *err);
};

/* Of a transaction that validates what it has read by itself: the leader marks it when a commit
 * writes any of that. */
struct read_watch {
    struct read_watch *next;
    const struct read_set *set; /* NULL: it does not watch */
    bool hit;
};

struct txn {
    struct snapshot_tree *tree;
    bool serializable; /* else: snapshot isolation */
    bool read_only;
    bool incomplete;         /* there was no memory for a range that was read: it cannot commit */
    bool untracked;          /* something was read that is not in `depends` */
    bool merges;             /* some of its writes are resolved at the commit (stage 13) */
    struct snapshot *at;     /* what it reads; NULL: nothing was read yet */
    struct snapshot pair[2]; /* the memory of `at`, and of the one after it */
    struct read_set depends; /* what must not be written by others between `at` and the commit:
                              * what was read (serializable), or read for update and written */
    struct own_writes own;
    struct read_watch watch;
    struct lock_owner owner; /* of the keys that were read for update */
    uint64_t lock_timeout_ns;
    struct txn_iter *iters; /* those that note what they read */
    uint64_t number;        /* of its last write, once committed */
};

/* Slots of an engine's table of transactions. */
int txn_begin(void *self, const struct strata_txn_options *options, void **out,
              struct strata_error *err);
int txn_get(void *self, struct strata_slice key, struct strata_buffer *value,
            struct strata_error *err);
int txn_get_for_update(void *self, struct strata_slice key, struct strata_buffer *value,
                       struct strata_error *err);
int txn_write(void *self, const struct strata_op *op, struct strata_error *err);
uint64_t txn_mark(void *self);
int txn_rollback_to(void *self, uint64_t mark, struct strata_error *err);
void txn_free(void *self);
void txn_age(void *self, uint64_t *age);
/* An engine's slot: also those of transactions. */
int txn_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
              struct strata_error *err);

/* ---- For its parts --------------------------------------------------------------------------- */

/* What it reads from now on, if it has read nothing yet (11.I3). */
static inline void txn_take_snapshot(struct txn *txn)
{
    if (txn->at)
        return;
    txn->at = &txn->pair[0];
    snapshot_begin(txn->tree, txn->at);
}
/* Is what it reads noted? */
static inline bool txn_is_tracked(const struct txn *txn)
{
    return txn->serializable && !txn->read_only;
}
static inline struct txn_shared *txn_shared_of(const struct snapshot_tree *tree)
{
    return tree->later;
}
/* It is over: no snapshot, no locks, and its iterators note nothing any more. */
void txn_end(struct txn *txn);

#endif
