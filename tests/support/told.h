/* told.h: what a decoder of entries tells of a text, as text that a test can compare:
 * "1[k=v] 2[=] 3:4!5" (line, key, value; line, column, fault). Knows nothing of cmocka. */
#ifndef STRATA_TESTS_TOLD_H
#define STRATA_TESTS_TOLD_H

#include "text/entries.h"

struct told {
    char text[4000]; /* cut there */
    size_t size;
};

/* Feeds `text` in pieces of `piece` bytes, each in memory of its own size, so that reading past
 * its end is caught. Out of memory, or a broken promise of the decoder, ends the program. */
void told_decode(enum entries_format format, enum text_form form, struct strata_slice text,
                 size_t piece, struct told *told);
/* The same in pieces of every size: all must tell the same, or the program ends. */
const char *told_of(enum entries_format format, enum text_form form, struct strata_slice text);

/* All that was written to it, for tests of writers. */
struct text_sink told_sink(struct strata_buffer *to);

/* How a text is to be read. */
struct told_how {
    bool skip;               /* after a fault it goes on, where it can: "2:4!5 " */
    const char *key, *value; /* names of columns; NULL: there is no header */
    bool all;                /* of csv_want */
};
const char *told_of_how(enum entries_format format, struct strata_slice text,
                        const struct told_how *how);

/* Takes so many pieces, and none after them. */
struct told_refusal {
    unsigned left;
};
struct text_sink told_refusing_sink(struct told_refusal *refusal);

#endif
