/* txn_iter.h: an iterator over what a transaction sees: its snapshot, and over it the writes that
 * it has made so far. It notes the ranges that it was moved over. */
#ifndef STRATA_11_TXN_ITER_H
#define STRATA_11_TXN_ITER_H

#include "11_transactions/txn/txn.h"

/* A slot of an engine's table of transactions. */
int txn_iter_new(void *self, struct strata_iter **out, struct strata_error *err);

/* Puts into txn->depends what open iterators were moved over. NO_MEMORY. */
int txn_iter_note_all(struct txn *txn, struct strata_error *err);
/* The transaction is over: they go on, and note nothing. */
void txn_iter_detach_all(struct txn *txn);

#endif
