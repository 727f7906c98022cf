/* validate.h: has anything that a transaction depends on been written since its snapshot? The
 * versions that the snapshot keeps alive have their numbers, in memtables and tables, so no history
 * of writes is kept for this question. */
#ifndef STRATA_11_VALIDATE_H
#define STRATA_11_VALIDATE_H

#include "10_concurrency/snapshot_tree.h"
#include "11_transactions/commit/newest_writes.h"

/* The operations that are looked for. */
struct validate_span {
    uint64_t from, to; /* numbers above `from` and up to `to`. A snapshot at `from` exists */
    uint64_t first;    /* from this number on all are in the memtable; UINT64_MAX: not known */
    const struct newest_writes *newest; /* NULL: it is not the leader who asks */
};

/* 0: none of them wrote a key of the set. STRATA_CONFLICT: one did. CORRUPT, IO,
 * NO_MEMORY. */
int validate(struct snapshot_tree *t, const struct read_set *set, const struct validate_span *span,
             struct strata_error *err);

#endif
