/* table.c: see table.h: opening a table and finding a key.
 *
 *   get:  range of keys -> filter -> index -> data block -> entry
 *         in memory        |         |        |
 *                          |         |        \- from the cache, or one read of the file
 *                          |         \- log2(blocks) keys are compared
 *                          \- one line of 64 bytes
 *
 * 5.I11: index and filter were checked when the table was opened and do not change. So any number
 *        of threads reads a table without a lock; only the cache has one. */
#include "02_hash_index/index.h"
#include "base/cost.h"
#include "table_inside.h"

#include <stdlib.h>

/* ---- What the tables of a database have in common -------------------------------------------- */

static void common_del(void *self)
{
    struct table_common *common = self;

    cache_del(common->cache);
    fs_pool_del(common->files);
    free(common);
}

static int common_new(const struct strata_env *env, void **out, struct strata_error *err)
{
    struct table_common *common = calloc(1, sizeof *common);
    int rc;

    if (!common)
        return strata_fail_memory(err, sizeof *common);
    common->env = env;
    rc = cache_new(env->options->cache_bytes, &common->cache, err);
    if (rc == 0)
        rc = fs_pool_new(env->fs, &common->files, err);
    if (rc < 0)
        common_del(common);
    else
        *out = common;
    return rc;
}

static bool common_check(void *self)
{
    return cache_check(((struct table_common *)self)->cache);
}

static void stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg)
{
    struct table_common *common = self;
    struct cache_stats cache;

    cache_stats(common->cache, &cache);
    const struct strata_stat list[] = {
        {"cache_hits", "blocks", "found in the cache", cache.hits},
        {"cache_misses", "blocks", "not found there, and read", cache.misses},
        {"cache_evictions", "blocks", "that made room for others", cache.evictions},
        {"cache_blocks", "blocks", "in the cache now", cache.blocks},
        {"cache_bytes", "bytes", "of memory that they take", cache.bytes},
        {"bloom_filtered", "gets", "of a table that its filter answered", common->filtered},
        {"bloom_false_positives", "gets", "that passed a filter and found nothing",
         common->false_positives},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        each(arg, &list[i]);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void table_close(struct sstable *base)
{
    struct table *t = (struct table *)base;

    fs_pooled_close(&t->file, NULL); /* it was only read: nothing is lost */
    table_free_parts(t);
    sstable_free(base);
}

int table_check_file(struct sstable *table, const struct fs_pooled *file, struct strata_error *err)
{
    struct strata_error why;
    int used = fs_pooled_use(file, &why);
    int rc = sstable_opened(table, used < 0 ? NULL : file->file, used, &why, err);

    if (used == 0)
        fs_pooled_done(file);
    return rc;
}

static int table_open(const struct strata_env *env, void *common, uint64_t number,
                      struct sstable **out, struct strata_error *err)
{
    struct table *t = calloc(1, sizeof *t);
    int rc;

    *out = NULL;
    if (!t)
        return strata_fail_memory(err, sizeof *t);
    t->common = common;
    rc = sstable_init(&t->base, &table_kind, env, number, err);
    t->file.path = t->base.path;
    t->file.pool = t->common->files;
    if (rc == 0)
        rc = table_check_file(&t->base, &t->file, err);
    if (rc == 0)
        rc = table_read_parts(t, err);
    if (rc < 0)
        table_close(&t->base);
    else
        *out = &t->base;
    return rc;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static bool may_have(const struct table *t, uint64_t hash)
{
    cost_so_far.tables++;
    cost_so_far.filter_probes += t->filter != NULL;
    return !t->filter || bloom_may_contain(&t->bloom, hash);
}

/* 0, STRATA_NOT_FOUND, NO_MEMORY. The way to the key needs memory for keys: the value's, which is
 * not there yet. */
static int get_from(struct block block, struct strata_slice key, unsigned *type,
                    struct strata_buffer *value, struct strata_error *err)
{
    struct block_iter it = {.key = *value};
    int rc = block_iter_enter(&it, block, err);

    if (rc == 0 &&
        (!block_iter_seek(&it, key) || strata_compare(strata_buffer_slice(&it.key), key) != 0))
        rc = STRATA_NOT_FOUND;
    *type = it.type;
    *value = it.key;
    strata_buffer_clear(value);
    if (rc == 0 && strata_buffer_append(value, it.value.data, it.value.size) < 0)
        rc = strata_fail_memory(err, it.value.size);
    return rc;
}

/* The filter first, then the one block that may have the key. It is pinned while its value is
 * copied. */
static int table_get(struct sstable *base, struct strata_slice key, unsigned *type,
                     struct strata_buffer *value, struct strata_error *err)
{
    struct table *t = (struct table *)base;
    struct cache_block *pinned;
    int rc;

    if (!may_have(t, index_hash(key))) {
        atomic_fetch_add_explicit(&t->common->filtered, 1, memory_order_relaxed);
        return STRATA_NOT_FOUND;
    }
    rc = table_pin(t, table_index_find(&t->index, key), &pinned, err);
    if (rc < 0)
        return rc;
    rc = get_from(table_block(pinned), key, type, value, err);
    if (rc == STRATA_NOT_FOUND)
        atomic_fetch_add_explicit(&t->common->false_positives, 1, memory_order_relaxed);
    cache_unpin(t->common->cache, pinned);
    return rc;
}

/* Where the block begins that may have the key: no block is read. */
static int table_offset(struct sstable *base, struct strata_slice key, uint64_t *offset,
                        struct strata_error *err)
{
    struct table *t = (struct table *)base;

    (void)err;
    *offset = table_index_at(&t->index, table_index_find(&t->index, key)).offset;
    return 0;
}

static int table_verify(struct sstable *base, struct strata_error *err)
{
    struct table_common *common = ((struct table *)base)->common;
    return sstable_verify_anew(base, common->env, common, table_verify_blocks, err);
}

const struct sstable_kind table_kind = {
    .suffix = TABLE_SUFFIX,
    .magic = TABLE_MAGIC,
    .common_new = common_new,
    .common_del = common_del,
    .common_check = common_check,
    .stats = stats,
    .open = table_open,
    .close = table_close,
    .get = table_get,
    .offset = table_offset,
    .cursor = table_cursor,
    .verify = table_verify,
    .writer_new = table_writer_new,
    .writer_add = table_writer_add,
    .writer_finish = table_writer_finish,
    .writer_del = table_writer_del,
};
