/* sections.c: see sections.h. */
#include "sections.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "base/coding.h"
#include "repair.h"

#include <string.h>

#define MOST 64       /* sections that are distinguished: a table with more is mutated as bytes */
#define INDEX_PLACE 7 /* which number of the properties tells where the index begins */
#define FILTER_PLACE 8
#define CHECK 4

struct sections {
    size_t begin[MOST]; /* the last one: the footer's */
    size_t count;       /* of sections */
};

static bool find(struct sections *sections, const uint8_t *data, size_t size)
{
    size_t count = 0;

    if (size >= 8 && memcmp(data, PAX_TABLE_MAGIC, 8) == 0)
        count = repair_sections(data, size, sections->begin, MOST);
    sections->count = count ? count - 1 : 0;
    return count > 0;
}

size_t sections_in(const uint8_t *data, size_t size)
{
    struct sections sections;
    find(&sections, data, size);
    return sections.count;
}

static size_t bytes_of(const struct sections *sections, size_t which)
{
    return sections->begin[which + 1] - sections->begin[which];
}

size_t sections_check(struct prng *prng, const uint8_t *data, size_t size, size_t *bytes)
{
    struct sections sections;
    size_t which;

    *bytes = 0;
    if (!find(&sections, data, size))
        return 0;
    *bytes = CHECK;
    which = (size_t)prng_below(prng, sections.count + 2);
    if (which == sections.count)
        return 20;
    if (which > sections.count)
        return sections.begin[sections.count] + 12;
    return bytes_of(&sections, which) ? sections.begin[which + 1] - CHECK : 20;
}

/* ---- Mutations ------------------------------------------------------------------------- */

struct mutation {
    struct prng *prng;
    uint8_t *data;
    size_t size, capacity;
    struct sections sections;
};

static bool is_plain(const struct mutation *m, size_t which)
{
    return m->data[m->sections.begin[which + 1] - 5] == STORED_BLOCK_PLAIN;
}

static void add_u64(uint8_t *at, uint64_t by)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(at, 8));
    put_u64(at, get_u64(&d) + by);
}

/* The index says that block `which` has so many bytes, if it can without becoming longer. */
static void tell_size(struct mutation *m, size_t which, uint64_t bytes)
{
    size_t index = m->sections.count - 3;
    uint8_t *at = m->data + m->sections.begin[index];
    struct decoder d;

    if (!is_plain(m, index))
        return;
    decoder_init(&d, strata_bytes(at, bytes_of(&m->sections, index) - STORED_BLOCK_TRAILER));
    for (size_t i = 0; i < which; i++) {
        get_varint(&d);
        get_prefixed(&d);
    }
    at = (uint8_t *)(uintptr_t)d.at;
    if (d.bad || !d.left || (at[0] < 128) != (bytes < 128) || bytes >= 16384)
        return;
    at[0] = (uint8_t)(bytes < 128 ? bytes : bytes | 128);
    if (bytes >= 128)
        at[1] = (uint8_t)(bytes >> 7);
}

/* Where the sections behind `which` begin now, as it has become longer by that many bytes. */
static void tell_places(struct mutation *m, size_t which, uint64_t by)
{
    size_t properties = m->sections.count - 1;
    uint8_t *numbers = m->data + m->sections.begin[properties];

    if (which < properties)
        add_u64(m->data + m->size - PAX_TABLE_FOOTER, by);
    if (which >= properties || !is_plain(m, properties))
        return;
    if (which < properties - 2)
        add_u64(numbers + INDEX_PLACE * 8, by);
    if (which < properties - 1)
        add_u64(numbers + FILTER_PLACE * 8, by);
}

/* Bytes `at` to `at` + `size` of section `which` become `bytes`, which lie elsewhere. */
static void replace(struct mutation *m, size_t which, size_t at, size_t size,
                    struct strata_slice bytes)
{
    uint8_t *from = m->data + m->sections.begin[which] + at;
    size_t behind = m->size - m->sections.begin[which] - at - size;
    uint64_t by = (uint64_t)bytes.size - size;

    if (bytes.size > m->capacity - (m->size - size))
        return;
    memmove(from + bytes.size, from + size, behind);
    if (bytes.size)
        memcpy(from, bytes.data, bytes.size);
    m->size += (size_t)by;
    for (size_t i = which + 1; i <= m->sections.count; i++)
        m->sections.begin[i] += (size_t)by;
    tell_places(m, which, by);
    if (which < m->sections.count - 3)
        tell_size(m, which, bytes_of(&m->sections, which));
}

/* Some bytes go, or come twice, or others come. */
static void resize(struct mutation *m, size_t which)
{
    uint8_t bytes[64];
    size_t room = bytes_of(&m->sections, which) - STORED_BLOCK_TRAILER;
    size_t at = (size_t)prng_below(m->prng, room + 1);
    size_t size = (size_t)prng_below(m->prng, (room - at < 16 ? room - at : 16) + 1);

    memcpy(bytes, m->data + m->sections.begin[which] + at, size);
    memcpy(bytes + size, bytes, size);
    switch (prng_below(m->prng, 3)) {
    case 0:
        replace(m, which, at, size, strata_bytes(bytes, 0));
        break;
    case 1:
        replace(m, which, at, size, strata_bytes(bytes, 2 * size));
        break;
    default:
        for (size_t i = 0; i < 4; i++)
            bytes[i] = (uint8_t)prng_below(m->prng, 256);
        replace(m, which, at, 0, strata_bytes(bytes, 1 + (size_t)prng_below(m->prng, 4)));
    }
}

/* It becomes another section, of this table or the other one. */
static void become(struct mutation *m, size_t which, const uint8_t *other, size_t other_size)
{
    uint8_t copy[2048];
    struct sections sections = m->sections;
    const uint8_t *from = m->data;
    size_t source, size;

    if (prng_below(m->prng, 2) && find(&sections, other, other_size))
        from = other;
    else
        sections = m->sections;
    source = (size_t)prng_below(m->prng, sections.count);
    size = bytes_of(&sections, source);
    if (size > sizeof copy)
        return;
    memcpy(copy, from + sections.begin[source], size);
    replace(m, which, 0, bytes_of(&m->sections, which), strata_bytes(copy, size));
}

/* A number of two, four or eight bytes; most of them stand in front, or in the tail. */
static void change_number(struct mutation *m, size_t which)
{
    static const uint64_t odd[] = {0,         1, 255, 65535, 65536, UINT32_MAX, (uint64_t)1 << 63,
                                   UINT64_MAX};
    size_t bytes = bytes_of(&m->sections, which), width = (size_t)2 << prng_below(m->prng, 3), at;
    uint8_t number[8], *to;
    struct decoder d;

    if (bytes < STORED_BLOCK_TRAILER + 8)
        return;
    at = (size_t)prng_below(m->prng, prng_below(m->prng, 2) && bytes > 100 ? 90 : bytes - 8);
    if (prng_below(m->prng, 8) == 0)
        at = bytes - STORED_BLOCK_TRAILER;
    to = m->data + m->sections.begin[which] + at;
    decoder_init(&d, strata_bytes(to, 8));
    switch (prng_below(m->prng, 4)) {
    case 0:
        put_u64(number, odd[prng_below(m->prng, sizeof odd / sizeof *odd)]);
        break;
    case 1:
        put_u64(number, get_u64(&d) + 1);
        break;
    case 2:
        put_u64(number, get_u64(&d) - 1);
        break;
    default:
        put_u64(number, prng_below(m->prng, m->size + 1));
    }
    memcpy(to, number, at == bytes - STORED_BLOCK_TRAILER && width == 8 ? 4 : width);
}

size_t sections_mutate(struct prng *prng, uint8_t *data, size_t size, size_t capacity,
                       const uint8_t *other, size_t other_size)
{
    struct mutation m = {.prng = prng, .data = data, .size = size, .capacity = capacity};

    for (size_t steps = 1 + (size_t)prng_below(prng, 3); steps && find(&m.sections, m.data, m.size);
         steps--) {
        size_t which = (size_t)prng_below(prng, m.sections.count);
        if (bytes_of(&m.sections, which) < STORED_BLOCK_TRAILER)
            continue;
        switch (prng_below(prng, 4)) {
        case 0:
            become(&m, which, other, other_size);
            break;
        case 1:
            resize(&m, which);
            break;
        default:
            change_number(&m, which);
        }
    }
    return m.size;
}
