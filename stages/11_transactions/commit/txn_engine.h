/* txn_engine.h: slots of an engine that has transactions, of this stage and of later ones. */
#ifndef STRATA_11_TXN_ENGINE_H
#define STRATA_11_TXN_ENGINE_H

#include "11_transactions/txn/txn.h"

#define TXN_PROMISES                                                                               \
    (TREE_PROMISES | STRATA_PROMISE_SNAPSHOT | STRATA_PROMISE_READERS | STRATA_PROMISE_TRANSACTION)

int txn_open(const struct strata_env *env, void **self, struct strata_error *err);
/* The same with a later stage's parts. */
int txn_open_parts(const struct strata_env *env, const struct tree_parts *parts, void **self,
                   struct strata_error *err);

/* Frees what transactions share: snapshot_tree.later. */
void txn_shared_free(void *later);

extern const struct strata_transactions txn_transactions;

#endif
