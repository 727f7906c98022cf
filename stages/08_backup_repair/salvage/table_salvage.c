/* table_salvage.c: see table_salvage.h.
 *
 *   footer, properties, index, filter are right     the index says where the blocks are
 *   one of them is damaged                          the blocks are searched in the whole file
 *
 * Behind the blocks of entries is the index, which is a block, too: its entries are no entries of
 * the database. Where the footer does not say where it begins, it is known by its values: the
 * offsets and sizes of blocks that fill the file up to the index itself. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "08_backup_repair/salvage/table_salvage.h"
#include "01_append_log/record.h"
#include "05_blocks_bloom/table/table_inside.h"
#include "08_backup_repair/salvage/find_blocks.h"
#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct salvage base;
    struct table *table;
    bool indexed;
    uint32_t n;                  /* with the index: the next block */
    struct cache_block *loaded;  /* the present one, private */
    struct block_finder finder;  /* without */
    struct strata_buffer file;   /* the finder's */
    struct strata_buffer bytes;  /* of the present block */
    struct strata_buffer memory; /* for checking one */
    bool searching;              /* the finder is in use */
    bool gap;                    /* between the last entry and the present block */
    struct block_iter iter;      /* in the present block, at no entry before its first */
    bool in_block;
};

/* ---- Without the index ------------------------------------------------------------------------
 */

/* Is it the index of a table whose blocks fill the file up to `offset`? */
static int is_index(struct reading *r, struct strata_slice bytes, uint64_t offset,
                    struct strata_error *err)
{
    struct strata_buffer copy = {0};
    struct table_index index;
    bool is;

    if (strata_buffer_append(&copy, bytes.data, bytes.size) < 0)
        return strata_fail_memory(err, bytes.size);
    is = !table_index_open(&index, &copy, r->memory.data, RECORD_FILE_HEADER, offset);
    table_index_free(&index);
    return is;
}

static int classify(void *arg, struct strata_slice bytes, uint64_t offset, struct strata_error *err)
{
    struct reading *r = arg;
    struct table_properties properties;
    struct block_facts facts;
    int rc;

    strata_buffer_clear(&r->memory);
    if (buffer_reserve(&r->memory, bytes.size + 1) < 0)
        return strata_fail_memory(err, bytes.size);
    if (!table_properties_get(bytes, &properties))
        return BLOCK_BEHIND;
    if (block_check(bytes, r->memory.data, &facts))
        return BLOCK_OTHER;
    if (block_of(bytes).restarts != facts.entries)
        return BLOCK_ENTRIES;
    rc = is_index(r, bytes, offset, err);
    return rc < 0 ? rc : rc ? BLOCK_BEHIND : BLOCK_ENTRIES;
}

static int begin_search(struct reading *r, struct strata_error *err)
{
    const struct sstable *base = &r->table->base;
    uint64_t end = r->base.knows_properties ? r->table->footer.index : base->bytes;
    int rc = salvage_read_file(base, r->table->file.file, end, &r->file, err);

    r->searching = true;
    r->finder = (struct block_finder){.file = strata_buffer_slice(&r->file),
                                      .number = base->number,
                                      .classify = classify,
                                      .arg = r};
    return rc < 0 ? rc : block_finder_init(&r->finder, err);
}

static int search_block(struct reading *r, struct block *out, struct strata_error *err)
{
    bool gap = false;
    int rc = r->searching ? 0 : begin_search(r, err);

    if (rc == 0)
        rc = block_finder_next(&r->finder, &r->bytes, &gap, err);
    r->gap |= gap;
    if (rc == 0)
        *out = block_of(strata_buffer_slice(&r->bytes));
    return rc;
}

/* ---- With the index ---------------------------------------------------------------------------
 */

static int load_block(struct reading *r, struct block *out, struct strata_error *err)
{
    while (r->n < r->table->index.count) {
        struct strata_error why;
        uint32_t check;
        int rc;
        cache_block_free(r->loaded);
        r->loaded = NULL;
        rc = table_load(r->table, r->n++, &r->loaded, &check, &why);
        if (rc == STRATA_ERR_CORRUPT) {
            r->gap = true;
            continue;
        }
        if (rc < 0 && err)
            *err = why;
        if (rc == 0)
            *out = table_block(r->loaded);
        return rc;
    }
    return STRATA_NOT_FOUND;
}

/* ---- The kind ---------------------------------------------------------------------------------
 */

static int salvage_next(struct salvage *salvage, struct salvage_entry *entry,
                        struct strata_error *err)
{
    struct reading *r = (struct reading *)salvage;
    bool first = !r->in_block || !block_iter_next(&r->iter);

    if (first) {
        struct block block;
        int rc = r->indexed ? load_block(r, &block, err) : search_block(r, &block, err);
        r->in_block = false;
        if (rc == 0)
            rc = block_iter_enter(&r->iter, &block, err);
        if (rc != 0)
            return rc;
        r->in_block = true;
        block_iter_first(&r->iter);
    }
    *entry = (struct salvage_entry){.type = r->iter.type,
                                    .key = strata_buffer_slice(&r->iter.key),
                                    .value = r->iter.value,
                                    .gap = first && r->gap};
    if (first)
        r->gap = false;
    return 0;
}

/* Its file is open all the time, and in no pool. */
static void close_table(struct table *t)
{
    fs_close(t->file.file, NULL); /* it was only read */
    table_free_parts(t);
    strata_buffer_free(&t->user);
    sstable_free(&t->base);
}

static void salvage_close(struct salvage *salvage)
{
    struct reading *r = (struct reading *)salvage;

    cache_block_free(r->loaded);
    block_finder_free(&r->finder);
    block_iter_free(&r->iter);
    strata_buffer_free(&r->file);
    strata_buffer_free(&r->bytes);
    strata_buffer_free(&r->memory);
    if (r->table)
        close_table(r->table);
    free(r);
}

static int open_table(struct reading *r, const struct strata_env *env, uint64_t number,
                      struct strata_error *err)
{
    struct fs_file *file = NULL;
    int rc;

    r->table = calloc(1, sizeof *r->table);
    if (!r->table)
        return strata_fail_memory(err, sizeof *r->table);
    r->base.table = &r->table->base;
    rc = sstable_init(&r->table->base, &table_kind, env, number, err);
    if (rc == 0)
        rc = salvage_open_file(&r->table->base, &file, err);
    r->table->file.file = file;
    return rc;
}

static int salvage_open(const struct strata_env *env, uint64_t number, struct salvage **out,
                        struct strata_error *why, struct strata_error *err)
{
    struct reading *r = calloc(1, sizeof *r);
    int rc;

    *out = NULL;
    *why = (struct strata_error){0};
    if (!r)
        return strata_fail_memory(err, sizeof *r);
    r->base.kind = &table_salvage;
    rc = open_table(r, env, number, err);
    if (rc == 0) {
        rc = table_read_parts(r->table, why);
        r->indexed = rc == 0;
        r->base.knows_properties = r->table->base.sum.records > 0; /* 0 in no table */
        if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
            *err = *why;
        rc = rc == STRATA_ERR_CORRUPT ? 0 : rc;
    }
    if (rc < 0)
        salvage_close(&r->base);
    else
        *out = &r->base;
    return rc;
}

const struct salvage_kind table_salvage = {salvage_open, salvage_next, salvage_close};
