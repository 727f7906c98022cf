/* linear_search.h: the search for an order, of linear.h. */
#ifndef STRATA_COMMON_LINEAR_SEARCH_H
#define STRATA_COMMON_LINEAR_SEARCH_H

#include "crash/concurrency/linear.h"

/* What is to be ordered. */
struct linear_problem {
    struct linear_op **ops; /* by their begins */
    size_t count;
    uint64_t first[LINEAR_KEYS];
    const uint64_t
        *last; /* the values there must be in the end; NULL: any, and all that ended is done */
};

/* Is there an order? WRONG: `*stuck` is the operation that the longest order that was tried could
 * not place, of those that ended the first; it may be NULL. */
enum linear_verdict linear_search(const struct linear_problem *problem, uint64_t *configurations,
                                  const struct linear_op **stuck);

#endif
