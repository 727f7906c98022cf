/* read_set.h: what a transaction's outcome depends on: the keys and ranges that it asked for, not
 * the entries that it got. A key that was not there, and a range that was empty, were read too: who
 * writes there changes what the transaction saw (phantoms: Eswaran, Gray, Lorie, Traiger: The
 * Notions of Consistency and Predicate Locks in a Database System, CACM 1976). */
#ifndef STRATA_11_READ_SET_H
#define STRATA_11_READ_SET_H

#include "base/arena.h"
#include "base/checksum.h"

/* The keys from low to high, both included. A key is a range from itself to itself. */
struct read_range {
    struct strata_slice low, high;
    bool endless;  /* to the last key that there can be; `high` is empty */
    uint32_t hash; /* of a key, in a set: read_set_hash */
};

/* All zero is an empty one. It never shrinks (11.I4). */
struct read_set {
    struct read_range *all;
    size_t count, room;
    size_t sorted;      /* so many of them, from the first on, are in order and do not overlap */
    struct arena bytes; /* of the keys */
};

void read_set_free(struct read_set *set);

/* Copies the keys. NO_MEMORY: nothing was added. */
int read_set_add(struct read_set *set, const struct read_range *range, struct strata_error *err);
int read_set_add_key(struct read_set *set, struct strata_slice key, struct strata_error *err);

/* Puts the ranges in order and makes one of those that overlap: for read_set_has, and for who looks
 * at all of them. */
void read_set_sort(struct read_set *set);
/* Of a sorted one: O(log ranges). */
bool read_set_has(const struct read_set *set, struct strata_slice key);
static inline uint32_t read_set_hash(struct strata_slice key)
{
    return checksum(0, key);
}
static inline bool read_range_is_key(const struct read_range *range)
{
    return !range->endless && range->low.data == range->high.data &&
           range->low.size == range->high.size;
}
/* key is not behind the range's end. */
static inline bool read_range_reaches(const struct read_range *range, struct strata_slice key)
{
    return range->endless || strata_compare(key, range->high) <= 0;
}

#endif
