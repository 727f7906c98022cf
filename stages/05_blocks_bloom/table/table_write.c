/* table_write.c: a table is written block by block, from its beginning to its end (the format is
 * drawn in table_format.c). Until it is finished the writer keeps the index, as the block that it
 * will be, and of each key its hash, for the filter: 8 bytes a key.
 *
 * The separator behind a block can be made only when the first key of the next one is known. */
#include "02_hash_index/index.h"
#include "05_blocks_bloom/block/stored_block.h"
#include "table_inside.h"

#include <assert.h>
#include <stdlib.h>

struct table_writer {
    struct sstable_writer base;
    struct block_builder block, index;
    struct strata_buffer hashes;   /* uint64_t each */
    struct strata_buffer smallest; /* key */
    uint64_t raw_bytes;
};

int table_writer_new(const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                     struct strata_error *err)
{
    struct table_writer *w;
    int rc = sstable_writer_begin(TABLE_SUFFIX, TABLE_MAGIC, sizeof *w, env, number, out, err);

    if (rc < 0)
        return rc;
    w = (struct table_writer *)*out;
    w->block.interval = BLOCK_RESTART_INTERVAL;
    w->index.interval = 1;
    return 0;
}

/* Appends a stored block; *check is its checksum. */
static int put(struct table_writer *w, struct strata_slice bytes, bool compress, uint32_t *check,
               struct strata_error *err)
{
    return stored_block_put(&w->base.out.bytes, w->base.number, fs_output_end(&w->base.out), bytes,
                            compress, check, err);
}

/* ---- Data blocks ----------------------------------------------------------------------------- */

/* Writes the block that is full. `next`: the key that begins the next one; NULL: there is none. */
static int end_block(struct table_writer *w, const struct strata_slice *next,
                     struct strata_error *err)
{
    struct strata_slice last = strata_buffer_slice(&w->block.last), bytes;
    struct table_index_entry entry = {.separator = next ? table_index_separator(last, *next) : last,
                                      .offset = fs_output_end(&w->base.out)};
    uint32_t check;
    int rc = block_builder_finish(&w->block, &bytes, err);

    if (rc == 0)
        rc = put(w, bytes, !w->base.env->options->plain_blocks, &check, err);
    entry.size = fs_output_end(&w->base.out) - entry.offset;
    if (rc == 0)
        rc = table_index_add(&w->index, &entry, err);
    if (rc < 0)
        return rc;
    w->raw_bytes += bytes.size;
    w->base.sum.digest = stored_block_digest(w->base.sum.digest, check);
    block_builder_reset(&w->block);
    return fs_output_flush_due(&w->base.out, err);
}

static int note_key(struct table_writer *w, struct strata_slice key, struct strata_error *err)
{
    uint64_t hash = index_hash(key);

    if (w->base.sum.records == 0 && strata_buffer_append(&w->smallest, key.data, key.size) < 0)
        return strata_fail_memory(err, key.size);
    if (strata_buffer_append(&w->hashes, &hash, sizeof hash) < 0)
        return strata_fail_memory(err, w->hashes.capacity * 2);
    return 0;
}

int table_writer_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                     struct strata_slice value, struct strata_error *err)
{
    struct table_writer *w = (struct table_writer *)writer;
    size_t most = writer->env->options->block_bytes;
    int rc = 0;

    if (w->block.count && block_builder_size_with(&w->block, key, value.size) > most)
        rc = end_block(w, &key, err);
    if (rc == 0)
        rc = block_builder_add(&w->block, type, key, value, err);
    if (rc == 0)
        rc = note_key(w, key, err);
    if (rc < 0)
        return rc;
    writer->sum.records++;
    writer->sum.tombstones += type == STRATA_OP_DELETE;
    return 0;
}

/* ---- What follows them ----------------------------------------------------------------------- */

static int put_index(struct table_writer *w, struct strata_error *err)
{
    struct strata_slice bytes;
    uint32_t check;
    int rc = block_builder_finish(&w->index, &bytes, err);

    return rc < 0 ? rc : put(w, bytes, true, &check, err);
}

static int put_filter(struct table_writer *w, struct strata_error *err)
{
    unsigned bits = w->base.env->options->bloom_bits_per_key, probes = bloom_probes(bits);
    size_t lines = bits ? bloom_bytes(w->base.sum.records, bits) : 0;
    uint32_t check;
    uint8_t *filter;
    int rc;

    if (!lines || lines > UINT32_MAX / 2) /* none, or too many keys for one */
        return 0;
    filter = malloc(lines + 1);
    if (!filter)
        return strata_fail_memory(err, lines);
    bloom_build(filter, lines, probes, (const uint64_t *)(const void *)w->hashes.data,
                w->base.sum.records);
    filter[lines] = (uint8_t)probes;
    rc = put(w, strata_bytes(filter, lines + 1), false, &check, err);
    free(filter);
    return rc;
}

static int put_properties(struct table_writer *w, struct strata_error *err)
{
    struct table_properties p = {.sum = w->base.sum,
                                 .raw_bytes = w->raw_bytes,
                                 .smallest = strata_buffer_slice(&w->smallest),
                                 .largest = strata_buffer_slice(&w->block.last),
                                 .user = strata_buffer_slice(&w->base.user)};
    struct strata_buffer bytes = {0};
    uint32_t check;
    int rc = table_properties_put(&bytes, &p, err);

    if (rc == 0)
        rc = put(w, strata_buffer_slice(&bytes), true, &check, err);
    strata_buffer_free(&bytes);
    return rc;
}

static int put_footer(struct table_writer *w, const struct table_footer *footer,
                      struct strata_error *err)
{
    uint8_t bytes[TABLE_FOOTER];

    table_footer_put(footer, w->base.number, fs_output_end(&w->base.out), bytes);
    return strata_buffer_append(&w->base.out.bytes, bytes, sizeof bytes) < 0
               ? strata_fail_memory(err, sizeof bytes)
               : 0;
}

int table_writer_finish(struct sstable_writer *writer, uint64_t first, uint64_t last,
                        struct strata_error *err)
{
    struct table_writer *w = (struct table_writer *)writer;
    struct table_footer footer;
    int rc = end_block(w, NULL, err);

    assert(writer->sum.records > 0 && first <= last);
    writer->sum.first = first;
    writer->sum.last = last;
    footer.index = fs_output_end(&writer->out);
    if (rc == 0)
        rc = put_index(w, err);
    footer.filter = fs_output_end(&writer->out);
    if (rc == 0)
        rc = put_filter(w, err);
    footer.properties = fs_output_end(&writer->out);
    if (rc == 0)
        rc = put_properties(w, err);
    if (rc == 0)
        rc = put_footer(w, &footer, err);
    return rc < 0 ? rc : fs_output_flush(&writer->out, err);
}

void table_writer_del(struct sstable_writer *writer, bool keep)
{
    struct table_writer *w = (struct table_writer *)writer;

    block_builder_free(&w->block);
    block_builder_free(&w->index);
    strata_buffer_free(&w->hashes);
    strata_buffer_free(&w->smallest);
    sstable_writer_free(writer, keep);
}
