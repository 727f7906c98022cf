/* csv.h: lines of "key,value" as RFC 4180 has them (rfc-editor.org/rfc/rfc4180).
 *
 * A line is two fields with a comma between them. A field that begins with a quote ends with one,
 * and between them stands for itself, commas and line ends too; a quote in it is doubled. Lines
 * end with a newline, alone or after a carriage return; ours with a newline alone. A byte order
 * mark at the beginning of the input, which spreadsheets write, is passed over.
 *
 * Text stays as it is, whatever other program wrote or reads it: there are no escapes. Bytes that
 * are no text are written as PostgreSQL writes its bytea (postgresql.org/docs/current/
 * datatype-binary.html): a field that begins with \x is hexadecimal, two digits a byte. That is
 * how a field is written that is not valid UTF-8, that holds a control character other than tab,
 * newline and carriage return, or that begins with \x itself. So any bytes come back. On the way
 * in a field that does not begin with \x stands for its bytes, UTF-8 or not.
 *
 * With TEXT_HEX every field is hexadecimal, without \x. */
#ifndef STRATA_COMMON_CSV_H
#define STRATA_COMMON_CSV_H

#include "text.h"

struct csv {
    enum text_form form;
    struct strata_buffer key, value; /* of the entry that csv_feed told; ours until the next call */
    uint64_t line;                   /* where the entry begins, or the fault is; from 1 */
    enum text_fault fault;           /* set with CSV_FAULT */
    uint64_t column;                 /* of the fault, in bytes from 1 */
    bool in_value;                   /* the fault is in the value */

    int state;                /* private, like all below */
    struct text_decoder text; /* of a hexadecimal field */
    bool hex;
    unsigned seen;                     /* bytes of the field so far, if they are less than two */
    uint64_t now_line, now_column;     /* of the next byte */
    uint64_t quote_line, quote_column; /* where the last quotes were opened */
    unsigned mark;                     /* bytes of a byte order mark seen; > 3: no more */
    bool told;                         /* key and value are to be dropped at the next call */
};

enum csv_result {
    CSV_MORE,  /* the input is used up: feed more, or finish */
    CSV_ENTRY, /* key and value hold an entry; feed what is left */
    CSV_FAULT  /* line, column and fault say what; nothing more may be fed */
};

void csv_init(struct csv *csv, enum text_form form);
void csv_free(struct csv *csv);

/* Takes bytes off the front of *input up to the end of an entry, a fault, or their end. */
enum csv_result csv_feed(struct csv *csv, struct strata_slice *input);
/* The input is over: the entry of a last line without newline, or CSV_MORE if there is none. */
enum csv_result csv_finish(struct csv *csv);

/* Writes one field: what csv_feed reads back. False as the sink. */
bool csv_put_field(const struct text_sink *to, enum text_form form, struct strata_slice bytes);

#endif
