/* entries.h: entries as lines of text, in one of four formats; any bytes come back from each.
 *
 *   tsv    key TAB value, with escapes (tsv.h); the form of `strata scan`
 *   csv    key,value, as spreadsheets and databases have it (csv.h)
 *   jsonl  {"key":"...","value":"..."} (jsonl.h)
 *   mdb    what mdb_dump and db_dump write (mdb.h): two lines an entry, between a head and a tail.
 *          It says itself how bytes are written, and takes no form */
#ifndef STRATA_COMMON_ENTRIES_H
#define STRATA_COMMON_ENTRIES_H

#include "csv.h"
#include "jsonl.h"
#include "mdb.h"
#include "tsv.h"

#define CSV_HEADER "key,value" /* a first line that some programs want; no entry */

enum entries_format { ENTRIES_TSV, ENTRIES_CSV, ENTRIES_JSONL, ENTRIES_MDB, ENTRIES_FORMATS };

const char *entries_format_name(enum entries_format format); /* "tsv" */
/* The format that a name, or the end of a file's name, stands for. False: none does. */
bool entries_format_named(const char *name, enum entries_format *format);
bool entries_format_of_file(const char *path, enum entries_format *format);

/* What the format has before the first entry and after the last, if anything. False as the sink. */
bool entries_put_head(const struct text_sink *to, enum entries_format format);
bool entries_put_tail(const struct text_sink *to, enum entries_format format);
/* Writes an entry as a line, or as two. False as the sink. */
bool entries_put(const struct text_sink *to, enum entries_format format, enum text_form form,
                 struct strata_slice key, struct strata_slice value);

enum entries_result { ENTRIES_MORE, ENTRIES_ENTRY, ENTRIES_FAULT };

/* A decoder of any of them, fed in pieces as tsv.h says. */
struct entries {
    enum entries_format format;
    struct strata_slice key, value; /* of the entry that was told; ours until the next call */
    uint64_t line;                  /* where the entry begins, or the fault is; from 1 */
    enum text_fault fault;          /* set with ENTRIES_FAULT */
    uint64_t column;                /* of the fault, in bytes from 1 */
    bool in_value;                  /* the fault is in the value */

    union {
        struct tsv tsv;
        struct csv csv;
        struct jsonl jsonl;
        struct mdb mdb;
    } in; /* private */
};

void entries_init(struct entries *entries, enum entries_format format, enum text_form form);
void entries_free(struct entries *entries);
enum entries_result entries_feed(struct entries *entries, struct strata_slice *input);
enum entries_result entries_finish(struct entries *entries);
/* The fault as a sentence without its end. */
const char *entries_why(const struct entries *entries);

#endif
