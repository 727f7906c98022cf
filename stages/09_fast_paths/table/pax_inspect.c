/* inspect.c: the annotated dump of a table. (The log's is stage 3's, that of the list stage 4's.)
 */
#define FS_NO_SITES
#include "inspect/inspect.h"
#include "01_append_log/record.h"
#include "base/coding.h"
#include "pax_table_inside.h"

#include <inttypes.h>

#define SHOWN 16 /* bytes of a key, or of what is stored */

#define SHOW(fields) inspect_numbers(to, file, &at, fields, sizeof fields / sizeof *fields, err)

static int show_header(struct fs_file *file, struct inspect *to, uint64_t *number,
                       struct strata_error *err)
{
    static const struct inspect_number header[] = {
        {"magic", 8, "\"" PAX_TABLE_MAGIC "\"", inspect_opaque},
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
    inspect_section(to, 0, "table: file header");
    return SHOW(header);
}

static void tell_packing(uint64_t value, char *to, size_t capacity)
{
    snprintf(to, capacity, "%s", value == STORED_BLOCK_PLAIN ? "none" : "LZ4");
}

/* A section's bytes, and its tail. */
static int show_section(struct fs_file *file, struct inspect *to, uint64_t begin, uint64_t end,
                        const char *what, struct strata_error *err)
{
    static const struct inspect_number tail[] = {
        {"size", 4, "bytes when uncompressed", NULL},
        {"packing", 1, "", tell_packing},
        {"check", 4, "XXH3 of all bytes before it", inspect_opaque},
    };
    uint64_t stored = end - begin - STORED_BLOCK_TRAILER, at = begin + stored;
    uint8_t raw[SHOWN];
    size_t got = 0;
    int rc = fs_read_at(file, begin, raw, stored < SHOWN ? (size_t)stored : SHOWN, &got, err);

    if (rc < 0)
        return rc;
    inspect_field(to, begin, strata_bytes(raw, got), stored, "stored", "%s", what);
    return SHOW(tail);
}

static void describe_block(const struct pax_block *block, char *to, size_t capacity)
{
    char prefix[4 * SHOWN + 8], first[4 * SHOWN + 8], last[4 * SHOWN + 8];

    snprintf(to, capacity, "%" PRIu32 " entries, keys %s + %s to %s", block->count,
             inspect_text(pax_block_prefix(block), SHOWN, prefix, sizeof prefix),
             inspect_text(pax_block_suffix(block, 0), SHOWN, first, sizeof first),
             inspect_text(pax_block_suffix(block, block->count - 1), SHOWN, last, sizeof last));
}

/* What coded values hold. `tell`: NULL: it is not known. */
static int show_coded(const struct pax_table *t, const struct pax_block *block, uint64_t offset,
                      pax_table_tell *tell, struct inspect *to, struct strata_error *err)
{
    for (uint32_t i = 0; tell && i < block->count; i++) {
        struct strata_slice value = pax_block_value(block, i), suffix = pax_block_suffix(block, i);
        char key[4 * SHOWN + 8], text[300];
        const char *wrong;
        if (pax_block_type(block, i) != SSTABLE_CODED)
            continue;
        wrong = tell(value, t->base.sum.last, text, sizeof text);
        if (wrong)
            return sstable_corrupt(&t->base, offset, wrong, err);
        inspect_field(to, offset, strata_bytes(value.data, value.size < SHOWN ? value.size : SHOWN),
                      value.size, "coded", "%s: %s", inspect_text(suffix, SHOWN, key, sizeof key),
                      text);
    }
    return 0;
}

static int show_blocks(const struct pax_table *t, pax_table_tell *tell, struct inspect *to,
                       struct strata_error *err)
{
    struct pax_table_block block = {0};
    struct fs_file *file = t->file.file;
    int rc = 0;

    for (uint32_t n = 0; rc == 0 && n < t->fence.count; n++) {
        char text[300];
        inspect_section(to, t->fence.offsets[n], "block %" PRIu32, n);
        rc = pax_table_open_block(t, n, NULL, &block, err);
        if (rc == 0) {
            describe_block(&block.block, text, sizeof text);
            rc = show_section(file, to, t->fence.offsets[n], t->fence.offsets[n + 1], text, err);
        }
        if (rc == 0)
            rc = show_coded(t, &block.block, t->fence.offsets[n], tell, to, err);
    }
    pax_table_block_free(&block);
    return rc;
}

static int show_properties(const struct pax_table *t, struct inspect *to, struct strata_error *err)
{
    char text[500], coded[80] = "", smallest[4 * SHOWN + 8], largest[4 * SHOWN + 8];
    const struct sstable_sum *sum = &t->base.sum;

    if (sum->coded)
        snprintf(coded, sizeof coded, ", %" PRIu64 " coded values (%" PRIu64 " bytes older)",
                 sum->coded, sum->old_bytes);
    snprintf(text, sizeof text,
             "%" PRIu64 " records, %" PRIu64 " of them deletes%s, of operations %" PRIu64
             " to %" PRIu64 "; keys %s to %s%s",
             sum->records, sum->tombstones - sum->coded, coded, sum->first, sum->last,
             inspect_text(strata_buffer_slice(&t->base.smallest), SHOWN, smallest, sizeof smallest),
             inspect_text(strata_buffer_slice(&t->base.largest), SHOWN, largest, sizeof largest),
             t->base.user.size ? "; notes" : "");
    inspect_section(to, t->properties, "properties");
    return show_section(t->file.file, to, t->properties, t->base.bytes - PAX_TABLE_FOOTER, text,
                        err);
}

static int show_rest(const struct pax_table *t, struct inspect *to, struct strata_error *err)
{
    static const struct inspect_number footer[] = {
        {"offset", 8, "of the properties", NULL},
        {"version", 2, "", NULL},
        {"coded", 2, "1: there are coded values", NULL},
        {"check", 4, "XXH3 of the 12 bytes before it", inspect_opaque},
        {"magic", 8, "\"" PAX_TABLE_MAGIC "\"", inspect_opaque},
    };
    struct fs_file *file = t->file.file;
    uint64_t at = t->base.bytes - PAX_TABLE_FOOTER, filter = t->filter_offset;
    int rc;

    inspect_section(to, t->blocks_end, "index");
    rc =
        show_section(file, to, t->blocks_end, filter, "a size and a separator for each block", err);
    if (rc == 0 && t->filter) {
        inspect_section(to, filter, "filter");
        rc = show_section(file, to, filter, t->properties, "lines of 64 bytes", err);
    }
    if (rc == 0)
        rc = show_properties(t, to, err);
    if (rc < 0)
        return rc;
    inspect_section(to, at, "footer");
    return SHOW(footer);
}

static int show_table(struct pax_table *t, pax_table_tell *tell, struct inspect *to,
                      struct strata_error *err)
{
    int rc = pax_table_read_properties(t, err);

    if (rc == 0)
        rc = pax_table_read_rest(t, err);
    if (rc == 0)
        rc = show_blocks(t, tell, to, err);
    if (rc == 0)
        rc = show_rest(t, to, err);
    return rc < 0 ? rc : pax_table_verify_blocks(&t->base, err);
}

/* Damage is reported, and is no error. */
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

int pax_table_inspect(struct fs_file *file, pax_table_tell *tell, struct inspect *to,
                      struct strata_error *err)
{
    struct pax_table t = {.base = {.path = file->path, .bytes = file->end}, .file.file = file};
    struct strata_error why;
    int rc = show_header(file, to, &t.base.number, &why);

    if (rc >= 0) /* a header cut short is reported by the check */
        rc = record_check_kind(file, PAX_TABLE_MAGIC, t.base.number, &why);
    if (rc == 0)
        rc = show_table(&t, tell, to, &why);
    rc = report(to, rc, &why, err);
    pax_table_unload(&t);
    strata_buffer_free(&t.base.smallest);
    strata_buffer_free(&t.base.largest);
    strata_buffer_free(&t.base.user);
    if (rc == 0)
        inspect_end(to, to->damaged ? 0 : file->end, file->end);
    return rc;
}

static int table_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    return pax_table_inspect(file, NULL, to, err);
}

const struct strata_format pax_table_format = {
    "table", PAX_TABLE_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*.table", table_inspect};
