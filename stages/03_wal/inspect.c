/* inspect.c: annotated dumps of the log, the checkpoint and the tail file. */
#include "inspect.h"
#include "02_hash_index/segment.h"
#include "checkpoint.h"
#include "coding.h"
#include "tail.h"
#include "wal.h"

#include <inttypes.h>

/* ---- The log --------------------------------------------------------------------------- */

static const char *wal_type(unsigned type)
{
    switch (type) {
    case STRATA_OP_PUT:
        return "put";
    case STRATA_OP_DELETE:
        return "delete";
    case SEGMENT_SEAL:
        return "seal: the value is records 8, digest 8; nothing follows";
    case SEGMENT_PUT_TWIN:
        return "put of a twin: another live key has its hash";
    case SEGMENT_DELETE_TWIN:
        return "delete of a twin: another live key has its hash";
    case WAL_FRAME:
        return "frame: the value is sequence 8, synced 8, bytes 8, count 4, salt 8";
    }
    return "no such type";
}

static int wal_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct record_words words = {"write-ahead log", WAL_MAGIC, WAL_FRAME, wal_type};
    return record_inspect_kind(file, &words, to, err);
}

const struct strata_format wal_format = {"write-ahead log", WAL_MAGIC,
                                         "[0-9][0-9][0-9][0-9][0-9][0-9]*.log", wal_inspect};

/* ---- Fixed layouts --------------------------------------------------------------------- */

struct field {
    const char *name;
    unsigned width; /* bytes, at most 8 */
    const char *meaning;
};

/* Shows fields one after another; false when the file ends before the last. */
static bool show(struct fs_file *file, struct inspect *to, uint64_t *at, const struct field *fields,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t raw[8] = {0};
        struct decoder d;
        size_t got;
        if (fs_read_at(file, *at, raw, fields[i].width, &got, NULL) < 0 || got < fields[i].width) {
            inspect_stop(to, *at, "the file ends inside %s", fields[i].name);
            return false;
        }
        decoder_init(&d, strata_bytes(raw, sizeof raw));
        inspect_field(to, *at, strata_bytes(raw, got), got, fields[i].name, "%" PRIu64 "%s%s",
                      get_u64(&d), *fields[i].meaning ? ", " : "", fields[i].meaning);
        *at += got;
    }
    return true;
}

#define SHOW(fields) show(file, to, &at, fields, sizeof fields / sizeof *fields)

static int tail_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct field fields[] = {
        {"magic", 8, "\"" TAIL_MAGIC "\""},
        {"version", 2, ""},
        {"reserved", 2, "must be 0"},
        {"segment", 8, "the last one's number"},
        {"end", 8, "its bytes, all on the device"},
        {"sequence", 8, "of the next operation"},
        {"check", 4, "XXH3 of bytes 0 to 35"},
    };
    struct tail tail;
    uint64_t at = 0;

    (void)err;
    inspect_section(to, 0, "tail: where the log ended at the last clean close");
    if (SHOW(fields) && tail_check(file, &tail) != 0)
        inspect_stop(to, 36, "the check does not hold");
    if (!to->damaged && file->end > at)
        inspect_stop(to, at, "the file goes on");
    inspect_end(to, to->damaged ? 0 : at, file->end);
    return 0;
}

const struct strata_format tail_format = {"tail", TAIL_MAGIC, TAIL_NAME, tail_inspect};

static uint64_t number_at(struct fs_file *file, uint64_t at, size_t width)
{
    uint8_t raw[8] = {0};
    struct decoder d;
    size_t got;
    fs_read_at(file, at, raw, width, &got, NULL);
    decoder_init(&d, strata_bytes(raw, sizeof raw));
    return get_u64(&d);
}

static int checkpoint_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct field header[] = {
        {"magic", 8, "\"" CHECKPOINT_MAGIC "\""},
        {"version", 2, ""},
        {"reserved", 2, "must be 0"},
        {"segment", 4, "the index is true up to this segment,"},
        {"offset", 8, "this offset in it,"},
        {"sequence", 8, "and this next operation"},
        {"segments", 4, "entries that follow"},
        {"keys", 8, "entries after them"},
    };
    static const struct field segment[] = {
        {"first", 4, "segment number"},
        {"last", 4, "segment number"},
        {"end", 8, "bytes"},
        {"records", 8, "puts and deletes"},
        {"digest", 8, "of the records"},
        {"dead", 8, "puts no longer live"},
        {"tombstones", 8, "deletes"},
    };
    static const struct field key[] = {{"hash", 8, "XXH3 of the key"},
                                       {"position", 8, "segment * 2^40 + offset"}};
    static const struct field check[] = {{"check", 8, "XXH3 of all bytes before it"}};
    uint64_t at = 0, left;
    bool whole;

    inspect_section(to, 0, "checkpoint: header");
    whole = SHOW(header);
    left = whole ? number_at(file, 32, 4) : 0;
    for (uint64_t n = 1; whole && n <= left; n++) {
        inspect_section(to, at, "segment %" PRIu64, n);
        whole = SHOW(segment);
    }
    left = whole ? number_at(file, 36, 8) : 0;
    for (uint64_t n = 1; whole && n <= left; n++) {
        inspect_section(to, at, "key %" PRIu64, n);
        whole = SHOW(key);
    }
    if (whole) {
        inspect_section(to, at, "end");
        whole = SHOW(check);
    }
    if (whole && file->end > at)
        inspect_stop(to, at, "the file goes on");
    else if (whole && checkpoint_check(file, err) > 0)
        inspect_stop(to, at - 8, "the check does not hold");
    inspect_end(to, to->damaged ? 0 : at, file->end);
    return 0;
}

const struct strata_format checkpoint_format = {"checkpoint", CHECKPOINT_MAGIC, CHECKPOINT_NAME,
                                                checkpoint_inspect};
