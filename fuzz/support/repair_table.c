/* repair_table.c: see repair_table.h. The footer says where the parts are, and the index where the
 * data blocks are; then every checksum is computed anew, and, for REPAIR_SUMS, what the properties
 * and the filter say of the blocks, as far as they are not compressed. */
#include "repair_table.h"
#include "01_append_log/record.h"
#include "02_hash_index/index.h"
#include "05_blocks_bloom/block/block.h"
#include "05_blocks_bloom/block/stored_block.h"
#include "05_blocks_bloom/bloom.h"
#include "05_blocks_bloom/table/table.h"
#include "05_blocks_bloom/table/table_inside.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <string.h>

#define ROOM ((size_t)1 << 20)
#define HASHES 4096

struct repairing {
    uint8_t *data;
    uint64_t number; /* of the file */
    uint64_t footer; /* its offset */
    struct table_footer parts;
    enum repair what;
    struct sstable_sum sum; /* of the blocks */
    uint64_t raw_bytes;
    uint64_t hashes[HASHES];
    size_t hash_count;
};

static uint64_t u64_at(const uint8_t *data)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(data, 8));
    return get_u64(&d);
}

static uint32_t u32_at(const uint8_t *data)
{
    return (uint32_t)(data[0] | data[1] << 8 | data[2] << 16) | (uint32_t)data[3] << 24;
}

static void repair_stored(const struct repairing *r, uint64_t begin, uint64_t end)
{
    if (end - begin >= STORED_BLOCK_TRAILER)
        put_u32(r->data + end - 4,
                checksum(checksum_seed(r->number, begin),
                         strata_bytes(r->data + begin, (size_t)(end - begin) - 4)));
}

/* What is stored there, uncompressed; if that is not done by `room`, it is the file's own bytes. No
 * bytes: it cannot be uncompressed. */
static struct strata_slice contents(const struct repairing *r, uint64_t begin, uint64_t end,
                                    uint8_t *room)
{
    struct stored_block stored = {.compression = STORED_BLOCK_LZ4};

    if (end - begin < STORED_BLOCK_TRAILER)
        return strata_bytes(room, 0);
    stored.stored = strata_bytes(r->data + begin, (size_t)(end - begin) - STORED_BLOCK_TRAILER);
    stored.size = u32_at(r->data + end - STORED_BLOCK_TRAILER);
    if (r->data[end - 5] == STORED_BLOCK_PLAIN)
        return stored.stored;
    if (stored.size > ROOM || stored_block_uncompress(&stored, begin, room, NULL) < 0)
        return strata_bytes(room, 0);
    return strata_bytes(room, stored.size);
}

/* ---- What the blocks hold -------------------------------------------------------------------- */

static void add_entries(struct repairing *r, struct strata_slice bytes)
{
    static uint8_t scratch[ROOM];
    struct block_facts facts;
    struct block_iter it = {0};
    struct block block;

    r->raw_bytes += bytes.size;
    if (bytes.size > ROOM || block_check(bytes, scratch, &facts))
        return;
    block = block_of(bytes);
    if (block_iter_enter(&it, block, NULL) < 0)
        return;
    block_iter_first(&it);
    do {
        r->sum.records++;
        r->sum.tombstones += it.type == STRATA_OP_DELETE;
        if (r->hash_count < HASHES)
            r->hashes[r->hash_count++] = index_hash(strata_buffer_slice(&it.key));
    } while (block_iter_next(&it));
    block_iter_free(&it);
}

static void repair_block(struct repairing *r, uint64_t begin, uint64_t end)
{
    static uint8_t room[ROOM];

    if (end - begin < STORED_BLOCK_TRAILER)
        return;
    if (r->what == REPAIR_SUMS) {
        if (r->data[end - 5] == STORED_BLOCK_PLAIN)
            put_u32(r->data + end - STORED_BLOCK_TRAILER,
                    (uint32_t)(end - begin - STORED_BLOCK_TRAILER));
        add_entries(r, contents(r, begin, end, room));
    }
    repair_stored(r, begin, end);
    r->sum.digest = stored_block_digest(r->sum.digest, u32_at(r->data + end - 4));
}

/* The data blocks are those of the index, as far as that is sound. */
static void repair_blocks(struct repairing *r)
{
    static uint8_t room[ROOM], scratch[ROOM];
    struct strata_slice bytes = contents(r, r->parts.index, r->parts.filter, room);
    struct block_facts facts;
    struct block index;

    if (bytes.size > ROOM || block_check(bytes, scratch, &facts))
        return;
    index = block_of(bytes);
    for (uint32_t n = 0; n < index.restarts; n++) {
        struct strata_slice value;
        struct decoder d;
        uint64_t begin, size;
        block_restart(&index, n, &value);
        decoder_init(&d, value);
        begin = get_varint(&d);
        size = get_varint(&d);
        if (!d.bad && begin >= RECORD_FILE_HEADER && begin < r->parts.index &&
            size <= r->parts.index - begin)
            repair_block(r, begin, begin + size);
    }
}

static void repair_properties(struct repairing *r)
{
    uint64_t end = r->footer, size = end - r->parts.properties;
    uint8_t *at = r->data + r->parts.properties;

    if (size < 48 + STORED_BLOCK_TRAILER || r->data[end - 5] != STORED_BLOCK_PLAIN)
        return;
    put_u32(r->data + end - STORED_BLOCK_TRAILER, (uint32_t)(size - STORED_BLOCK_TRAILER));
    put_u64(put_u64(at, r->sum.records), r->sum.tombstones);
    put_u64(put_u64(at + 32, r->sum.digest), r->raw_bytes);
}

static void repair_filter(struct repairing *r)
{
    uint64_t size = r->parts.properties - r->parts.filter;
    uint8_t *at = r->data + r->parts.filter;
    size_t lines;

    if (size <= STORED_BLOCK_TRAILER + 1)
        return;
    lines = (size_t)size - STORED_BLOCK_TRAILER - 1;
    if (lines % BLOOM_LINE == 0 && at[lines] && at[lines] <= BLOOM_PROBES_MAX)
        bloom_build(at, lines, at[lines], r->hashes, r->hash_count);
}

/* ---- The table ------------------------------------------------------------------------------- */

static bool parts_are_in_order(const struct repairing *r)
{
    const struct table_footer *p = &r->parts;
    return p->index >= RECORD_FILE_HEADER && p->index <= p->filter && p->filter <= p->properties &&
           p->properties <= r->footer;
}

void repair_table(uint8_t *data, size_t size, enum repair what)
{
    static struct repairing r;
    uint8_t *at;

    if (size < RECORD_FILE_HEADER + TABLE_FOOTER)
        return;
    r = (struct repairing){
        .data = data, .number = u64_at(data + 12), .footer = size - TABLE_FOOTER, .what = what};
    put_u32(data + 20, checksum(checksum_seed(r.number, 0), strata_bytes(data, 20)));
    at = data + r.footer;
    r.parts = (struct table_footer){u64_at(at), u64_at(at + 8), u64_at(at + 16)};
    put_u32(at + 28, checksum(checksum_seed(r.number, r.footer), strata_bytes(at, 28)));
    memcpy(at + 32, TABLE_MAGIC, 8);
    if (!parts_are_in_order(&r))
        return;
    repair_blocks(&r);
    if (what == REPAIR_SUMS) {
        repair_properties(&r);
        repair_filter(&r);
    }
    repair_stored(&r, r.parts.index, r.parts.filter);
    repair_stored(&r, r.parts.filter, r.parts.properties);
    repair_stored(&r, r.parts.properties, r.footer);
}
