/* commit_txn.c: see commit_txn.h.
 *
 *     queue        T1   put x   T2   T3
 *     validated    T1: against the database   T2: and against T1, put x   T3: and against T2
 *     committed    T1   put x        T3       (T2 has read x: conflict)
 *
 * 11.I1: between a transaction's validation and its number nothing else gets a number: both are
 *        done by one leader, who validates it against the members of its group before it, too.
 * 11.I2: who did not pass is not in the list that is logged. */
#include "11_transactions/commit/commit_txn.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "11_transactions/commit/validate.h"
#include "11_transactions/commit/read_watch.h"
#include "11_transactions/txn/txn_iter.h"
#include "db/batch.h"

#include <assert.h>

static struct commit *commit_of(struct group_commit *base)
{
    return (struct commit *)base;
}

/* ---- The leader ------------------------------------------------------------------------------ */

/* Those that have passed so far write nothing that it depends on. */
static int check_group(const struct group_commit *passed, struct txn *txn)
{
    read_set_sort(&txn->depends);
    for (; passed; passed = passed->next)
        for (size_t i = 0; i < passed->count; i++)
            if (read_set_has(&txn->depends, passed->ops[i].key))
                return STRATA_CONFLICT;
    return 0;
}

/* `passed`: the members of the group before it. */
static int check(struct snapshot_tree *t, const struct commit *c, const struct group_commit *passed,
                 struct strata_error *err)
{
    const struct newest_writes *newest = &txn_shared_of(t)->newest;
    const struct write_path *path = &t->tree.path;
    uint64_t last = path->sequence - 1;
    struct validate_span span;
    int rc;

    if (!c->txn || !c->txn->at) /* it has read nothing: it comes after all others */
        return 0;
    span = (struct validate_span){c->txn->at->number, last, path->memtable->first, newest};
    if (c->txn->watch.set)
        rc = c->txn->watch.hit ? STRATA_CONFLICT : 0;
    else
        rc = validate(t, &c->txn->depends, &span, err);
    /* Of what passed before it, numbers above the last one were noted. */
    if (rc == 0 && passed && newest_writes_may_have_any(newest, &c->txn->depends, last))
        rc = check_group(passed, c->txn);
    return rc;
}

/* Plain writes alone. */
static bool is_plain(const struct group_commit *list, bool *has_txn)
{
    bool merges = false;

    for (*has_txn = false; list; list = list->next) {
        *has_txn |= ((const struct commit *)list)->txn != NULL;
        merges |= ((const struct commit *)list)->merges;
    }
    return !*has_txn && !merges;
}

/* The numbers of the last writes of those that were committed, from the first one on. */
static void number(struct group_commit *passed, uint64_t first)
{
    for (struct group_commit *c = passed; c; c = c->next) {
        first += c->count;
        if (commit_of(c)->txn)
            commit_of(c)->txn->number = first - 1;
    }
}

void commit_group(void *self, struct group_commit *list)
{
    struct snapshot_tree *t = self;
    struct txn_shared *shared = txn_shared_of(t);
    struct group_commit *passed = NULL, **end = &passed;
    uint64_t first = t->tree.path.sequence, last = first - 1;
    bool has_txn;

    if (is_plain(list, &has_txn) && !shared->newest.slots && !shared->watches) {
        tree_commit(&t->tree, list);
        read_watch_mark(shared->watches, list); /* which may have begun during its sync */
        return;
    }
    if (has_txn)
        newest_writes_begin(&shared->newest, last);
    for (struct group_commit *c = list, *next; c; c = next) {
        next = c->next;
        commit_of(c)->after = next ? commit_of(next) : NULL;
        c->rc = check(t, commit_of(c), passed, &c->err); /* 11.I1 */
        if (c->rc == 0 && commit_of(c)->merges)
            c->rc = shared->resolve(t, commit_of(c), passed, &c->err);
        if (c->rc != 0)
            continue;
        last += c->count;
        newest_writes_note(&shared->newest, c, last); /* 11.I10 */
        c->next = NULL;                               /* 11.I2 */
        *end = c;
        end = &c->next;
    }
    if (passed)
        tree_commit(&t->tree, passed);
    assert(t->tree.path.sequence >= first);
    number(passed, first);
    read_watch_mark(shared->watches, passed);
    for (struct group_commit *c = list; c; c = c->next)
        c->next = commit_of(c)->after ? &commit_of(c)->after->base : NULL;
}

/* ---- Those who wait for it ------------------------------------------------------------------- */

int commit_submit(struct snapshot_tree *t, struct commit *commit, struct strata_error *err)
{
    int rc =
        group_submit(&t->tree.path.group, &commit->base, GROUP_BYTES, txn_shared_of(t)->lead, t);
    return strata_fail_with(rc, &commit->base.err, err);
}

int commit_plain(void *self, const struct strata_op *ops, size_t count, bool sync,
                 struct strata_error *err)
{
    struct commit commit; /* its error is not zeroed for every put */

    commit.base.ops = ops;
    commit.base.count = count;
    commit.base.sync = sync;
    commit.txn = NULL;
    commit.merges = false;
    return commit_submit(self, &commit, err);
}

/* A transaction that has written nothing took place when its snapshot was taken: there is nothing
 * to check. */
int commit_txn(void *self, bool sync, uint64_t *out, struct strata_error *err)
{
    struct txn *txn = self;
    struct txn_shared *shared = txn_shared_of(txn->tree);
    struct commit commit;
    size_t count = own_writes_count(&txn->own);
    int rc = 0;

    *out = txn->at ? txn->at->number : tree_last(&txn->tree->tree);
    if (count) {
        commit.base.ops = batch_ops(txn->own.batch);
        commit.base.count = count;
        commit.base.sync = sync;
        commit.txn = txn;
        commit.merges = txn->merges;
        rc = txn_iter_note_all(txn, err);
        if (rc == 0)
            rc = read_watch_validate(txn, err);
        if (rc == 0)
            rc = commit_submit(txn->tree, &commit, err);
        read_watch_end(txn);
        tree_remove_unread(&txn->tree->tree); /* what the validation was the last to need */
        if (rc >= 0)
            atomic_fetch_add(rc ? &shared->ended[rc] : &shared->committed, 1);
        *out = txn->number;
    }
    txn_end(txn); /* 11.I3 */
    return rc;
}
