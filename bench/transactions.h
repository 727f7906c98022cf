/* transactions.h: what the files of this benchmark share. */
#ifndef STRATA_BENCH_TRANSACTIONS_H
#define STRATA_BENCH_TRANSACTIONS_H

#include "strata.h"

#define TRANSACTIONS_KEY 16 /* bytes */

static inline struct strata_slice transactions_key(uint64_t number, char key[TRANSACTIONS_KEY])
{
    for (size_t at = TRANSACTIONS_KEY; at > 0; at--, number /= 10)
        key[at - 1] = (char)('0' + number % 10);
    return strata_bytes(key, TRANSACTIONS_KEY);
}

/* Of doubles, for qsort. */
static inline int transactions_compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The row of RocksDB's optimistic transactions, beside one of `alone_ns`. Nothing if the build has
 * no RocksDB. */
void transactions_rocksdb(uint64_t entries, struct strata_slice value, double alone_ns);

#endif
