/* table_format.c: a table file, little-endian.
 *
 *   +--------+------------------------------------+-------+--------+------------+--------+
 *   | header | data block 0 | data block 1 | ...  | index | filter | properties | footer |
 *   |     24 |                                    |       |        |            |     40 |
 *   +--------+------------------------------------+-------+--------+------------+--------+
 *
 *   header      stage 1's (01_append_log/record.c), with the magic "STRATSST" and the file's number
 *   data block  a block (block_build.c) of entries, keys ascending over all blocks
 *   index       a block with an entry for each data block (table_index.c)
 *   filter      a Bloom filter of all keys (bloom.c): | lines of 64 | probes 1 |
 *               never compressed; not there if options.bloom_bits_per_key is 0
 *   properties  | records 8 | tombstones 8 | first sequence 8 | last sequence 8 | digest 8 |
 *               | raw bytes 8 | smallest key | largest key | user properties |
 *               each of the last three with its size before it, a varint
 *   footer      | index 8 | filter 8 | properties 8 | version 2 | reserved 2 | checksum 4 |
 *               | magic 8 | the offsets of the three; the checksum is of the 28 bytes before it,
 *               seeded with file number and offset
 *
 * All but header and footer are stored blocks (stored_block.c), each with a checksum of its own.
 * A table is read from its end: footer, properties, index, filter.
 *
 * Valid if and only if the parts are valid and fill the file without a gap; keys, separators,
 * counts and digest agree; and the filter has every key.
 *
 * 5.I7: no byte is used before its checksum was computed: of the footer, properties, index and
 *       filter when the table is opened, of a data block whenever it is read from the file.
 * 5.I8: no number of the file is used before it is known to lie within the file. */
#include "table_format.h"
#include "01_append_log/record.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "table.h"

#include <assert.h>
#include <string.h>

#define VERSION 1
#define CHECKED 28 /* bytes of the footer before its checksum */

/* ---- Properties ------------------------------------------------------------------------------ */

int table_properties_put(struct strata_buffer *to, const struct table_properties *p,
                         struct strata_error *err)
{
    const uint64_t numbers[] = {p->sum.records, p->sum.tombstones, p->sum.first,
                                p->sum.last,    p->sum.digest,     p->raw_bytes};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        buffer_put_u64(to, numbers[i]);
    buffer_put_prefixed(to, p->smallest);
    buffer_put_prefixed(to, p->largest);
    buffer_put_prefixed(to, p->user);
    return to->out_of_memory
               ? strata_fail_memory(err, 100 + p->smallest.size + p->largest.size + p->user.size)
               : 0;
}

const char *table_properties_get(struct strata_slice bytes, struct table_properties *p)
{
    struct decoder d;

    *p = (struct table_properties){0};
    decoder_init(&d, bytes);
    p->sum.records = get_u64(&d);
    p->sum.tombstones = get_u64(&d);
    p->sum.first = get_u64(&d);
    p->sum.last = get_u64(&d);
    p->sum.digest = get_u64(&d);
    p->raw_bytes = get_u64(&d);
    p->smallest = get_prefixed(&d);
    p->largest = get_prefixed(&d);
    p->user = get_prefixed(&d);
    if (!decoder_done(&d))
        return "the properties do not end where they should";
    if (!p->sum.records || p->sum.tombstones > p->sum.records || p->sum.first > p->sum.last ||
        p->sum.last > CODING_NUMBER_MAX)
        return "the properties have impossible counts or sequence numbers";
    if (p->smallest.size > STRATA_MAX_KEY || p->largest.size > STRATA_MAX_KEY ||
        strata_compare(p->smallest, p->largest) > 0)
        return "the properties have an impossible range of keys";
    return NULL;
}

/* ---- Footer ---------------------------------------------------------------------------------- */

static uint32_t footer_check(const uint8_t *footer, uint64_t number, uint64_t offset)
{
    return checksum(checksum_seed(number, offset), strata_bytes(footer, CHECKED));
}

void table_footer_put(const struct table_footer *footer, uint64_t number, uint64_t offset,
                      uint8_t to[TABLE_FOOTER])
{
    uint8_t *at = put_u64(to, footer->index);

    assert(footer->index <= footer->filter && footer->filter <= footer->properties);
    assert(footer->properties < offset);
    at = put_u64(at, footer->filter);
    at = put_u64(at, footer->properties);
    at = put_u16(at, VERSION);
    at = put_u16(at, 0);
    at = put_u32(at, footer_check(to, number, offset));
    memcpy(at, TABLE_MAGIC, 8);
}

const char *table_footer_get(const uint8_t from[TABLE_FOOTER], uint64_t number, uint64_t offset,
                             struct table_footer *footer)
{
    struct decoder d;
    uint32_t version, check;

    decoder_init(&d, strata_bytes(from, TABLE_FOOTER));
    footer->index = get_u64(&d);
    footer->filter = get_u64(&d);
    footer->properties = get_u64(&d);
    version = get_u32(&d); /* and the reserved bytes, which are 0 */
    check = get_u32(&d);
    if (memcmp(d.at, TABLE_MAGIC, 8) != 0)
        return "no footer: the file does not end with " TABLE_MAGIC;
    if (check != footer_check(from, number, offset))
        return "the footer's checksum is wrong";
    if (version != VERSION)
        return "a table of another version than 1";
    if (footer->index <= RECORD_FILE_HEADER || footer->index >= footer->filter || /* 5.I8 */
        footer->filter > footer->properties || footer->properties >= offset)
        return "the footer has impossible offsets";
    return NULL;
}
