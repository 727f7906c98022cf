/* pax_table_layout.c: a table's bytes, little-endian. Its parts but header and footer are stored
 * blocks (stored_block.c), each with a checksum of all of it.
 *
 *   +--------+----------------------------+-------+--------+------------+--------+
 *   | header | blocks, keys ascending     | index | filter | properties | footer |
 *   |     24 | block 0 | block 1 | ...    |       |        |            |     24 |
 *   +--------+----------------------------+-------+--------+------------+--------+
 *            ^ 24                         ^ index ^ filter ^ offset
 *
 *   header      stage 1's (01_append_log/record.c), magic "STRATBLK"
 *   block       pax_block.c
 *   index       fence.c: for each block its size and a separator
 *   filter      bloom.c, never compressed; not there when there are 0 probes
 *   properties  | records 8 | tombstones 8 | first 8 | last 8 | digest 8 | blocks 8 |
 *               | block_bytes 8 | index 8 | filter 8 | probes 1 | coded 8 | old_bytes 8 |
 *               | smallest | largest | notes |
 *               the last three have their size before them, a varint; keys, and the
 *               writer's user properties: when there are none, notes is not there; coded
 *               and old_bytes are there when the footer says so
 *   footer      | offset 8 of the properties | version 2 | coded 2 | check 4 | magic 8 |
 *               coded is 1 if the table's user has coded values (this stage has none), else 0
 *
 * The footer's check covers the 12 bytes before it and is seeded with file number and offset. A
 * table is valid iff its parts are and fill the file without a gap; separators, keys and counts
 * fit each other; and the filter has every key.
 *
 * 9.I21: footer and properties are checked when the table is opened, index and filter when they are
 *        read (pax_table_load.c), and a data block whenever it is read: no byte is used unchecked.
 * 9.I22: offsets ascend and are compared with the file's size before anything is read there. */
#include "01_append_log/record.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "pax_table_inside.h"

#include <string.h>

#define VERSION 1

/* ---- Properties ------------------------------------------------------------------------------ */

int pax_table_put_properties(struct strata_buffer *to, const struct pax_table_properties *p,
                             struct strata_error *err)
{
    const uint64_t numbers[] = {p->sum.records, p->sum.tombstones, p->sum.first,
                                p->sum.last,    p->sum.digest,     p->blocks,
                                p->block_bytes, p->index,          p->filter};
    uint8_t probes = (uint8_t)p->probes;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        buffer_put_u64(to, numbers[i]);
    strata_buffer_append(to, &probes, 1);
    if (p->sum.coded) {
        buffer_put_u64(to, p->sum.coded);
        buffer_put_u64(to, p->sum.old_bytes);
    }
    buffer_put_prefixed(to, p->smallest);
    buffer_put_prefixed(to, p->largest);
    if (p->notes.size)
        buffer_put_prefixed(to, p->notes);
    return to->out_of_memory
               ? strata_fail_memory(err, 100 + p->smallest.size + p->largest.size + p->notes.size)
               : 0;
}

static bool adds_up(const struct pax_table_properties *p, uint64_t end)
{
    const struct sstable_sum *sum = &p->sum;

    return p->blocks && p->blocks <= sum->records && sum->tombstones <= sum->records &&
           sum->coded <= sum->tombstones && sum->old_bytes <= CODING_NUMBER_MAX &&
           sum->first <= sum->last && sum->last <= CODING_NUMBER_MAX &&
           p->index >= RECORD_FILE_HEADER && p->index <= p->filter && p->filter <= end &&
           (p->filter < end) == (p->probes > 0) && p->smallest.size <= STRATA_MAX_KEY &&
           p->largest.size <= STRATA_MAX_KEY && strata_compare(p->smallest, p->largest) <= 0;
}

const char *pax_table_get_properties(struct strata_slice bytes, uint64_t end, bool coded,
                                     struct pax_table_properties *p)
{
    struct decoder d;
    bool has_notes;

    *p = (struct pax_table_properties){0};
    decoder_init(&d, bytes);
    p->sum.records = get_u64(&d);
    p->sum.tombstones = get_u64(&d);
    p->sum.first = get_u64(&d);
    p->sum.last = get_u64(&d);
    p->sum.digest = get_u64(&d);
    p->blocks = get_u64(&d);
    p->block_bytes = get_u64(&d);
    p->index = get_u64(&d);
    p->filter = get_u64(&d);
    p->probes = get_u8(&d);
    if (coded) {
        p->sum.coded = get_u64(&d);
        p->sum.old_bytes = get_u64(&d);
    }
    p->smallest = get_prefixed(&d);
    p->largest = get_prefixed(&d);
    has_notes = d.left > 0;
    if (has_notes)
        p->notes = get_prefixed(&d);
    return decoder_done(&d) && has_notes == (p->notes.size > 0) && coded == (p->sum.coded > 0) &&
                   adds_up(p, end)
               ? NULL
               : "the table's properties are none, or do not fit the file";
}

/* ---- The footer ------------------------------------------------------------------------------ */

static uint32_t footer_check(uint64_t number, uint64_t offset, const uint8_t *bytes)
{
    return checksum(checksum_seed(number, offset), strata_bytes(bytes, 12));
}

void pax_table_put_footer(uint64_t number, uint64_t offset, uint64_t properties, bool coded,
                          uint8_t to[PAX_TABLE_FOOTER])
{
    put_u16(put_u16(put_u64(to, properties), VERSION), coded);
    memcpy(put_u32(to + 12, footer_check(number, offset, to)), PAX_TABLE_MAGIC, 8);
}

const char *pax_table_get_footer(const uint8_t bytes[PAX_TABLE_FOOTER], uint64_t number,
                                 uint64_t offset, uint64_t *properties, bool *coded)
{
    struct decoder d;
    uint32_t version, flag;

    decoder_init(&d, strata_bytes(bytes, PAX_TABLE_FOOTER));
    *properties = get_u64(&d);
    version = get_u16(&d);
    flag = get_u16(&d);
    *coded = flag == 1;
    if (memcmp(bytes + 16, PAX_TABLE_MAGIC, 8) != 0)
        return "the file does not end with " PAX_TABLE_MAGIC;
    if (get_u32(&d) != footer_check(number, offset, bytes))
        return "the footer's checksum is wrong";
    if (version != VERSION || flag > 1)
        return "a table of another version than 1";
    if (*properties < RECORD_FILE_HEADER || *properties > offset)
        return "the footer has the properties outside of the file";
    return NULL;
}
