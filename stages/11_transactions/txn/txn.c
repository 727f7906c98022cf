/* txn.c: see txn.h. A get asks the transaction's own writes first, then its snapshot; what it asked
 * the snapshot is noted before it is answered.
 *
 * 11.I3: the snapshot exists from before the first read until the commit is answered.
 * 11.I5: what ends a transaction releases its locks: txn_end, which each end calls.
 * 11.I8: who reads for update and finds the key written since its snapshot may go on if it can
 *        be shown that what it read until now is the same at present: then the present is its
 *        snapshot (CockroachDB calls this a read refresh). */
#include "11_transactions/txn/txn.h"
#include "11_transactions/commit/validate.h"
#include "11_transactions/txn/txn_iter.h"

#include <assert.h>
#include <stdlib.h>

#define MS ((uint64_t)1000000) /* ns */

/* ---- Its life -------------------------------------------------------------------------------- */

int txn_begin(void *self, const struct strata_txn_options *options, void **out,
              struct strata_error *err)
{
    struct txn *txn = calloc(1, sizeof *txn);

    if (!txn)
        return strata_fail_memory(err, sizeof *txn);
    txn->tree = self;
    txn->serializable = options->isolation == STRATA_SERIALIZABLE;
    txn->read_only = options->read_only;
    txn->owner.id = atomic_fetch_add(&txn_shared_of(self)->begun, 1) + 1;
    txn->lock_timeout_ns = options->lock_timeout_ms * MS;
    *out = txn;
    return 0;
}

/* A transaction that is tried again gets older among those that it meets, so that it is not always
 * the victim. The try before is over, so no other owner has the id. */
void txn_age(void *self, uint64_t *age)
{
    struct txn *txn = self;

    if (*age)
        txn->owner.id = *age;
    *age = txn->owner.id;
}

void txn_end(struct txn *txn)
{
    txn_iter_detach_all(txn);
    if (txn->at)
        snapshot_end(txn->tree, txn->at);
    txn->at = NULL;
    locks_release(&txn_shared_of(txn->tree)->locks, &txn->owner); /* 11.I5 */
}

void txn_free(void *self)
{
    struct txn *txn = self;

    txn_end(txn);
    read_set_free(&txn->depends);
    own_writes_free(&txn->own);
    free(txn);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int get_own(unsigned type, struct strata_slice found, struct strata_buffer *value,
                   struct strata_error *err)
{
    if (type == STRATA_OP_DELETE)
        return STRATA_NOT_FOUND;
    return strata_buffer_append(value, found.data, found.size) < 0
               ? strata_fail_memory(err, found.size)
               : 0;
}

int txn_get(void *self, struct strata_slice key, struct strata_buffer *value,
            struct strata_error *err)
{
    struct txn *txn = self;
    struct strata_slice found;
    unsigned type = own_writes_get(&txn->own, key, &found);
    int rc = 0;

    if (type)
        return get_own(type, found, value, err);
    if (txn_is_tracked(txn))
        rc = read_set_add_key(&txn->depends, key, err);
    txn->untracked |= !txn_is_tracked(txn);
    if (rc < 0)
        return rc;
    txn_take_snapshot(txn);
    return snapshot_get_at(txn->tree, txn->at->number, key, value, err);
}

/* 0: nothing in the set was written between the two snapshots. */
static int compare(struct txn *txn, struct read_set *set, const struct snapshot *to,
                   struct strata_error *err)
{
    const struct validate_span span = {txn->at->number, to->number, UINT64_MAX};
    int rc;

    read_set_sort(set);
    rc = validate(txn->tree, set, &span, err);
    tree_remove_unread(&txn->tree->tree);
    return rc;
}

/* The present becomes its snapshot if nothing of what it read was written since (11.I8). */
static int refresh(struct txn *txn, struct strata_slice key, struct strata_error *err)
{
    struct snapshot *now = txn->at == &txn->pair[0] ? &txn->pair[1] : &txn->pair[0];
    struct read_set asked = {0};
    int rc = read_set_add_key(&asked, key, err);

    if (rc < 0)
        return rc;
    snapshot_begin(txn->tree, now);
    rc = compare(txn, &asked, now, err);
    read_set_free(&asked);
    if (rc == STRATA_CONFLICT && !txn->untracked && !txn->incomplete && !txn->iters) {
        rc = compare(txn, &txn->depends, now, err);
        if (rc == 0) {
            struct snapshot *before = txn->at;
            txn->at = now;
            now = before;
        }
    }
    snapshot_end(txn->tree, now);
    return rc;
}

int txn_get_for_update(void *self, struct strata_slice key, struct strata_buffer *value,
                       struct strata_error *err)
{
    struct txn *txn = self;
    struct strata_slice found;
    unsigned type;
    int rc =
        locks_take(&txn_shared_of(txn->tree)->locks, &txn->owner, key, txn->lock_timeout_ns, err);

    if (rc == 0 && txn->at) /* after the lock: who had it may have written the key */
        rc = refresh(txn, key, err);
    if (rc == 0)
        rc = read_set_add_key(&txn->depends, key, err);
    if (rc > 0) { /* CONFLICT, DEADLOCK, TIMEOUT */
        atomic_fetch_add(&txn_shared_of(txn->tree)->ended[rc], 1);
        txn_end(txn);
    }
    if (rc != 0)
        return rc;
    txn_take_snapshot(txn);
    type = own_writes_get(&txn->own, key, &found);
    return type ? get_own(type, found, value, err)
                : snapshot_get_at(txn->tree, txn->at->number, key, value, err);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Of two transactions at snapshot isolation that write a key one must fail: so it depends on what
 * it writes. A serializable one does not: it comes after the other. */
int txn_write(void *self, const struct strata_op *op, struct strata_error *err)
{
    struct txn *txn = self;
    int rc = txn->serializable ? 0 : read_set_add_key(&txn->depends, op->key, err);

    return rc < 0 ? rc : own_writes_add(&txn->own, op, err);
}

uint64_t txn_mark(void *self)
{
    return own_writes_count(&((struct txn *)self)->own);
}

int txn_rollback_to(void *self, uint64_t mark, struct strata_error *err)
{
    return own_writes_cut(&((struct txn *)self)->own, (size_t)mark, err);
}

/* ---- Statistics ------------------------------------------------------------------------------ */

int txn_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
              struct strata_error *err)
{
    struct txn_shared *shared = txn_shared_of(self);
    const struct strata_stat stats[] = {
        {"txn_begun", "", "transactions", shared->begun},
        {"txn_committed", "", "that wrote something", shared->committed},
        {"txn_conflicts", "", "that ended with a conflict", shared->ended[STRATA_CONFLICT]},
        {"txn_deadlocks", "", "that were ended for a deadlock", shared->ended[STRATA_DEADLOCK]},
        {"txn_timeouts", "", "that waited too long for a lock", shared->ended[STRATA_TIMEOUT]},
    };
    int rc = snapshot_stats(self, each, arg, err);

    for (size_t i = 0; rc == 0 && i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    return rc;
}
