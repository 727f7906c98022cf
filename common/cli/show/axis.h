/* axis.h: an axis of keys for pictures of tables.
 *
 * Keys cluster, so an axis of key bytes draws most tables as thin lines. Here equal bytes of tables
 * are equally wide: a table spreads its bytes over its range of keys, and each range is as wide as
 * all tables make it. Eight tables of one size, side by side, look equal; a range of keys that is
 * in no table has no width. Inside a table keys are taken to be evenly spread: as digits of a
 * number, each digit between the smallest and the largest that any boundary key has at its offset.
 */
#ifndef STRATA_COMMON_CLI_AXIS_H
#define STRATA_COMMON_CLI_AXIS_H

#include "strata.h"

struct axis_digit {
    uint8_t least, most; /* bytes of keys at this offset */
    uint8_t ends;        /* 1: a key ends before it, which sorts before `least` */
};

struct axis {
    struct strata_slice *keys; /* smallest and largest of each table, sorted, each once */
    size_t count;
    double *starts; /* bytes before step i; step 2 k is key k, step 2 k + 1 what follows it */
    double end;     /* bytes in all */
    struct axis_digit *digits;
    size_t digits_count; /* size of the longest key */
};

/* The axis of `count` > 0 tables, into a zeroed *axis. Borrows their keys. False: out of memory.
 * Free it either way. */
bool axis_init(struct axis *axis, const struct strata_table *tables, size_t count);
void axis_free(struct axis *axis);

/* Where a key that is a table's smallest or largest one begins and ends: from 0 to 1. Both are the
 * same unless a table has this key alone. */
double axis_from(const struct axis *axis, struct strata_slice key);
double axis_to(const struct axis *axis, struct strata_slice key);

#endif
