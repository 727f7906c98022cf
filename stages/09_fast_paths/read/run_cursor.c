/* run_cursor.c: see run_cursor.h. From entry to entry, block to block and table to table in one
 * cursor: an entry costs one call.
 *
 * 9.I26: a positioned cursor holds one block: a pinned frame of the cache, or, where it reads all
 *        once, memory of its own.
 * 9.I27: `key` begins with the block's common prefix; a step writes what follows. */
#include "run_cursor.h"

#include <assert.h>
#include <stdlib.h>

#define AHEAD 1024      /* bytes of the next block that are prefetched: tags, suffixes */
#define VALUES 256      /* bytes of the values at a position that was sought */
#define LINE 64         /* bytes of a cache line */
#define LAST UINT32_MAX /* block of a table */

/* ---- Finding a table ------------------------------------------------------------------------- */

size_t run_find(const struct fast_run *run, struct strata_slice prefix, struct strata_slice key)
{
    size_t low = 0, high = run->count;

    if (run->key_prefixes) {
        uint64_t key_prefix = key_prefix_after(key, prefix);
        cost_so_far.comparisons += cost_halvings((uint64_t)high + 1);
        low = key_prefix_find(run->key_prefixes, high, key_prefix);
        if (low == high || run->key_prefixes[low] > key_prefix)
            return low;
        if (key_prefix < UINT64_MAX)
            high = low + key_prefix_find(run->key_prefixes + low, high - low, key_prefix + 1);
    }
    while (low < high) { /* key prefixes leave it open: those of many may be equal */
        size_t middle = low + (high - low) / 2;
        cost_so_far.comparisons++;
        if (strata_compare(strata_buffer_slice(&run->tables[middle]->largest), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* How the cursor comes to a block. */
enum arrival { SEEK, FORWARDS, BACKWARDS };

static const struct pax_table *table_at(const struct run_cursor *c, size_t table)
{
    return pax_table_of(c->run.tables[table]);
}

static int take_key(struct run_cursor *c, struct strata_error *err)
{
    size_t size = (size_t)c->block->key_max + PAX_BLOCK_SLACK;
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

/* Where the key prefixes of this block's keys come from. */
static void take_key_prefixes(struct run_cursor *c)
{
    struct strata_slice prefix = pax_block_prefix(c->block);
    size_t shared = prefix.size > c->prefix.size ? prefix.size - c->prefix.size : 0;

    c->key_prefix_base = key_prefix_of(prefix, c->prefix.size);
    c->key_prefix_constant = shared >= 8;
    c->key_prefix_shift = c->key_prefix_constant ? 0 : (uint8_t)(8 * shared);
    c->key_prefix_skip =
        prefix.size < c->prefix.size ? (uint32_t)(c->prefix.size - prefix.size) : 0;
}

/* The usual block: all that differs from entry to entry are bytes at a distance. */
static void take_columns(struct run_cursor *c)
{
    const struct pax_block *b = c->block;
    bool has_key_prefixes = !c->key_prefix_constant && b->suffix_size > c->key_prefix_skip;

    c->usual = !b->suffix_starts && !b->value_starts && !b->types && b->suffix_room &&
               b->suffix_size <= PAX_BLOCK_SLACK;
    if (!c->usual)
        return;
    c->suffixes = b->bytes + b->suffixes;
    c->values = b->bytes + b->values;
    c->suffix_size = b->suffix_size;
    c->value_size = b->value_size;
    c->key_prefix_mask =
        has_key_prefixes ? key_prefix_cut(UINT64_MAX, b->suffix_size - c->key_prefix_skip) : 0;
    c->key_prefix_skip = has_key_prefixes ? c->key_prefix_skip : 0;
    c->rest = c->key + b->prefix_size;
    assert((size_t)b->prefix_size + PAX_BLOCK_SLACK <= c->capacity); /* 9.I27 */
    c->base.iter.key = (struct strata_slice){c->key, (size_t)b->prefix_size + b->suffix_size};
    c->base.type = STRATA_OP_PUT;
    c->base.iter.value.size = b->value_size;
}

/* Of the suffix of an entry, as many bytes as belong to the key_prefix. */
static uint64_t key_prefix_with(const struct run_cursor *c, struct strata_slice suffix)
{
    uint64_t key_prefix;

    if (c->key_prefix_constant || suffix.size <= c->key_prefix_skip)
        return c->key_prefix_base;
    if (c->block->suffix_room)
        key_prefix = key_prefix_cut(head_load(suffix.data + c->key_prefix_skip),
                                    suffix.size - c->key_prefix_skip);
    else
        key_prefix = key_prefix_of(suffix, c->key_prefix_skip);
    return c->key_prefix_base | key_prefix >> c->key_prefix_shift;
}

void run_cursor_position_any(struct run_cursor *c, uint32_t at)
{
    assert(at < c->count);
    c->at = at;
    c->key_prefix = key_prefix_with(c, pax_block_suffix(c->block, at));
    c->base.iter.key = (struct strata_slice){c->key, pax_block_put_suffix(c->block, at, c->key)};
    c->base.type = pax_block_type(c->block, at);
    c->base.iter.value = pax_block_value(c->block, at);
}

static int read_own(struct run_cursor *c, const struct pax_table *t, uint32_t n, bool back,
                    struct strata_error *err)
{
    const uint8_t *stored;
    int rc;

    if (!c->own)
        c->own = calloc(1, sizeof *c->own);
    if (!c->own)
        return strata_fail_memory(err, sizeof *c->own);
    rc = readahead_block(&c->ahead, t, n, back, true, &stored, err);
    return rc < 0 ? rc : pax_table_open_block(t, n, stored, c->own, err);
}

static int pin(struct run_cursor *c, const struct pax_table *t, uint32_t n, enum arrival how,
               struct clock_cache_frame **frame, struct strata_error *err)
{
    const uint8_t *stored = NULL;
    int rc = 0;

    if (how == SEEK || clock_cache_has(&t->directory, n))
        readahead_pause(&c->ahead);
    else
        rc = readahead_block(&c->ahead, t, n, how == BACKWARDS, false, &stored, err);
    return rc < 0 ? rc : pax_table_pin(t, n, stored, frame, err);
}

/* Block `n` of a table, or its LAST, becomes the cursor's. */
static int enter(struct run_cursor *c, size_t table, uint32_t n, enum arrival how,
                 struct strata_error *err)
{
    const struct pax_table *t = table_at(c, table);
    struct clock_cache_frame *frame = NULL;
    int rc = pax_table_need(t, err);

    if (rc < 0)
        return rc;
    if (n == LAST)
        n = t->fence.count - 1;
    rc = c->once ? read_own(c, t, n, how == BACKWARDS, err) : pin(c, t, n, how, &frame, err);
    if (rc < 0)
        return rc;
    assert(n < t->fence.count && (c->once ? !frame : frame != NULL)); /* 9.I26 */
    clock_cache_release(c->cache, c->frame);
    c->frame = frame;
    c->block = frame ? pax_table_block_of(frame) : &c->own->block;
    c->table = table;
    c->n = n;
    c->count = c->block->count;
    rc = take_key(c, err);
    if (rc < 0)
        return rc;
    take_key_prefixes(c);
    take_columns(c);
    return 0;
}

static void prefetch_block(const struct run_cursor *c, size_t table, uint32_t n)
{
    const struct pax_table *t = table_at(c, table);

    if (!c->once && pax_table_is_loaded(t))
        clock_cache_prefetch(c->cache, &t->directory, n == LAST ? t->fence.count - 1 : n, AHEAD);
}

/* Which block comes after the cursor's, or before it. No table is empty, and no block. False: there
 * is none. */
static bool find_neighbor(const struct run_cursor *c, bool back, size_t *table, uint32_t *n)
{
    assert(c->block && c->table < c->run.count); /* 9.I26 */
    *table = c->table;
    *n = back ? c->n - 1 : c->n + 1;
    if (back ? c->n > 0 : *n < table_at(c, c->table)->fence.count)
        return true;
    *table = back ? c->table - 1 : c->table + 1;
    *n = back ? LAST : 0;
    return back ? c->table > 0 : *table < c->run.count;
}

/* At the block's first entry, or its last; the one that comes next is prefetched meanwhile. */
static int enter_end(struct run_cursor *c, size_t table, uint32_t n, bool back,
                     struct strata_error *err)
{
    int rc = enter(c, table, n, back ? BACKWARDS : FORWARDS, err);

    if (rc < 0)
        return rc;
    if (find_neighbor(c, back, &table, &n))
        prefetch_block(c, table, n);
    run_cursor_position(c, back ? c->count - 1 : 0);
    return 0;
}

int run_cursor_leave(struct run_cursor *c, bool back, struct strata_error *err)
{
    size_t table;
    uint32_t n;

    return find_neighbor(c, back, &table, &n) ? enter_end(c, table, n, back, err)
                                              : STRATA_NOT_FOUND;
}

/* ---- Seeking --------------------------------------------------------------------------------- */

static uint32_t block_of(const struct pax_table *t, struct strata_slice key)
{
    return strata_compare(key, strata_buffer_slice(&t->base.smallest)) <= 0
               ? 0
               : fence_find(&t->fence, key);
}

/* `key` is not the cursor's own. */
static int run_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct run_cursor *c = (struct run_cursor *)iter;
    size_t table = run_find(&c->run, c->prefix, key);
    uint32_t at;
    int rc;

    if (table == c->run.count)
        return STRATA_NOT_FOUND;
    rc = pax_table_need(table_at(c, table), err);
    if (rc == 0)
        rc = enter(c, table, block_of(table_at(c, table), key), SEEK, err);
    if (rc < 0)
        return rc;
    at = pax_block_seek(c->block, key);
    if (at == c->count)
        return run_cursor_leave(c, false, err);
    run_cursor_position(c, at);
    for (size_t i = 0; i < VALUES; i += LINE) /* while other runs are searched */
        __builtin_prefetch(c->base.iter.value.data + i);
    return 0;
}

/* ---- As a cursor ----------------------------------------------------------------------------- */

static int run_last(struct strata_iter *iter, struct strata_error *err)
{
    struct run_cursor *c = (struct run_cursor *)iter;
    return enter_end(c, c->run.count - 1, LAST, true, err);
}

static int run_next(struct strata_iter *iter, struct strata_error *err)
{
    iter->has_value = true; /* who shows it to a user drops that */
    return run_cursor_step((struct run_cursor *)iter, false, err);
}

static int run_prev(struct strata_iter *iter, struct strata_error *err)
{
    iter->has_value = true;
    return run_cursor_step((struct run_cursor *)iter, true, err);
}

static void run_free(struct strata_iter *iter)
{
    run_cursor_clear((struct run_cursor *)iter);
    cursor_end((struct cursor *)iter);
}

/* ---- Its life -------------------------------------------------------------------------------- */

void run_cursor_init(struct run_cursor *c, const struct fast_run *run, struct strata_slice prefix,
                     bool once)
{
    static const struct strata_iter_ops ops = {run_seek, run_last,         run_next,
                                               run_prev, cursor_has_value, run_free};

    assert(run->count > 0);
    *c = (struct run_cursor){.base.iter = {.ops = &ops, .has_value = true}};
    c->run = *run;
    c->prefix = prefix;
    c->once = once;
    c->cache = table_at(c, 0)->common->cache;
}

void run_cursor_clear(struct run_cursor *c)
{
    clock_cache_release(c->cache, c->frame);
    if (c->own)
        pax_table_block_free(c->own);
    free(c->own);
    readahead_free(&c->ahead);
    free(c->key);
}

struct cursor *run_cursor_new(const struct fast_run *run, struct strata_slice prefix, bool once)
{
    struct run_cursor *c = malloc(sizeof *c);

    if (c)
        run_cursor_init(c, run, prefix, once);
    return c ? &c->base : NULL;
}

struct cursor *pax_table_cursor(struct sstable *table, bool once)
{
    struct fast_run run = {&table, 1, NULL};
    struct cursor *cursor = run_cursor_new(&run, strata_bytes(NULL, 0), once);
    struct run_cursor *c = (struct run_cursor *)cursor;

    if (!c)
        return NULL;
    c->single = table;
    c->run.tables = &c->single;
    cursor->sequence = table->sum.last; /* of two tables all keys of one are newer */
    return cursor;
}
