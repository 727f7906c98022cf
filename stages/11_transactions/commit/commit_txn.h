/* commit_txn.h: transactions and plain writes in one queue: the leader validates the transactions
 * of its group, and commits what passed as one group. */
#ifndef STRATA_11_COMMIT_TXN_H
#define STRATA_11_COMMIT_TXN_H

#include "03_wal/group.h"
#include "11_transactions/txn/txn.h"

/* What is in the queue, at this stage. */
struct commit {
    struct group_commit base;
    struct txn *txn;      /* NULL: a plain write */
    struct commit *after; /* the next one in the group, whether it passed or not */
    bool merges;          /* it goes through txn_shared.resolve */
};

/* For group_submit: the leader validates the members of the list, which are struct commit, commits
 * those that pass, and fills in each one's rc and err, and its transaction's number. `self` is the
 * tree. The list is as it was afterwards. */
void commit_group(void *self, struct group_commit *list);

/* Waits until a leader has committed it: its rc. */
int commit_submit(struct snapshot_tree *t, struct commit *commit, struct strata_error *err);

/* Slots of an engine: `self` is the tree, or the transaction. */
int commit_plain(void *self, const struct strata_op *ops, size_t count, bool sync,
                 struct strata_error *err);
int commit_txn(void *self, bool sync, uint64_t *number, struct strata_error *err);

#endif
