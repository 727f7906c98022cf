/* pax_table_write.c: a table is written block by block. Until it is whole the index is kept as the
 * bytes that it will be, and of each key its hash, of which the filter is made: 8 bytes a key. */
#include "02_hash_index/index.h"
#include "base/bytes.h"
#include "pax_table_inside.h"

#include <string.h>

struct pax_table_writer {
    struct sstable_writer base;
    struct pax_block_builder builder;
    struct strata_buffer index, separator, hashes;
    struct strata_buffer smallest, last; /* keys: of the table; of the block before */
    struct pax_table_properties properties;
    bool plain; /* data blocks are not compressed */
};

int pax_table_writer_new(const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                         struct strata_error *err)
{
    struct pax_table_writer *w;
    int rc =
        sstable_writer_begin(PAX_TABLE_SUFFIX, PAX_TABLE_MAGIC, sizeof *w, env, number, out, err);

    if (rc < 0)
        return rc;
    w = (struct pax_table_writer *)*out;
    w->builder.target = env->options->block_bytes;
    w->plain = env->options->plain_blocks;
    return 0;
}

static int put(struct pax_table_writer *w, struct strata_slice bytes, bool compress,
               uint32_t *check, struct strata_error *err)
{
    uint64_t offset = fs_output_end(&w->base.out);
    return stored_block_put(&w->base.out.bytes, w->base.number, offset, bytes, compress, check,
                            err);
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* Notes the block's bounds, before its keys are gone. */
static int note_bounds(struct pax_table_writer *w, struct strata_error *err)
{
    struct strata_slice first = pax_block_builder_first(&w->builder);
    int rc;

    if (w->properties.blocks == 0)
        rc = buffer_set(&w->smallest, first, err);
    else
        rc = buffer_set(&w->separator, fence_separator(strata_buffer_slice(&w->last), first), err);
    return rc < 0 ? rc : buffer_set(&w->last, pax_block_builder_last(&w->builder), err);
}

static int end_block(struct pax_table_writer *w, struct strata_error *err)
{
    uint64_t offset = fs_output_end(&w->base.out);
    struct strata_slice bytes;
    uint32_t check;
    int rc = note_bounds(w, err);

    if (rc == 0)
        rc = pax_block_builder_finish(&w->builder, &bytes, err);
    if (rc == 0)
        rc = put(w, bytes, !w->plain, &check, err);
    if (rc == 0)
        rc = fence_put(&w->index, fs_output_end(&w->base.out) - offset,
                       strata_buffer_slice(&w->separator), err);
    if (rc < 0)
        return rc;
    assert(w->properties.blocks < w->base.sum.records);
    w->properties.blocks++;
    w->properties.block_bytes += bytes.size;
    w->base.sum.digest = stored_block_digest(w->base.sum.digest, check);
    return fs_output_flush_due(&w->base.out, err);
}

static int note_hash(struct pax_table_writer *w, uint64_t hash, struct strata_error *err)
{
    struct strata_buffer *hashes = &w->hashes;

    if (hashes->capacity - hashes->size < sizeof hash && buffer_reserve(hashes, sizeof hash) < 0)
        return strata_fail_memory(err, hashes->capacity * 2);
    memcpy(hashes->data + hashes->size, &hash, sizeof hash);
    hashes->size += sizeof hash;
    return 0;
}

int pax_table_writer_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                         struct strata_slice value, struct strata_error *err)
{
    struct pax_table_writer *w = (struct pax_table_writer *)writer;
    uint64_t hash = index_hash(key);
    int rc = pax_block_builder_try(&w->builder, type, key, value, hash, err);

    if (rc == PAX_BLOCK_FULL) {
        rc = end_block(w, err);
        if (rc == 0)
            rc = pax_block_builder_add(&w->builder, type, key, value, hash, err);
    }
    if (rc < 0)
        return rc;
    writer->sum.records++;
    writer->sum.tombstones += type != STRATA_OP_PUT;
    writer->sum.coded += type == SSTABLE_CODED;
    return note_hash(w, hash, err);
}

/* ---- What follows them ----------------------------------------------------------------------- */

static int put_filter(struct pax_table_writer *w, struct strata_error *err)
{
    unsigned bits = w->base.env->options->bloom_bits_per_key;
    size_t size = bits ? bloom_bytes(w->base.sum.records, bits) : 0;
    struct strata_buffer filter = {0};
    uint32_t check;
    int rc;

    if (!size || size > UINT32_MAX - STORED_BLOCK_TRAILER) /* none, or too many keys for one */
        return 0;
    if (buffer_reserve(&filter, size) < 0)
        return strata_fail_memory(err, size);
    filter.size = size;
    w->properties.probes = bloom_probes(bits);
    bloom_build(filter.data, size, w->properties.probes, (const uint64_t *)(void *)w->hashes.data,
                w->base.sum.records);
    rc = put(w, strata_buffer_slice(&filter), false, &check, err);
    strata_buffer_free(&filter);
    return rc < 0 ? rc : fs_output_flush_due(&w->base.out, err);
}

static int put_properties(struct pax_table_writer *w, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    uint32_t check;
    int rc;

    w->properties.sum = w->base.sum;
    w->properties.smallest = strata_buffer_slice(&w->smallest);
    w->properties.largest = strata_buffer_slice(&w->last);
    w->properties.notes = strata_buffer_slice(&w->base.user);
    rc = pax_table_put_properties(&bytes, &w->properties, err);
    if (rc == 0)
        rc = put(w, strata_buffer_slice(&bytes), true, &check, err);
    strata_buffer_free(&bytes);
    return rc;
}

static int put_footer(struct pax_table_writer *w, uint64_t properties, struct strata_error *err)
{
    uint8_t footer[PAX_TABLE_FOOTER];

    pax_table_put_footer(w->base.number, fs_output_end(&w->base.out), properties,
                         w->base.sum.coded > 0, footer);
    return strata_buffer_append(&w->base.out.bytes, footer, sizeof footer) < 0
               ? strata_fail_memory(err, sizeof footer)
               : 0;
}

int pax_table_writer_finish(struct sstable_writer *writer, uint64_t first, uint64_t last,
                            struct strata_error *err)
{
    struct pax_table_writer *w = (struct pax_table_writer *)writer;
    uint64_t properties;
    uint32_t check;
    int rc;

    assert(writer->sum.records > 0 && first <= last);
    rc = end_block(w, err);
    writer->sum.first = first;
    writer->sum.last = last;
    w->properties.index = fs_output_end(&writer->out);
    if (rc == 0)
        rc = put(w, strata_buffer_slice(&w->index), true, &check, err);
    w->properties.filter = fs_output_end(&writer->out);
    if (rc == 0)
        rc = put_filter(w, err);
    properties = fs_output_end(&writer->out);
    if (rc == 0)
        rc = put_properties(w, err);
    if (rc == 0)
        rc = put_footer(w, properties, err);
    return rc < 0 ? rc : fs_output_flush(&writer->out, err);
}

void pax_table_writer_del(struct sstable_writer *writer, bool keep)
{
    struct pax_table_writer *w = (struct pax_table_writer *)writer;

    pax_block_builder_free(&w->builder);
    strata_buffer_free(&w->index);
    strata_buffer_free(&w->separator);
    strata_buffer_free(&w->hashes);
    strata_buffer_free(&w->last);
    strata_buffer_free(&w->smallest);
    sstable_writer_free(writer, keep);
}
