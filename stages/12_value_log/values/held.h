/* held.h: the logs that a memtable points into, which it holds as long as it lives (12.I1). */
#ifndef STRATA_12_HELD_H
#define STRATA_12_HELD_H

#include "07_paced_compaction/tree/tree.h"
#include "12_value_log/values/value_set.h"

/* What a memtable holds: two logs at most, after a crash. */
struct held {
    struct value_set *set;
    struct value_file *files[2];
    size_t count;
};

/* 12.I1: the memtable holds this log from now on: it may have pointers into it. CORRUPT, IO,
 * NO_MEMORY. */
int value_hold_log(struct tree *tree, struct memtable *memtable, uint64_t number,
                   struct strata_error *err);

#endif
