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
#include "05_blocks_bloom/table/table.h"

#include <stdlib.h>

/* ---- Opening --------------------------------------------------------------------------------- */

void pax_table_close(struct sstable *table)
{
    struct pax_table *t = (struct pax_table *)table;

    clock_cache_directory_free(t->common->cache, &t->directory);
    fs_unmap(t->base.fs, t->mapped, t->base.bytes);
    fs_pooled_close(&t->file, NULL); /* it was only read: nothing is lost */
    pax_table_unload(t);
    sstable_free(table);
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

static int open_file(const struct strata_env *env, void *common, uint64_t number, bool load,
                     struct sstable **out, struct strata_error *err)
{
    struct pax_table *t = calloc(1, sizeof *t);
    int rc;

    *out = NULL;
    if (!t)
        return strata_fail_memory(err, sizeof *t);
    t->common = common;
    rc = sstable_init(&t->base, t->common->kind, env, number, err);
    t->file.path = t->base.path;
    t->file.pool = t->common->files;
    if (rc == 0)
        rc = table_check_file(&t->base, &t->file, err);
    if (rc == 0)
        rc = pax_table_read_properties(t, err);
    if (rc == 0 && load)
        rc = pax_table_need(t, err);
    if (rc == 0 && env->options->mapped_reads)
        map_file(t);
    if (rc < 0)
        pax_table_close(&t->base);
    else
        *out = &t->base;
    return rc;
}

int pax_table_open_later(const struct strata_env *env, void *common, uint64_t number,
                         struct sstable **out, struct strata_error *err)
{
    return open_file(env, common, number, false, out, err);
}

int pax_table_open(const struct strata_env *env, void *common, uint64_t number,
                   struct sstable **out, struct strata_error *err)
{
    return open_file(env, common, number, true, out, err);
}

/* ---- Finding --------------------------------------------------------------------------------- */

int pax_table_find(struct pax_table *t, struct strata_slice key, uint64_t hash, uint64_t sequence,
                   unsigned *type, struct strata_buffer *value, struct strata_error *err)
{
    struct clock_cache_frame *frame;
    struct strata_slice found;
    int rc = pax_table_pin(t, fence_find(&t->fence, key), NULL, &frame, err);

    if (rc < 0)
        return rc;
    *type = pax_block_find(pax_table_block_of(frame), key, hash, &found);
    if (!*type)
        striped_add(&t->common->counts, PAX_TABLE_FALSE_POSITIVES, 1);
    if (*type == SSTABLE_CODED)
        *type = t->common->coding->read(found, sequence, &found);
    if (*type)
        rc = buffer_set(value, found, err);
    clock_cache_release(t->common->cache, frame);
    return *type ? rc : STRATA_NOT_FOUND;
}

int pax_table_get(struct sstable *table, struct strata_slice key, unsigned *type,
                  struct strata_buffer *value, struct strata_error *err)
{
    struct pax_table *t = pax_table_of(table);
    uint64_t hash = index_hash(key);
    int rc = pax_table_need(t, err);

    if (rc < 0)
        return rc;
    if (!pax_table_filters_out(t, hash))
        return pax_table_find(t, key, hash, UINT64_MAX, type, value, err);
    striped_add(&t->common->counts, PAX_TABLE_FILTERED, 1);
    return STRATA_NOT_FOUND;
}

/* Where the block begins that may hold the key: no block is read. */
int pax_table_offset(struct sstable *table, struct strata_slice key, uint64_t *offset,
                     struct strata_error *err)
{
    struct pax_table *t = pax_table_of(table);
    int rc = pax_table_need(t, err);

    if (rc == 0)
        *offset = t->fence.offsets[fence_find(&t->fence, key)];
    return rc;
}
