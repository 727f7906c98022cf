/* records.c: see records.h. */
#include "records.h"
#include "02_hash_index/hint.h"
#include "03_wal/checkpoint.h"
#include "02_hash_index/tail.h"
#include "03_wal/wal.h"
#include "04_memtable_sstable/run/run.h"
#include "04_memtable_sstable/tables.h"
#include "06_leveled_compaction/manifest/manifest.h"
#include "09_fast_paths/log/single_op_log.h"
#include "12_value_log/values/value_set.h"
#include "base/coding.h"
#include "sections.h"

#include <string.h>

#define MAGIC 8
#define MAX 256 /* records that are distinguished; the last one is the rest */
#define KEY_BYTES 5
#define VALUE_BYTES 9
#define TYPE 4
#define BODY_CHECK 13
#define AT_END SIZE_MAX

struct unit {
    size_t at, size;
};

struct units {
    struct unit unit[MAX];
    size_t count;
    bool framed; /* each with a head that tells its size */
};

static const struct format {
    const char *magic;
    size_t header, entry;      /* bytes; an entry of 0: records with a head */
    size_t check, check_bytes; /* where it is; AT_END: the last bytes */
} formats[] = {
    {RECORD_MAGIC, RECORD_FILE_HEADER, 0, 20, 4},
    {SEGMENT_MAGIC, RECORD_FILE_HEADER, 0, 20, 4},
    {WAL_MAGIC, RECORD_FILE_HEADER, 0, 20, 4},
    {SINGLE_OP_MAGIC, RECORD_FILE_HEADER, 0, 20, 4},
    {MANIFEST_MAGIC, RECORD_FILE_HEADER, 0, 20, 4},
    {VALUES_MAGIC, RECORD_FILE_HEADER, 0, 20, 4},
    {HINT_MAGIC, 48, 16, 44, 4},
    {CHECKPOINT_MAGIC, 44, 16, AT_END, 8},
    {RUN_MAGIC, RECORD_FILE_HEADER, 0, 20, 4},
    {TABLES_MAGIC, TABLES_HEAD, 24, AT_END, 4},
    {TAIL_MAGIC, SIZE_MAX, 0, 36, 4},
    {CURRENT_MAGIC, SIZE_MAX, 0, CURRENT_BYTES - 4, 4},
    {"STRATADB", SIZE_MAX, 0, 28, 4},
};

static uint32_t u32_at(const uint8_t *data)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(data, 4));
    return get_u32(&d);
}

static size_t size_of(const uint8_t *record, size_t left)
{
    uint64_t size = RECORD_HEAD;

    if (left < RECORD_HEAD)
        return left;
    size += (uint64_t)u32_at(record + KEY_BYTES) + u32_at(record + VALUE_BYTES);
    return size < left ? (size_t)size : left;
}

static void find(struct units *units, const uint8_t *data, size_t size, size_t header, size_t entry)
{
    units->framed = entry == 0;
    for (size_t at = header; at < size && units->count < MAX; units->count++) {
        size_t left = size - at, step = entry < left ? entry : left;
        if (units->count == MAX - 1)
            step = left;
        else if (units->framed)
            step = size_of(data + at, left);
        units->unit[units->count] = (struct unit){at, step};
        at += step;
    }
}

static const struct format *format_of(const uint8_t *data, size_t size)
{
    for (size_t i = 0; size >= MAGIC && i < sizeof formats / sizeof *formats; i++)
        if (memcmp(data, formats[i].magic, MAGIC) == 0)
            return &formats[i];
    return NULL;
}

static void find_any(struct units *units, const uint8_t *data, size_t size)
{
    const struct format *format = format_of(data, size);

    units->count = 0;
    if (format)
        find(units, data, size, format->header, format->entry);
}

size_t records_in(const uint8_t *data, size_t size)
{
    struct units units;
    find_any(&units, data, size);
    return units.count + sections_in(data, size);
}

size_t records_check(struct prng *prng, const uint8_t *data, size_t size, size_t *bytes)
{
    const struct format *format = format_of(data, size);
    struct units units;
    size_t at;

    *bytes = 0;
    if (!format)
        return sections_check(prng, data, size, bytes);
    *bytes = format->check_bytes;
    at = format->check == AT_END && size >= *bytes ? size - *bytes : format->check;
    find_any(&units, data, size);
    if (units.count && units.framed && prng_below(prng, 4)) {
        at = units.unit[prng_below(prng, units.count)].at;
        if (prng_below(prng, 2))
            at += BODY_CHECK;
    }
    if (at > size || size - at < *bytes)
        *bytes = 0;
    return at;
}

/* ---- Mutations ------------------------------------------------------------------------- */

struct mutation {
    struct prng *prng;
    uint8_t *data;
    size_t size, capacity;
    const struct units *units;
};

static struct unit any(struct mutation *m, const struct units *units)
{
    return units->unit[prng_below(m->prng, units->count)];
}

/* Makes `at` a place with `size` bytes from `from`, which is not in data. */
static void insert(struct mutation *m, size_t at, const uint8_t *from, size_t size)
{
    if (size > m->capacity - m->size)
        return;
    memmove(m->data + at + size, m->data + at, m->size - at);
    memcpy(m->data + at, from, size);
    m->size += size;
}

static void drop(struct mutation *m, struct unit unit)
{
    memmove(m->data + unit.at, m->data + unit.at + unit.size, m->size - unit.at - unit.size);
    m->size -= unit.size;
}

static void copy_within(struct mutation *m)
{
    uint8_t copy[512];
    struct unit unit = any(m, m->units);

    if (unit.size > sizeof copy)
        return;
    memcpy(copy, m->data + unit.at, unit.size);
    insert(m, any(m, m->units).at, copy, unit.size);
}

static void swap(struct mutation *m)
{
    struct unit a = any(m, m->units), b = any(m, m->units);
    uint8_t moved[512];

    if (a.at >= b.at || b.size > sizeof moved)
        return;
    memcpy(moved, m->data + b.at, b.size);
    drop(m, b);
    insert(m, a.at, moved, b.size);
}

static void take_other(struct mutation *m, const uint8_t *other, size_t other_size)
{
    struct units units;

    find_any(&units, other, other_size);
    if (units.count) {
        struct unit unit = any(m, &units);
        insert(m, any(m, m->units).at, other + unit.at, unit.size);
    }
}

/* In a record's head: its type, or how long its key or value is. Bytes are neither added nor taken,
 * so the record ends elsewhere than it did. */
static void change_head(struct mutation *m)
{
    static const uint32_t odd[] = {0,          1,          36,       65535,      65536,   65537,
                                   1073741824, 1073741825, 1u << 31, UINT32_MAX, 1u << 24};
    struct unit unit = any(m, m->units);
    uint8_t *head = m->data + unit.at;
    uint64_t left = m->size - unit.at - RECORD_HEAD;

    if (!m->units->framed || unit.size < RECORD_HEAD)
        return;
    switch (prng_below(m->prng, 5)) {
    case 0:
        head[TYPE] = (uint8_t)prng_below(m->prng, SINGLE_OP_DELETE + 1);
        break;
    case 1:
        put_u32(head + KEY_BYTES, odd[prng_below(m->prng, sizeof odd / sizeof *odd)]);
        break;
    case 2:
        put_u32(head + VALUE_BYTES, odd[prng_below(m->prng, sizeof odd / sizeof *odd)]);
        break;
    case 3:
        put_u32(head + KEY_BYTES, (uint32_t)prng_below(m->prng, left + 2));
        break;
    default:
        put_u32(head + VALUE_BYTES, (uint32_t)prng_below(m->prng, left + 2));
    }
}

/* A byte of its key moves to its value, or the other way. */
static void move_border(struct mutation *m)
{
    struct unit unit = any(m, m->units);
    uint8_t *head = m->data + unit.at;
    uint32_t key, value;

    if (!m->units->framed || unit.size < RECORD_HEAD)
        return;
    key = u32_at(head + KEY_BYTES);
    value = u32_at(head + VALUE_BYTES);
    put_u32(head + KEY_BYTES, prng_below(m->prng, 2) ? key + value : 0);
    put_u32(head + VALUE_BYTES, u32_at(head + KEY_BYTES) ? 0 : key + value);
}

/* A number in the header, in an entry, or behind a record's head: a frame's, a seal's.
 */
static void change_number(struct mutation *m)
{
    static const uint64_t odd[] = {0, 1, UINT32_MAX, (uint64_t)1 << 63, UINT64_MAX};
    struct unit unit = any(m, m->units);
    size_t skip = m->units->framed ? RECORD_HEAD : 0;
    uint8_t *at;
    uint64_t number;
    struct decoder d;

    if (prng_below(m->prng, 4) == 0) {
        unit = (struct unit){0, m->units->unit[0].at};
        skip = MAGIC;
    }
    if (unit.size < skip + 8)
        return;
    at = m->data + unit.at + skip + prng_below(m->prng, (unit.size - skip - 8) / 4 + 1) * 4;
    decoder_init(&d, strata_bytes(at, 8));
    number = get_u64(&d);
    switch (prng_below(m->prng, 4)) {
    case 0:
        put_u64(at, odd[prng_below(m->prng, sizeof odd / sizeof *odd)]);
        break;
    case 1:
        put_u64(at, number + 1);
        break;
    case 2:
        put_u64(at, number - 1);
        break;
    default:
        put_u64(at, prng_below(m->prng, m->size + 1));
    }
}

static void cut(struct mutation *m)
{
    struct unit unit = any(m, m->units);
    m->size = unit.at + prng_below(m->prng, unit.size);
}

size_t records_mutate(struct prng *prng, uint8_t *data, size_t size, size_t capacity,
                      const uint8_t *other, size_t other_size)
{
    struct units units;
    struct mutation m = {prng, data, size, capacity, &units};
    size_t steps = 1 + prng_below(prng, 3);

    if (sections_in(data, size))
        return sections_mutate(prng, data, size, capacity, other, other_size);
    for (find_any(&units, data, size); steps && units.count; steps--) {
        switch (prng_below(prng, 9)) {
        case 0:
            drop(&m, any(&m, &units));
            break;
        case 1:
            copy_within(&m);
            break;
        case 2:
            swap(&m);
            break;
        case 3:
            take_other(&m, other, other_size);
            break;
        case 4:
            move_border(&m);
            break;
        case 5:
            cut(&m);
            break;
        case 6:
            change_number(&m);
            break;
        default:
            change_head(&m);
        }
        find_any(&units, m.data, m.size);
    }
    return m.size;
}
