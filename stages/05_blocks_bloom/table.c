/* table.c: see table.h: opening, and finding a key.
 *
 *   a get:   range of keys -> filter -> index -> block -> entry
 *            in memory        |         |        \- cache, or one read
 *                             |         \- one place, no wait for another
 *                             \- one line of memory
 *
 * I1: index and filter lie in memory whole, and were checked when the table was opened. */
#include "table_inside.h"
#include "bytes.h"
#include "pages.h"
#include "cost.h"

#include <stdlib.h>

#define FILTER_MAPPED (PAGES_HUGE / 2) /* bytes of a filter from which on huge pages pay */

/* ---- What all tables have in common ---------------------------------------------------------- */

static void common_del(void *self)
{
    struct table_common *common = self;

    cache_del(common->cache);
    segment_files_del(common->files);
    free(common);
}

static int common_new(const struct strata_env *env, void **out, struct strata_error *err)
{
    struct table_common *common = calloc(1, sizeof *common);
    int rc;

    if (!common)
        return strata_fail_memory(err, sizeof *common);
    common->env = env;
    rc = cache_new(env->options->cache_bytes, sizeof(struct block) + env->options->block_bytes,
                   &common->cache, err);
    if (rc == 0)
        rc = segment_files_new(env->fs, &common->files, err);
    if (rc < 0)
        common_del(common);
    else
        *out = common;
    return rc;
}

static void stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg)
{
    struct table_common *common = self;
    struct cache_stats cache;

    cache_stats(common->cache, &cache);
    const struct strata_stat list[] = {
        {"cache_hits", "blocks", "found in the cache", cache.hits},
        {"cache_misses", "blocks", "read into it", cache.misses},
        {"cache_evictions", "blocks", "that made room for others", cache.evictions},
        {"cache_blocks", "blocks", "in it now", cache.blocks},
        {"cache_bytes", "bytes", "of memory taken for them", cache.bytes},
        {"cache_private_bytes", "bytes", "of blocks that are read and fit none",
         cache.private_bytes},
        {"bloom_denied", "gets", "of a table that its filter answered: not here", common->denied},
        {"bloom_deceived", "gets", "of a table that read a block in vain", common->deceived},
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

int table_read_properties(struct table *t, struct table_properties *p, struct strata_error *err)
{
    uint64_t place = t->base.bytes < TABLE_FOOTER ? 0 : t->base.bytes - TABLE_FOOTER;
    struct strata_buffer bytes = {0};
    struct strata_error why;
    uint8_t footer[TABLE_FOOTER];
    int rc =
        place ? table_read_at(t, place, footer, sizeof footer, err)
              : sstable_corrupt(&t->base, t->base.bytes, "the file ends before a table could", err);

    if (rc < 0)
        return rc;
    rc = table_get_footer(footer, t->base.number, place, &t->properties, &why);
    if (rc < 0)
        return table_blame(t, place, rc, &why, err);
    rc = table_read_section(t, t->properties, place, &bytes, err);
    if (rc == 0) {
        rc = table_get_properties(strata_buffer_slice(&bytes), t->properties, p, &why);
        rc = table_blame(t, t->properties, rc, &why, err);
    }
    strata_buffer_free(&bytes);
    return rc;
}

int table_read_index(struct table *t, const struct table_properties *p, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why;
    int rc = table_read_section(t, p->index, p->filter, &bytes, err);

    if (rc == 0) {
        rc = fence_open(&t->fence, &bytes, RECORD_FILE_HEADER, p->index,
                        strata_buffer_slice(&t->base.smallest),
                        strata_buffer_slice(&t->base.largest), &why);
        rc = table_blame(t, p->index, rc, &why, err);
    }
    strata_buffer_free(&bytes);
    if (rc == 0 && t->fence.count != p->blocks)
        rc = sstable_corrupt(&t->base, p->index, "the index has another number of blocks", err);
    return rc;
}

static int take_filter(struct table *t, size_t size, struct strata_error *err)
{
    t->filter_mapped = size >= FILTER_MAPPED;
    t->filter_bytes = t->filter_mapped ? (size + PAGES_HUGE - 1) / PAGES_HUGE * PAGES_HUGE
                                       : (size + BLOOM_LINE - 1) / BLOOM_LINE * BLOOM_LINE;
    t->filter =
        t->filter_mapped ? pages_map(t->filter_bytes) : aligned_alloc(BLOOM_LINE, t->filter_bytes);
    return t->filter ? 0 : strata_fail_memory(err, t->filter_bytes);
}

/* It is never packed: it is read to where it stays. */
static int read_filter(struct table *t, const struct table_properties *p, struct strata_error *err)
{
    size_t size = (size_t)(t->properties - p->filter);
    struct section section;
    struct strata_error why;
    int rc;

    if (!p->probes)
        return 0;
    rc = take_filter(t, size, err);
    if (rc == 0)
        rc = table_read_at(t, p->filter, t->filter, size, err);
    if (rc < 0)
        return rc;
    rc = section_open(&section, strata_bytes(t->filter, size), t->base.number, p->filter, &why);
    if (rc == 0 && section.packing != SECTION_PLAIN)
        rc = strata_fail(&why, STRATA_ERR_CORRUPT, NULL, p->filter, "a packed filter");
    if (rc == 0)
        rc = bloom_open(&t->bloom, section.stored, p->probes, &why);
    return table_blame(t, p->filter, rc, &why, err);
}

int table_read_resident(struct table *t, struct strata_error *err)
{
    struct table_properties p = {0};
    int rc = table_read_properties(t, &p, err);

    if (rc == 0) {
        t->base.sum = p.sum;
        t->base.smallest = p.smallest;
        t->base.largest = p.largest;
        t->base.notes = p.notes;
        p.smallest = p.largest = p.notes = (struct strata_buffer){0};
        t->block_bytes = p.block_bytes;
        t->blocks_end = p.index;
        t->base.packed = p.index - RECORD_FILE_HEADER < p.block_bytes + p.blocks * SECTION_TAIL;
        t->filter_place = p.filter;
        rc = table_read_index(t, &p, err);
    }
    if (rc == 0)
        rc = read_filter(t, &p, err);
    table_properties_free(&p);
    return rc;
}

void table_free_resident(struct table *t)
{
    if (t->filter_mapped)
        pages_unmap(t->filter, t->filter_bytes);
    else
        free(t->filter);
    fence_free(&t->fence);
}

void table_close(struct sstable *table)
{
    struct table *t = (struct table *)table;

    cache_directory_free(t->common->cache, &t->directory);
    fs_unmap(t->base.fs, t->mapped, t->base.bytes);
    segment_close_file(&t->file, NULL); /* it was only read: nothing is lost */
    table_free_resident(t);
    sstable_free(table);
}

static int check_file(struct table *t, struct strata_error *err)
{
    struct strata_error why;
    int used = segment_use(&t->file, &why);
    int rc = sstable_opened(&t->base, used < 0 ? NULL : t->file.file, used, &why, err);

    if (used == 0)
        segment_done(&t->file);
    return rc;
}

int table_open_read(const struct strata_env *env, void *common, uint64_t number,
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
    t->file.files = t->common->files;
    if (rc == 0)
        rc = check_file(t, err);
    if (rc == 0)
        rc = table_read_resident(t, err);
    if (rc == 0)
        rc = cache_directory_init(&t->directory, t->fence.count, err);
    if (rc < 0)
        table_close(&t->base);
    else
        *out = &t->base;
    return rc;
}

/* Where it cannot be, it is read by calls. What is mapped needs no descriptor. */
static void map_file(struct table *t)
{
    if (segment_use(&t->file, NULL) < 0)
        return;
    fs_map(t->file.file, t->base.bytes, &t->mapped, NULL);
    segment_done(&t->file);
    if (t->mapped)
        segment_close_file(&t->file, NULL); /* it was only read: nothing is lost */
}

int table_open(const struct strata_env *env, void *common, uint64_t number, struct sstable **out,
               struct strata_error *err)
{
    int rc = table_open_read(env, common, number, out, err);

    if (rc == 0 && env->options->mapped_reads)
        map_file((struct table *)*out);
    return rc;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static int copy_value(struct strata_slice from, struct strata_buffer *to, struct strata_error *err)
{
    strata_buffer_clear(to);
    return strata_buffer_append(to, from.data, from.size) < 0 ? strata_fail_memory(err, from.size)
                                                              : 0;
}

int table_find(struct table *t, struct strata_slice key, uint64_t hash, unsigned *type,
               struct strata_buffer *value, struct strata_error *err)
{
    struct cache_frame *frame;
    struct strata_slice found;
    int rc = table_pin(t, fence_find(&t->fence, key), &frame, err);

    if (rc < 0)
        return rc;
    *type = block_find(table_block_of(frame), key, hash, &found);
    if (*type)
        rc = copy_value(found, value, err);
    else
        atomic_fetch_add_explicit(&t->common->deceived, 1, memory_order_relaxed);
    cache_release(t->common->cache, frame);
    return *type ? rc : STRATA_NOT_FOUND;
}

static int table_get(struct sstable *table, struct strata_slice key, uint64_t hash, unsigned *type,
                     struct strata_buffer *value, struct strata_error *err)
{
    struct table *t = (struct table *)table;

    if (!table_denies(t, hash))
        return table_find(t, key, hash, type, value, err);
    atomic_fetch_add_explicit(&t->common->denied, 1, memory_order_relaxed);
    return STRATA_NOT_FOUND;
}

const struct sstable_kind table_kind = {
    .suffix = ".table",
    .magic = TABLE_MAGIC,
    .common_new = common_new,
    .common_del = common_del,
    .stats = stats,
    .open = table_open,
    .close = table_close,
    .get = table_get,
    .cursor = table_cursor,
    .verify = table_verify,
    .writer_new = table_writer_new,
    .writer_add = table_writer_add,
    .writer_finish = table_writer_finish,
    .writer_del = table_writer_del,
};
