/* entries.h: entries as lines of text, in one of four formats; any bytes come back from each.
 *
 *   tsv    key TAB value, with escapes (tsv.h); the form of `strata scan`
 *   csv    key,value, as spreadsheets and databases have it (csv.h)
 *   jsonl  {"key":"...","value":"..."} (jsonl.h); it alone says when an entry expires
 *   mdb    what mdb_dump and db_dump write (mdb.h): two lines an entry, between a head and a tail.
 *          It says itself how bytes are written, and takes no form
 *
 * A byte order mark at the beginning of the input, which spreadsheets and some editors write, is
 * dropped. (A first key that begins with its bytes is written so that it is none.) */
#ifndef STRATA_COMMON_ENTRIES_H
#define STRATA_COMMON_ENTRIES_H

#include "text/csv.h"
#include "text/jsonl.h"
#include "text/mdb.h"
#include "text/tsv.h"

#define CSV_KEY "key" /* the names of columns in the header that is written */
#define CSV_VALUE "value"
#define CSV_HEADER CSV_KEY "," CSV_VALUE

enum entries_format { ENTRIES_TSV, ENTRIES_CSV, ENTRIES_JSONL, ENTRIES_MDB, ENTRIES_FORMATS };

const char *entries_format_name(enum entries_format format); /* "tsv" */
/* The format of that name, or of a file name with that extension. False: there is none. */
bool entries_format_named(const char *name, enum entries_format *format);
bool entries_format_of_file(const char *path, enum entries_format *format);

/* What the format has before the first entry and after the last, if anything. False as the sink. */
bool entries_put_head(const struct text_sink *to, enum entries_format format);
bool entries_put_tail(const struct text_sink *to, enum entries_format format);
/* Has the format a place for the time at which an entry expires? */
bool entries_have_times(enum entries_format format);
/* Writes an entry as a line, or as two. False as the sink. */
bool entries_put(const struct text_sink *to, enum entries_format format, enum text_form form,
                 struct strata_slice key, struct strata_slice value);
/* The same with its time, if the format has a place for it. */
bool entries_put_until(const struct text_sink *to, enum entries_format format, enum text_form form,
                       struct strata_slice key, struct strata_slice value, uint64_t until);

enum entries_result { ENTRIES_MORE, ENTRIES_ENTRY, ENTRIES_FAULT };

/* A decoder of any of them, fed in pieces as tsv.h says. */
struct entries {
    enum entries_format format;
    struct strata_slice key, value; /* of the entry that was returned; valid until the next call */
    uint64_t until;                 /* when it expires; 0: never */
    uint64_t line;                  /* where the entry begins, or the fault is; from 1 */
    enum text_fault fault;          /* set with ENTRIES_FAULT */
    uint64_t column;                /* of the fault, in bytes from 1 */
    bool in_value;                  /* the fault is in the value */

    unsigned mark;  /* private, as the next: bytes of a byte order mark seen; > 3: no more */
    bool line_over; /* the line of the fault has been taken to its end */
    bool skipping;  /* ... has not, and is to be */
    union {
        struct tsv tsv;
        struct csv csv;
        struct jsonl jsonl;
        struct mdb mdb;
    } in;
};

void entries_init(struct entries *entries, enum entries_format format, enum text_form form);
void entries_free(struct entries *entries);
/* csv.h: csv_want and csv_names; only of csv. */
void entries_want(struct entries *entries, const char *key, const char *value, bool all);
struct strata_slice entries_names(const struct entries *entries);
enum entries_result entries_feed(struct entries *entries, struct strata_slice *input);
enum entries_result entries_finish(struct entries *entries);
/* After a fault: continues after the line that has it. False: it is not known where the next entry
 * begins (in mdb, after quotes that are never closed), or a header was refused; nothing more may be
 * fed. */
bool entries_skip(struct entries *entries);
/* The fault as a sentence without its end. */
const char *entries_why(const struct entries *entries);

#endif
