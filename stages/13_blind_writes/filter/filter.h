/* filter.h: the program's filter (options.filter): flushes and compactions show it what they
 * rewrite, and what it drops is deleted with one of the next writes. */
#ifndef STRATA_13_FILTER_H
#define STRATA_13_FILTER_H

#include "11_transactions/txn/txn.h"

#define FILTER_KEYS 16u                /* that one group deletes */
#define FILTER_BYTES ((size_t)1 << 20) /* of keys that wait, about */

/* Threads: flushes and compactions add keys, the leader takes them. */
struct filter {
    struct sync_mutex mutex;
    struct strata_batch *dropped; /* keys that wait */
    _Atomic bool any;             /* some do: the leader looks before it locks */
    _Atomic uint64_t asked, deletes;
    int (*keep)(struct compaction *c, const struct level_merge *of, struct strata_error *err);
};

/* As keep of struct compaction_env: the entries of filter->keep, all of them, each shown. */
int filter_keep(struct compaction *c, const struct level_merge *of, struct strata_error *err);

/* NULL: no memory. */
struct filter *filter_new(void);
void filter_free(struct filter *filter); /* NULL is allowed */

/* Some of the keys that wait, as a batch of OP_FILTER, which is the caller's; NULL: there are none,
 * or no memory. */
struct strata_batch *filter_take(struct filter *filter);

#endif
