/* pax_table.c: see pax_table.h: opening, and finding a key.
 *
 *   a get:   key range -> filter -> index -> block -> entry
 *            in memory      |         |        \- cache, or one read
 *                           |         \- one place, one search
 *                           \- one cache line
 *
 * 9.I20: index and filter are in memory whole, and were checked when they were read: at open, or,
 *        where the table was opened to be loaded later, before the first search. */
#include "pax_table_inside.h"
#include "base/bytes.h"
#include "02_hash_index/index.h"
#include "base/cost.h"

#include <stdlib.h>

/* ---- What all tables have in common ---------------------------------------------------------- */

static void common_del(void *self)
{
    struct pax_table_common *common = self;

    clock_cache_del(common->cache);
    fs_pool_del(common->files);
    pthread_mutex_destroy(&common->reading);
    free(common);
}

static int common_new(const struct strata_env *env, void **out, struct strata_error *err)
{
    struct pax_table_common *common = calloc(1, sizeof *common);
    int rc;

    if (!common)
        return strata_fail_memory(err, sizeof *common);
    if (pthread_mutex_init(&common->reading, NULL) != 0) {
        free(common);
        return strata_fail_memory(err, sizeof common->reading);
    }
    common->env = env;
    common->readahead_bytes = READAHEAD_BYTES;
    rc = clock_cache_new(env->options->cache_bytes,
                         sizeof(struct pax_block) + env->options->block_bytes, &common->cache, err);
    if (rc == 0)
        rc = fs_pool_new(env->fs, &common->files, err);
    if (rc < 0)
        common_del(common);
    else
        *out = common;
    return rc;
}

static void stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg)
{
    struct pax_table_common *common = self;
    struct clock_cache_stats cache;

    clock_cache_stats(common->cache, &cache);
    const struct strata_stat list[] = {
        {"cache_hits", "blocks", "found in the cache", cache.hits},
        {"cache_misses", "blocks", "read into it", cache.misses},
        {"cache_evictions", "blocks", "that made room for others", cache.evictions},
        {"cache_blocks", "blocks", "in it now", cache.blocks},
        {"cache_bytes", "bytes", "of memory taken for them", cache.bytes},
        {"cache_private_bytes", "bytes", "of blocks that are read and fit none",
         cache.private_bytes},
        {"bloom_filtered", "gets", "of a table that its filter answered: not here",
         common->filtered},
        {"bloom_false_positives", "gets", "of a table that read a block in vain",
         common->false_positives},
        {"cost_comparisons", "keys", "compared by this thread, on all handles",
         cost_so_far.comparisons},
        {"cost_filter_probes", "gets", "of a table that asked its filter, likewise",
         cost_so_far.filter_probes},
        {"cost_blocks", "blocks", "that were looked at, likewise", cost_so_far.blocks},
        {"cost_blocks_loaded", "blocks", "of these: read from a file", cost_so_far.blocks_loaded},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        each(arg, &list[i]);
}

/* ---- Opening --------------------------------------------------------------------------------- */

void pax_table_close(struct sstable *table)
{
    struct pax_table *t = (struct pax_table *)table;

    clock_cache_directory_free(t->common->cache, &t->directory);
    fs_unmap(t->base.fs, t->mapped, t->base.bytes);
    fs_pooled_close(&t->file, NULL); /* it was only read: nothing is lost */
    pax_table_unload(t);
    strata_buffer_free(&t->notes);
    sstable_free(table);
}

struct strata_slice pax_table_notes(const struct sstable *table)
{
    return strata_buffer_slice(&pax_table_of(table)->notes);
}

static int check_file(struct pax_table *t, struct strata_error *err)
{
    struct strata_error why;
    int used = fs_pooled_use(&t->file, &why);
    int rc = sstable_opened(&t->base, used < 0 ? NULL : t->file.file, used, &why, err);

    if (used == 0)
        fs_pooled_done(&t->file);
    return rc;
}

/* By calls: what is read so may fail, and what is read from a mapping raises a signal. */
int pax_table_open_read(const struct strata_env *env, void *common, uint64_t number,
                        struct sstable **out, struct strata_error *err)
{
    struct pax_table *t = calloc(1, sizeof *t);
    int rc;

    *out = NULL;
    if (!t)
        return strata_fail_memory(err, sizeof *t);
    t->common = common;
    rc = sstable_init(&t->base, &pax_table_kind, env, number, err);
    t->file.path = t->base.path;
    t->file.pool = t->common->files;
    if (rc == 0)
        rc = check_file(t, err);
    if (rc == 0)
        rc = pax_table_read_properties(t, err);
    if (rc < 0)
        pax_table_close(&t->base);
    else
        *out = &t->base;
    return rc;
}

/* Where it cannot be, it is read by calls. What is mapped needs no descriptor. */
static void map_file(struct pax_table *t)
{
    if (fs_pooled_use(&t->file, NULL) < 0)
        return;
    fs_map(t->file.file, t->base.bytes, &t->mapped, NULL);
    fs_pooled_done(&t->file);
    if (t->mapped)
        fs_pooled_close(&t->file, NULL); /* it was only read: nothing is lost */
}

static int open_mapped(const struct strata_env *env, void *common, uint64_t number, bool load,
                       struct sstable **out, struct strata_error *err)
{
    int rc = pax_table_open_read(env, common, number, out, err);

    if (rc == 0 && load)
        rc = pax_table_need(pax_table_of(*out), err);
    if (rc == 0 && env->options->mapped_reads)
        map_file(pax_table_of(*out));
    if (rc < 0 && *out) {
        pax_table_close(*out);
        *out = NULL;
    }
    return rc;
}

int pax_table_open_later(const struct strata_env *env, void *common, uint64_t number,
                         struct sstable **out, struct strata_error *err)
{
    return open_mapped(env, common, number, false, out, err);
}

static int open_now(const struct strata_env *env, void *common, uint64_t number,
                    struct sstable **out, struct strata_error *err)
{
    return open_mapped(env, common, number, true, out, err);
}

/* ---- Finding --------------------------------------------------------------------------------- */

static int copy_value(struct strata_slice from, struct strata_buffer *to, struct strata_error *err)
{
    strata_buffer_clear(to);
    return strata_buffer_append(to, from.data, from.size) < 0 ? strata_fail_memory(err, from.size)
                                                              : 0;
}

int pax_table_find(struct pax_table *t, struct strata_slice key, uint64_t hash, unsigned *type,
                   struct strata_buffer *value, struct strata_error *err)
{
    struct clock_cache_frame *frame;
    struct strata_slice found;
    int rc = pax_table_pin(t, fence_find(&t->fence, key), &frame, err);

    if (rc < 0)
        return rc;
    *type = pax_block_find(pax_table_block_of(frame), key, hash, &found);
    if (*type)
        rc = copy_value(found, value, err);
    else
        atomic_fetch_add_explicit(&t->common->false_positives, 1, memory_order_relaxed);
    clock_cache_release(t->common->cache, frame);
    return *type ? rc : STRATA_NOT_FOUND;
}

static int table_get(struct sstable *table, struct strata_slice key, unsigned *type,
                     struct strata_buffer *value, struct strata_error *err)
{
    struct pax_table *t = pax_table_of(table);
    uint64_t hash = index_hash(key);
    int rc = pax_table_need(t, err);

    if (rc < 0)
        return rc;
    if (!pax_table_filters_out(t, hash))
        return pax_table_find(t, key, hash, type, value, err);
    atomic_fetch_add_explicit(&t->common->filtered, 1, memory_order_relaxed);
    return STRATA_NOT_FOUND;
}

/* Where the block begins that may hold the key: no block is read. */
static int table_offset(struct sstable *table, struct strata_slice key, uint64_t *offset,
                        struct strata_error *err)
{
    struct pax_table *t = pax_table_of(table);
    int rc = pax_table_need(t, err);

    if (rc == 0)
        *offset = t->fence.offsets[fence_find(&t->fence, key)];
    return rc;
}

const struct sstable_kind pax_table_kind = {
    .suffix = ".table",
    .magic = PAX_TABLE_MAGIC,
    .common_new = common_new,
    .common_del = common_del,
    .stats = stats,
    .open = open_now,
    .close = pax_table_close,
    .get = table_get,
    .offset = table_offset,
    .cursor = pax_table_cursor,
    .verify = pax_table_verify,
    .writer_new = pax_table_writer_new,
    .writer_add = pax_table_writer_add,
    .writer_finish = pax_table_writer_finish,
    .writer_del = pax_table_writer_del,
};
