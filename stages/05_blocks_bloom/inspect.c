/* inspect.c: the annotated dump of a table, field by field; what is compressed is shown as it is
 * stored and then uncompressed. (The log's dump is stage 3's, that of the list of runs stage 4's.)
 */
#define FS_NO_SITES
#include "inspect/inspect.h"
#include "01_append_log/record.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "block/stored_block.h"
#include "table/table_inside.h"

#include <inttypes.h>
#include <stdlib.h>

#define SHOWN 16 /* bytes of a key, or of what is stored */

#define SHOW(fields) inspect_numbers(to, file, &at, fields, sizeof fields / sizeof *fields, err)

/* Bytes of a part, being shown. */
struct showing {
    struct inspect *to;
    struct decoder d;
    uint64_t end; /* where they end: in the file, or, uncompressed, in themselves */
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

    inspect_field(s->to, at, strata_bytes(bytes, size), size, name, "%" PRIu64 "%s%s", value,
                  *meaning ? ", " : "", meaning);
    return value;
}

static uint64_t show_fixed(struct showing *s, unsigned width, const char *name, const char *meaning)
{
    uint64_t at = here(s), value;
    struct strata_slice bytes = strata_bytes(s->d.at, width);

    value = width == 8 ? get_u64(&s->d) : width == 4 ? get_u32(&s->d) : get_u8(&s->d);
    inspect_field(s->to, at, bytes, width, name, "%" PRIu64 "%s%s", value, *meaning ? ", " : "",
                  meaning);
    return value;
}

static void show_opaque(struct showing *s, unsigned width, const char *name, const char *meaning)
{
    uint64_t at = here(s);
    inspect_field(s->to, at, get_bytes(&s->d, width), width, name, "%s", meaning);
}

static void show_text(struct showing *s, const char *name, uint64_t size)
{
    uint64_t at = here(s);
    struct strata_slice bytes = get_bytes(&s->d, size), first = bytes;
    char text[4 * SHOWN + 8];

    if (first.size > SHOWN)
        first.size = SHOWN;
    inspect_field(s->to, at, first, bytes.size, name, "\"%s%s\"",
                  inspect_text(first, SHOWN, text, sizeof text), bytes.size > SHOWN ? "..." : "");
}

/* ---- Contents -------------------------------------------------------------------------------- */

static void show_type(struct showing *s)
{
    uint64_t at = here(s);
    struct strata_slice byte = strata_bytes(s->d.at, 1);
    unsigned type = get_u8(&s->d);

    inspect_field(s->to, at, byte, 1, "type", "%u, %s", type,
                  type == STRATA_OP_PUT ? "put" : "delete");
}

static void show_entry(struct showing *s, uint32_t n, bool index)
{
    uint64_t rest, value;

    inspect_section(s->to, here(s), "  entry %" PRIu32, n);
    show_number(s, "shared", "bytes of the key before it");
    rest = show_number(s, "rest", "bytes of the key that follow");
    value = show_number(s, "value size", "bytes");
    show_type(s);
    show_text(s, index ? "separator" : "key", rest);
    if (index) {
        show_number(s, "offset", "of the data block");
        show_number(s, "size", "of it, with its trailer");
    } else if (value) {
        show_text(s, "value", value);
    }
}

/* A data block or the index, which was checked. */
static void show_entries(struct showing *s, bool index)
{
    struct block block = block_of(strata_bytes(s->d.at, s->d.left));
    size_t restarts = s->d.left - block.entries_end;

    for (uint32_t n = 0; s->d.left > restarts; n++)
        show_entry(s, n, index);
    inspect_section(s->to, here(s), "  restart points");
    for (uint32_t n = 0; n < block.restarts; n++)
        show_fixed(s, 4, "offset", "of an entry in the block");
    show_fixed(s, 4, "count", "of restart points");
}

static void show_properties(struct showing *s)
{
    uint64_t user;

    inspect_section(s->to, here(s), "  properties");
    show_fixed(s, 8, "records", "puts and deletes");
    show_fixed(s, 8, "tombstones", "deletes");
    show_fixed(s, 8, "first", "sequence number in it");
    show_fixed(s, 8, "last", "sequence number in it");
    show_opaque(s, 8, "digest", "of the checksums of all data blocks");
    show_fixed(s, 8, "raw bytes", "of all data blocks, uncompressed");
    show_text(s, "smallest", show_number(s, "size", "of the smallest key"));
    show_text(s, "largest", show_number(s, "size", "of the largest key"));
    user = show_number(s, "size", "of the user properties");
    if (user)
        show_text(s, "user", user);
}

static void show_filter(struct showing *s)
{
    size_t lines = s->d.left - 1;

    inspect_field(s->to, here(s), strata_bytes(s->d.at, lines < SHOWN ? lines : SHOWN), lines,
                  "lines", "%zu, of 64 bytes each", lines / BLOOM_LINE);
    get_bytes(&s->d, lines);
    show_fixed(s, 1, "probes", "bits that are set for a key");
}

/* ---- Stored blocks --------------------------------------------------------------------------- */

enum part { DATA, INDEX, FILTER, PROPERTIES };

static void show_contents(struct showing *s, enum part part)
{
    if (part == FILTER)
        show_filter(s);
    else if (part == PROPERTIES)
        show_properties(s);
    else
        show_entries(s, part == INDEX);
}

static void tell_compression(uint64_t value, char *to, size_t capacity)
{
    snprintf(to, capacity, "%s", value == STORED_BLOCK_PLAIN ? "none" : "LZ4");
}

static int show_trailer(struct fs_file *file, struct inspect *to, uint64_t at,
                        struct strata_error *err)
{
    static const struct inspect_number trailer[] = {
        {"size", 4, "bytes uncompressed", NULL},
        {"compression", 1, "", tell_compression},
        {"checksum", 4, "XXH3 of all bytes before it", inspect_opaque},
    };
    inspect_section(to, at, "  trailer");
    return SHOW(trailer);
}

/* A part that was read and checked: `raw` as it is stored, and room for it uncompressed. */
static int show_stored(struct fs_file *file, struct inspect *to, uint64_t offset,
                       const struct stored_block *stored, uint8_t *room, enum part part,
                       struct strata_error *err)
{
    bool plain = stored->compression == STORED_BLOCK_PLAIN;
    uint64_t end = offset + stored->stored.size;
    struct showing s = {.to = to, .end = plain ? end : stored->size};
    struct strata_slice first = stored->stored;
    int rc = stored_block_uncompress(stored, offset, room, err);

    if (rc < 0)
        return rc;
    decoder_init(&s.d, strata_bytes(room, stored->size));
    if (plain)
        show_contents(&s, part);
    first.size = first.size < SHOWN ? first.size : SHOWN;
    if (!plain)
        inspect_field(to, offset, first, stored->stored.size, "stored", "compressed");
    rc = show_trailer(file, to, end, err);
    if (rc == 0 && !plain) {
        inspect_section(to, offset, "  uncompressed (offsets in the block)");
        show_contents(&s, part);
    }
    return rc;
}

/* The part from `offset` to `end`, which the table has found sound. */
static int show_part(const struct table *t, struct inspect *to, uint64_t offset, uint64_t end,
                     enum part part, struct strata_error *err)
{
    size_t size = (size_t)(end - offset), got = 0;
    uint8_t *raw = malloc(size), *room = NULL;
    struct stored_block stored;
    int rc = raw ? fs_read_at(t->file.file, offset, raw, size, &got, err)
                 : strata_fail_memory(err, size);

    if (rc == 0)
        rc = stored_block_open(&stored, strata_bytes(raw, got), t->base.number, offset, err);
    if (rc == 0) {
        room = malloc((size_t)stored.size + 1);
        rc = room ? show_stored(t->file.file, to, offset, &stored, room, part, err)
                  : strata_fail_memory(err, stored.size);
    }
    free(room);
    free(raw);
    return rc;
}

/* ---- The table ------------------------------------------------------------------------------- */

static int show_header(struct fs_file *file, struct inspect *to, uint64_t *number,
                       struct strata_error *err)
{
    static const struct inspect_number header[] = {
        {"magic", 8, "\"" TABLE_MAGIC "\"", inspect_opaque},
        {"version", 2, "", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"number", 8, "seeds every checksum", NULL},
        {"checksum", 4, "XXH3 of bytes 0 to 19", inspect_opaque},
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
    inspect_section(to, 0, "table: file header");
    return SHOW(header);
}

static int show_footer(const struct table *t, struct inspect *to, struct strata_error *err)
{
    static const struct inspect_number footer[] = {
        {"index", 8, "its offset", NULL},
        {"filter", 8, "its offset", NULL},
        {"properties", 8, "their offset", NULL},
        {"version", 2, "", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"checksum", 4, "XXH3 of the 28 bytes before it", inspect_opaque},
        {"magic", 8, "\"" TABLE_MAGIC "\"", inspect_opaque},
    };
    struct fs_file *file = t->file.file;
    uint64_t at = t->base.bytes - TABLE_FOOTER;

    inspect_section(to, at, "footer");
    return SHOW(footer);
}

/* Loading a block checks it before it is shown. */
static int show_blocks(struct table *t, struct inspect *to, struct strata_error *err)
{
    int rc = 0;

    for (uint32_t n = 0; rc == 0 && n < t->index.count; n++) {
        struct table_index_entry entry = table_index_at(&t->index, n);
        struct cache_block *block;
        uint32_t check;
        inspect_section(to, entry.offset, "data block %" PRIu32, n);
        rc = table_load(t, n, &block, &check, err);
        if (rc < 0)
            return rc;
        free(block);
        rc = show_part(t, to, entry.offset, entry.offset + entry.size, DATA, err);
    }
    return rc;
}

static int show_table(struct table *t, struct inspect *to, struct strata_error *err)
{
    const struct table_footer *f = &t->footer;
    int rc = table_read_parts(t, err);

    if (rc == 0)
        rc = show_blocks(t, to, err);
    if (rc == 0) {
        inspect_section(to, f->index, "index");
        rc = show_part(t, to, f->index, f->filter, INDEX, err);
    }
    if (rc == 0 && t->filter) {
        inspect_section(to, f->filter, "filter");
        rc = show_part(t, to, f->filter, f->properties, FILTER, err);
    }
    if (rc == 0) {
        inspect_section(to, f->properties, "properties");
        rc = show_part(t, to, f->properties, t->base.bytes - TABLE_FOOTER, PROPERTIES, err);
    }
    if (rc == 0)
        rc = show_footer(t, to, err);
    return rc < 0 ? rc : table_verify_blocks(&t->base, err);
}

/* Damage is shown, and is no error. */
static int report(struct inspect *to, int rc, const struct strata_error *why,
                  struct strata_error *err)
{
    if (rc == STRATA_ERR_CORRUPT) {
        inspect_stop(to, why->offset, "%s", why->message);
        return 0;
    }
    if (rc < 0 && err)
        *err = *why;
    return rc;
}

static int table_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    struct table t = {.base = {.path = file->path, .bytes = file->end}, .file.file = file};
    struct strata_error why;
    int rc = show_header(file, to, &t.base.number, &why);

    if (rc >= 0) /* the check reports a header that is cut short */
        rc = record_check_kind(file, TABLE_MAGIC, t.base.number, &why);
    if (rc == 0)
        rc = show_table(&t, to, &why);
    rc = report(to, rc, &why, err);
    table_free_parts(&t);
    strata_buffer_free(&t.base.smallest);
    strata_buffer_free(&t.base.largest);
    strata_buffer_free(&t.base.user);
    if (rc == 0)
        inspect_end(to, to->damaged ? 0 : file->end, file->end);
    return rc;
}

const struct strata_format table_format = {
    "table", TABLE_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*" TABLE_SUFFIX, table_inspect};
