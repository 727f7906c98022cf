/* batch.h: what db.c needs of a batch beyond strata.h. */
#ifndef STRATA_COMMON_BATCH_H
#define STRATA_COMMON_BATCH_H

#include "strata.h"

/* All operations, strata_batch_count of them; borrowed until the batch changes. */
const struct strata_op *batch_ops(const struct strata_batch *batch);
/* Keeps the first `count` operations; the memory of the others is used again, or freed. */
void batch_cut(struct strata_batch *batch, size_t count);
/* 0, or INVALID when the key or the value breaks a limit of strata.h. */
int op_check(const struct strata_op *op, struct strata_error *err);

#endif
