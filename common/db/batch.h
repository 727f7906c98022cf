/* batch.h: what db.c needs of a batch beyond strata.h. */
#ifndef STRATA_COMMON_BATCH_H
#define STRATA_COMMON_BATCH_H

#include "strata.h"

/* All operations, strata_batch_count of them; borrowed until the batch changes. */
const struct strata_op *batch_ops(const struct strata_batch *batch);
/* Keeps the first `count` operations; the memory of the others is used again, or freed. */
void batch_cut(struct strata_batch *batch, size_t count);
/* Adds an operation of any type, which has been checked. NO_MEMORY. */
int batch_add(struct strata_batch *batch, const struct strata_op *op, struct strata_error *err);
static inline bool op_is_merge(const struct strata_op *op)
{
    return op->type >= STRATA_OP_ADD && op->type <= STRATA_OP_MERGE;
}
static inline bool op_is_delete(const struct strata_op *op)
{
    return op->type == STRATA_OP_DELETE || op->type == STRATA_OP_DELETE_RANGE;
}
/* More than these are kept free in a value that expires: of `until`, and of what a stage adds. */
#define UNTIL_BYTES 16u
/* 0, or INVALID when the key or the value breaks a limit of strata.h. */
int op_check(const struct strata_op *op, struct strata_error *err);
/* The same of a merge; INVALID, too, when the type is another one. */
int merge_check(const struct strata_op *op, struct strata_error *err);
/* The same of a range, whose bounds are key and value; INVALID, too, when it ends before it begins.
 */
int range_check(const struct strata_op *op, struct strata_error *err);
/* The key is before the end of the range, a value without bytes being none. */
bool range_reaches(const struct strata_op *op, struct strata_slice key);

#endif
