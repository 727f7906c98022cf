/* csv.h: lines of "key,value" as RFC 4180 has them (rfc-editor.org/rfc/rfc4180).
 *
 * A line is two fields with a comma between them. A field that begins with a quote ends with one;
 * every byte between them is itself, also commas and line ends; a quote in the field is doubled.
 * Lines end with a newline, alone or after a carriage return; ours with a newline alone.
 *
 * Text stays as it is, whatever other program wrote or reads it: there are no escapes. Bytes that
 * are no text are written as PostgreSQL writes its bytea (postgresql.org/docs/current/
 * datatype-binary.html): a field that begins with \x is hexadecimal, two digits a byte. That is
 * how a field is written that is not valid UTF-8, that holds a control character other than tab,
 * newline and carriage return, or that begins with \x itself. So any bytes come back. On the way
 * in a field that does not begin with \x is taken as it is, UTF-8 or not.
 *
 * With TEXT_HEX every field is hexadecimal, without \x.
 *
 * With a header (csv_want) the first line names the columns, and key and value are those of two
 * names; then a line has as many fields as the header. The fields of other columns are not kept, so
 * they may be of any size. */
#ifndef STRATA_COMMON_CSV_H
#define STRATA_COMMON_CSV_H

#include "text/text.h"

struct csv {
    enum text_form form;
    struct strata_buffer key,
        value;             /* of the entry that csv_feed returned; valid until the next call */
    uint64_t line;         /* where the entry begins, or the fault is; from 1 */
    enum text_fault fault; /* set with CSV_FAULT */
    uint64_t column;       /* of the fault, in bytes from 1 */
    bool in_value;         /* the fault is in the value */

    int state;                /* private, like all below */
    struct text_decoder text; /* of a hexadecimal field */
    bool hex;
    unsigned seen;                     /* bytes of the field so far, if they are less than two */
    uint64_t now_line, now_column;     /* of the next byte */
    uint64_t quote_line, quote_column; /* where the last quotes were opened */
    bool returned;                     /* key and value are dropped at the next call */
    const char *wanted[2];             /* names of the columns of key and value; borrowed */
    bool header;                       /* the line under way is the header */
    bool all;                          /* other columns are a fault */
    uint64_t at[2];                    /* the columns of key and value, from 0 */
    uint64_t field, fields;            /* the field under way, from 0; how many a line has */
    struct strata_buffer names;        /* of the header, as text with commas between them */
};

enum csv_result {
    CSV_MORE,  /* the input is used up: feed more, or finish */
    CSV_ENTRY, /* key and value hold an entry; feed what is left */
    CSV_FAULT  /* line, column and fault say what; nothing more may be fed */
};

void csv_init(struct csv *csv, enum text_form form);
void csv_free(struct csv *csv);
/* Before the first byte: the first line is a header. Key and value are the columns of these names,
 * which are borrowed; with `all` there must be no others. Faults: TEXT_NO_COLUMN,
 * TEXT_MORE_COLUMNS, TEXT_TWICE. */
void csv_want(struct csv *csv, const char *key, const char *value, bool all);
/* The names in the header (of a very long one, the first megabyte), escaped, with ", " between
 * them; ours until csv_free. */
struct strata_slice csv_names(const struct csv *csv);
/* After a fault: continues with the line of that number, whose first byte is fed next. */
void csv_restart(struct csv *csv, uint64_t line);

/* Takes bytes off the front of *input up to the end of an entry, a fault, or their end. */
enum csv_result csv_feed(struct csv *csv, struct strata_slice *input);
/* The input is over: the entry of a last line without newline, or CSV_MORE if there is none. */
enum csv_result csv_finish(struct csv *csv);

/* Writes one field: what csv_feed reads back. False as the sink. */
bool csv_put_field(const struct text_sink *to, enum text_form form, struct strata_slice bytes);

#endif
