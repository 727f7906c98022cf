/* tsv.h: lines of "key TAB value", as `strata dump` writes and `strata load` reads.
 *
 * A line is a key, a tab, a value and a newline; the last newline may be missing. Key and value
 * are in one of the forms of text.h. Either may be empty. A second tab is a fault: it would be a
 * third column, or a tab that is not written as \t. A carriage return as it is would be a line end
 * to some and a byte of the value to others, so it is a fault, as in PostgreSQL's COPY text format
 * (postgresql.org/docs/current/sql-copy.html).
 *
 * The decoder takes the bytes in pieces, cut anywhere, and keeps no more of them than the key and
 * the value under way, which have the limits of strata.h: no length is read from the input. */
#ifndef STRATA_COMMON_TSV_H
#define STRATA_COMMON_TSV_H

#include "text/text.h"

struct tsv {
    enum text_form form;
    struct strata_buffer key,
        value;             /* of the entry that tsv_feed returned; valid until the next call */
    uint64_t line;         /* the entry's or the fault's, from 1 */
    enum text_fault fault; /* set with TSV_FAULT */
    uint64_t column;       /* of the fault, in bytes from 1 */

    struct text_decoder text; /* private, like all below: the key's or the value's */
    uint64_t before;          /* bytes of the line before the field under way */
    bool in_value;
    bool in_line;  /* something of the line was seen */
    bool returned; /* key and value are dropped at the next call */
};

enum tsv_result {
    TSV_MORE,  /* the input is used up: feed more, or finish */
    TSV_ENTRY, /* key and value hold an entry; feed what is left */
    TSV_FAULT  /* line, column and fault say what; nothing more may be fed */
};

void tsv_init(struct tsv *tsv, enum text_form form);
void tsv_free(struct tsv *tsv);
/* After a fault: continues with the line of that number, whose first byte is fed next. */
void tsv_restart(struct tsv *tsv, uint64_t line);

/* Takes bytes off the front of *input up to the end of a line, a fault, or their end. */
enum tsv_result tsv_feed(struct tsv *tsv, struct strata_slice *input);
/* The input is over: the entry of a last line without newline, or TSV_MORE if there is none. */
enum tsv_result tsv_finish(struct tsv *tsv);

#endif
