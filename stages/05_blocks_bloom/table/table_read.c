/* table_read.c: a table's parts, from the file: what stays in memory while the table is open, and
 * its data blocks.
 *
 * Memory for a part is allocated only after its size was compared with the file (5.I8) and with
 * what its stored bytes can uncompress to (5.I2); for a data block, also with what the properties
 * say of all of them.
 *
 * 5.I10: a data block that was read is sound (block_check), and its keys are where the index says:
 *        after the separator of the block before it, and not after its own. So all keys of a table
 *        ascend, whatever program wrote it. */
#include "01_append_log/record.h"
#include "base/bytes.h"
#include "base/cost.h"
#include "05_blocks_bloom/block/stored_block.h"
#include "table_inside.h"

#include <stdlib.h>

/* Reads the stored block from `offset` to `end` to `raw`, and checks it. */
static int read_stored(const struct table *t, uint64_t offset, uint64_t end, uint8_t *raw,
                       struct stored_block *out, struct strata_error *err)
{
    size_t size = (size_t)(end - offset);
    struct strata_error why;
    int rc = fs_pooled_read(&t->file, offset, raw, size, err);

    if (rc < 0)
        return rc;
    rc = stored_block_open(out, strata_bytes(raw, size), t->base.number, offset, &why);
    return rc < 0 ? sstable_corrupt(&t->base, offset, why.message, err) : 0;
}

static int uncompress(const struct table *t, const struct stored_block *stored, uint64_t offset,
                      uint8_t *to, struct strata_error *err)
{
    struct strata_error why;
    int rc = stored_block_uncompress(stored, offset, to, &why);

    return rc < 0 ? sstable_corrupt(&t->base, offset, why.message, err) : 0;
}

/* ---- What stays in memory -------------------------------------------------------------------- */

/* A part other than a data block, uncompressed. */
static int read_part(const struct table *t, uint64_t offset, uint64_t end, struct strata_buffer *to,
                     struct strata_error *err)
{
    struct stored_block stored;
    uint8_t *raw = malloc((size_t)(end - offset) + 1);
    int rc;

    if (!raw)
        return strata_fail_memory(err, (size_t)(end - offset));
    rc = read_stored(t, offset, end, raw, &stored, err);
    if (rc == 0 && buffer_reserve(to, (size_t)stored.size + 1) < 0)
        rc = strata_fail_memory(err, stored.size);
    if (rc == 0)
        rc = uncompress(t, &stored, offset, to->data, err);
    if (rc == 0)
        to->size = stored.size;
    free(raw);
    return rc;
}

static int read_footer(struct table *t, struct strata_error *err)
{
    uint64_t offset = t->base.bytes - TABLE_FOOTER;
    uint8_t bytes[TABLE_FOOTER];
    const char *wrong;
    int rc;

    if (t->base.bytes < RECORD_FILE_HEADER + TABLE_FOOTER)
        return sstable_corrupt(&t->base, t->base.bytes, "the file is too short for a table", err);
    rc = fs_pooled_read(&t->file, offset, bytes, sizeof bytes, err);
    if (rc < 0)
        return rc;
    wrong = table_footer_get(bytes, t->base.number, offset, &t->footer);
    return wrong ? sstable_corrupt(&t->base, offset, wrong, err) : 0;
}

static int take_properties(struct table *t, const struct table_properties *p,
                           struct strata_error *err)
{
    t->base.sum = p->sum;
    t->raw_bytes = p->raw_bytes;
    if (strata_buffer_append(&t->base.smallest, p->smallest.data, p->smallest.size) < 0 ||
        strata_buffer_append(&t->base.largest, p->largest.data, p->largest.size) < 0 ||
        strata_buffer_append(&t->base.user, p->user.data, p->user.size) < 0)
        return strata_fail_memory(err, p->smallest.size + p->largest.size + p->user.size);
    return 0;
}

static int read_properties(struct table *t, struct strata_error *err)
{
    uint64_t offset = t->footer.properties;
    struct strata_buffer bytes = {0};
    struct table_properties p;
    const char *wrong;
    int rc = read_part(t, offset, t->base.bytes - TABLE_FOOTER, &bytes, err);

    if (rc == 0) {
        wrong = table_properties_get(strata_buffer_slice(&bytes), &p);
        rc = wrong ? sstable_corrupt(&t->base, offset, wrong, err) : take_properties(t, &p, err);
    }
    strata_buffer_free(&bytes);
    return rc;
}

static int read_index(struct table *t, struct strata_error *err)
{
    uint64_t offset = t->footer.index;
    struct strata_buffer bytes = {0};
    uint8_t *scratch = NULL;
    const char *wrong;
    int rc = read_part(t, offset, t->footer.filter, &bytes, err);

    if (rc == 0 && !(scratch = malloc(bytes.size + 1)))
        rc = strata_fail_memory(err, bytes.size);
    if (rc == 0) {
        wrong = table_index_open(&t->index, &bytes, scratch, RECORD_FILE_HEADER, offset);
        if (!wrong && strata_compare(table_index_at(&t->index, t->index.count - 1).separator,
                                     strata_buffer_slice(&t->base.largest)) != 0)
            wrong = "the index does not end with the table's largest key";
        rc = wrong ? sstable_corrupt(&t->base, offset, wrong, err) : 0;
    }
    free(scratch);
    strata_buffer_free(&bytes);
    return rc;
}

/* It is not compressed: it stays where it is read to. */
static int read_filter(struct table *t, struct strata_error *err)
{
    uint64_t offset = t->footer.filter, end = t->footer.properties;
    struct stored_block stored;
    struct strata_error why;
    size_t size = (size_t)(end - offset), lines;
    int rc;

    if (size == 0)
        return 0;
    t->filter = aligned_alloc(BLOOM_LINE, (size + BLOOM_LINE - 1) / BLOOM_LINE * BLOOM_LINE);
    if (!t->filter)
        return strata_fail_memory(err, size);
    rc = read_stored(t, offset, end, t->filter, &stored, err);
    if (rc < 0)
        return rc;
    if (stored.compression != STORED_BLOCK_PLAIN || stored.size == 0)
        return sstable_corrupt(&t->base, offset, "a filter that is compressed or empty", err);
    lines = stored.size - 1;
    rc = bloom_open(&t->bloom, strata_bytes(t->filter, lines), t->filter[lines], &why);
    return rc < 0 ? sstable_corrupt(&t->base, offset, why.message, err) : 0;
}

int table_read_parts(struct table *t, struct strata_error *err)
{
    int rc = read_footer(t, err);

    if (rc == 0)
        rc = read_properties(t, err);
    if (rc == 0)
        rc = read_index(t, err);
    return rc < 0 ? rc : read_filter(t, err);
}

void table_free_parts(struct table *t)
{
    table_index_free(&t->index);
    free(t->filter);
    t->filter = NULL;
}

/* ---- Data blocks ----------------------------------------------------------------------------- */

/* 5.I10: its first key is after the separator before it, or is the table's smallest; its last key
 * is not after its separator, or is the table's largest. */
static const char *check_range(const struct table *t, uint32_t n, const struct block *block,
                               struct strata_slice last)
{
    struct strata_slice first = block_restart(block, 0, NULL);
    struct strata_slice separator = table_index_at(&t->index, n).separator;
    int begins, ends = strata_compare(last, separator);

    if (n == 0)
        begins = strata_compare(first, strata_buffer_slice(&t->base.smallest));
    else
        begins = strata_compare(first, table_index_at(&t->index, n - 1).separator) <= 0;
    if (begins != 0 || ends > 0 || (ends && n + 1 == t->index.count))
        return "a block has keys that the index has elsewhere";
    return NULL;
}

static int check_block(const struct table *t, uint32_t n, uint64_t offset,
                       const struct cache_block *block, struct strata_error *err)
{
    struct strata_slice bytes = strata_bytes(block->data, block->size);
    struct block_facts facts;
    struct block sound;
    uint8_t *scratch = malloc(bytes.size + 1);
    const char *wrong;

    if (!scratch)
        return strata_fail_memory(err, bytes.size);
    wrong = block_check(bytes, scratch, &facts);
    if (!wrong) {
        sound = block_of(bytes);
        wrong = check_range(t, n, &sound, facts.last);
    }
    free(scratch);
    return wrong ? sstable_corrupt(&t->base, offset, wrong, err) : 0;
}

/* The data block that `stored` is, checked. */
static int make_block(const struct table *t, uint32_t n, uint64_t offset,
                      const struct stored_block *stored, struct cache_block **out,
                      struct strata_error *err)
{
    struct cache_block *block;
    int rc;

    if (stored->size > t->raw_bytes || stored->size > BLOCK_MAX_ENTRY)
        return sstable_corrupt(&t->base, offset, "a block is larger than the table's blocks can be",
                               err);
    block = cache_block_new(stored->size);
    if (!block)
        return strata_fail_memory(err, stored->size);
    rc = uncompress(t, stored, offset, block->data, err);
    if (rc == 0)
        rc = check_block(t, n, offset, block, err);
    if (rc == 0)
        *out = block;
    else
        free(block);
    return rc;
}

int table_load(struct table *t, uint32_t n, struct cache_block **out, uint32_t *check,
               struct strata_error *err)
{
    struct table_index_entry entry = table_index_at(&t->index, n);
    struct stored_block stored;
    uint8_t *raw = malloc((size_t)entry.size);
    int rc;

    *out = NULL;
    cost_so_far.blocks_loaded++;
    if (!raw)
        return strata_fail_memory(err, (size_t)entry.size);
    rc = read_stored(t, entry.offset, entry.offset + entry.size, raw, &stored, err);
    if (rc == 0)
        rc = make_block(t, n, entry.offset, &stored, out, err);
    if (rc == 0)
        *check = stored.check;
    free(raw);
    return rc;
}

int table_pin(struct table *t, uint32_t n, struct cache_block **out, struct strata_error *err)
{
    uint64_t offset = table_index_at(&t->index, n).offset;
    uint32_t check;
    int rc;

    cost_so_far.blocks++;
    *out = cache_get(t->common->cache, t->base.number, offset);
    if (*out)
        return 0;
    rc = table_load(t, n, out, &check, err);
    if (rc == 0)
        *out = cache_put(t->common->cache, t->base.number, offset, *out);
    return rc;
}
