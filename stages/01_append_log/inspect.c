/* inspect.c: the annotated dump of an append log. Shows what is there field by field, and where
 * and why the file stops being valid. */
#define FS_NO_SITES
#include "record_inspect.h"
#include "base/coding.h"
#include "strata_engine.h"

#include <inttypes.h>

#define SHOWN 16 /* bytes of a key or value */

static struct strata_slice part(const uint8_t *bytes, size_t size)
{
    return (struct strata_slice){bytes, size};
}

static int show_file_header(struct fs_file *file, const struct record_words *words,
                            struct inspect *to, uint64_t *number, struct strata_error *err)
{
    char magic[16];
    const struct inspect_number header[] = {
        {"magic", 8, magic, inspect_opaque},
        {"version", 2, "", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"number", 8, "seeds every check", words->tell_number},
        {"check", 4, "XXH3 of bytes 0 to 19", inspect_opaque},
    };
    uint8_t raw[RECORD_FILE_HEADER];
    struct decoder d;
    uint64_t at = 0;
    size_t got;
    int rc = fs_read_at(file, 0, raw, sizeof raw, &got, err);

    if (rc < 0)
        return rc;
    inspect_section(to, 0, "%s: file header", words->name);
    if (got < sizeof raw)
        return 0;
    snprintf(magic, sizeof magic, "\"%s\"", words->magic);
    decoder_init(&d, part(raw + 12, 8));
    *number = get_u64(&d);
    return inspect_numbers(to, file, &at, header, sizeof header / sizeof *header, err);
}

static const char *type_name(unsigned type)
{
    return type == STRATA_OP_PUT ? "put" : type == STRATA_OP_DELETE ? "delete" : "no such type";
}

/* Key or value, which may not be there in full. */
static int show_bytes(struct fs_file *file, struct inspect *to, uint64_t offset, uint64_t size,
                      const char *name, struct strata_error *err)
{
    uint8_t raw[SHOWN];
    char text[4 * SHOWN + 8];
    size_t got;
    int rc = fs_read_at(file, offset, raw, size < SHOWN ? (size_t)size : SHOWN, &got, err);

    if (rc < 0 || got == 0)
        return rc;
    inspect_text(part(raw, got), SHOWN, text, sizeof text);
    inspect_field(to, offset, part(raw, got), size, name, "\"%s%s\"", text,
                  size > got ? "..." : "");
    return 0;
}

/* A value with a layout of its own, if it has that layout's size. */
static int show_value(struct fs_file *file, const struct record_words *words, struct inspect *to,
                      unsigned type, uint64_t offset, uint64_t size, struct strata_error *err)
{
    const struct inspect_number *layout = NULL;
    uint64_t width = 0;
    size_t count = 0;

    if (words->layout)
        layout = words->layout(type, &count);
    for (size_t i = 0; layout && i < count; i++)
        width += layout[i].width;
    if (!layout || width != size || offset > file->end || file->end - offset < size)
        return show_bytes(file, to, offset, size, "value", err);
    return inspect_numbers(to, file, &offset, layout, count, err);
}

/* The fields as they stand, valid or not. */
static int show_record(struct fs_file *file, const struct record_words *words, struct inspect *to,
                       uint64_t offset, uint64_t number, struct strata_error *err)
{
    uint8_t raw[RECORD_HEAD];
    struct decoder d;
    uint32_t type, key_size, value_size;
    size_t got;
    int rc = fs_read_at(file, offset, raw, sizeof raw, &got, err);

    if (rc < 0)
        return rc;
    inspect_section(to, offset, "record %" PRIu64, number);
    if (got < sizeof raw)
        return 0;
    decoder_init(&d, part(raw + 4, 9));
    type = get_u8(&d);
    key_size = get_u32(&d);
    value_size = get_u32(&d);
    inspect_field(to, offset, part(raw, 4), 4, "head_check", "XXH3 of the 13 bytes after it");
    inspect_field(to, offset + 4, part(raw + 4, 1), 1, "type", "%s", words->type_name(type));
    inspect_field(to, offset + 5, part(raw + 5, 4), 4, "klen", "the key's bytes: %" PRIu32,
                  key_size);
    inspect_field(to, offset + 9, part(raw + 9, 4), 4, "vlen", "the value's bytes: %" PRIu32,
                  value_size);
    inspect_field(to, offset + 13, part(raw + 13, 4), 4, "body_check", "XXH3 of key and value");
    rc = show_bytes(file, to, offset + RECORD_HEAD, key_size, "key", err);
    return rc < 0 ? rc
                  : show_value(file, words, to, type, offset + RECORD_HEAD + key_size, value_size,
                               err);
}

/* What FS_AHEAD leaves behind the last record when nobody closed the file. */
static int show_room(struct fs_file *file, struct inspect *to, uint64_t offset, bool *room,
                     struct strata_error *err)
{
    int rc = fs_zeros(file, offset, room, err);
    if (rc == 0 && *room)
        inspect_section(to, offset, "room: %" PRIu64 " zeros, made ahead of appends",
                        file->end - offset);
    return rc;
}

static int show_records(struct fs_file *file, const struct record_words *words, struct inspect *to,
                        uint64_t number, uint64_t *valid_end, struct strata_error *err)
{
    struct record_reader reader;
    struct strata_error why = {0};
    struct record record = {0};
    int rc = 0, shown = 0;
    bool room = false;

    record_reader_init(&reader, file, number, file->end);
    reader.max_type = words->max_type;
    for (uint64_t n = 1; rc == 0 && shown == 0; n++) {
        uint64_t offset = reader.at;
        rc = record_next(&reader, &record, &why);
        if (words->room && (rc == RECORD_TORN || rc == STRATA_ERR_CORRUPT))
            shown = show_room(file, to, offset, &room, err);
        if (room)
            break;
        if (rc != STRATA_NOT_FOUND)
            shown = show_record(file, words, to, offset, n, err);
    }
    *valid_end = room ? file->end : reader.at;
    record_reader_free(&reader);
    if (shown < 0 || room)
        return shown;
    if (rc > 0 && words->last_type && (rc == RECORD_TORN || record.type != words->last_type))
        inspect_stop(to, *valid_end, "the file ends before the record that must be its last");
    else if (rc == RECORD_TORN)
        inspect_torn(to, *valid_end, "the file ends inside this record; the next open drops it");
    else if (rc == STRATA_ERR_CORRUPT)
        inspect_stop(to, why.offset, "%s", why.message);
    else if (rc < 0 && err)
        *err = why;
    return rc == STRATA_ERR_CORRUPT || rc > 0 ? 0 : rc;
}

int record_inspect_kind(struct fs_file *file, const struct record_words *words, struct inspect *to,
                        struct strata_error *err)
{
    struct strata_error why = {0};
    uint64_t number = 0, valid_end = 0;
    int rc = show_file_header(file, words, to, &number, err);

    if (rc < 0)
        return rc;
    rc = record_check_kind(file, words->magic, number, &why);
    if (rc == 0)
        rc = show_records(file, words, to, number, &valid_end, err);
    else if (rc == STRATA_ERR_CORRUPT) {
        inspect_stop(to, why.offset, "%s", why.message);
        rc = 0;
    } else if (err)
        *err = why;
    inspect_end(to, valid_end, file->end);
    return rc;
}

static int record_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct record_words words = {
        "append log", RECORD_MAGIC, STRATA_OP_DELETE, type_name, NULL, NULL, false};
    return record_inspect_kind(file, &words, to, err);
}

const struct strata_format record_format = {"append log", RECORD_MAGIC, "000001.log",
                                            record_inspect};
