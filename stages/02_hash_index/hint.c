/* hint.c: NAME.hint beside NAME.log, little-endian:
 *
 *   +---------+-----------+------------+-----------+---------------+-----------+----------+
 *   | magic 8 | version 2 | reserved 2 | segment 8 | segment_end 8 | records 8 | digest 8 |
 *   +---------+-----------+------------+-----------+---------------+-----------+----------+
 *   | check 4 |  then, for each record:  | hash 8 | type << 56 | offset 8 |
 *   +---------+                          +--------+-----------------------+
 *
 * check covers all other bytes, the header's first. segment is the segment's file number,
 * segment_end its length in bytes; records and digest are its seal's. A hint is valid iff check,
 * version and sizes hold, segment and segment_end are those of the segment, and the entries stand
 * in the records' order (which the digest does not tell: replayed in another, an older put of a key
 * might come last), add up to records and digest, and these are the seal's. */
#include "hint.h"
#include "index.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define CHECK_OFFSET 44
#define ENTRY 16

/* "000003.hint" for ".../000003.log"; freed by the caller. */
static char *hint_name(const struct segment *segment)
{
    const char *base = strrchr(segment->path, '/') + 1;
    size_t stem = strlen(base) - strlen(".log");
    char *name = malloc(stem + sizeof ".hint");
    if (name) {
        memcpy(name, base, stem);
        memcpy(name + stem, ".hint", sizeof ".hint");
    }
    return name;
}

uint32_t hint_checksum(uint64_t id, struct strata_slice bytes)
{
    struct checksum c;
    checksum_begin(&c, checksum_seed(id, 0));
    checksum_add(&c, strata_bytes(bytes.data, CHECK_OFFSET));
    checksum_add(&c, strata_bytes(bytes.data + HINT_HEADER, bytes.size - HINT_HEADER));
    return checksum_end(&c);
}

/* ---- Writing --------------------------------------------------------------------------- */

static int add_entry(void *arg, const struct segment *segment, const struct record *record,
                     uint64_t hash, struct strata_error *err)
{
    struct strata_buffer *to = arg;

    (void)segment;
    buffer_put_u64(to, hash);
    buffer_put_u64(to, (uint64_t)record->type << 56 | record->offset);
    return to->out_of_memory ? strata_fail_memory(err, to->capacity) : 0;
}

static void fill_header(const struct segment *segment, struct strata_buffer *bytes)
{
    uint8_t *at = bytes->data;
    memcpy(at, HINT_MAGIC, 8);
    at = put_u16(at + 8, VERSION);
    at = put_u16(at, 0);
    at = put_u64(at, segment_id(segment));
    at = put_u64(at, segment->end);
    at = put_u64(at, segment->sum.records);
    at = put_u64(at, segment->sum.digest);
    put_u32(at, hint_checksum(segment_id(segment), strata_buffer_slice(bytes)));
}

int hint_write(const struct segments *set, const struct segment *segment, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    char *name = hint_name(segment);
    uint8_t header[HINT_HEADER] = {0};
    int rc;

    assert(segment->sealed);
    strata_buffer_append(&bytes, header, sizeof header);
    rc = name && !bytes.out_of_memory ? segment_read(set, segment, add_entry, &bytes, err)
                                      : strata_fail_memory(err, HINT_HEADER);
    if (rc == 0) {
        fill_header(segment, &bytes);
        rc = fs_replace(set->env->fs, set->env->dir, name, strata_buffer_slice(&bytes), false, err);
    }
    strata_buffer_free(&bytes);
    free(name);
    return rc;
}

void hint_try(const struct segments *set, const struct segment *segment)
{
    struct strata_error why;
    char text[600];
    if (hint_write(set, segment, &why) < 0)
        strata_env_log(set->env, STRATA_LOG_WARNING, "no hint file was written: %s",
                       strata_error_text(&why, text, sizeof text));
}

/* ---- Reading --------------------------------------------------------------------------- */

static bool entries_add_up(struct strata_slice entries, const struct segment_sum *sealed)
{
    struct segment_sum sum = {0};
    uint64_t before = 0;
    struct decoder d;

    decoder_init(&d, entries);
    while (d.left >= ENTRY) {
        uint64_t hash = get_u64(&d), place = get_u64(&d), offset = place & (UINT64_MAX >> 8);
        if (offset <= before)
            return false;
        before = offset;
        sum.records++;
        sum.digest += segment_digest(hash, offset, (unsigned)(place >> 56));
    }
    return decoder_done(&d) && sum.records == sealed->records && sum.digest == sealed->digest;
}

static bool fits(const struct segment *segment, struct strata_slice bytes)
{
    struct decoder d;
    struct strata_slice magic;
    uint64_t reserved, id, end, records, digest;
    uint32_t check;

    decoder_init(&d, bytes);
    magic = get_bytes(&d, 8);
    reserved = get_u32(&d); /* version, then zeros */
    id = get_u64(&d);
    end = get_u64(&d);
    records = get_u64(&d);
    digest = get_u64(&d);
    check = get_u32(&d);
    return !d.bad && memcmp(magic.data, HINT_MAGIC, 8) == 0 && reserved == VERSION &&
           id == segment_id(segment) && end == segment->end && records == segment->sum.records &&
           digest == segment->sum.digest && check == hint_checksum(id, bytes) &&
           entries_add_up(strata_bytes(d.at, d.left), &segment->sum);
}

static int tell(const struct segment *segment, struct strata_slice entries,
                int (*each)(void *arg, const struct segment *segment, unsigned type, uint64_t hash,
                            uint64_t offset, struct strata_error *err),
                void *arg, struct strata_error *err)
{
    struct decoder d;
    int rc = 0;

    decoder_init(&d, entries);
    while (rc == 0 && d.left) {
        uint64_t hash = get_u64(&d), place = get_u64(&d);
        rc = each(arg, segment, (unsigned)(place >> 56), hash, place & (UINT64_MAX >> 8), err);
    }
    return rc;
}

int hint_read(const struct segments *set, const struct segment *segment,
              int (*each)(void *arg, const struct segment *segment, unsigned type, uint64_t hash,
                          uint64_t offset, struct strata_error *err),
              void *arg, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why = {0};
    char *name = hint_name(segment), *path = name ? fs_join(set->env->dir, name) : NULL;
    uint64_t max = HINT_HEADER + segment->end / RECORD_HEAD * ENTRY;
    int rc = path ? fs_read_file(set->env->fs, path, (size_t)max, &bytes, &why)
                  : strata_fail_memory(&why, HINT_HEADER);

    if (rc == STRATA_ERR_NO_MEMORY) {
        if (err)
            *err = why;
    } else if (rc == 0 && fits(segment, strata_buffer_slice(&bytes))) {
        rc = tell(segment, strata_bytes(bytes.data + HINT_HEADER, bytes.size - HINT_HEADER), each,
                  arg, err);
    } else {
        if (rc == 0 || why.sys != ENOENT)
            strata_env_log(set->env, STRATA_LOG_WARNING, "%s: ignored: %s", path,
                           rc == 0 ? "it does not fit its segment" : why.message);
        rc = STRATA_NOT_FOUND;
    }
    strata_buffer_free(&bytes);
    free(path);
    free(name);
    return rc;
}

/* ---- Removing -------------------------------------------------------------------------- */

int hint_remove(const struct segments *set, const struct segment *segment, struct strata_error *err)
{
    char *name = hint_name(segment);
    int rc = name ? fs_remove_if_there(set->env->fs, set->env->dir, name, err)
                  : strata_fail_memory(err, HINT_HEADER);
    free(name);
    return rc;
}

/* A hint of no segment that is there, or one that was being written. */
static bool is_orphan(const struct segments *set, const char *name)
{
    const struct segment *segment;
    uint32_t first, last;

    if (segment_parse_name(name, ".hint.tmp", &first, &last))
        return true;
    if (!segment_parse_name(name, ".hint", &first, &last))
        return false;
    segment = segments_find(set, last);
    return !segment || segment->first != first;
}

int hint_remove_orphans(const struct segments *set, struct strata_error *err)
{
    struct fs_names names;
    int rc = fs_list(set->env->fs, set->env->dir, &names, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < names.count; i++)
        if (is_orphan(set, names.names[i]))
            rc = fs_remove_if_there(set->env->fs, set->env->dir, names.names[i], err);
    fs_names_free(&names);
    return rc;
}
