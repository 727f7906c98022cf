/* merge_commit.c: see merge_commit.h.
 *
 *     queue       T1  add k 1     put k 5     T2  add k 1      in the database: k 7
 *     resolved    T1  put k 8                 T2  put k 6
 *
 * 13.I3: a commit with merges is resolved after it has been validated, with those in its group that
 *        passed before it, and before the next one is looked at; between that and its number
 *        nothing else is written (11.I1). So it is logged, noted and compared with as a put.
 * 13.I4: a transaction that sees the result of a merge of its own depends on the key, and has put
 *        what it saw. */
#include "13_blind_writes/merge/merge_commit.h"
#include "11_transactions/commit/commit_txn.h"
#include "11_transactions/txn/txn_iter.h"
#include "13_blind_writes/expiry/expiry.h"
#include "13_blind_writes/filter/filter.h"
#include "13_blind_writes/merge/operators.h"
#include "13_blind_writes/merge/resolve.h"
#include "13_blind_writes/range/range.h"
#include "db/batch.h"

#include <stdlib.h>

/* ---- The leader ------------------------------------------------------------------------------ */

static int find_newest(void *arg, struct strata_slice key, struct strata_buffer *value,
                       struct strata_error *err)
{
    return snapshot_find(arg, UINT64_MAX, key, value, err);
}

/* Behind the members of the group goes one that deletes what the filter has dropped (13.I6). Who
 * waits for it is nobody: if it fails, a later compaction asks again. */
static void lead_with_filter(struct snapshot_tree *tree, struct group_commit *list,
                             struct filter *filter)
{
    struct strata_batch *dropped = filter_take(filter);
    struct commit sweep = {.merges = true};
    struct group_commit *last = list;

    if (!dropped) {
        commit_group(tree, list);
        return;
    }
    while (last->next)
        last = last->next;
    sweep.base.ops = batch_ops(dropped);
    sweep.base.count = strata_batch_count(dropped);
    last->next = &sweep.base;
    commit_group(tree, list);
    last->next = NULL;
    if (sweep.base.rc == 0)
        atomic_fetch_add(&filter->deletes, sweep.base.count);
    strata_batch_free(dropped);
}

void merge_lead(void *self, struct group_commit *list)
{
    struct snapshot_tree *tree = self;
    struct resolver resolver = {tree->tree.env->options, find_newest, tree};
    struct filter *filter = txn_shared_of(tree)->filter;

    txn_shared_of(tree)->resolver = &resolver;
    if (filter)
        lead_with_filter(tree, list, filter);
    else
        commit_group(tree, list);
    resolver_free(&resolver);
    range_keys_free(&resolver);
}

int merge_resolve(struct snapshot_tree *tree, struct commit *commit,
                  const struct group_commit *passed, struct strata_error *err)
{
    struct resolver *r = txn_shared_of(tree)->resolver;
    const struct group_commit *next =
        r->last ? ((const struct group_commit *)r->last)->next : passed;
    struct strata_op *ops = NULL;
    size_t count;
    struct resolved *to;
    int rc = 0;

    for (; next && rc == 0; next = next->next) {
        rc = resolver_add(r, next->ops, next->count, err);
        r->last = next;
    }
    if (rc == 0)
        rc = range_expand(tree, r, commit, &ops, &count, err);
    if (rc == 0)
        rc = ops ? resolver_resolve(r, ops, count, &to, err)
                 : resolver_resolve(r, commit->base.ops, commit->base.count, &to, err);
    free(ops);
    if (rc < 0) {
        resolver_forget(r);
        return rc;
    }
    commit->base.ops = to->ops;
    commit->base.count = to->count;
    return 0;
}

int merge_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                struct strata_error *err)
{
    struct commit commit; /* its error is not zeroed for every put */
    struct strata_batch *sealed;
    int rc = expiry_seal_ops(ops, count, &sealed, err);

    if (rc < 0)
        return rc;
    commit.base.ops = sealed ? batch_ops(sealed) : ops;
    commit.base.count = count;
    commit.base.sync = sync;
    commit.txn = NULL;
    commit.merges = false;
    for (size_t i = 0; i < count; i++)
        commit.merges |= op_is_merge(&ops[i]) || op_is_range(&ops[i]);
    rc = commit_submit(self, &commit, err);
    strata_batch_free(sealed);
    return rc;
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static const struct strata_options *options_of(const struct txn *txn)
{
    return txn->tree->tree.env->options;
}

int merge_txn_write(void *self, const struct strata_op *op, struct strata_error *err)
{
    struct txn *txn = self;
    struct strata_batch *sealed;
    int rc;

    if (!op_is_merge(op)) {
        rc = expiry_seal_ops(op, 1, &sealed, err);
        if (rc == 0)
            rc = txn_write(txn, sealed ? batch_ops(sealed) : op, err);
        strata_batch_free(sealed);
        return rc;
    }
    rc = operator_check(options_of(txn), op, err);
    if (rc == 0)
        rc = own_writes_add(&txn->own, op, err); /* no key that it depends on */
    txn->merges |= rc == 0;
    return rc;
}

/* What its merges are applied to is read. */
static int find_at_snapshot(void *arg, struct strata_slice key, struct strata_buffer *value,
                            struct strata_error *err)
{
    struct txn *txn = arg;
    int rc = read_set_add_key(&txn->depends, key, err); /* 13.I4 */

    if (rc < 0)
        return rc;
    txn_take_snapshot(txn);
    return snapshot_find(txn->tree, txn->at->number, key, value, err);
}

/* Its last write of the key is a merge. */
static bool is_open(const struct txn *txn, struct strata_slice key)
{
    struct strata_slice unwanted;
    struct strata_op last = {(enum strata_op_type)own_writes_get(&txn->own, key, &unwanted)};

    return op_is_merge(&last);
}

/* Puts what its own merges of the key make; NULL: of all keys (13.I4). */
static int settle(struct txn *txn, const struct strata_slice *key, struct strata_error *err)
{
    struct resolver resolver = {options_of(txn), find_at_snapshot, txn};
    size_t count = own_writes_count(&txn->own), chosen = 0;
    struct strata_op *ops;
    struct resolved *to;
    int rc;

    if (!txn->merges || (key && !is_open(txn, *key)))
        return 0;
    ops = malloc(count * sizeof *ops + 1);
    if (!ops)
        return strata_fail_memory(err, count * sizeof *ops);
    for (size_t i = 0; i < count; i++) {
        struct strata_slice of = batch_ops(txn->own.batch)[i].key;
        if (key ? strata_compare(of, *key) == 0 : is_open(txn, of))
            ops[chosen++] = batch_ops(txn->own.batch)[i];
    }
    rc = chosen ? resolver_resolve(&resolver, ops, chosen, &to, err) : STRATA_NOT_FOUND;
    for (size_t i = 0; rc == 0 && i < to->count; i++)
        if (to->values[i].merged)
            rc = own_writes_add(&txn->own, &to->ops[i], err);
    if (rc < 0)
        own_writes_cut(&txn->own, count, NULL);
    resolver_free(&resolver);
    free(ops);
    return rc < 0 ? rc : 0;
}

int merge_txn_get_until(void *self, struct strata_slice key, struct strata_buffer *value,
                        uint64_t *until, struct strata_error *err)
{
    int rc = settle(self, &key, err);
    return rc < 0
               ? rc
               : expiry_found_until(options_of(self), txn_get(self, key, value, err), value, until);
}

int merge_txn_get(void *self, struct strata_slice key, struct strata_buffer *value,
                  struct strata_error *err)
{
    uint64_t until;
    return merge_txn_get_until(self, key, value, &until, err);
}

int merge_txn_get_for_update(void *self, struct strata_slice key, struct strata_buffer *value,
                             struct strata_error *err)
{
    struct txn *txn = self;
    int rc = txn_get_for_update(txn, key, value, err);

    if (rc < 0 || rc > STRATA_NOT_FOUND || !txn->merges || !is_open(txn, key))
        return expiry_found(options_of(txn), rc, value);
    strata_buffer_clear(value);
    return merge_txn_get(txn, key, value, err);
}

int merge_txn_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    int rc = settle(self, NULL, err);
    return rc < 0 ? rc : expiry_iter(options_of(self), txn_iter_new(self, out, err), out, err);
}
