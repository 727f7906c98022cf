/* inspect.c: annotated dumps of a manifest, and of CURRENT. (The log's is stage 3's, the table's
 * stage 5's.) */
#define FS_NO_SITES
#include "inspect/inspect.h"
#include "01_append_log/record.h"
#include "base/coding.h"
#include "manifest/manifest.h"
#include "version/version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 16 /* bytes of a key */

/* ---- An edit ------------------------------------------------------------------------------- */

struct part {
    const char *name, *meaning;
    enum { NUMBER, DIGEST, KEY } kind;
};

struct showing {
    struct inspect *to;
    struct decoder d;
    uint64_t end; /* of the edit, in the file */
};

static uint64_t here(const struct showing *s)
{
    return s->end - s->d.left;
}

static uint64_t show_number(struct showing *s, const char *name, const char *meaning)
{
    uint64_t at = here(s);
    const uint8_t *bytes = s->d.at;
    uint64_t value = get_varint(&s->d);
    size_t size = (size_t)(here(s) - at);

    if (!s->d.bad)
        inspect_field(s->to, at, strata_bytes(bytes, size), size, name, "%" PRIu64 "%s%s", value,
                      *meaning ? ", " : "", meaning);
    return s->d.bad ? 0 : value;
}

static void show_bytes(struct showing *s, const struct part *part, uint64_t size)
{
    uint64_t at = here(s);
    struct strata_slice bytes = get_bytes(&s->d, size), first = bytes;
    char text[4 * SHOWN + 8] = "";

    if (first.size > SHOWN)
        first.size = SHOWN;
    if (s->d.bad || !size)
        return;
    if (part->kind == KEY)
        inspect_text(first, SHOWN, text, sizeof text);
    inspect_field(s->to, at, first, bytes.size, part->name, part->kind == KEY ? "\"%s%s\"" : "%s%s",
                  part->kind == KEY ? text : part->meaning, bytes.size > SHOWN ? "..." : "");
}

static void show_part(struct showing *s, const struct part *part)
{
    if (part->kind == NUMBER)
        show_number(s, part->name, part->meaning);
    else if (part->kind == DIGEST)
        show_bytes(s, part, 8);
    else
        show_bytes(s, part, show_number(s, "size", part->meaning));
}

/* How many follow, and they. */
static void show_list(struct showing *s, const char *name, const char *meaning, const char *one,
                      const struct part *parts, size_t count)
{
    uint64_t elements = show_number(s, name, meaning);

    for (uint64_t n = 1; n <= elements && !s->d.bad; n++) {
        inspect_section(s->to, here(s), "  %s %" PRIu64, one, n);
        for (size_t i = 0; i < count; i++)
            show_part(s, &parts[i]);
    }
}

#define LIST(name, meaning, one, parts)                                                            \
    show_list(s, name, meaning, one, parts, sizeof parts / sizeof *parts)

/* As far as it is one; what is wrong is reported at the end. */
static void show_edit(struct showing *s)
{
    static const struct part log[] = {
        {"number", "of the file", NUMBER},
        {"first", "sequence number of its first operation", NUMBER},
        {"end", "its bytes, known to be on the device", NUMBER},
        {"sequence", "of the operation that follows them", NUMBER},
    };
    static const struct part removed[] = {
        {"level", "", NUMBER},
        {"number", "of the file", NUMBER},
    };
    static const struct part added[] = {
        {"level", "", NUMBER},
        {"number", "of the file", NUMBER},
        {"bytes", "of it", NUMBER},
        {"digest", "as in its properties", DIGEST},
        {"records", "puts and deletes", NUMBER},
        {"tombstones", "deletes", NUMBER},
        {"first", "sequence number in it,", NUMBER},
        {"last", "and the last one", NUMBER},
        {"smallest", "bytes of its first key", KEY},
        {"largest", "bytes of its last key", KEY},
    };
    static const struct part cursor[] = {
        {"level", "", NUMBER},
        {"key", "bytes of the key behind which the next compaction begins", KEY},
    };

    show_number(s, "ordinal", "of the edit in this file");
    show_number(s, "next", "number of the next file");
    LIST("logs", "live from now on; 0: as before", "log", log);
    LIST("removed", "tables that count no more", "removed table", removed);
    LIST("added", "tables that count from now on", "added table", added);
    LIST("cursors", "levels whose next compaction begins elsewhere", "cursor of level", cursor);
}

/* ---- A manifest ---------------------------------------------------------------------------- */

static int show_header(struct fs_file *file, struct inspect *to, uint64_t *number,
                       struct strata_error *err)
{
    static const struct inspect_number header[] = {
        {"magic", 8, "\"" MANIFEST_MAGIC "\"", inspect_opaque},
        {"version", 2, "", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"number", 8, "seeds every check", NULL},
        {"check", 4, "XXH3 of bytes 0 to 19", inspect_opaque},
    };
    uint8_t raw[8] = {0};
    struct decoder d;
    uint64_t at = 0;
    size_t got;
    int rc = fs_read_at(file, 12, raw, sizeof raw, &got, err);

    if (rc < 0)
        return rc;
    decoder_init(&d, strata_bytes(raw, sizeof raw));
    *number = get_u64(&d);
    inspect_section(to, 0, "manifest: file header");
    return inspect_numbers(to, file, &at, header, sizeof header / sizeof *header, err);
}

static void tell_type(uint64_t value, char *to, size_t capacity)
{
    snprintf(to, capacity, "%s", value == MANIFEST_EDIT ? "edit" : "no such type");
}

static int show_record(struct fs_file *file, uint64_t number, const struct record *record,
                       struct inspect *to, struct strata_buffer *bytes, struct strata_error *err)
{
    static const struct inspect_number head[] = {
        {"head_check", 4, "XXH3 of the 13 bytes after it", inspect_opaque},
        {"type", 1, "", tell_type},
        {"klen", 4, "the key's bytes, must be 0", NULL},
        {"vlen", 4, "the edit's bytes", NULL},
        {"body_check", 4, "XXH3 of the edit", inspect_opaque},
    };
    struct showing s = {.to = to, .end = record->next};
    uint64_t at = record->offset;
    struct record whole;
    int rc = inspect_numbers(to, file, &at, head, sizeof head / sizeof *head, err);

    if (rc == 0)
        rc = record_at(file, number, record->offset, record->next, MANIFEST_EDIT, bytes, &whole,
                       err);
    if (rc == 0 && record->type == MANIFEST_EDIT && !record->key.size) {
        decoder_init(&s.d, whole.value);
        show_edit(&s);
    }
    return rc;
}

/* Every record whose checks hold, up to `*end`. */
static int show_records(struct fs_file *file, uint64_t number, struct inspect *to, uint64_t *end,
                        struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct record_reader reader;
    struct record record;
    int rc = 0;

    record_reader_init(&reader, file, number, file->end);
    reader.max_type = MANIFEST_EDIT;
    for (uint64_t n = 1; rc == 0; n++) {
        *end = reader.at;
        rc = record_next(&reader, &record, err);
        if (rc == 0) {
            inspect_section(to, record.offset, "edit %" PRIu64, n);
            rc = show_record(file, number, &record, to, &bytes, err);
        }
    }
    record_reader_free(&reader);
    strata_buffer_free(&bytes);
    return rc < 0 && rc != STRATA_ERR_CORRUPT ? rc : 0;
}

/* How much of it CURRENT beside it, if it is whole and names this one, knows to be on the device.
 */
static int known_bytes(const struct fs_file *file, uint64_t number, uint64_t *known,
                       struct strata_error *err)
{
    char *dir = fs_parent(file->path);
    struct strata_env env = {.fs = file->fs, .dir = dir};
    struct current current = {0};
    struct strata_error why;
    int rc =
        dir ? current_read(&env, &current, &why) : strata_fail_memory(&why, strlen(file->path));

    if (rc == STRATA_ERR_IO)
        strata_fail(err, rc, file->path, STRATA_NO_OFFSET, "what CURRENT says of it: %s",
                    why.message);
    else if (rc < 0 && err)
        *err = why;
    free(dir);
    *known = rc == 0 && current.number == number ? current.known : 0;
    return rc == STRATA_ERR_CORRUPT ? 0 : rc;
}

static int tell_rest(struct inspect *to, struct manifest *m, uint64_t *end,
                     struct strata_error *err)
{
    struct version *version = NULL;
    struct version_builder builder;
    struct strata_error why;
    int rc = version_builder_init(&builder, NULL, &why);

    if (rc == 0)
        rc = manifest_check(m, version_builder_add, &builder, &why);
    if (rc == 0)
        rc = version_builder_finish(&builder, &version, &why);
    version_builder_free(&builder);
    version_unref(version);
    strata_buffer_free(&m->bytes);
    if (rc == STRATA_ERR_CORRUPT) {
        if (why.offset < *end)
            *end = why.offset;
        inspect_stop(to, why.offset, "%s", why.message);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    if (rc == 0 && m->torn)
        inspect_torn(to, *end, "the file ends inside this edit; the next open drops it");
    return rc;
}

static int manifest_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    struct manifest m = {.file = file};
    struct strata_error why;
    uint64_t end = 0;
    int rc = show_header(file, to, &m.number, err);

    if (rc < 0)
        return rc;
    if (rc == 0) {
        rc = record_check_kind(file, MANIFEST_MAGIC, m.number, &why);
        if (rc == 0)
            rc = show_records(file, m.number, to, &end, err);
        else if (rc == STRATA_ERR_CORRUPT)
            rc = 0; /* reported below */
        else if (err)
            *err = why;
    }
    if (rc == 0)
        rc = known_bytes(file, m.number, &m.known, err);
    if (rc == 0)
        rc = tell_rest(to, &m, &end, err);
    if (rc >= 0)
        inspect_end(to, end, file->end);
    return rc < 0 ? rc : 0;
}

const struct strata_format manifest_format = {
    "manifest", MANIFEST_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*.manifest", manifest_inspect};

/* ---- CURRENT ------------------------------------------------------------------------------- */

static int current_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct inspect_number fields[] = {
        {"magic", 8, "\"" CURRENT_MAGIC "\"", inspect_opaque},
        {"version", 2, "", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"number", 8, "of the manifest that counts", NULL},
        {"known", 8, "its bytes, known to be on the device", NULL},
        {"check", 4, "XXH3 of bytes 0 to 27", inspect_opaque},
    };
    struct strata_error why;
    struct current current;
    uint64_t at = 0;
    int rc;

    inspect_section(to, 0, "which manifest counts");
    rc = inspect_numbers(to, file, &at, fields, sizeof fields / sizeof *fields, err);
    if (rc < 0)
        return rc;
    rc = rc ? 0 : current_check(file, &current, &why);
    if (rc == STRATA_ERR_CORRUPT) {
        inspect_stop(to, why.offset, "%s", why.message);
        rc = 0;
    } else if (rc < 0 && err) {
        *err = why;
    }
    inspect_end(to, to->damaged ? 0 : at, file->end);
    return rc;
}

const struct strata_format current_format = {"manifest's name", CURRENT_MAGIC, CURRENT_NAME,
                                             current_inspect};
