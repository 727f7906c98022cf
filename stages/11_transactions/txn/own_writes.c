/* own_writes.c: see own_writes.h.
 *
 *     batch    put b 1    delete a    put b 2            what is committed
 *     sorted   a: 2, delete    b: 3, put 2    b: 1, put 1    what gets and iterators look at
 *
 * 11.I6: write number i of the batch has the sequence number OWN + i in `sorted`. */
#include "11_transactions/txn/own_writes.h"
#include "09_fast_paths/memtable/bptree.h"
#include "db/batch.h"

#include <assert.h>

#define OWN ((uint64_t)1 << 63) /* no operation of a database has such a number */
#define FEW 8                   /* writes that are searched one by one */
#define BUDGET ((size_t)16 << 10)

void own_writes_free(struct own_writes *own)
{
    strata_batch_free(own->batch);
    memtable_unref(own->sorted);
    *own = (struct own_writes){0};
}

size_t own_writes_count(const struct own_writes *own)
{
    return own->batch ? strata_batch_count(own->batch) : 0;
}

static int sort_in(struct memtable *sorted, const struct strata_op *op, uint64_t at,
                   struct strata_error *err)
{
    int rc = memtable_reserve(sorted, 1, op->key.size + op->value.size, err);

    if (rc == 0)
        memtable_add(sorted, OWN + at, /* 11.I6 */
                     op->type == STRATA_OP_DELETE ? STRATA_OP_DELETE : STRATA_OP_PUT, op->key,
                     op->value);
    return rc;
}

/* The first `count` writes. */
static int sort(const struct own_writes *own, size_t count, struct memtable **out,
                struct strata_error *err)
{
    int rc = memtable_new(&memtable_bptree, NULL, BUDGET, out, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = sort_in(*out, &batch_ops(own->batch)[i], i, err);
    if (rc < 0) {
        memtable_unref(*out);
        *out = NULL;
    }
    return rc;
}

int own_writes_add(struct own_writes *own, const struct strata_op *op, struct strata_error *err)
{
    size_t count = own_writes_count(own);
    int rc;

    if (!own->batch && !(own->batch = strata_batch_new()))
        return strata_fail_memory(err, sizeof(void *));
    if (!own->sorted && count == FEW) {
        rc = sort(own, count, &own->sorted, err);
        if (rc < 0)
            return rc;
    }
    rc = batch_add(own->batch, op, err);
    if (rc == 0 && own->sorted)
        rc = sort_in(own->sorted, op, count, err);
    if (rc < 0)
        batch_cut(own->batch, count);
    return rc;
}

unsigned own_writes_get(const struct own_writes *own, struct strata_slice key,
                        struct strata_slice *value)
{
    const struct strata_op *ops = own->batch ? batch_ops(own->batch) : NULL;
    size_t end = own_writes_count(own); /* behind it */

    if (own->sorted) {
        uint64_t number = own->sorted->kind->number(own->sorted->self, key, UINT64_MAX);
        end = number ? (size_t)(number - OWN) + 1 : 0;
    } else {
        while (end && strata_compare(ops[end - 1].key, key) != 0)
            end--;
    }
    if (!end)
        return 0;
    *value = ops[end - 1].value;
    return ops[end - 1].type;
}

/* What iterators refer to stays as it is: those that are kept are sorted anew. */
int own_writes_cut(struct own_writes *own, size_t count, struct strata_error *err)
{
    struct memtable *sorted = NULL;
    int rc = 0;

    assert(count <= own_writes_count(own));
    if (count == own_writes_count(own))
        return 0;
    if (own->sorted && count > FEW)
        rc = sort(own, count, &sorted, err);
    if (rc < 0)
        return rc;
    batch_cut(own->batch, count);
    memtable_unref(own->sorted);
    own->sorted = sorted;
    return 0;
}

int own_writes_cursor(struct own_writes *own, struct cursor **out, struct memtable **held,
                      struct strata_error *err)
{
    size_t count = own_writes_count(own);
    int rc = own->sorted ? 0 : sort(own, count, &own->sorted, err);

    assert(count);

    if (rc < 0)
        return rc;
    *out = memtable_cursor(own->sorted, OWN + count - 1);
    if (!*out)
        return strata_fail_memory(err, sizeof **out);
    *held = own->sorted;
    memtable_ref(*held);
    return 0;
}
