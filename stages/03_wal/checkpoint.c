/* checkpoint.c: DIR/INDEX, little-endian.
 *
 *   +---------+-----------+------------+-----------+----------+------------+------------+--------+
 *   | magic 8 | version 2 | reserved 2 | segment 4 | offset 8 | sequence 8 | segments 4 | keys 8 |
 *   +---------+-----------+------------+-----------+----------+------------+------------+--------+
 *   for each segment:  | first 4 | last 4 | end 8 | records 8 | digest 8 | dead 8 | tombstones 8 |
 *   for each key:      | hash 8 | position 8 |
 *   | check 8 |
 *
 * check is XXH3, 64 bits, of all bytes before it; sequence is at most CODING_NUMBER_MAX. The
 * segments are those up to and including `segment`; end, records and digest of the last one are
 * those at `offset`. A checkpoint is valid iff its check and its length hold, and fits iff these
 * segments are there, the closed ones with the same seal (so merging, which changes positions,
 * makes it unfit until it is written anew). */
#include "checkpoint.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <assert.h>
#include <string.h>

#include <xxhash.h>

#define VERSION 1
#define HEADER 44
#define SEGMENT_ENTRY 48
#define KEY_ENTRY 16
#define CHECK 8

uint64_t checkpoint_bytes(const struct keydir *keydir)
{
    return HEADER + keydir->segments.count * SEGMENT_ENTRY +
           (uint64_t)keydir->index.count * KEY_ENTRY + CHECK;
}

/* ---- Writing --------------------------------------------------------------------------- */

static void put_header(struct strata_buffer *to, const struct keydir *keydir,
                       const struct checkpoint *at)
{
    strata_buffer_append(to, CHECKPOINT_MAGIC, 8);
    buffer_put_u32(to, VERSION); /* and the reserved bytes */
    buffer_put_u32(to, at->segment);
    buffer_put_u64(to, at->offset);
    buffer_put_u64(to, at->sequence);
    buffer_put_u32(to, (uint32_t)keydir->segments.count);
    buffer_put_u64(to, keydir->index.count);
}

static void put_segment(struct strata_buffer *to, const struct segment *segment)
{
    buffer_put_u32(to, segment->first);
    buffer_put_u32(to, segment->last);
    buffer_put_u64(to, segment->end);
    buffer_put_u64(to, segment->sum.records);
    buffer_put_u64(to, segment->sum.digest);
    buffer_put_u64(to, segment->dead);
    buffer_put_u64(to, segment->tombstones);
}

int checkpoint_write(const struct keydir *keydir, const struct checkpoint *at,
                     struct strata_error *err)
{
    const struct strata_env *env = keydir->segments.env;
    const struct index *index = &keydir->index;
    uint64_t size = checkpoint_bytes(keydir);
    struct strata_buffer bytes = {0};
    int rc;

    if (buffer_reserve(&bytes, (size_t)size) < 0)
        return strata_fail_memory(err, (size_t)size);
    put_header(&bytes, keydir, at);
    for (size_t i = 0; i < keydir->segments.count; i++)
        put_segment(&bytes, keydir->segments.list[i]);
    for (size_t i = 0; i < index->capacity; i++)
        if (index->slots[i].position) {
            buffer_put_u64(&bytes, index->slots[i].hash);
            buffer_put_u64(&bytes, index->slots[i].position);
        }
    buffer_put_u64(&bytes, XXH3_64bits(bytes.data, bytes.size));
    assert(bytes.size == size);
    rc = fs_replace(env->fs, env->dir, CHECKPOINT_NAME, strata_buffer_slice(&bytes), true, err);
    strata_buffer_free(&bytes);
    return rc;
}

/* ---- Reading --------------------------------------------------------------------------- */

/* The same segments, and the closed ones with the same seals? Fills in what is known of them. */
static bool segments_fit(struct decoder *d, const struct keydir *keydir, uint32_t count,
                         const struct checkpoint *at)
{
    const struct segments *set = &keydir->segments;
    if (count == 0 || count > set->count || set->list[count - 1]->last != at->segment)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct segment *segment = set->list[i];
        uint32_t first = get_u32(d), last = get_u32(d);
        uint64_t end = get_u64(d), records = get_u64(d), digest = get_u64(d);
        uint64_t dead = get_u64(d), tombstones = get_u64(d);

        if (d->bad || first != segment->first || last != segment->last)
            return false;
        if (i + 1 == count ? end != at->offset || end > segment->end
                           : !segment->sealed || end != segment->end ||
                                 records != segment->sum.records || digest != segment->sum.digest)
            return false;
        segment->dead = dead;
        segment->tombstones = tombstones;
        segment->sum = (struct segment_sum){records, digest};
    }
    return true;
}

static int fill_index(struct index *index, struct decoder *d, uint64_t keys,
                      struct strata_error *err)
{
    int rc = index_reserve(index, (size_t)keys, err);
    while (rc == 0 && keys--) {
        uint64_t hash = get_u64(d), position = get_u64(d);
        if (!position) /* no record has that */
            return STRATA_NOT_FOUND;
        index_add(index, hash, position);
    }
    return rc;
}

void checkpoint_undo(struct keydir *keydir)
{
    index_free(&keydir->index);
    for (size_t i = 0; i < keydir->segments.count; i++)
        keydir->segments.list[i]->dead = keydir->segments.list[i]->tombstones = 0;
}

/* 0: `keydir` and `at` are filled. STRATA_NOT_FOUND: the bytes are no checkpoint that fits. */
static int apply(struct strata_slice bytes, struct keydir *keydir, struct checkpoint *at,
                 struct strata_error *err)
{
    struct checkpoint found;
    struct decoder d;
    struct strata_slice magic;
    uint32_t version, segments;
    uint64_t keys, check;
    int rc = STRATA_NOT_FOUND;

    *at = (struct checkpoint){0};
    if (bytes.size < HEADER + CHECK)
        return STRATA_NOT_FOUND;
    decoder_init(&d, strata_bytes(bytes.data + bytes.size - CHECK, CHECK));
    check = get_u64(&d);
    bytes.size -= CHECK;
    decoder_init(&d, bytes);
    magic = get_bytes(&d, 8);
    version = get_u32(&d);
    found.segment = get_u32(&d);
    found.offset = get_u64(&d);
    found.sequence = get_u64(&d);
    segments = get_u32(&d);
    keys = get_u64(&d);
    if (memcmp(magic.data, CHECKPOINT_MAGIC, 8) != 0 || version != VERSION ||
        check != XXH3_64bits(bytes.data, bytes.size) || found.sequence > CODING_NUMBER_MAX)
        return STRATA_NOT_FOUND;
    *at = found;
    if (segments_fit(&d, keydir, segments, at) && d.left % KEY_ENTRY == 0 &&
        d.left / KEY_ENTRY == keys)
        rc = fill_index(&keydir->index, &d, keys, err);
    if (rc != 0)
        checkpoint_undo(keydir);
    return rc;
}

int checkpoint_read(struct keydir *keydir, struct checkpoint *at, struct strata_error *err)
{
    const struct strata_env *env = keydir->segments.env;
    struct strata_buffer bytes = {0};
    uint64_t max = HEADER + keydir->segments.count * SEGMENT_ENTRY + CHECK +
                   segments_bytes(&keydir->segments) / RECORD_HEAD * KEY_ENTRY;
    int rc = fs_read_optional(env, CHECKPOINT_NAME, (size_t)max, &bytes, err);

    if (rc == 0) {
        rc = apply(strata_buffer_slice(&bytes), keydir, at, err);
        if (rc == STRATA_NOT_FOUND)
            strata_env_log(env, STRATA_LOG_WARNING,
                           "%s/" CHECKPOINT_NAME ": ignored: it does not fit the log", env->dir);
    }
    strata_buffer_free(&bytes);
    return rc;
}
