/* entries.c: one decoder in front of four; they share their shape and their results. */
#include "entries.h"

#include <string.h>

_Static_assert((int)TSV_ENTRY == ENTRIES_ENTRY && (int)TSV_FAULT == ENTRIES_FAULT, "tsv.h");
_Static_assert((int)CSV_ENTRY == ENTRIES_ENTRY && (int)CSV_FAULT == ENTRIES_FAULT, "csv.h");
_Static_assert((int)JSONL_ENTRY == ENTRIES_ENTRY && (int)JSONL_FAULT == ENTRIES_FAULT, "jsonl.h");
_Static_assert((int)MDB_ENTRY == ENTRIES_ENTRY && (int)MDB_FAULT == ENTRIES_FAULT, "mdb.h");

static const struct {
    const char *name; /* and what stands behind the dot of a file's name */
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

bool entries_put(const struct text_sink *to, enum entries_format format, enum text_form form,
                 struct strata_slice key, struct strata_slice value)
{
    if (format == ENTRIES_MDB)
        return mdb_put_entry(to, key, value);
    if (format == ENTRIES_JSONL)
        return jsonl_put(to, form, key, value);
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

/* What one of the four told, for the reader of all. */
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
static int advance(struct entries *r, struct strata_slice *input)
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

enum entries_result entries_feed(struct entries *r, struct strata_slice *input)
{
    return (enum entries_result)advance(r, input);
}

enum entries_result entries_finish(struct entries *r)
{
    return (enum entries_result)advance(r, NULL);
}

const char *entries_why(const struct entries *r)
{
    if (r->fault != TEXT_TOO_LONG)
        return text_fault_name(r->fault);
    return r->in_value ? "the value is longer than 1073741824 bytes"
                       : "the key is longer than 65536 bytes";
}
