/* held.c: see held.h. */
#include "held.h"
#include "12_value_log/table/value_table.h"

#include <assert.h>
#include <stdlib.h>

static void release(void *arg)
{
    struct held *held = arg;

    for (size_t i = 0; i < held->count; i++)
        value_set_release(held->set, held->files[i]->number);
    free(held);
}

static bool is_held(const struct held *held, uint64_t number)
{
    for (size_t i = 0; held && i < held->count; i++)
        if (held->files[i]->number == number)
            return true;
    return false;
}

int value_hold_log(struct tree *tree, struct memtable *memtable, uint64_t number,
                   struct strata_error *err)
{
    struct held *held = memtable->held;
    int rc;

    if (is_held(held, number))
        return 0;
    if (!held) {
        held = calloc(1, sizeof *held);
        if (!held)
            return strata_fail_memory(err, sizeof *held);
        held->set = value_set_of(tree->common);
        memtable->release = release;
        memtable->held = held;
    }
    assert(held->count < 2);
    rc = value_set_hold(held->set, number, LOG_SUFFIX, &held->files[held->count], err);
    held->count += rc == 0;
    return rc;
}
