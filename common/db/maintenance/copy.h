/* copy.h: all entries of one database into another, and the proof that they arrived. */
#ifndef STRATA_COMMON_COPY_H
#define STRATA_COMMON_COPY_H

#include "strata.h"

/* A summary of what a database holds. */
struct copy_sum {
    uint64_t entries, bytes; /* bytes: of keys and values */
    uint32_t check;          /* of all of them in their order */
};

/* Called after each entry. May be NULL. */
struct copy_progress {
    void (*tick)(void *arg, const struct copy_sum *so_far);
    void *arg;
};

/* Puts every entry of `from` into `to` in the order of keys, a batch at a time where the stage of
 * `to` promises batches, and with the time at which it expires. `sum` is what was copied; after a
 * failure, what had been read. Where entries expire both databases should have a clock that stands
 * still. NOT_SUPPORTED: an entry expires, and the stage of `to` does not promise that. */
int copy_all(struct strata *from, struct strata *to, const struct copy_progress *progress,
             struct copy_sum *sum, struct strata_error *err);
/* Reads all of `db`. CORRUPT: that is not what `wanted` says. */
int copy_verify(struct strata *db, const struct copy_sum *wanted,
                const struct copy_progress *progress, struct strata_error *err);

#endif
