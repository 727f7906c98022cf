/* inspect.c: annotated dumps of a segment and of a hint. */
#define FS_NO_SITES
#include "segment_inspect.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "hint.h"
#include "tail.h"
#include "segment.h"

#include <inttypes.h>

const char *segment_type_name(unsigned type)
{
    switch (type) {
    case STRATA_OP_PUT:
        return "put";
    case STRATA_OP_DELETE:
        return "delete";
    case SEGMENT_SEAL:
        return "seal: nothing follows";
    case SEGMENT_PUT_COLLIDING:
        return "put with a hash collision: another live key has its hash";
    case SEGMENT_DELETE_COLLIDING:
        return "delete with a hash collision: another live key has its hash";
    }
    return "no such type";
}

/* A segment that writes filled, or the first and last of those that a merge made into one. */
void segment_tell_number(uint64_t number, char *to, size_t capacity)
{
    uint32_t first = (uint32_t)(number >> 32), last = (uint32_t)number;

    if (first == last)
        snprintf(to, capacity, "segment %" PRIu32, first);
    else
        snprintf(to, capacity, "segments %" PRIu32 " to %" PRIu32 ", merged", first, last);
}

const struct inspect_number *segment_layout(unsigned type, size_t *count)
{
    static const struct inspect_number seal[] = {
        {"records", 8, "before it", NULL},
        {"digest", 8, "of them", inspect_opaque},
    };
    *count = sizeof seal / sizeof *seal;
    return type == SEGMENT_SEAL ? seal : NULL;
}

static int segment_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct record_words words = {"segment",
                                              SEGMENT_MAGIC,
                                              SEGMENT_DELETE_COLLIDING,
                                              segment_type_name,
                                              segment_tell_number,
                                              segment_layout,
                                              false};
    return record_inspect_kind(file, &words, to, err);
}

const struct strata_format segment_format = {
    "log segment", SEGMENT_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*.log", segment_inspect};

/* ---- Hints ----------------------------------------------------------------------------- */

#define HEADER HINT_HEADER
#define ENTRY 16

static int show_header(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct inspect_number header[] = {
        {"magic", 8, "\"" HINT_MAGIC "\"", inspect_opaque},
        {"version", 2, "", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"segment", 8, "the number in its header", segment_tell_number},
        {"segment_end", 8, "its bytes", NULL},
        {"records", 8, "entries that follow", NULL},
        {"digest", 8, "must be the seal's, and the entries' sum", inspect_opaque},
        {"check", 4, "XXH3 of all other bytes", inspect_opaque},
    };
    uint64_t at = 0;
    return inspect_numbers(to, file, &at, header, sizeof header / sizeof *header, err);
}

static int show_entries(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    uint8_t raw[ENTRY];
    size_t got;
    int rc = 0;

    for (uint64_t at = HEADER, n = 1; rc == 0 && at < file->end; at += ENTRY, n++) {
        struct decoder d;
        rc = fs_read_at(file, at, raw, sizeof raw, &got, err);
        if (rc < 0 || got < sizeof raw) {
            inspect_stop(to, at, "the file ends inside this entry");
            return rc;
        }
        inspect_section(to, at, "entry %" PRIu64, n);
        decoder_init(&d, strata_bytes(raw + 8, 7));
        inspect_field(to, at, strata_bytes(raw, 8), 8, "hash", "XXH3 of the key, 64 bits");
        inspect_field(to, at + 8, strata_bytes(raw + 8, 7), 7, "offset", "of the record: %" PRIu64,
                      (uint64_t)get_u32(&d) | (uint64_t)get_u16(&d) << 32 |
                          (uint64_t)get_u8(&d) << 48);
        inspect_field(to, at + 15, strata_bytes(raw + 15, 1), 1, "type", "%s",
                      segment_type_name(raw[15]));
    }
    return rc;
}

/* As far as a hint can be judged alone. The file is read whole: it was measured before. */
int hint_check(struct fs_file *file, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct decoder d;
    uint64_t id;
    uint32_t stored, computed;
    int rc;

    if (file->end > SIZE_MAX / 2 || buffer_reserve(&bytes, (size_t)file->end) < 0)
        return strata_fail_memory(err, (size_t)file->end);
    rc = fs_read_at(file, 0, bytes.data, (size_t)file->end, &bytes.size, err);
    if (rc == 0 && bytes.size >= HEADER) {
        decoder_init(&d, strata_bytes(bytes.data + 12, 8));
        id = get_u64(&d);
        decoder_init(&d, strata_bytes(bytes.data + HEADER - 4, 4));
        stored = get_u32(&d);
        computed = hint_checksum(id, strata_buffer_slice(&bytes));
        if (stored != computed)
            rc = strata_fail(err, STRATA_ERR_CORRUPT, file->path, HEADER - 4,
                             "hint check %08" PRIx32 ", computed %08" PRIx32, stored, computed);
    }
    strata_buffer_free(&bytes);
    return rc;
}

static int hint_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    struct strata_error why = {0};
    uint8_t raw[HEADER];
    size_t got;
    int rc = fs_read_at(file, 0, raw, sizeof raw, &got, err);

    if (rc < 0)
        return rc;
    inspect_section(to, 0, "hint: file header");
    if (got < sizeof raw) {
        inspect_stop(to, got, "the file ends inside its header of %d bytes", HEADER);
    } else {
        rc = show_header(file, to, err);
        if (rc == 0)
            rc = show_entries(file, to, err);
        if (rc == 0 && !to->damaged && hint_check(file, &why) < 0)
            inspect_stop(to, why.offset, "%s", why.message);
    }
    inspect_end(to, to->damaged ? 0 : file->end, file->end);
    return rc;
}

const struct strata_format hint_format = {"hint", HINT_MAGIC,
                                          "[0-9][0-9][0-9][0-9][0-9][0-9]*.hint", hint_inspect};

/* ---- The tail file ---------------------------------------------------------------------- */

static int tail_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct inspect_number fields[] = {
        {"magic", 8, "\"" TAIL_MAGIC "\"", inspect_opaque},
        {"version", 2, "a mark is 2", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"segment", 8, "the last one's number", NULL},
        {"end", 8, "so many of its bytes are on the device", NULL},
        {"last", 8, "the next operation; of a mark: the start of the machine", NULL},
        {"check", 4, "XXH3 of bytes 0 to 35", inspect_opaque},
    };
    struct tail tail;
    uint8_t bytes[TAIL_BYTES];
    size_t got;
    uint64_t at = 0;
    bool valid = (fs_read_at)(file, 0, bytes, sizeof bytes, &got, NULL) == 0 &&
                 tail_decode(strata_bytes(bytes, got), 2, &tail);
    int rc;

    inspect_section(to, 0, "tail: how far the log reached at least");
    rc = inspect_numbers(to, file, &at, fields, sizeof fields / sizeof *fields, err);
    if (rc < 0)
        return rc;
    if (rc == 0 && !valid)
        inspect_stop(to, 36, "the check does not hold");
    else if (rc == 0 && !tail_in_range(&tail))
        inspect_stop(to, 12, "a number too large to be one");
    if (!to->damaged && file->end > at)
        inspect_stop(to, at, "the file goes on");
    inspect_end(to, to->damaged ? 0 : at, file->end);
    return 0;
}

const struct strata_format tail_format = {"tail", TAIL_MAGIC, TAIL_NAME, tail_inspect};
