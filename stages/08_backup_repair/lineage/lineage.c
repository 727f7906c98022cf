/* lineage.c: the bytes that are kept in a table's properties, all varints:
 *
 *   level << 1 | repaired | group | ordinal << 1 | last | sources | above | numbers ...
 *
 * Before them there may be notes of a later stage: LINEAGE_OTHER | their size 4 | their bytes.
 *
 * Valid if and only if level is below 7, ordinal is above 0, group and the numbers are above 0 and
 * at most CODING_NUMBER_MAX, and as many numbers follow as sources and above say, and nothing
 * else. */
#include "08_backup_repair/lineage/lineage.h"
#include "06_leveled_compaction/manifest/edit.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <assert.h>
#include <stdlib.h>

void lineage_free(struct lineage *lineage)
{
    free(lineage->files);
    *lineage = (struct lineage){0};
}

int lineage_add(struct lineage *lineage, bool above, uint64_t number, struct strata_error *err)
{
    size_t count = lineage->sources + lineage->above;
    uint64_t *added = array_add(&lineage->files, &count, &lineage->room, sizeof *added, err);

    assert(number && (above || !lineage->above));
    if (!added)
        return STRATA_ERR_NO_MEMORY;
    *added = number;
    *(above ? &lineage->above : &lineage->sources) += 1;
    return 0;
}

static bool has(const uint64_t *files, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (files[i] == number)
            return true;
    return false;
}

bool lineage_is_source(const struct lineage *lineage, uint64_t number)
{
    return has(lineage->files, lineage->sources, number);
}

bool lineage_is_above(const struct lineage *lineage, uint64_t number)
{
    return lineage->above && has(lineage->files + lineage->sources, lineage->above, number);
}

int lineage_encode(const struct lineage *lineage, struct strata_buffer *to,
                   struct strata_error *err)
{
    assert(lineage->level < LEVELS && !lineage->group == !lineage->ordinal);
    buffer_put_varint(to, (uint64_t)lineage->level << 1 | lineage->repaired);
    buffer_put_varint(to, lineage->group);
    buffer_put_varint(to, lineage->ordinal << 1 | lineage->last);
    buffer_put_varint(to, lineage->sources);
    buffer_put_varint(to, lineage->above);
    for (size_t i = 0; i < lineage->sources + lineage->above; i++)
        buffer_put_varint(to, lineage->files[i]);
    return to->out_of_memory ? strata_fail_memory(err, to->capacity) : 0;
}

/* Of a file, or of an output; a larger one was never given away. */
static uint64_t get_number(struct decoder *d)
{
    uint64_t number = get_varint(d);

    d->bad |= number == 0 || number > CODING_NUMBER_MAX;
    return number;
}

static int read_files(struct decoder *d, uint64_t sources, uint64_t above, struct lineage *lineage,
                      struct strata_error *err)
{
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && !d->bad && i < sources + above; i++) {
        uint64_t number = get_number(d);
        if (!d->bad)
            rc = lineage_add(lineage, i >= sources, number, err);
    }
    return rc;
}

static void lineage_skip(struct decoder *d)
{
    if (*d->at != LINEAGE_OTHER)
        return;
    get_u8(d);
    get_bytes(d, get_u32(d));
}

int lineage_decode(struct strata_slice bytes, struct lineage *lineage, struct strata_error *err)
{
    uint64_t level, ordinal, sources, above;
    struct decoder d;
    int rc = 0;

    *lineage = (struct lineage){0};
    if (!bytes.size)
        return 0;
    decoder_init(&d, bytes);
    lineage_skip(&d);
    if (!d.left && !d.bad) /* of a flush */
        return 0;
    level = get_varint(&d);
    lineage->group = get_number(&d);
    ordinal = get_varint(&d);
    sources = get_varint(&d);
    above = get_varint(&d);
    d.bad |= level >= (uint64_t)2 * LEVELS || ordinal < 2 || sources > d.left ||
             above > d.left - sources;
    lineage->level = d.bad ? 0 : (uint32_t)(level >> 1);
    lineage->repaired = level & 1;
    lineage->ordinal = ordinal >> 1;
    lineage->last = ordinal & 1;
    rc = read_files(&d, sources, above, lineage, err);
    if (rc == 0 && !decoder_done(&d))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, NULL, bytes.size - d.left,
                         "the table's notes are no lineage: byte %zu", bytes.size - d.left);
    return rc;
}
