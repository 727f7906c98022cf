/* table_index.c: an entry of the index has the separator as its key, and the value
 *
 *   | offset varint | size varint |     of the data block in the file, with its trailer
 *
 * With the keys apple, banana | cherry, chive | date, fig in three blocks the separators are 'c',
 * 'd' and, for the last block, its last key, 'fig'.
 *
 * 5.I9: separator n is not before any key of block n, and before every key of block n + 1. */
#include "table_index.h"
#include "base/coding.h"

#include <assert.h>

/* A beginning of `next` that is longer than what both have in common is after `last`. It must not
 * be all of `next`. */
struct strata_slice table_index_separator(struct strata_slice last, struct strata_slice next)
{
    size_t n = 0;

    assert(strata_compare(last, next) < 0);
    while (n < last.size && last.data[n] == next.data[n])
        n++;
    return n + 1 < next.size ? strata_bytes(next.data, n + 1) : last;
}

int table_index_add(struct block_builder *builder, const struct table_index_entry *entry,
                    struct strata_error *err)
{
    uint8_t value[2 * CODING_VARINT_MAX], *end;

    assert(builder->interval == 1);
    end = put_varint(put_varint(value, entry->offset), entry->size);
    return block_builder_add(builder, STRATA_OP_PUT, entry->separator,
                             strata_bytes(value, (size_t)(end - value)), err);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static bool read_entry(const struct table_index *index, uint32_t n, struct table_index_entry *entry)
{
    struct strata_slice value;
    struct decoder d;

    entry->separator = block_restart(&index->block, n, &value);
    decoder_init(&d, value);
    entry->offset = get_varint(&d);
    entry->size = get_varint(&d);
    return decoder_done(&d);
}

static const char *check_handles(const struct table_index *index, uint64_t begin, uint64_t end)
{
    uint64_t at = begin;

    for (uint32_t n = 0; n < index->count; n++) {
        struct table_index_entry entry;
        if (!read_entry(index, n, &entry))
            return "an entry of the index is not an offset and a size";
        if (entry.offset != at || !entry.size || entry.size > end - at)
            return "the index has a block that does not follow the one before it";
        at += entry.size;
    }
    return at == end ? NULL : "the index leaves a gap between the blocks and itself";
}

const char *table_index_open(struct table_index *index, struct strata_buffer *bytes,
                             uint8_t *scratch, uint64_t begin, uint64_t end)
{
    struct block_facts facts;
    const char *wrong;

    *index = (struct table_index){.bytes = *bytes};
    *bytes = (struct strata_buffer){0};
    wrong = block_check(strata_buffer_slice(&index->bytes), scratch, &facts);
    if (wrong)
        return wrong;
    index->block = block_of(strata_buffer_slice(&index->bytes));
    index->count = facts.entries;
    if (index->block.restarts != facts.entries)
        return "the index has entries that are no restart points";
    return check_handles(index, begin, end);
}

void table_index_free(struct table_index *index)
{
    strata_buffer_free(&index->bytes);
    *index = (struct table_index){0};
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct table_index_entry table_index_at(const struct table_index *index, uint32_t n)
{
    struct table_index_entry entry;
    bool sound = read_entry(index, n, &entry);

    assert(sound && n < index->count);
    (void)sound;
    return entry;
}
