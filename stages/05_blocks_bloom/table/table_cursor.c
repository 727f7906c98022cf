/* table_cursor.c: over a table in key order, in both directions: the index gives the blocks, a
 * block_iter the entries of one.
 *
 * 5.I12: a positioned cursor holds its block: pinned in the cache, or, if it goes over the table
 *        but once, private, so that a merge does not evict what is read again and again. */
#include "table_inside.h"

#include <assert.h>
#include <stdlib.h>

struct table_cursor {
    struct cursor base;
    struct table *table;
    struct cache_block *block; /* 5.I12; NULL: before the first move */
    struct block_iter iter;    /* in it */
    uint32_t n;                /* its number */
    bool once;
};

static int show(struct table_cursor *c)
{
    assert(c->block && c->n < c->table->index.count); /* 5.I12 */
    c->base.iter.key = strata_buffer_slice(&c->iter.key);
    c->base.type = c->iter.type;
    c->base.iter.value = c->iter.value;
    return 0;
}

static void release(struct table_cursor *c)
{
    if (c->once)
        free(c->block);
    else
        cache_unpin(c->table->common->cache, c->block);
    c->block = NULL;
}

/* Makes block n the cursor's. */
static int enter(struct table_cursor *c, uint32_t n, struct strata_error *err)
{
    struct cache_block *block = c->block;
    uint32_t check;
    int rc = 0;

    assert(n < c->table->index.count);
    if (!block || c->n != n)
        rc = c->once ? table_load(c->table, n, &block, &check, err)
                     : table_pin(c->table, n, &block, err);
    if (rc < 0)
        return rc;
    if (block != c->block)
        release(c);
    c->block = block;
    c->n = n;
    return block_iter_enter(&c->iter, table_block(block), err);
}

/* To the first or the last entry of block n. */
static int enter_at(struct table_cursor *c, uint32_t n, void (*to)(struct block_iter *iter),
                    struct strata_error *err)
{
    int rc = enter(c, n, err);

    if (rc < 0)
        return rc;
    to(&c->iter);
    return show(c);
}

static int enter_next(struct table_cursor *c, struct strata_error *err)
{
    if (c->n + 1 == c->table->index.count)
        return STRATA_NOT_FOUND;
    return enter_at(c, c->n + 1, block_iter_first, err);
}

static int table_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct table_cursor *c = (struct table_cursor *)iter;
    uint32_t n = table_index_find(&c->table->index, key);
    int rc;

    if (n == c->table->index.count)
        return STRATA_NOT_FOUND;
    rc = enter(c, n, err);
    if (rc < 0)
        return rc;
    if (block_iter_seek(&c->iter, key))
        return show(c);
    return enter_next(c, err); /* the key is between the block's last one and its separator */
}

static int table_last(struct strata_iter *iter, struct strata_error *err)
{
    struct table_cursor *c = (struct table_cursor *)iter;
    return enter_at(c, c->table->index.count - 1, block_iter_last, err);
}

static int table_next(struct strata_iter *iter, struct strata_error *err)
{
    struct table_cursor *c = (struct table_cursor *)iter;

    return block_iter_next(&c->iter) ? show(c) : enter_next(c, err);
}

static int table_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct table_cursor *c = (struct table_cursor *)iter;

    if (block_iter_prev(&c->iter))
        return show(c);
    return c->n > 0 ? enter_at(c, c->n - 1, block_iter_last, err) : STRATA_NOT_FOUND;
}

static void table_cursor_free(struct strata_iter *iter)
{
    struct table_cursor *c = (struct table_cursor *)iter;

    release(c);
    block_iter_free(&c->iter);
    free(c);
}

struct cursor *table_cursor(struct sstable *table, bool once)
{
    static const struct strata_iter_ops ops = {table_seek, table_last,       table_next,
                                               table_prev, cursor_has_value, table_cursor_free};
    struct table_cursor *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->base.iter.ops = &ops;
    c->base.iter.has_value = true;
    c->base.sequence = table->sum.last; /* of two tables, all entries of one are newer */
    c->table = (struct table *)table;
    c->once = once;
    return &c->base;
}
