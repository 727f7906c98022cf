/* salvage.c: see salvage.h.
 *
 * With its index the blocks' places are known. Without it they are looked for (salvage_find.c).
 *
 * I1: no entry is given whose block's check did not hold, nor one that is not behind those before
 *     it and within the table's keys. */
#define FS_NO_SITES /* tests/stages/06_repair_test.c cuts a repair at each of its calls */
#include "salvage.h"
#include "base/bytes.h"
#include "salvage_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct salvage *salvage;
    const struct salvage_to *to;
    struct strata_slice smallest, largest;
    struct strata_buffer file; /* without an index: all of it, up to the blocks' end */
    struct strata_buffer last; /* key of the last entry that was given */
    struct strata_buffer key;  /* of one entry */
    struct table_block block;
    bool given, gap; /* an entry was; something is missing behind the last */
};

/* ---- Its life -------------------------------------------------------------------------------- */

static int open_file(struct salvage *s, const struct strata_env *env, struct strata_error *err)
{
    struct strata_error why;
    struct fs_file *file = NULL;
    int rc = fs_open(env->fs, s->table.base.path, FS_READ, &file, &why);

    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return sstable_corrupt(&s->table.base, STRATA_NO_OFFSET, "the table is missing", err);
    if (rc < 0 && err)
        *err = why;
    if (rc < 0)
        return rc;
    s->table.file.file = file;
    s->table.base.bytes = file->end;
    return 0;
}

static int take_properties(struct salvage *s, struct strata_error *err)
{
    struct sstable *base = &s->table.base;
    int rc = table_read_properties(&s->table, &s->properties, err);

    if (rc < 0)
        return rc;
    s->knows = true;
    s->table.block_bytes = s->properties.block_bytes;
    s->table.blocks_end = s->properties.index;
    s->table.filter_place = s->properties.filter;
    base->sum = s->properties.sum;
    base->smallest = s->properties.smallest;
    base->largest = s->properties.largest;
    s->properties.smallest = s->properties.largest = (struct strata_buffer){0};
    rc = table_read_index(&s->table, s->properties.blocks, err);
    if (rc < 0)
        fence_free(&s->table.fence);
    return rc;
}

int salvage_open(struct salvage *s, const struct strata_env *env, uint64_t number,
                 struct strata_error *why, struct strata_error *err)
{
    int rc;

    *s = (struct salvage){0};
    *why = (struct strata_error){0};
    rc = sstable_init(&s->table.base, &table_kind, env, number, err);
    if (rc == 0)
        rc = open_file(s, env, err);
    if (rc < 0)
        return rc;
    rc = take_properties(s, why);
    if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
        *err = *why;
    return rc == STRATA_ERR_CORRUPT ? 0 : rc;
}

void salvage_close(struct salvage *s)
{
    fs_close(s->table.file.file, NULL); /* it was only read */
    fence_free(&s->table.fence);
    strata_buffer_free(&s->table.base.smallest);
    strata_buffer_free(&s->table.base.largest);
    free(s->table.base.path);
    table_properties_free(&s->properties);
    *s = (struct salvage){0};
}

/* ---- Giving (I1) ----------------------------------------------------------------------------- */

static int replace(struct strata_buffer *to, struct strata_slice bytes, struct strata_error *err)
{
    strata_buffer_clear(to);
    return strata_buffer_append(to, bytes.data, bytes.size) < 0
               ? strata_fail_memory(err, bytes.size)
               : 0;
}

static int tell_gap(struct reading *r, struct strata_slice before, struct strata_error *err)
{
    struct strata_slice after = r->given ? strata_buffer_slice(&r->last) : r->smallest;

    r->gap = false;
    return r->to->gap(r->to->arg, after, before, err);
}

/* The key of an entry, in r->key. */
static int take_key(struct reading *r, uint32_t at, struct strata_error *err)
{
    strata_buffer_clear(&r->key);
    if (buffer_reserve(&r->key, r->block.block.key_max + BLOCK_SLACK) < 0)
        return strata_fail_memory(err, r->block.block.key_max);
    r->key.size = block_key(&r->block.block, at, r->key.data);
    return 0;
}

static bool is_in_place(const struct reading *r)
{
    const struct block *block = &r->block.block;
    struct strata_slice last = strata_buffer_slice(&r->last);
    int order = table_compare_at(block, 0, r->given ? last : r->smallest);

    return (r->given ? order > 0 : order >= 0) &&
           table_compare_at(block, block->count - 1, r->largest) <= 0;
}

static int give_block(struct reading *r, struct strata_error *err)
{
    const struct block *block = &r->block.block;
    int rc = 0;

    if (!is_in_place(r)) {
        r->gap = true;
        return 0;
    }
    if (!r->given && table_compare_at(block, 0, r->smallest) != 0)
        r->gap = true;
    for (uint32_t at = 0; rc == 0 && at < block->count; at++) {
        rc = take_key(r, at, err);
        if (rc == 0 && r->gap)
            rc = tell_gap(r, strata_buffer_slice(&r->key), err);
        if (rc == 0)
            rc = r->to->entry(r->to->arg, block_type(block, at), strata_buffer_slice(&r->key),
                              block_value(block, at), err);
    }
    if (rc == 0)
        rc = replace(&r->last, strata_buffer_slice(&r->key), err);
    r->given = true;
    return rc;
}

/* ---- With the index -------------------------------------------------------------------------- */

static int read_blocks(struct reading *r, struct strata_error *err)
{
    const struct table *t = &r->salvage->table;
    int rc = 0;

    for (uint32_t n = 0; rc == 0 && n < t->fence.count; n++) {
        struct strata_error why;
        rc = table_read_block(t, n, &r->block, &why);
        if (rc == STRATA_ERR_CORRUPT) {
            r->gap = true;
            rc = 0;
        } else if (rc == 0) {
            rc = give_block(r, err);
        } else if (err) {
            *err = why;
        }
    }
    return rc;
}

/* ---- Without --------------------------------------------------------------------------------- */

static int read_file(struct reading *r, struct strata_error *err)
{
    const struct table *t = &r->salvage->table;
    uint64_t end = r->salvage->knows ? t->blocks_end : t->base.bytes;

    if (buffer_reserve(&r->file, (size_t)end) < 0)
        return strata_fail_memory(err, (size_t)end);
    r->file.size = (size_t)end;
    return table_read_at(t, 0, r->file.data, (size_t)end, err);
}

static int look_for_blocks(struct reading *r, struct strata_error *err)
{
    struct finder finder = {.ends = NULL};
    bool gap = false;
    int rc = read_file(r, err);

    if (rc == 0)
        rc =
            finder_init(&finder, strata_buffer_slice(&r->file), r->salvage->table.base.number, err);
    while (rc == 0 && (rc = finder_next(&finder, &r->block, &gap, err)) == 0) {
        r->gap |= gap;
        rc = give_block(r, err);
    }
    finder_free(&finder);
    return rc < 0 ? rc : 0;
}

int salvage_read(struct salvage *s, struct strata_slice smallest, struct strata_slice largest,
                 const struct salvage_to *to, struct strata_error *err)
{
    struct reading r = {.salvage = s, .to = to, .smallest = smallest, .largest = largest};
    bool indexed = s->table.fence.count > 0 && s->table.fence.places;
    int rc = indexed ? read_blocks(&r, err) : look_for_blocks(&r, err);

    if (rc == 0 && (!r.given || strata_compare(strata_buffer_slice(&r.last), largest) != 0))
        rc = tell_gap(&r, largest, err);
    strata_buffer_free(&r.file);
    strata_buffer_free(&r.last);
    strata_buffer_free(&r.key);
    table_block_free(&r.block);
    return rc;
}
