/* checkpoint.c: DIR/INDEX, little-endian.
 *
 *   +---------+-----------+------------+-----------+----------+------------+------------+--------+
 *   | magic 8 | version 2 | reserved 2 | segment 4 | offset 8 | sequence 8 | segments 4 | keys 8 |
 *   +---------+-----------+------------+-----------+----------+------------+------------+--------+
 *   for each segment:  | first 4 | last 4 | end 8 | records 8 | digest 8 | dead 8 | tombstones 8 |
 *   for each key:      | hash 8 | position 8 |
 *   | check 8 |
 *
 * check is XXH3, 64 bits, of all bytes before it. The segments are those up to and including
 * `segment`; end, records and digest of the last one are those at `offset`. A checkpoint is valid
 * iff its check and its length hold, and fits iff these segments are there, the closed ones with
 * the same seal (so merging, which changes positions, makes it unfit until it is written anew). */
#include "checkpoint.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#define VERSION 1
#define HEADER 44
#define SEGMENT_ENTRY 48
#define KEY_ENTRY 16
#define CHECK 8
#define CHUNK ((size_t)65536)

uint64_t checkpoint_bytes(const struct keydir *keydir)
{
    return HEADER + keydir->segments.count * SEGMENT_ENTRY +
           (uint64_t)keydir->index.count * KEY_ENTRY + CHECK;
}

/* ---- Writing --------------------------------------------------------------------------- */

/* Bytes on their way to the file: a chunk at a time, hashed as they go. */
struct sink {
    struct fs_file *file;
    struct strata_buffer chunk;
    XXH3_state_t hash;
};

static int sink_flush(struct sink *sink, struct strata_error *err)
{
    struct strata_slice part = strata_buffer_slice(&sink->chunk);
    int rc = fs_append(sink->file, &part, 1, err);
    XXH3_64bits_update(&sink->hash, part.data, part.size);
    strata_buffer_clear(&sink->chunk);
    return rc;
}

static int sink_room(struct sink *sink, struct strata_error *err)
{
    return sink->chunk.size + SEGMENT_ENTRY > CHUNK ? sink_flush(sink, err) : 0;
}

static int write_header(struct sink *sink, const struct keydir *keydir, const struct checkpoint *at,
                        struct strata_error *err)
{
    struct strata_buffer *to = &sink->chunk;
    if (buffer_reserve(to, CHUNK) < 0)
        return strata_fail_memory(err, CHUNK);
    strata_buffer_append(to, CHECKPOINT_MAGIC, 8);
    buffer_put_u32(to, VERSION); /* and the reserved bytes */
    buffer_put_u32(to, at->segment);
    buffer_put_u64(to, at->offset);
    buffer_put_u64(to, at->sequence);
    buffer_put_u32(to, (uint32_t)keydir->segments.count);
    buffer_put_u64(to, keydir->index.count);
    return 0;
}

static int write_segments(struct sink *sink, const struct keydir *keydir, struct strata_error *err)
{
    struct strata_buffer *to = &sink->chunk;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < keydir->segments.count; i++) {
        const struct segment *segment = keydir->segments.list[i];
        rc = sink_room(sink, err);
        buffer_put_u32(to, segment->first);
        buffer_put_u32(to, segment->last);
        buffer_put_u64(to, segment->end);
        buffer_put_u64(to, segment->sum.records);
        buffer_put_u64(to, segment->sum.digest);
        buffer_put_u64(to, segment->dead);
        buffer_put_u64(to, segment->tombstones);
    }
    return rc;
}

static int write_keys(struct sink *sink, const struct index *index, struct strata_error *err)
{
    struct strata_buffer *to = &sink->chunk; /* CHUNK bytes, reserved by write_header */
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < index->capacity; i++) {
        if (!index->slots[i].position)
            continue;
        rc = sink_room(sink, err);
        put_u64(put_u64(to->data + to->size, index->slots[i].hash), index->slots[i].position);
        to->size += KEY_ENTRY;
    }
    return rc;
}

static int write_check(struct sink *sink, struct strata_error *err)
{
    uint8_t check[CHECK];
    struct strata_slice part = {check, sizeof check};
    int rc = sink_flush(sink, err);

    if (rc < 0)
        return rc;
    put_u64(check, XXH3_64bits_digest(&sink->hash));
    rc = fs_append(sink->file, &part, 1, err);
    return rc < 0 ? rc : fs_sync(sink->file, err);
}

static int write_temporary(const struct keydir *keydir, const struct checkpoint *at,
                           const char *path, struct strata_error *err)
{
    struct sink sink = {0};
    int closed, rc = fs_open(keydir->segments.env->fs, path, FS_WRITE | FS_CREATE | FS_TRUNCATE,
                             &sink.file, err);

    if (rc < 0)
        return rc;
    XXH3_INITSTATE(&sink.hash);
    XXH3_64bits_reset(&sink.hash);
    rc = write_header(&sink, keydir, at, err);
    if (rc == 0)
        rc = write_segments(&sink, keydir, err);
    if (rc == 0)
        rc = write_keys(&sink, &keydir->index, err);
    if (rc == 0)
        rc = write_check(&sink, err);
    strata_buffer_free(&sink.chunk);
    closed = fs_close(sink.file, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

int checkpoint_write(const struct keydir *keydir, const struct checkpoint *at,
                     struct strata_error *err)
{
    const struct strata_env *env = keydir->segments.env;
    char *path = fs_join(env->dir, CHECKPOINT_NAME);
    char *temporary = fs_join(env->dir, CHECKPOINT_NAME ".tmp");
    int rc = path && temporary ? write_temporary(keydir, at, temporary, err)
                               : strata_fail_memory(err, strlen(env->dir) + 16);

    if (rc == 0)
        rc = fs_rename(env->fs, temporary, path, err);
    if (rc == 0)
        rc = fs_sync_dir(env->fs, env->dir, err);
    if (rc < 0 && temporary)
        fs_remove(env->fs, temporary, NULL); /* it may hold the last room there is */
    free(path);
    free(temporary);
    return rc;
}

/* ---- Reading --------------------------------------------------------------------------- */

/* The same segments, and the closed ones with the same seals. */
static bool segments_fit(struct decoder *d, const struct keydir *keydir, uint32_t count,
                         const struct checkpoint *at, bool apply)
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
        if (apply) {
            segment->dead = dead;
            segment->tombstones = tombstones;
            segment->sum = (struct segment_sum){records, digest};
        }
    }
    return true;
}

static int fill_index(struct index *index, struct decoder *d, uint64_t keys,
                      struct strata_error *err)
{
    int rc = index_reserve(index, (size_t)keys, err);
    while (rc == 0 && keys--) {
        uint64_t hash = get_u64(d), position = get_u64(d);
        index_add(index, hash, position);
    }
    return rc;
}

/* 0: `keydir` and `at` are filled. STRATA_NOT_FOUND: the bytes are no checkpoint that fits. */
static int apply(struct strata_slice bytes, struct keydir *keydir, struct checkpoint *at,
                 struct strata_error *err)
{
    struct decoder d, again;
    struct strata_slice magic;
    uint32_t version, segments;
    uint64_t keys, check;

    *at = (struct checkpoint){0};
    if (bytes.size < HEADER + CHECK)
        return STRATA_NOT_FOUND;
    decoder_init(&d, strata_bytes(bytes.data + bytes.size - CHECK, CHECK));
    check = get_u64(&d);
    bytes.size -= CHECK;
    decoder_init(&d, bytes);
    magic = get_bytes(&d, 8);
    version = get_u32(&d);
    at->segment = get_u32(&d);
    at->offset = get_u64(&d);
    at->sequence = get_u64(&d);
    segments = get_u32(&d);
    keys = get_u64(&d);
    again = d;
    if (memcmp(magic.data, CHECKPOINT_MAGIC, 8) != 0 || version != VERSION ||
        check != XXH3_64bits(bytes.data, bytes.size)) {
        *at = (struct checkpoint){0};
        return STRATA_NOT_FOUND;
    }
    if (!segments_fit(&d, keydir, segments, at, false) || d.left % KEY_ENTRY != 0 ||
        d.left / KEY_ENTRY != keys)
        return STRATA_NOT_FOUND;
    segments_fit(&again, keydir, segments, at, true);
    return fill_index(&keydir->index, &d, keys, err);
}

int checkpoint_read(struct keydir *keydir, struct checkpoint *at, struct strata_error *err)
{
    const struct strata_env *env = keydir->segments.env;
    struct strata_buffer bytes = {0};
    struct strata_error why = {0};
    char *path = fs_join(env->dir, CHECKPOINT_NAME);
    uint64_t max = HEADER + keydir->segments.count * SEGMENT_ENTRY + CHECK +
                   segments_bytes(&keydir->segments) / RECORD_HEAD * KEY_ENTRY;
    int rc = path ? fs_read_file(env->fs, path, (size_t)max, &bytes, &why)
                  : strata_fail_memory(&why, strlen(env->dir) + 16);

    if (rc == 0) {
        rc = apply(strata_buffer_slice(&bytes), keydir, at, &why);
        if (rc == STRATA_NOT_FOUND)
            strata_env_log(env, STRATA_LOG_WARNING, "%s: ignored: it does not fit the log", path);
    } else if (rc == STRATA_ERR_IO || rc == STRATA_ERR_CORRUPT) { /* it is a help, no more */
        if (why.sys != ENOENT)
            strata_env_log(env, STRATA_LOG_WARNING, "%s: ignored, the log is read instead: %s",
                           path, why.message);
        rc = STRATA_NOT_FOUND;
    }
    if (rc < 0 && err)
        *err = why;
    strata_buffer_free(&bytes);
    free(path);
    return rc;
}

int checkpoint_check(struct fs_file *file, struct strata_error *err)
{
    uint8_t *window = malloc(CHUNK), stored[CHECK];
    uint64_t end = file->end < CHECK ? 0 : file->end - CHECK;
    struct decoder d;
    XXH3_state_t hash;
    size_t got = CHUNK;
    int rc = 0;

    if (!window)
        return strata_fail_memory(err, CHUNK);
    XXH3_INITSTATE(&hash);
    XXH3_64bits_reset(&hash);
    for (uint64_t at = 0; rc == 0 && at < end && got; at += got) {
        rc = (fs_read_at)(file, at, window, end - at < CHUNK ? (size_t)(end - at) : CHUNK, &got,
                          err);
        XXH3_64bits_update(&hash, window, got);
    }
    if (rc == 0)
        rc = (fs_read_at)(file, end, stored, CHECK, &got, err);
    free(window);
    if (rc < 0)
        return rc;
    decoder_init(&d, strata_bytes(stored, got));
    return get_u64(&d) == XXH3_64bits_digest(&hash) ? 0 : STRATA_NOT_FOUND;
}
