/* repair.c: one function a format; the layouts are drawn where the formats are written. */
#include "repair.h"
#include "05_blocks_bloom/table/table.h"
#include "repair_table.h"
#include "02_hash_index/hint.h"
#include "02_hash_index/index.h"
#include "03_wal/checkpoint.h"
#include "02_hash_index/tail.h"
#include "03_wal/wal.h"
#include "04_memtable_sstable/run/run.h"
#include "04_memtable_sstable/tables.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "events/events.h"
#include "06_leveled_compaction/manifest/manifest.h"
#include "09_fast_paths/log/single_op_log.h"
#include "12_value_log/values/value_set.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAGIC 8

static uint32_t u32_at(const uint8_t *data)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(data, 4));
    return get_u32(&d);
}

static uint64_t u64_at(const uint8_t *data)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(data, 8));
    return get_u64(&d);
}

/* ---- Logs ------------------------------------------------------------------------------ */

#define FILE_CHECK 20
#define SEAL_VALUE 16
#define FRAME_VALUE 36
#define END_VALUE 48

struct walk {
    uint8_t *data;
    size_t size;
    uint64_t number;        /* of the file */
    enum repair what;       /* is asked for */
    struct segment_sum sum; /* of the records so far */
    uint64_t sequence;      /* of the next operation; 0: not known yet */
    uint64_t salt;          /* of the first frame; 0: not known yet */
    uint64_t tombstones;    /* among the records so far */
    size_t place;           /* the next record whose place a run's index is to tell */
    size_t index;           /* where a run's index begins; 0: not known yet */
    uint8_t ordinal;        /* of the last edit */
};

struct found {
    unsigned type;
    uint64_t key, value; /* bytes, as the head says */
    bool whole;          /* the record ends in the file */
    size_t next;
};

/* At `at` there is room for a head. */
static struct found look(const struct walk *walk, size_t at)
{
    const uint8_t *head = walk->data + at;
    struct found found = {head[4], u32_at(head + 5), u32_at(head + 9), false, walk->size};
    uint64_t left = walk->size - at - RECORD_HEAD;

    found.whole = found.key + found.value <= left;
    if (found.whole)
        found.next = at + RECORD_HEAD + (size_t)(found.key + found.value);
    return found;
}

static bool is_operation(unsigned type)
{
    return segment_is_put(type) || segment_is_delete(type);
}

/* The operations that follow a frame's head. */
static void repair_frame(struct walk *walk, uint8_t *value, size_t at)
{
    uint32_t count = 0;
    size_t begin = at;

    while (walk->size - at >= RECORD_HEAD) {
        struct found found = look(walk, at);
        if (!found.whole || !is_operation(found.type))
            break;
        count++;
        at = found.next;
    }
    if (walk->sequence)
        put_u64(value, walk->sequence);
    walk->sequence = u64_at(value) + count;
    if (!walk->salt)
        walk->salt = u64_at(value + 28);
    put_u64(put_u32(put_u64(value + 16, at - begin), count), walk->salt);
}

/* A page of a run's index: where the records before it stand. */
static void repair_page(struct walk *walk, uint8_t *value, size_t bytes, size_t at)
{
    if (!walk->index)
        walk->index = at;
    for (uint8_t *end = value + bytes / 8 * 8; value < end && walk->place < walk->index;) {
        struct found found = look(walk, walk->place);
        value = put_u64(value, walk->place);
        walk->place = found.next;
    }
}

static void repair_end(const struct walk *walk, uint8_t *value)
{
    uint8_t *at = put_u64(put_u64(value, walk->sum.records), walk->tombstones);
    put_u64(at, walk->index);
    put_u64(at + 24, walk->sum.digest);
}

/* Its ordinal, where that is one byte. */
static void repair_edit(struct walk *walk, uint8_t *value)
{
    if (value[0] < 0x80 && walk->ordinal < 0x7f)
        value[0] = ++walk->ordinal;
}

static void repair_sums(struct walk *walk, size_t at, const struct found *found)
{
    uint8_t *value = walk->data + at + RECORD_HEAD + found->key;

    if (is_operation(found->type)) {
        struct strata_slice key = strata_bytes(value - found->key, (size_t)found->key);
        walk->sum.records++;
        walk->sum.digest += segment_digest(index_hash(key), at, found->type);
        walk->tombstones += segment_is_delete(found->type);
    }
    if (found->type == SINGLE_OP_PUT || found->type == SINGLE_OP_DELETE)
        walk->sequence += walk->sequence > 0;
    if (walk->what != REPAIR_SUMS || found->key)
        return;
    if (found->type == SEGMENT_SEAL && found->value == SEAL_VALUE)
        put_u64(put_u64(value, walk->sum.records), walk->sum.digest);
    if (found->type == WAL_FRAME && found->value == FRAME_VALUE)
        repair_frame(walk, value, found->next);
    if (found->type == RUN_INDEX)
        repair_page(walk, value, (size_t)found->value, at);
    if (found->type == RUN_END && found->value == END_VALUE)
        repair_end(walk, value);
    if (found->type == MANIFEST_EDIT && found->value)
        repair_edit(walk, value);
}

/* Returns where the next record begins. */
static size_t repair_record(struct walk *walk, size_t at)
{
    struct found found = look(walk, at);
    uint64_t seed = checksum_seed(walk->number, at);
    uint8_t *head = walk->data + at;

    if (found.whole) {
        repair_sums(walk, at, &found);
        put_u32(head + 13, checksum(seed, strata_bytes(head + RECORD_HEAD,
                                                       (size_t)(found.key + found.value))));
    }
    put_u32(head, checksum(seed, strata_bytes(head + 4, RECORD_HEAD - 4)));
    return found.next;
}

static void repair_log(uint8_t *data, size_t size, enum repair what)
{
    struct walk walk = {.data = data, .size = size, .what = what, .place = RECORD_FILE_HEADER};

    if (size < RECORD_FILE_HEADER)
        return;
    walk.number = u64_at(data + 12);
    put_u32(data + FILE_CHECK,
            checksum(checksum_seed(walk.number, 0), strata_bytes(data, FILE_CHECK)));
    for (size_t at = RECORD_FILE_HEADER; size - at >= RECORD_HEAD;)
        at = repair_record(&walk, at);
}

/* ---- Other files ----------------------------------------------------------------------- */

static void repair_head(uint8_t *data, size_t size, size_t check_offset)
{
    if (size >= check_offset + 4)
        put_u32(data + check_offset,
                checksum(checksum_seed(0, 0), strata_bytes(data, check_offset)));
}

static void repair_marker(uint8_t *data, size_t size, enum repair what)
{
    (void)what;
    repair_head(data, size, 28);
}

static void repair_current(uint8_t *data, size_t size, enum repair what)
{
    (void)what;
    repair_head(data, size, CURRENT_BYTES - 4);
}

static void repair_tail(uint8_t *data, size_t size, enum repair what)
{
    (void)what;
    repair_head(data, size, 36);
}

#define HINT_HEADER 48
#define ENTRY 16

/* The entries of a hint: hash, and offset with the type in its highest byte. */
static void add_up_hint(uint8_t *data, size_t size)
{
    struct segment_sum sum = {0};

    for (size_t at = HINT_HEADER; size - at >= ENTRY; at += ENTRY) {
        uint64_t place = u64_at(data + at + 8);
        sum.records++;
        sum.digest += segment_digest(u64_at(data + at), place << 8 >> 8, (unsigned)(place >> 56));
    }
    put_u64(put_u64(data + 28, sum.records), sum.digest);
}

static void repair_hint(uint8_t *data, size_t size, enum repair what)
{
    struct checksum c;

    if (size < HINT_HEADER)
        return;
    if (what == REPAIR_SUMS)
        add_up_hint(data, size);
    checksum_begin(&c, checksum_seed(u64_at(data + 12), 0));
    checksum_add(&c, strata_bytes(data, 44));
    checksum_add(&c, strata_bytes(data + HINT_HEADER, size - HINT_HEADER));
    put_u32(data + 44, checksum_end(&c));
}

#define INDEX_HEADER 44
#define INDEX_SEGMENT 48
#define INDEX_CHECK 8

/* How many keys there are: what follows the segments. */
static void count_keys(uint8_t *data, size_t size)
{
    uint64_t segments = (uint64_t)u32_at(data + 32) * INDEX_SEGMENT;
    uint64_t left = size - INDEX_HEADER - INDEX_CHECK;

    if (segments <= left)
        put_u64(data + 36, (left - segments) / ENTRY);
}

static void repair_checkpoint(uint8_t *data, size_t size, enum repair what)
{
    if (size < INDEX_HEADER + INDEX_CHECK)
        return;
    if (what == REPAIR_SUMS)
        count_keys(data, size);
    put_u64(data + size - INDEX_CHECK, XXH3_64bits(data, size - INDEX_CHECK));
}

#define TABLES_RUN 24

/* As many runs as there is room for. */
static void repair_tables(uint8_t *data, size_t size, enum repair what)
{
    if (size < TABLES_HEAD + 4)
        return;
    if (what == REPAIR_SUMS)
        put_u32(data + TABLES_HEAD - 4, (uint32_t)((size - TABLES_HEAD - 4) / TABLES_RUN));
    put_u32(data + size - 4, checksum(checksum_seed(0, 0), strata_bytes(data, size - 4)));
}

#define LINE_CHECK ",\"check\":\""
#define LINE_TAIL (sizeof LINE_CHECK - 1 + 8 + 2) /* with the digits, the quote and the brace */

/* The check of each line of an event log that ends with one. */
static void repair_events(uint8_t *data, size_t size, enum repair what)
{
    struct strata_slice rest = strata_bytes(data, size), line;

    (void)what;
    while (events_next_line(&rest, &line)) {
        char text[LINE_TAIL + 1];
        uint8_t *tail;
        if (line.size < LINE_TAIL)
            continue;
        tail = data + (line.data - data) + line.size - LINE_TAIL;
        if (memcmp(tail, LINE_CHECK, sizeof LINE_CHECK - 1) != 0)
            continue;
        snprintf(text, sizeof text, LINE_CHECK "%08" PRIx32 "\"}",
                 checksum(0, strata_bytes(line.data, line.size - LINE_TAIL)));
        memcpy(tail, text, LINE_TAIL);
    }
}

/* ---- A table: sections, one behind the other, and a footer ------------------------------ */

#define UNCOMPRESSED ((size_t)1 << 20)
#define NUMBERS 9 /* of 8 bytes each, in the properties; smallest and largest behind them */

static void repair_section(uint8_t *data, uint64_t begin, uint64_t end)
{
    struct strata_slice bytes;

    if (end - begin < STORED_BLOCK_TRAILER)
        return;
    bytes = strata_bytes(data + begin, (size_t)(end - begin) - 4);
    put_u32(data + end - 4, checksum(checksum_seed(u64_at(data + 12), begin), bytes));
}

static bool is_compressed(const uint8_t *data, uint64_t end)
{
    return data[end - 5] == STORED_BLOCK_LZ4;
}

/* What the section holds; uncompressed to `room`, of UNCOMPRESSED bytes. `begin` +
 * STORED_BLOCK_TRAILER <= `end`. Empty: it cannot be uncompressed. */
static struct strata_slice section_holds(const uint8_t *data, uint64_t begin, uint64_t end,
                                         uint8_t *room)
{
    size_t size = (size_t)(end - begin) - STORED_BLOCK_TRAILER;
    struct stored_block section = {strata_bytes(data + begin, size),
                                   u32_at(data + end - STORED_BLOCK_TRAILER), 0, STORED_BLOCK_LZ4};

    if (!is_compressed(data, end))
        return section.stored;
    if (section.size > UNCOMPRESSED || stored_block_uncompress(&section, begin, room, NULL) < 0)
        return strata_bytes(room, 0);
    return strata_bytes(room, section.size);
}

struct parts {
    uint8_t *data;
    uint64_t index, filter, properties, footer; /* where they begin */
    enum repair what;
    struct pax_table_properties sum; /* of the blocks */
    uint8_t *smallest, *largest;     /* the first key of them, and the last */
    size_t smallest_size, largest_size;
    uint64_t *hashes; /* of their keys, as far as they fit */
    size_t count;
};
#define HASHES 4096

/* A block's keys: into the sums; their tags, if the block is not compressed: into the block. */
static void add_block(struct parts *parts, const struct pax_block *block, uint8_t *tags)
{
    for (uint32_t i = 0; i < block->count; i++) {
        uint64_t hash;
        parts->largest_size = pax_block_key(block, i, parts->largest);
        hash = index_hash(strata_bytes(parts->largest, parts->largest_size));
        if (parts->sum.sum.records++ == 0)
            memcpy(parts->smallest, parts->largest, parts->smallest_size = parts->largest_size);
        parts->sum.sum.tombstones += pax_block_type(block, i) != STRATA_OP_PUT;
        if (tags)
            tags[i] = pax_block_tag(hash);
        if (parts->count < HASHES)
            parts->hashes[parts->count++] = hash;
    }
}

static void repair_block(struct parts *parts, uint64_t begin, uint64_t end)
{
    static uint8_t room[UNCOMPRESSED];
    struct strata_slice bytes;
    struct pax_block block;

    if (end - begin < STORED_BLOCK_TRAILER)
        return;
    if (parts->what == REPAIR_SUMS) {
        bool compressed = is_compressed(parts->data, end);
        bytes = section_holds(parts->data, begin, end, room);
        if (!compressed)
            put_u32(parts->data + end - STORED_BLOCK_TRAILER, (uint32_t)bytes.size);
        if (pax_block_open(&block, bytes, NULL) == 0)
            add_block(parts, &block, compressed ? NULL : parts->data + begin + block.tags);
        parts->sum.block_bytes += bytes.size;
    }
    repair_section(parts->data, begin, end);
    parts->sum.sum.digest =
        stored_block_digest(parts->sum.sum.digest, u32_at(parts->data + end - 4));
    parts->sum.blocks++;
}

static void repair_blocks(struct parts *parts)
{
    static uint8_t room[UNCOMPRESSED];
    uint64_t place = RECORD_FILE_HEADER;
    struct decoder d;

    decoder_init(&d, section_holds(parts->data, parts->index, parts->filter, room));
    while (d.left) {
        uint64_t size = get_varint(&d);
        get_prefixed(&d);
        if (d.bad || size > parts->index - place)
            return;
        repair_block(parts, place, place + size);
        place += size;
    }
}

/* A key of the properties, if the right one has as many bytes. */
static void put_key(struct decoder *d, const uint8_t *key, size_t size)
{
    struct strata_slice there = get_prefixed(d);
    if (!d->bad && there.size == size && size)
        memcpy((uint8_t *)(uintptr_t)there.data, key, size);
}

/* The properties, if they are not compressed, and the filter: what the blocks are. */
static void repair_sums_of_table(struct parts *parts)
{
    const struct pax_table_properties *sum = &parts->sum;
    size_t size = (size_t)(parts->footer - parts->properties);
    uint8_t *at = parts->data + parts->properties;
    struct decoder d;
    unsigned probes;

    if (is_compressed(parts->data, parts->footer) || size < NUMBERS * 8 + 1 + STORED_BLOCK_TRAILER)
        return;
    put_u32(at + size - STORED_BLOCK_TRAILER, (uint32_t)(size - STORED_BLOCK_TRAILER));
    put_u64(put_u64(at, sum->sum.records), sum->sum.tombstones);
    put_u64(put_u64(put_u64(at + 4 * 8, sum->sum.digest), sum->blocks), sum->block_bytes);
    decoder_init(&d, strata_bytes(at, size - STORED_BLOCK_TRAILER));
    get_bytes(&d, NUMBERS * 8);
    probes = get_u8(&d);
    put_key(&d, parts->smallest, parts->smallest_size);
    put_key(&d, parts->largest, parts->largest_size);
    size = (size_t)(parts->properties - parts->filter);
    if (probes && probes <= BLOOM_PROBES_MAX && size > STORED_BLOCK_TRAILER &&
        (size - STORED_BLOCK_TRAILER) % BLOOM_LINE == 0)
        bloom_build(parts->data + parts->filter, size - STORED_BLOCK_TRAILER, probes, parts->hashes,
                    parts->count);
}

/* Where the parts of the table in parts->data begin; false: its end does not tell. */
static bool find_parts(struct parts *parts, size_t size)
{
    static uint8_t room[UNCOMPRESSED];
    struct strata_slice numbers;

    if (size < RECORD_FILE_HEADER + PAX_TABLE_FOOTER)
        return false;
    parts->footer = size - PAX_TABLE_FOOTER;
    parts->properties = u64_at(parts->data + parts->footer);
    if (parts->properties < RECORD_FILE_HEADER || parts->properties > parts->footer ||
        parts->footer - parts->properties < STORED_BLOCK_TRAILER)
        return false;
    numbers = section_holds(parts->data, parts->properties, parts->footer, room);
    if (numbers.size < NUMBERS * 8)
        return false;
    parts->index = u64_at(numbers.data + 7 * 8);
    parts->filter = u64_at(numbers.data + 8 * 8);
    return parts->index >= RECORD_FILE_HEADER && parts->index <= parts->filter &&
           parts->filter <= parts->properties &&
           parts->filter - parts->index >= STORED_BLOCK_TRAILER;
}

size_t repair_sections(const uint8_t *data, size_t size, size_t *begins, size_t most)
{
    static uint8_t room[UNCOMPRESSED];
    struct parts parts = {.data = (uint8_t *)(uintptr_t)data};
    uint64_t place = RECORD_FILE_HEADER;
    struct decoder d;
    size_t count = 0;

    if (!find_parts(&parts, size))
        return 0;
    decoder_init(&d, section_holds(data, parts.index, parts.filter, room));
    while (d.left && count < most) {
        uint64_t bytes = get_varint(&d);
        get_prefixed(&d);
        if (d.bad || bytes > parts.index - place || bytes < STORED_BLOCK_TRAILER)
            return 0;
        begins[count++] = (size_t)place;
        place += bytes;
    }
    if (place != parts.index || most - count < REPAIR_BEHIND_BLOCKS)
        return 0;
    begins[count++] = (size_t)parts.index;
    begins[count++] = (size_t)parts.filter;
    begins[count++] = (size_t)parts.properties;
    begins[count++] = (size_t)parts.footer;
    return count;
}

/* As the writer makes it; but another version stays. */
static void repair_footer(uint8_t *data, const struct parts *parts)
{
    uint64_t number = u64_at(data + 12);
    uint8_t *at = data + parts->footer;
    uint32_t version = u32_at(at + 8);

    pax_table_put_footer(number, parts->footer, parts->properties, false, at);
    if (u32_at(at + 8) == version)
        return;
    put_u32(at + 8, version);
    put_u32(at + 12, checksum(checksum_seed(number, parts->footer), strata_bytes(at, 12)));
}

static void repair_pax_table(uint8_t *data, size_t size, enum repair what)
{
    static uint8_t keys[2][STRATA_MAX_KEY + PAX_BLOCK_SLACK];
    static uint64_t hashes[HASHES];
    struct parts parts = {
        .data = data, .what = what, .smallest = keys[0], .largest = keys[1], .hashes = hashes};
    bool found = find_parts(&parts, size);

    if (size < RECORD_FILE_HEADER + PAX_TABLE_FOOTER)
        return;
    put_u32(data + 20, checksum(checksum_seed(u64_at(data + 12), 0), strata_bytes(data, 20)));
    repair_footer(data, &parts);
    if (found) {
        repair_blocks(&parts);
        repair_section(data, parts.index, parts.filter);
        if (what == REPAIR_SUMS)
            repair_sums_of_table(&parts);
        repair_section(data, parts.filter, parts.properties);
    }
    if (parts.properties >= RECORD_FILE_HEADER && parts.properties <= parts.footer)
        repair_section(data, parts.properties, parts.footer);
}

/* ---- Which one ------------------------------------------------------------------------- */

static const struct {
    const char *magic;
    void (*repair)(uint8_t *data, size_t size, enum repair what);
} formats[] = {
    {RECORD_MAGIC, repair_log},    {SEGMENT_MAGIC, repair_log},
    {WAL_MAGIC, repair_log},       {SINGLE_OP_MAGIC, repair_log},
    {"STRATADB", repair_marker},   {HINT_MAGIC, repair_hint},
    {TAIL_MAGIC, repair_tail},     {CHECKPOINT_MAGIC, repair_checkpoint},
    {RUN_MAGIC, repair_log},       {TABLES_MAGIC, repair_tables},
    {TABLE_MAGIC, repair_table},   {PAX_TABLE_MAGIC, repair_pax_table},
    {MANIFEST_MAGIC, repair_log},  {CURRENT_MAGIC, repair_current},
    {EVENTS_MAGIC, repair_events}, {VALUES_MAGIC, repair_log},
};

static size_t same_bytes(const uint8_t *data, const char *magic)
{
    size_t same = 0;
    for (size_t i = 0; i < MAGIC; i++)
        same += data[i] == (uint8_t)magic[i];
    return same;
}

void repair(uint8_t *data, size_t size, enum repair what)
{
    for (size_t i = 0; size >= MAGIC && i < sizeof formats / sizeof *formats; i++)
        if (same_bytes(data, formats[i].magic) >= MAGIC - 1) {
            memcpy(data, formats[i].magic, MAGIC);
            formats[i].repair(data, size, what);
            return;
        }
}

#define LARGEST ((size_t)1 << 20)

bool repair_passes_over(const uint8_t *data, size_t size)
{
    return size > LARGEST || XXH3_64bits(data, size) % 8 == 0;
}

void repair_some(uint8_t *data, size_t size)
{
    static uint8_t all[LARGEST];

    if (repair_passes_over(data, size))
        return;
    memcpy(all, data, size);
    repair(all, size, REPAIR_SUMS);
    repair(data, size, XXH3_64bits(all, size) % 2 ? REPAIR_SUMS : REPAIR_CHECKS);
}
