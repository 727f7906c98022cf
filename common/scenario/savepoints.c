/* savepoints.c: see savepoints.h. */
#include "scenario/savepoints.h"
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

int savepoints_add(struct savepoints *savepoints, struct strata_txn *txn, const char *name,
                   struct strata_error *err)
{
    struct savepoint *new =
        array_add(&savepoints->all, &savepoints->count, &savepoints->room, sizeof *new, err);
    int rc;

    if (!new)
        return STRATA_ERR_NO_MEMORY;
    new->name = strdup(name);
    rc = new->name ? strata_txn_savepoint(txn, &new->mark, err) : STRATA_ERR_NO_MEMORY;
    if (rc < 0)
        free(savepoints->all[--savepoints->count].name);
    return rc;
}

int savepoints_return(struct savepoints *savepoints, struct strata_txn *txn, const char *name,
                      struct strata_error *err)
{
    size_t n = savepoints->count;
    int rc;

    while (n && *name && strcmp(savepoints->all[n - 1].name, name) != 0)
        n--;
    if (!n)
        return STRATA_NOT_FOUND;
    rc = strata_txn_rollback_to(txn, savepoints->all[n - 1].mark, err);
    while (rc == 0 && savepoints->count > n)
        free(savepoints->all[--savepoints->count].name);
    return rc;
}

void savepoints_clear(struct savepoints *savepoints)
{
    while (savepoints->count)
        free(savepoints->all[--savepoints->count].name);
    free(savepoints->all);
    *savepoints = (struct savepoints){0};
}
