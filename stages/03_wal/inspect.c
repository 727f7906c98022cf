/* inspect.c: annotated dumps of the log and the checkpoint. */
#define FS_NO_SITES
#include "wal_inspect.h"
#include "checkpoint.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "wal.h"

#include <inttypes.h>
#include <xxhash.h>

/* ---- The log --------------------------------------------------------------------------- */

const char *wal_type_name(unsigned type)
{
    return type == WAL_FRAME ? "frame: it and the records it counts are written together"
                             : segment_type_name(type);
}

const struct inspect_number *wal_layout(unsigned type, size_t *count)
{
    static const struct inspect_number frame[] = {
        {"sequence", 8, "number of its first operation", NULL},
        {"synced", 8, "bytes of this file on the device when it was written", NULL},
        {"bytes", 8, "of its records, which follow", NULL},
        {"count", 4, "of them", NULL},
        {"salt", 8, "this file's: no value can forge a frame", inspect_opaque},
    };
    if (type != WAL_FRAME)
        return segment_layout(type, count);
    *count = sizeof frame / sizeof *frame;
    return frame;
}

static int wal_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct record_words words = {
        "write-ahead log",   WAL_MAGIC,  WAL_FRAME, wal_type_name,
        segment_tell_number, wal_layout, true};
    return record_inspect_kind(file, &words, to, err);
}

const struct strata_format wal_format = {"write-ahead log", WAL_MAGIC,
                                         "[0-9][0-9][0-9][0-9][0-9][0-9]*.log", wal_inspect};

#define SHOW(fields) inspect_numbers(to, file, &at, fields, sizeof fields / sizeof *fields, err)
#define SHOW_ENTRIES(name, count, fields)                                                          \
    show_entries(file, to, &at, name, count, fields, sizeof fields / sizeof *fields, err)

/* ---- The checkpoint ---------------------------------------------------------------------- */

#define HEADER 44

static void tell_position(uint64_t position, char *to, size_t capacity)
{
    snprintf(to, capacity, "segment %" PRIu32 ", offset %" PRIu64, position_segment(position),
             position_offset(position));
}

/* `count` sections of a layout. */
static int show_entries(struct fs_file *file, struct inspect *to, uint64_t *at, const char *name,
                        uint64_t count, const struct inspect_number *layout, size_t fields,
                        struct strata_error *err)
{
    int rc = 0;
    for (uint64_t n = 1; rc == 0 && n <= count; n++) {
        inspect_section(to, *at, "%s %" PRIu64, name, n);
        rc = inspect_numbers(to, file, at, layout, fields, err);
    }
    return rc;
}

/* The file is read whole. */
int checkpoint_check(struct fs_file *file, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    size_t end = file->end < 8 ? 0 : (size_t)file->end - 8;
    struct decoder d;
    int rc;

    if (file->end > SIZE_MAX / 2 || buffer_reserve(&bytes, end + 8) < 0)
        return strata_fail_memory(err, end + 8);
    rc = fs_read_at(file, 0, bytes.data, (size_t)file->end, &bytes.size, err);
    decoder_init(&d, strata_bytes(bytes.data + end, bytes.size - end));
    if (rc == 0 && get_u64(&d) != XXH3_64bits(bytes.data, end))
        rc = STRATA_NOT_FOUND;
    strata_buffer_free(&bytes);
    return rc;
}

static int checkpoint_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct inspect_number header[] = {
        {"magic", 8, "\"" CHECKPOINT_MAGIC "\"", inspect_opaque},
        {"version", 2, "", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"segment", 4, "the index is true up to this segment,", NULL},
        {"offset", 8, "this offset in it,", NULL},
        {"sequence", 8, "and this next operation", NULL},
        {"segments", 4, "entries that follow", NULL},
        {"keys", 8, "entries after them", NULL},
    };
    static const struct inspect_number segment[] = {
        {"first", 4, "segment number", NULL},
        {"last", 4, "segment number", NULL},
        {"end", 8, "bytes", NULL},
        {"records", 8, "puts and deletes", NULL},
        {"digest", 8, "of the records", inspect_opaque},
        {"dead", 8, "puts no longer live", NULL},
        {"tombstones", 8, "deletes", NULL},
    };
    static const struct inspect_number key[] = {
        {"hash", 8, "XXH3 of the key", inspect_opaque},
        {"position", 8, "as segment * 2^40 + offset", tell_position}};
    static const struct inspect_number check[] = {
        {"check", 8, "XXH3 of all bytes before it", inspect_opaque}};
    uint64_t at = 0, segments, keys;
    uint8_t raw[HEADER] = {0};
    struct decoder d;
    size_t got;
    int rc = fs_read_at(file, 0, raw, sizeof raw, &got, err);

    if (rc < 0)
        return rc;
    decoder_init(&d, strata_bytes(raw + 32, 12));
    segments = get_u32(&d);
    keys = get_u64(&d);
    inspect_section(to, 0, "checkpoint: header");
    rc = SHOW(header);
    if (rc == 0)
        rc = SHOW_ENTRIES("segment", segments, segment);
    if (rc == 0)
        rc = SHOW_ENTRIES("key", keys, key);
    if (rc == 0) {
        inspect_section(to, at, "end");
        rc = SHOW(check);
    }
    if (rc == 0 && file->end > at)
        inspect_stop(to, at, "the file goes on");
    else if (rc == 0)
        rc = checkpoint_check(file, err);
    if (rc > 0 && !to->damaged)
        inspect_stop(to, at - 8, "the check does not hold");
    inspect_end(to, to->damaged ? 0 : at, file->end);
    return rc < 0 ? rc : 0;
}

const struct strata_format checkpoint_format = {"checkpoint", CHECKPOINT_MAGIC, CHECKPOINT_NAME,
                                                checkpoint_inspect};
