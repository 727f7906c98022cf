/* entries.c: one decoder in front of four, which have the same interface and the same results. */
#include "text/entries.h"

#include <assert.h>
#include <string.h>

_Static_assert((int)TSV_ENTRY == ENTRIES_ENTRY && (int)TSV_FAULT == ENTRIES_FAULT, "tsv.h");
_Static_assert((int)CSV_ENTRY == ENTRIES_ENTRY && (int)CSV_FAULT == ENTRIES_FAULT, "csv.h");
_Static_assert((int)JSONL_ENTRY == ENTRIES_ENTRY && (int)JSONL_FAULT == ENTRIES_FAULT, "jsonl.h");
_Static_assert((int)MDB_ENTRY == ENTRIES_ENTRY && (int)MDB_FAULT == ENTRIES_FAULT, "mdb.h");

static const struct {
    const char *name; /* also the extension of file names */
    enum entries_format format;
} names[] = {{"tsv", ENTRIES_TSV},
             {"csv", ENTRIES_CSV},
             {"jsonl", ENTRIES_JSONL},
             {"mdb", ENTRIES_MDB},
             {"ndjson", ENTRIES_JSONL}};

const char *entries_format_name(enum entries_format format)
{
    return names[format].name;
}

bool entries_format_named(const char *name, enum entries_format *format)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, name) == 0) {
            *format = names[i].format;
            return true;
        }
    return false;
}

bool entries_format_of_file(const char *path, enum entries_format *format)
{
    const char *dot = strrchr(path, '.');
    return dot && entries_format_named(dot + 1, format);
}

bool entries_put_head(const struct text_sink *to, enum entries_format format)
{
    return format != ENTRIES_MDB || mdb_put_head(to);
}

bool entries_put_tail(const struct text_sink *to, enum entries_format format)
{
    return format != ENTRIES_MDB || mdb_put_tail(to);
}

bool entries_have_times(enum entries_format format)
{
    return format == ENTRIES_JSONL;
}

bool entries_put(const struct text_sink *to, enum entries_format format, enum text_form form,
                 struct strata_slice key, struct strata_slice value)
{
    return entries_put_until(to, format, form, key, value, 0);
}

bool entries_put_until(const struct text_sink *to, enum entries_format format, enum text_form form,
                       struct strata_slice key, struct strata_slice value, uint64_t until)
{
    if (format == ENTRIES_MDB)
        return mdb_put_entry(to, key, value);
    if (format == ENTRIES_JSONL)
        return jsonl_put(to, form, key, value, until);
    if (format == ENTRIES_CSV)
        return csv_put_field(to, form, key) && text_put_string(to, ",") &&
               csv_put_field(to, form, value) && text_put_string(to, "\n");
    return text_put(to, form, key) && text_put_string(to, "\t") && text_put(to, form, value) &&
           text_put_string(to, "\n");
}

/* ---- Reading --------------------------------------------------------------------------- */

void entries_init(struct entries *r, enum entries_format format, enum text_form form)
{
    *r = (struct entries){.format = format, .line = 1};
    switch (format) {
    case ENTRIES_CSV:
        csv_init(&r->in.csv, form);
        return;
    case ENTRIES_JSONL:
        jsonl_init(&r->in.jsonl, form);
        return;
    case ENTRIES_MDB:
        mdb_init(&r->in.mdb);
        return;
    default:
        tsv_init(&r->in.tsv, form);
    }
}

void entries_free(struct entries *r)
{
    switch (r->format) {
    case ENTRIES_CSV:
        csv_free(&r->in.csv);
        return;
    case ENTRIES_JSONL:
        jsonl_free(&r->in.jsonl);
        return;
    case ENTRIES_MDB:
        mdb_free(&r->in.mdb);
        return;
    default:
        tsv_free(&r->in.tsv);
    }
}

void entries_want(struct entries *r, const char *key, const char *value, bool all)
{
    assert(r->format == ENTRIES_CSV);
    csv_want(&r->in.csv, key, value, all);
}

struct strata_slice entries_names(const struct entries *r)
{
    assert(r->format == ENTRIES_CSV);
    return csv_names(&r->in.csv);
}

/* Takes over the result of one of the four decoders. */
#define PUBLISH(r, from)                                                                           \
    do {                                                                                           \
        (r)->key = strata_buffer_slice(&(from)->key);                                              \
        (r)->value = strata_buffer_slice(&(from)->value);                                          \
        (r)->line = (from)->line;                                                                  \
        (r)->fault = (from)->fault;                                                                \
        (r)->column = (from)->column;                                                              \
        (r)->in_value = (from)->in_value;                                                          \
    } while (0)

/* `input` NULL: it is over. */
static int decode(struct entries *r, struct strata_slice *input)
{
    int result;

    switch (r->format) {
    case ENTRIES_CSV:
        result = input ? (int)csv_feed(&r->in.csv, input) : (int)csv_finish(&r->in.csv);
        PUBLISH(r, &r->in.csv);
        return result;
    case ENTRIES_JSONL:
        result = input ? (int)jsonl_feed(&r->in.jsonl, input) : (int)jsonl_finish(&r->in.jsonl);
        PUBLISH(r, &r->in.jsonl);
        r->until = r->in.jsonl.until;
        return result;
    case ENTRIES_MDB:
        result = input ? (int)mdb_feed(&r->in.mdb, input) : (int)mdb_finish(&r->in.mdb);
        PUBLISH(r, &r->in.mdb);
        return result;
    default:
        result = input ? (int)tsv_feed(&r->in.tsv, input) : (int)tsv_finish(&r->in.tsv);
        PUBLISH(r, &r->in.tsv);
        return result;
    }
}

static enum entries_result advance(struct entries *r, struct strata_slice *input)
{
    size_t before = input ? input->size : 0;
    int result = decode(r, input);

    if (r->mark > TEXT_MARK_BYTES + 1 && r->line == 1)
        r->column += TEXT_MARK_BYTES;
    r->line_over = input && input->size < before && input->data[-1] == '\n';
    return (enum entries_result)result;
}

/* What looked like a mark was the beginning of an entry. */
static enum entries_result no_mark(struct entries *r)
{
    struct strata_slice seen = strata_bytes(TEXT_MARK, r->mark);

    r->mark = TEXT_MARK_BYTES + 1;
    return seen.size ? advance(r, &seen) : ENTRIES_MORE;
}

/* Takes a byte order mark off the input; r->mark is then TEXT_MARK_BYTES + 2. */
static enum entries_result pass_mark(struct entries *r, struct strata_slice *input)
{
    while (r->mark < TEXT_MARK_BYTES && input->size &&
           input->data[0] == (uint8_t)TEXT_MARK[r->mark]) {
        r->mark++;
        input->data++;
        input->size--;
    }
    if (r->mark == TEXT_MARK_BYTES)
        r->mark += 2;
    return r->mark < TEXT_MARK_BYTES && input->size ? no_mark(r) : ENTRIES_MORE;
}

/* Takes what is left of a faulty line off the input. False: all of it was. */
static bool skip_line(struct entries *r, struct strata_slice *input)
{
    const uint8_t *end = input->size ? memchr(input->data, '\n', input->size) : NULL;
    size_t size = end ? (size_t)(end - input->data) + 1 : input->size;

    input->data += size;
    input->size -= size;
    r->skipping = !end;
    return end;
}

enum entries_result entries_feed(struct entries *r, struct strata_slice *input)
{
    enum entries_result result;

    if (r->skipping && !skip_line(r, input))
        return ENTRIES_MORE;
    result = pass_mark(r, input);
    return result == ENTRIES_MORE && input->size ? advance(r, input) : result;
}

enum entries_result entries_finish(struct entries *r)
{
    enum entries_result result = r->mark < TEXT_MARK_BYTES ? no_mark(r) : ENTRIES_MORE;

    return result == ENTRIES_MORE ? advance(r, NULL) : result;
}

bool entries_skip(struct entries *r)
{
    assert(r->fault != TEXT_FINE);
    if (r->fault == TEXT_OPEN_QUOTE || r->fault == TEXT_NO_MEMORY || r->format == ENTRIES_MDB ||
        (r->format == ENTRIES_CSV && r->in.csv.header))
        return false;
    if (r->format == ENTRIES_CSV)
        csv_restart(&r->in.csv, r->in.csv.now_line + 1);
    else if (r->format == ENTRIES_JSONL)
        jsonl_restart(&r->in.jsonl, r->in.jsonl.line + 1);
    else
        tsv_restart(&r->in.tsv, r->in.tsv.line + 1);
    r->skipping = !r->line_over;
    return true;
}

const char *entries_why(const struct entries *r)
{
    if (r->fault != TEXT_TOO_LONG)
        return text_fault_name(r->fault);
    return r->in_value ? "the value is longer than 1073741824 bytes"
                       : "the key is longer than 65536 bytes";
}
