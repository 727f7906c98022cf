/* txn_engine.c: see txn_engine.h. */
#include "11_transactions/commit/txn_engine.h"
#include "11_transactions/commit/commit_txn.h"
#include "11_transactions/txn/txn_iter.h"

#include <stdlib.h>

void txn_shared_free(void *later)
{
    struct txn_shared *shared = later;

    locks_free(&shared->locks);
    free(shared->newest.slots);
    free(shared);
}

int txn_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return txn_open_parts(env, &snapshot_parts, self, err);
}

int txn_open_parts(const struct strata_env *env, const struct tree_parts *parts, void **self,
                   struct strata_error *err)
{
    struct txn_shared *shared = calloc(1, sizeof *shared);
    struct snapshot_tree *t;
    int rc;

    if (!shared || locks_init(&shared->locks, err) < 0) {
        free(shared);
        return strata_fail_memory(err, sizeof *shared);
    }
    rc = snapshot_tree_open_parts(env, parts, self, err);
    if (rc < 0) {
        txn_shared_free(shared);
        return rc;
    }
    t = *self;
    shared->lead = commit_group;
    t->later = shared;
    t->later_free = txn_shared_free;
    return 0;
}

const struct strata_transactions txn_transactions = {
    .begin = txn_begin,
    .get = txn_get,
    .get_for_update = txn_get_for_update,
    .write = txn_write,
    .iter = txn_iter_new,
    .mark = txn_mark,
    .rollback_to = txn_rollback_to,
    .commit = commit_txn,
    .free = txn_free,
    .age = txn_age,
};
