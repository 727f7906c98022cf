/* pax_table_cursor.c: through a table, block by block, in both directions.
 *
 * I1: a positioned cursor holds its block: in a frame of the cache, pinned, or, when it goes
 * through the table but once, in memory of its own, so that a merge does not take the place of what
 * is read again and again. I2: `key` begins with what all keys of the block begin with; a step
 * writes what follows. */
#include "base/bytes.h"
#include "pax_table_inside.h"

#include <stdlib.h>

#define AHEAD                                                                                      \
    1024 /* bytes of the next block's columns that are brought near: tags and suffixes             \
          */

struct pax_table_cursor {
    struct cursor base;
    const struct pax_table *table;
    struct clock_cache_frame *frame; /* or NULL */
    struct pax_table_block own;      /* of a cursor that goes through once */
    const struct pax_block *block;
    uint32_t n, at;  /* the block's number; the entry's in it */
    uint32_t loaded; /* the number of the block in `own`; UINT32_MAX: none */
    bool once;
    uint8_t *key; /* of capacity bytes */
    size_t capacity;
};

static int settle(struct pax_table_cursor *c, uint32_t at)
{
    c->at = at;
    c->base.iter.key = (struct strata_slice){c->key, pax_block_put_suffix(c->block, at, c->key)};
    c->base.type = pax_block_type(c->block, at);
    c->base.iter.value = pax_block_value(c->block, at);
    return 0;
}

static int take_key(struct pax_table_cursor *c, struct strata_error *err)
{
    size_t size = c->block->key_max + PAX_BLOCK_SLACK;
    uint8_t *bigger;

    if (size > c->capacity) {
        bigger = realloc(c->key, size);
        if (!bigger)
            return strata_fail_memory(err, size);
        c->key = bigger;
        c->capacity = size;
    }
    pax_block_put_prefix(c->block, c->key);
    return 0;
}

static int load_own(struct pax_table_cursor *c, uint32_t n, struct strata_error *err)
{
    int rc = 0;

    if (c->loaded != n) {
        c->loaded = UINT32_MAX;
        rc = pax_table_read_block(c->table, n, &c->own, err);
    }
    if (rc < 0)
        return rc;
    c->loaded = n;
    c->block = &c->own.block;
    return 0;
}

/* Block `n` becomes the cursor's. */
static int enter(struct pax_table_cursor *c, uint32_t n, struct strata_error *err)
{
    struct clock_cache_frame *frame = NULL;
    int rc = c->once ? load_own(c, n, err) : pax_table_pin(c->table, n, &frame, err);

    if (rc < 0)
        return rc;
    clock_cache_release(c->table->common->cache, c->frame);
    c->frame = frame;
    if (frame)
        c->block = pax_table_block_of(frame);
    c->n = n;
    return take_key(c, err);
}

static void bring_near(const struct pax_table_cursor *c, uint32_t n)
{
    if (!c->once && n < c->table->fence.count)
        clock_cache_prefetch(c->table->common->cache, &c->table->directory, n, AHEAD);
}

static int enter_first(struct pax_table_cursor *c, uint32_t n, struct strata_error *err)
{
    int rc = enter(c, n, err);

    bring_near(c, n + 1);
    return rc < 0 ? rc : settle(c, 0);
}

static int enter_last(struct pax_table_cursor *c, uint32_t n, struct strata_error *err)
{
    int rc = enter(c, n, err);

    bring_near(c, n - 1);
    return rc < 0 ? rc : settle(c, c->block->count - 1);
}

static int table_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct pax_table_cursor *c = (struct pax_table_cursor *)iter;
    const struct pax_table *t = c->table;
    int order = sstable_compare_key(&t->base, key), rc;
    uint32_t at;

    if (order > 0)
        return STRATA_NOT_FOUND;
    rc = pax_table_need(t, err);
    if (rc < 0)
        return rc;
    if (order < 0)
        return enter_first(c, 0, err);
    rc = enter(c, fence_find(&t->fence, key), err);
    if (rc < 0)
        return rc;
    at = pax_block_seek(c->block, key);
    if (at < c->block->count)
        return settle(c, at);
    return c->n + 1 < t->fence.count ? enter_first(c, c->n + 1, err) : STRATA_NOT_FOUND;
}

static int table_last(struct strata_iter *iter, struct strata_error *err)
{
    struct pax_table_cursor *c = (struct pax_table_cursor *)iter;
    int rc = pax_table_need(c->table, err);

    return rc < 0 ? rc : enter_last(c, c->table->fence.count - 1, err);
}

static int table_next(struct strata_iter *iter, struct strata_error *err)
{
    struct pax_table_cursor *c = (struct pax_table_cursor *)iter;

    if (c->at + 1 < c->block->count)
        return settle(c, c->at + 1);
    return c->n + 1 < c->table->fence.count ? enter_first(c, c->n + 1, err) : STRATA_NOT_FOUND;
}

static int table_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct pax_table_cursor *c = (struct pax_table_cursor *)iter;

    if (c->at)
        return settle(c, c->at - 1);
    return c->n ? enter_last(c, c->n - 1, err) : STRATA_NOT_FOUND;
}

static int table_value(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    iter->has_value = true;
    return 0;
}

static void table_cursor_free(struct strata_iter *iter)
{
    struct pax_table_cursor *c = (struct pax_table_cursor *)iter;

    clock_cache_release(c->table->common->cache, c->frame);
    pax_table_block_free(&c->own);
    free(c->key);
    free(c);
}

struct cursor *pax_table_cursor(struct sstable *table, bool once)
{
    static const struct strata_iter_ops ops = {table_seek, table_last,  table_next,
                                               table_prev, table_value, table_cursor_free};
    struct pax_table_cursor *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->base.iter.ops = &ops;
    c->base.iter.has_value = true;
    c->base.sequence = table->sum.last; /* of two tables all of one are newer */
    c->table = (struct pax_table *)table;
    c->once = once;
    c->loaded = UINT32_MAX;
    return &c->base;
}
