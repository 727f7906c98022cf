/* range.h: range deletes: the leader makes of one the deletes of the keys that are there. */
#ifndef STRATA_13_RANGE_H
#define STRATA_13_RANGE_H

#include "11_transactions/commit/commit_txn.h"
#include "13_blind_writes/merge/resolve.h"

#define RANGE_STEP 4096u                     /* keys that one step deletes at most, and */
#define RANGE_STEP_BYTES ((size_t)1 << 20)   /* about as many bytes of them */
#define RANGE_BATCH 65536u                   /* keys that the ranges of a batch may have, and */
#define RANGE_BATCH_BYTES ((size_t)16 << 20) /* bytes of them */
#define RANGES 64u                           /* ranges in a batch */

/* As STRATA_OP_DELETE_RANGE, but stops after a step. Alone in its commit, a struct range_step. */
#define OP_RANGE_STEP ((enum strata_op_type)14)

static inline bool op_is_range(const struct strata_op *op)
{
    return op->type == STRATA_OP_DELETE_RANGE || op->type == OP_RANGE_STEP;
}

/* The operations of the commit, deletes in place of its ranges: *ops, to be freed by free; their
 * keys and values are borrowed, of the commit and of the resolver. NULL: it has no range. To the
 * resolver all commits before this one were added. For the leader. NO_MEMORY, CORRUPT, IO; INVALID:
 * it has too many ranges, or they too many keys. O(keys, and what is passed over to find them;
 * ranges times operations before them). */
int range_expand(struct snapshot_tree *tree, struct resolver *resolver, const struct commit *commit,
                 struct strata_op **ops, size_t *count, struct strata_error *err);
/* What the resolver holds for this. */
void range_keys_free(struct resolver *resolver);

/* The slot delete_some of an engine. */
int range_delete_some(void *self, struct strata_slice from, struct strata_slice to, bool sync,
                      struct strata_buffer *rest, bool *more, struct strata_error *err);

#endif
