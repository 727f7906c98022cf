/* table_salvage.c: see table_salvage.h.
 *
 * Behind the blocks of entries is the index, which is a block, too: its entries are no entries of
 * the database. Where the footer does not say where it begins, it is known by its values: the
 * offsets and sizes of blocks that fill the file up to the index itself. */
#include "08_backup_repair/salvage/table_salvage.h"
#include "01_append_log/record.h"
#include "05_blocks_bloom/table/table_inside.h"
#include "base/bytes.h"

#include <stdlib.h>

struct table_reading {
    struct salvage base;
    struct strata_buffer scratch; /* for checking a block */
    struct block_iter iter;       /* in the present block */
    bool begun;                   /* it is at an entry */
};

static struct table *table_of(struct salvage *salvage)
{
    return (struct table *)salvage->table;
}

/* The filter is not needed; but of a table whose filter is damaged the index is not believed. */
static int read_parts(struct salvage *s, struct strata_error *err)
{
    struct table *t = table_of(s);
    int rc;

    t->file.file = s->file;
    rc = table_read_parts(t, err);
    s->knows_properties = t->base.sum.records > 0; /* 0 in no table */
    if (s->knows_properties)
        s->blocks_end = t->footer.index;
    s->indexed = rc == 0 ? t->index.count : 0;
    return rc;
}

static int load(struct salvage *s, uint32_t n, struct strata_error *err)
{
    struct cache_block *block;
    uint32_t check;
    int rc = table_load(table_of(s), n, &block, &check, err);

    if (rc < 0)
        return rc;
    rc = buffer_set(&s->block, strata_bytes(block->data, block->size), err);
    free(block);
    return rc;
}

/* Is it the index of a table whose blocks fill the file up to `offset`? */
static int is_index(struct table_reading *r, struct strata_slice bytes, uint64_t offset,
                    struct strata_error *err)
{
    struct strata_buffer copy = {0};
    struct table_index index;
    bool is;

    if (strata_buffer_append(&copy, bytes.data, bytes.size) < 0)
        return strata_fail_memory(err, bytes.size);
    is = !table_index_open(&index, &copy, r->scratch.data, RECORD_FILE_HEADER, offset);
    table_index_free(&index);
    return is;
}

static int classify(void *arg, struct strata_slice bytes, uint64_t offset, struct strata_error *err)
{
    struct table_reading *r = arg;
    struct table_properties properties;
    struct block_facts facts;
    int rc;

    strata_buffer_clear(&r->scratch);
    if (buffer_reserve(&r->scratch, bytes.size + 1) < 0)
        return strata_fail_memory(err, bytes.size);
    if (!table_properties_get(bytes, &properties))
        return BLOCK_BEHIND;
    if (block_check(bytes, r->scratch.data, &facts))
        return BLOCK_OTHER;
    if (block_of(bytes).restarts != facts.entries)
        return BLOCK_ENTRIES;
    rc = is_index(r, bytes, offset, err);
    return rc < 0 ? rc : rc ? BLOCK_BEHIND : BLOCK_ENTRIES;
}

static int enter(struct salvage *s, struct strata_error *err)
{
    struct table_reading *r = (struct table_reading *)s;
    struct block block = block_of(strata_buffer_slice(&s->block));

    r->begun = false;
    return block_iter_enter(&r->iter, block, err);
}

static int next(struct salvage *s, struct salvage_entry *entry, struct strata_error *err)
{
    struct table_reading *r = (struct table_reading *)s;

    (void)err;
    if (r->begun && !block_iter_next(&r->iter))
        return STRATA_NOT_FOUND;
    if (!r->begun)
        block_iter_first(&r->iter);
    r->begun = true;
    *entry = (struct salvage_entry){r->iter.type, strata_buffer_slice(&r->iter.key), r->iter.value};
    return 0;
}

static void free_parts(struct salvage *s)
{
    struct table_reading *r = (struct table_reading *)s;

    table_free_parts(table_of(s));
    strata_buffer_free(&r->scratch);
    block_iter_free(&r->iter);
}

const struct salvage_kind table_salvage = {&table_kind,
                                           sizeof(struct table_reading),
                                           sizeof(struct table),
                                           read_parts,
                                           load,
                                           classify,
                                           enter,
                                           next,
                                           free_parts};
