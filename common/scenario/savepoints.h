/* savepoints.h: the savepoints of a transaction by their names, as in SQL: of two with one name the
 * later one counts; going back to one forgets those after it, and keeps itself. */
#ifndef STRATA_COMMON_SAVEPOINTS_H
#define STRATA_COMMON_SAVEPOINTS_H

#include "strata.h"

struct savepoint {
    char *name; /* owned; "": it has none */
    uint64_t mark;
};

/* All zero is empty. */
struct savepoints {
    struct savepoint *all;
    size_t count, room;
};

/* Makes one, of the transaction as it is now. Errors as strata_txn_savepoint. */
int savepoints_add(struct savepoints *savepoints, struct strata_txn *txn, const char *name,
                   struct strata_error *err);
/* Goes back to the last one of that name; of "", to the last one of all. NOT_FOUND: there is none.
 * Errors as strata_txn_rollback_to. */
int savepoints_return(struct savepoints *savepoints, struct strata_txn *txn, const char *name,
                      struct strata_error *err);
void savepoints_clear(struct savepoints *savepoints); /* frees what it has, too */

#endif
