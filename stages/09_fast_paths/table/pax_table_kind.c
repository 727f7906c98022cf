/* pax_table_kind.c: the kind itself, and what all tables of a database have in common. */
#include "base/cost.h"
#include "pax_table_inside.h"

#include <stdlib.h>

/* ---- What all tables have in common ---------------------------------------------------------- */

void pax_table_common_del(void *self)
{
    struct pax_table_common *common = self;

    clock_cache_del(common->cache);
    fs_pool_del(common->files);
    sync_mutex_free(&common->reading);
    free(common);
}

int pax_table_common_new(const struct strata_env *env, void **out, struct strata_error *err)
{
    struct pax_table_common *common = calloc(1, sizeof *common);
    int rc;

    if (!common)
        return strata_fail_memory(err, sizeof *common);
    common->reading = (struct sync_mutex)SYNC_MUTEX_INIT;
    common->env = env;
    common->kind = &pax_table_kind;
    common->readahead_bytes = READAHEAD_BYTES;
    rc = clock_cache_new(env->options->cache_bytes,
                         sizeof(struct pax_block) + env->options->block_bytes, &common->cache, err);
    if (rc == 0)
        rc = fs_pool_new(env->fs, &common->files, err);
    if (rc < 0)
        pax_table_common_del(common);
    else
        *out = common;
    return rc;
}

void pax_table_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg)
{
    struct pax_table_common *common = self;
    struct clock_cache_stats cache;

    clock_cache_stats(common->cache, &cache);
    const struct strata_stat list[] = {
        {"cache_hits", "blocks", "found in the cache", cache.hits},
        {"cache_misses", "blocks", "not found there, and read", cache.misses},
        {"cache_evictions", "blocks", "evicted for others", cache.evictions},
        {"cache_blocks", "blocks", "in the cache now", cache.blocks},
        {"cache_bytes", "bytes", "of memory that the cache takes", cache.bytes},
        {"cache_private_bytes", "bytes", "of blocks in use that the cache has no room for",
         cache.private_bytes},
        {"bloom_filtered", "gets", "of a table that its filter answered",
         striped_sum(&common->counts, PAX_TABLE_FILTERED)},
        {"bloom_false_positives", "gets", "that passed a filter and found nothing",
         striped_sum(&common->counts, PAX_TABLE_FALSE_POSITIVES)},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        each(arg, &list[i]);
}

/* ---- The kind -------------------------------------------------------------------------------- */

bool pax_table_common_check(void *self)
{
    return clock_cache_check(((struct pax_table_common *)self)->cache);
}

const struct sstable_kind pax_table_kind = {
    PAX_TABLE_SLOTS,
    .common_new = pax_table_common_new,
    .writer_add = pax_table_writer_add,
};
