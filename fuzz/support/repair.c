/* repair.c: one function a format; the layouts are drawn where the formats are written. */
#include "repair.h"
#include "02_hash_index/hint.h"
#include "02_hash_index/index.h"
#include "03_wal/checkpoint.h"
#include "03_wal/tail.h"
#include "03_wal/wal.h"
#include "04_memtable_sstable/run.h"
#include "04_memtable_sstable/tables.h"
#include "05_blocks_bloom/table_inside.h"
#include "06_leveled_compaction/manifest.h"
#include "checksum.h"
#include "coding.h"

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

/* ---- A table: sections, one behind the other, and a footer ------------------------------ */

static void repair_section(uint8_t *data, uint64_t begin, uint64_t end)
{
    struct strata_slice bytes;

    if (end - begin < SECTION_TAIL)
        return;
    bytes = strata_bytes(data + begin, (size_t)(end - begin) - 4);
    put_u32(data + end - 4, checksum(checksum_seed(u64_at(data + 12), begin), bytes));
}

/* The blocks, as far as an index that is not packed tells their sizes. */
static void repair_blocks(uint8_t *data, uint64_t index, uint64_t filter)
{
    uint64_t place = RECORD_FILE_HEADER;
    struct decoder d;

    if (filter - index < SECTION_TAIL)
        return;
    decoder_init(&d, strata_bytes(data + index, (size_t)(filter - index) - SECTION_TAIL));
    while (d.left) {
        uint64_t size = get_varint(&d);
        get_prefixed(&d);
        if (d.bad || size > index - place)
            return;
        repair_section(data, place, place + size);
        place += size;
    }
}

static void repair_table(uint8_t *data, size_t size, enum repair what)
{
    uint64_t footer = size - TABLE_FOOTER, properties, index, filter;

    (void)what;
    if (size < RECORD_FILE_HEADER + TABLE_FOOTER)
        return;
    put_u32(data + 20, checksum(checksum_seed(u64_at(data + 12), 0), strata_bytes(data, 20)));
    properties = u64_at(data + footer);
    if (properties < RECORD_FILE_HEADER || properties > footer)
        return;
    table_put_footer(u64_at(data + 12), footer, properties, data + footer);
    repair_section(data, properties, footer);
    if (footer - properties < 9 * 8)
        return;
    index = u64_at(data + properties + 7 * 8);
    filter = u64_at(data + properties + 8 * 8);
    if (index < RECORD_FILE_HEADER || index > filter || filter > properties)
        return;
    repair_blocks(data, index, filter);
    repair_section(data, index, filter);
    repair_section(data, filter, properties);
}

/* ---- Which one ------------------------------------------------------------------------- */

static const struct {
    const char *magic;
    void (*repair)(uint8_t *data, size_t size, enum repair what);
} formats[] = {
    {RECORD_MAGIC, repair_log},
    {SEGMENT_MAGIC, repair_log},
    {WAL_MAGIC, repair_log},
    {"STRATADB", repair_marker},
    {HINT_MAGIC, repair_hint},
    {TAIL_MAGIC, repair_tail},
    {CHECKPOINT_MAGIC, repair_checkpoint},
    {RUN_MAGIC, repair_log},
    {TABLES_MAGIC, repair_tables},
    {TABLE_MAGIC, repair_table},
    {MANIFEST_MAGIC, repair_log},
    {CURRENT_MAGIC, repair_current},
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
