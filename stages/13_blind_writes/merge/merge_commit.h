/* merge_commit.h: merges in the queue of writers, and in transactions. */
#ifndef STRATA_13_MERGE_COMMIT_H
#define STRATA_13_MERGE_COMMIT_H

#include "11_transactions/txn/txn.h"

/* For txn_shared: */
void merge_lead(void *tree, struct group_commit *list);
int merge_resolve(struct snapshot_tree *tree, struct commit *commit,
                  const struct group_commit *passed, struct strata_error *err);

/* Slots of an engine. */
int merge_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                struct strata_error *err);
int merge_txn_get(void *self, struct strata_slice key, struct strata_buffer *value,
                  struct strata_error *err);
int merge_txn_get_until(void *self, struct strata_slice key, struct strata_buffer *value,
                        uint64_t *until, struct strata_error *err);
int merge_txn_get_for_update(void *self, struct strata_slice key, struct strata_buffer *value,
                             struct strata_error *err);
int merge_txn_write(void *self, const struct strata_op *op, struct strata_error *err);
int merge_txn_iter(void *self, struct strata_iter **out, struct strata_error *err);

#endif
