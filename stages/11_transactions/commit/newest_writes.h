/* newest_writes.h: a filter: has a key been written after a given number? "No" is certain; "maybe"
 * has to be looked up. An array of numbers, and of each key the hash says which is its slot:
 *
 *     hash(k) % SLOTS     0     1     2     3     ...
 *     newest write       17    41     0    38             41: the last write of k7, or of k3
 *
 * 11.I10: of each key written after `since` the slot has the number of its newest write, or a
 *         larger one: that of another key with this slot, of another operation of the same commit,
 *         or of a commit that failed.
 *
 * Only the leader uses it, under the group's mutex. Nothing is noted before the first transaction:
 * a database without transactions has no memory for it. */
#ifndef STRATA_11_NEWEST_WRITES_H
#define STRATA_11_NEWEST_WRITES_H

#include "03_wal/group.h"
#include "11_transactions/txn/read_set.h"

#include <stdlib.h>

#define NEWEST_SLOTS 32768u /* 256 KiB, which a second-level cache holds */

struct newest_writes {
    uint64_t *slots; /* NULL: nothing is noted yet */
    uint64_t since;  /* writes after this number are noted */
};

/* From now on all writes are noted; `last` is the number of the last one until now. Where there is
 * no memory, nothing is: then all is looked up. */
static inline void newest_writes_begin(struct newest_writes *newest, uint64_t last)
{
    if (newest->slots)
        return;
    newest->slots = calloc(NEWEST_SLOTS, sizeof *newest->slots);
    newest->since = last;
}

/* `last`: the number that the commit's last operation gets. */
static inline void newest_writes_note(struct newest_writes *newest,
                                      const struct group_commit *commit, uint64_t last)
{
    for (size_t i = 0; newest->slots && i < commit->count; i++)
        newest->slots[read_set_hash(commit->ops[i].key) % NEWEST_SLOTS] = last;
}

/* May a key of the range have been written after this number? */
static inline bool newest_writes_may_have(const struct newest_writes *newest,
                                          const struct read_range *range, uint64_t number)
{
    return !newest->slots || number < newest->since || !read_range_is_key(range) ||
           newest->slots[range->hash % NEWEST_SLOTS] > number;
}
static inline bool newest_writes_may_have_any(const struct newest_writes *newest,
                                              const struct read_set *set, uint64_t number)
{
    for (size_t i = 0; i < set->count; i++)
        if (newest_writes_may_have(newest, &set->all[i], number))
            return true;
    return false;
}

#endif
