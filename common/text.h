/* text.h: bytes as text that a person, a terminal and a file of lines can carry, and back.
 *
 * Two forms. Both can write any bytes, and what text_encode writes text_feed reads back.
 *
 *   TEXT_ESCAPED  valid UTF-8 stands for itself, but for control characters and the backslash:
 *                 \t \n \r \\, and \xNN for every other byte. So encoded text holds no tab, no
 *                 line end and nothing that moves a cursor. On the way in every byte but the
 *                 backslash stands for itself.
 *   TEXT_HEX      two hexadecimal digits a byte: lower case out, either case in.
 *
 * Threads: no shared state. */
#ifndef STRATA_COMMON_TEXT_H
#define STRATA_COMMON_TEXT_H

#include "strata.h"

enum text_form { TEXT_ESCAPED, TEXT_HEX };

/* What can be wrong with text, that of lines (tsv.h) included. */
enum text_fault {
    TEXT_FINE,
    TEXT_BAD_ESCAPE, /* a backslash before something that is no escape */
    TEXT_BAD_DIGIT,  /* not a hexadecimal digit where one must be */
    TEXT_CUT,        /* ends inside an escape, or after half of a byte's two digits */
    TEXT_TOO_LONG,   /* more bytes than the decoder's limit */
    TEXT_NO_TAB,     /* tsv.h: a line without a tab */
    TEXT_RAW_RETURN, /* tsv.h: a carriage return that is not written \r */
    TEXT_NO_MEMORY
};

/* The fault as a sentence without its end: "an escape is \xNN, \t, \n, \r or \\". */
const char *text_fault_name(enum text_fault fault);

/* The size in bytes of the UTF-8 character that `bytes` (at least one) begin with; 0 if they
 * begin with none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t text_utf8_size(struct strata_slice bytes);

#define TEXT_UNIT 4 /* text_encode makes progress with a capacity of this, or more */

/* Writes to `to` as much of *bytes as fits, takes that off the front of *bytes, and returns the
 * bytes written. So any value is printed through a small array. */
size_t text_encode(enum text_form form, struct strata_slice *bytes, uint8_t *to, size_t capacity);

/* Decodes text that comes in pieces, cut anywhere. */
struct text_decoder {
    enum text_form form;
    size_t limit;  /* decoded bytes at most */
    uint64_t fed;  /* bytes of text taken so far */
    uint64_t mark; /* where the fault is, or the escape under way began: bytes of text before it */
    int state;     /* private */
    uint8_t high;  /* private: the first of two digits */
};

void text_decoder_init(struct text_decoder *d, enum text_form form, size_t limit);
/* Decodes a piece, appending to `to`. After a fault, d->mark tells where it is. */
enum text_fault text_feed(struct text_decoder *d, struct strata_slice text,
                          struct strata_buffer *to);
/* The text is over: TEXT_CUT if that is inside an escape. */
enum text_fault text_finish(struct text_decoder *d);

/* All at once, replacing what `to` held. After a fault, `*at` is the bytes of text before it. */
enum text_fault text_decode(enum text_form form, struct strata_slice text, size_t limit,
                            struct strata_buffer *to, uint64_t *at);

#endif
