/* inspect.c: annotated dumps of a segment and of a hint. */
#include "inspect.h"
#include "coding.h"
#include "hint.h"
#include "segment.h"

#include <inttypes.h>

static const char *segment_type(unsigned type)
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
    }
    return "no such type";
}

static int segment_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct record_words words = {"segment", SEGMENT_MAGIC, SEGMENT_DELETE_TWIN,
                                              segment_type};
    return record_inspect_kind(file, &words, to, err);
}

const struct strata_format segment_format = {
    "log segment", SEGMENT_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*.log", segment_inspect};

/* ---- Hints ----------------------------------------------------------------------------- */

#define HEADER 48
#define ENTRY 16

static void show_header(struct inspect *to, const uint8_t *raw)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(raw + 8, HEADER - 8));
    inspect_field(to, 0, strata_bytes(raw, 8), 8, "magic", "\"" HINT_MAGIC "\"");
    inspect_field(to, 8, strata_bytes(raw + 8, 2), 2, "version", "%u", get_u16(&d));
    inspect_field(to, 10, strata_bytes(raw + 10, 2), 2, "reserved", "%u, must be 0", get_u16(&d));
    inspect_field(to, 12, strata_bytes(raw + 12, 8), 8, "segment", "file number 0x%" PRIx64,
                  get_u64(&d));
    inspect_field(to, 20, strata_bytes(raw + 20, 8), 8, "segment_end", "%" PRIu64 " bytes",
                  get_u64(&d));
    inspect_field(to, 28, strata_bytes(raw + 28, 8), 8, "records", "%" PRIu64, get_u64(&d));
    inspect_field(to, 36, strata_bytes(raw + 36, 8), 8, "digest",
                  "must be the seal's, and the entries' sum");
    inspect_field(to, 44, strata_bytes(raw + 44, 4), 4, "check", "XXH3 of all other bytes");
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
                      segment_type(raw[15]));
    }
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
        show_header(to, raw);
        rc = show_entries(file, to, err);
        if (rc == 0 && !to->damaged && hint_check(file, &why) < 0)
            inspect_stop(to, why.offset, "%s", why.message);
    }
    inspect_end(to, to->damaged ? 0 : file->end, file->end);
    return rc;
}

const struct strata_format hint_format = {"hint", HINT_MAGIC,
                                          "[0-9][0-9][0-9][0-9][0-9][0-9]*.hint", hint_inspect};
