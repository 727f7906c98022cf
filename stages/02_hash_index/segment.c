/* segment.c: files of one segment each.
 *
 *   000003.log          covers segment 3: filled by writes
 *   000001-000004.log   covers 1 to 4: merged
 *   NAME.log.tmp        being made; never read
 *   NAME.log.old        merged away, and an iterator still reads it; never read by an open
 *
 * A file has the append log's bytes (01_append_log/record.c) under the magic "STRATSEG"; its
 * number, which seeds every check, is first * 2^32 + last. A closed one ends with its seal:
 *
 *   record of type 3, no key, value = | records 8 | digest 8 |
 *
 * 2.I6: a file has its name only with a whole header, and a merged one only when complete: both
 *     are written as NAME.tmp and renamed.
 * 2.I7: a file whose range lies within another's is superseded: the merge that made the other was
 *     complete, and only the removing was cut. It is removed, never read.
 * 2.I8: what remains covers 1..n without a gap: a missing file is damage, not an empty one.
 * 2.I9: all but the last are sealed; nothing follows a seal. */
#include "segment.h"
#include "index.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEAL_VALUE 16
#define SEAL_BYTES (RECORD_HEAD + SEAL_VALUE)

static uint64_t id_of(uint32_t first, uint32_t last)
{
    return (uint64_t)first << 32 | last;
}

uint64_t segment_id(const struct segment *segment)
{
    return id_of(segment->first, segment->last);
}

uint64_t segment_digest(uint64_t hash, uint64_t offset, unsigned type)
{
    uint8_t bytes[17];
    put_u8(put_u64(put_u64(bytes, hash), offset), (uint8_t)type);
    return XXH3_64bits(bytes, sizeof bytes);
}

void segment_count(struct segment *segment, uint64_t hash, uint64_t offset, unsigned type)
{
    segment->sum.records++;
    segment->sum.digest += segment_digest(hash, offset, type);
    segment->tombstones += segment_is_delete(type);
}

int segment_check(const struct segment *segment, const struct segment_sum *sum, uint64_t end,
                  struct strata_error *err)
{
    if (sum->records == segment->sum.records && sum->digest == segment->sum.digest)
        return 0;
    return strata_fail(err, STRATA_ERR_CORRUPT, segment->path, end,
                       "the segment has changed: %" PRIu64 " records, not the %" PRIu64
                       " that were written",
                       sum->records, segment->sum.records);
}

int segment_read(const struct segments *set, const struct segment *segment, segment_each *each,
                 void *arg, struct strata_error *err)
{
    struct segment_sum sum = {0};
    struct record_reader reader;
    struct record record;
    int rc = fs_pooled_use(&segment->at, err);

    if (rc < 0)
        return rc;
    rc = record_check_kind(segment->at.file, set->magic, segment_id(segment), err);
    record_reader_init(&reader, segment->at.file, segment_id(segment), segment->end);
    reader.max_type = set->max_type;
    while (rc >= 0 && (rc = record_next(&reader, &record, err)) == 0) {
        uint64_t hash = index_hash(record.key);
        if (!segment_is_put(record.type) && !segment_is_delete(record.type))
            continue;
        sum.records++;
        sum.digest += segment_digest(hash, record.offset, record.type);
        rc = each(arg, segment, &record, hash, err);
    }
    if (rc >= 0)
        rc = segment_check(segment, &sum, reader.at, err);
    record_reader_free(&reader);
    fs_pooled_done(&segment->at);
    return rc;
}

/* ---- Names ----------------------------------------------------------------------------- */

void segment_name(uint32_t first, uint32_t last, const char *suffix, char name[SEGMENT_NAME])
{
    assert(first && first <= last);
    if (first == last)
        snprintf(name, SEGMENT_NAME, "%06" PRIu32 "%s", last, suffix);
    else
        snprintf(name, SEGMENT_NAME, "%06" PRIu32 "-%06" PRIu32 "%s", first, last, suffix);
}

bool segment_parse_name(const char *name, const char *suffix, uint32_t *first, uint32_t *last)
{
    size_t size = strlen(name), ends = strlen(suffix);
    char again[SEGMENT_NAME], *end;
    unsigned long a, b;

    if (size < ends || strcmp(name + size - ends, suffix) != 0)
        return false;
    a = b = strtoul(name, &end, 10);
    if (*end == '-')
        b = strtoul(end + 1, &end, 10);
    if (a == 0 || b < a || b >= SEGMENT_MAX)
        return false;
    *first = (uint32_t)a;
    *last = (uint32_t)b;
    segment_name(*first, *last, suffix, again);
    return strcmp(again, name) == 0;
}

/* ---- One segment ----------------------------------------------------------------------- */

static char *path_with(const struct segments *set, uint32_t first, uint32_t last,
                       const char *suffix)
{
    char name[SEGMENT_NAME];
    segment_name(first, last, suffix, name);
    return fs_join(set->env->dir, name);
}

struct segment *segment_new(const struct segments *set, uint32_t first, uint32_t last)
{
    struct segment *segment = calloc(1, sizeof *segment);

    if (segment)
        segment->path = path_with(set, first, last, ".log");
    if (!segment || !segment->path) {
        free(segment);
        return NULL;
    }
    segment->refs = 1;
    segment->first = first;
    segment->last = last;
    segment->fs = set->env->fs;
    segment->at.pool = set->pool;
    segment->at.path = segment->path;
    return segment;
}

int segment_unref(struct segment *segment, struct strata_error *err)
{
    int rc;

    assert(segment->refs > 0);
    if (--segment->refs)
        return 0;
    rc = fs_pooled_close(&segment->at, err);
    if (segment->obsolete)
        fs_remove(segment->fs, segment->path, NULL); /* else the next open removes it */
    if (segment->aside)
        fs_remove(segment->fs, segment->aside, NULL); /* likewise */
    free(segment->aside);
    free(segment->path);
    free(segment);
    return rc;
}

/* Where another file has that name, or there are no links here, the file stays open. */
int segment_set_aside(const struct segments *set, struct segment *segment, struct strata_error *err)
{
    char *path;

    if (segment->aside)
        return 0;
    path = path_with(set, segment->first, segment->last, ".log.old");
    if (!path)
        return strata_fail_memory(err, strlen(segment->path) + sizeof ".old");
    if (fs_link(segment->fs, segment->path, path, NULL) < 0) {
        free(path);
        return fs_pooled_hold(&segment->at, err);
    }
    segment->aside = path;
    fs_pooled_rename(&segment->at, path);
    return 0;
}

int segment_create(const struct segments *set, uint32_t first, uint32_t last, struct segment **out,
                   struct strata_error *err)
{
    struct segment *segment = segment_new(set, first, last);
    char name[SEGMENT_NAME];
    struct fs_file *file;
    int rc;

    if (!segment)
        return strata_fail_memory(err, sizeof *segment);
    segment_name(first, last, ".log.tmp", name);
    rc = fs_open_in(set->env->fs, set->env->dir, name,
                    FS_WRITE | FS_CREATE | FS_TRUNCATE | set->ahead, &file, err);
    segment->at.file = file;
    if (rc == 0)
        rc = record_start_kind(file, set->magic, segment_id(segment), err);
    if (rc < 0) {
        segment_discard(set, segment);
        return rc;
    }
    segment->end = file->end;
    *out = segment;
    return 0;
}

int segment_remove_file(const struct segments *set, const struct segment *segment,
                        const char *suffix, struct strata_error *err)
{
    char name[SEGMENT_NAME];
    segment_name(segment->first, segment->last, suffix, name);
    return fs_remove_if_there(set->env->fs, set->env->dir, name, err);
}

void segment_discard(const struct segments *set, struct segment *segment)
{
    segment_remove_file(set, segment, ".log.tmp", NULL); /* else the next open does it */
    segment_unref(segment, NULL);
}

int segment_publish(const struct segments *set, struct segment *segment, struct strata_error *err)
{
    char *path = path_with(set, segment->first, segment->last, ".log.tmp");
    int rc = 0;

    assert(segment->end >= RECORD_FILE_HEADER && !segment->obsolete); /* 2.I6 */
    if (!path)
        return strata_fail_memory(err, strlen(segment->path) + 5);
    if (set->durable)
        rc = fs_sync(segment->at.file, err);
    if (rc == 0)
        rc = fs_rename(set->env->fs, path, segment->path, err); /* the commit */
    free(path);
    if (rc == 0 && set->durable)
        rc = fs_sync_dir(set->env->fs, set->env->dir, err);
    return rc;
}

int segment_append(struct segment *segment, unsigned type, struct strata_slice key,
                   struct strata_slice value, uint64_t *offset, struct strata_error *err)
{
    int rc;

    assert(!segment->sealed); /* 2.I9 */
    *offset = segment->end;
    rc = record_append_typed(segment->at.file, segment_id(segment), type, key, value, err);
    if (rc < 0)
        return rc;
    segment->end = segment->at.file->end;
    if (segment_is_put(type) || segment_is_delete(type))
        segment_count(segment, index_hash(key), *offset, type);
    return 0;
}

int segment_seal(struct segment *segment, struct strata_error *err)
{
    uint8_t value[SEAL_VALUE];
    uint64_t offset;
    int rc;

    put_u64(put_u64(value, segment->sum.records), segment->sum.digest);
    rc = fs_trim(segment->at.file, err);
    if (rc < 0)
        return rc;
    rc = segment_append(segment, SEGMENT_SEAL, strata_bytes(NULL, 0),
                        strata_bytes(value, sizeof value), &offset, err);
    segment->sealed = rc == 0;
    return rc;
}

/* The record at `offset` as a seal. CORRUPT: it is none. */
static int read_seal(const struct segment *segment, uint64_t offset, unsigned max_type,
                     struct record *seal, struct segment_sum *sum, struct strata_error *err)
{
    struct strata_buffer body = {0};
    struct decoder d;
    int rc = record_at(segment->at.file, segment_id(segment), offset, segment->at.file->end,
                       max_type, &body, seal, err);

    decoder_init(&d, strata_buffer_slice(&body));
    sum->records = get_u64(&d);
    sum->digest = get_u64(&d);
    if (rc == 0 && (seal->type != SEGMENT_SEAL || seal->key.size || !decoder_done(&d)))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, segment->path, offset,
                         "no seal is here: a record of type %u with %" PRIu32 " bytes", seal->type,
                         seal->value_size);
    strata_buffer_free(&body);
    return rc;
}

int segment_read_seal(const struct segment *segment, uint64_t offset, unsigned max_type,
                      struct record *seal, struct strata_error *err)
{
    struct segment_sum sum;
    int rc = read_seal(segment, offset, max_type, seal, &sum, err);

    if (rc == 0 && (sum.records != segment->sum.records || sum.digest != segment->sum.digest))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, segment->path, offset,
                         "the seal has the sum of %" PRIu64 " records, and %" PRIu64 " are there",
                         sum.records, segment->sum.records);
    return rc;
}

/* Is the segment closed? A seal is the last thing in its file, at a known distance from the end;
 * anything else there just means that there is none. */
int segment_look_for_seal(struct segment *segment, unsigned max_type, struct strata_error *err)
{
    struct strata_error why;
    struct segment_sum sum;
    struct record seal;
    int rc;

    if (segment->end < RECORD_FILE_HEADER + SEAL_BYTES)
        return 0;
    rc = read_seal(segment, segment->end - SEAL_BYTES, max_type, &seal, &sum, &why);
    segment->sealed = rc == 0;
    if (rc == 0)
        segment->sum = sum;
    return rc == STRATA_ERR_CORRUPT ? 0 : strata_fail_with(rc, &why, err);
}
