/* text.h: bytes as text that a person, a terminal and a file of lines can carry, and back.
 *
 * Two forms. Both can write any bytes, and what text_encode writes text_feed reads back.
 *
 *   TEXT_ESCAPED  valid UTF-8 is written as it is, except control characters, the backslash and the
 *                 byte order mark: \t \n \r \\, and \xNN for every other byte. So encoded text has
 *                 no tab, no line end and nothing that moves a cursor. In input every byte but the
 *                 backslash is itself.
 *   TEXT_HEX      two hexadecimal digits a byte: lower case out, either case in.
 *
 * Threads: no shared state. */
#ifndef STRATA_COMMON_TEXT_H
#define STRATA_COMMON_TEXT_H

#include "strata.h"

enum text_form { TEXT_ESCAPED, TEXT_HEX };

/* What can be wrong with text, that of the formats of entries.h included. */
enum text_fault {
    TEXT_FINE,
    TEXT_BAD_ESCAPE, /* a backslash before something that is no escape */
    TEXT_BAD_DIGIT,  /* not a hexadecimal digit where one must be */
    TEXT_CUT,        /* ends inside an escape */
    TEXT_TOO_LONG,   /* more bytes than the decoder's limit */
    TEXT_NO_TAB,     /* tsv.h: a line without a tab */
    TEXT_RAW_RETURN, /* tsv.h: a carriage return that is not written \r */
    TEXT_NO_MEMORY,

    TEXT_NO_COMMA,    /* csv.h, as those that follow: a line of one field */
    TEXT_THIRD_FIELD, /* a second comma outside of quotes */
    TEXT_STRAY_QUOTE, /* a quote in a field that does not begin with one */
    TEXT_AFTER_QUOTE, /* something behind the quote that closes a field */
    TEXT_OPEN_QUOTE,  /* the input ends inside of quotes */
    TEXT_LONE_RETURN, /* a carriage return outside of quotes, and no newline after it */
    TEXT_BAD_HEX,     /* a field that begins with \x and does not go on with digits in pairs */

    TEXT_NOT_JSON,        /* jsonl.h, as those that follow: the line is no JSON object */
    TEXT_NOT_STRING,      /* a member whose value is no string */
    TEXT_BAD_JSON_ESCAPE, /* a backslash in a string before something that is no escape of JSON */
    TEXT_SURROGATE,       /* half of a surrogate pair */
    TEXT_RAW_CONTROL,     /* a control character in a string as it is */
    TEXT_NOT_UTF8,
    TEXT_BAD_MEMBER,  /* a name that is none of key, key_b64, value, value_b64, until */
    TEXT_TWICE,       /* a second key or a second value */
    TEXT_NO_MEMBER,   /* an object that lacks the key or the value */
    TEXT_BAD_BASE64,  /* not base64 with its padding */
    TEXT_OBJECT_OPEN, /* the line ends inside of an object */

    TEXT_NO_VERSION,   /* mdb.h, as those that follow: the first line is not VERSION=... */
    TEXT_BAD_VERSION,  /* ... of which there are 2 and 3 */
    TEXT_NO_EQUALS,    /* a line of the header without a = */
    TEXT_BAD_FORMAT,   /* neither bytevalue nor print */
    TEXT_BAD_TYPE,     /* neither btree nor hash */
    TEXT_DUPLICATES,   /* keys with several values */
    TEXT_NO_KEYS,      /* values without keys */
    TEXT_HEADER_OPEN,  /* the input ends before HEADER=END */
    TEXT_NO_SPACE,     /* neither a line of data nor DATA=END */
    TEXT_NO_VALUE,     /* DATA=END after a key */
    TEXT_BAD_PRINT,    /* a backslash before something that is no escape of format=print */
    TEXT_PRINT_RETURN, /* a carriage return as it is in format=print */
    TEXT_DATA_OPEN,    /* the input ends before DATA=END */
    TEXT_BEHIND_END,   /* something after DATA=END */

    TEXT_ODD, /* hexadecimal digits that end after the first of a byte's two */

    TEXT_THIRD_COLUMN, /* tsv.h: a second tab */
    TEXT_FIELDS,       /* csv.h, as those that follow: more fields than the header, or less */
    TEXT_NO_COLUMN,    /* a header that lacks a column which is asked for */
    TEXT_MORE_COLUMNS, /* a header with columns that were not asked for */
    TEXT_BAD_TIME      /* a member until whose value is no time */
};

#define TEXT_MARK "\xef\xbb\xbf" /* U+FEFF, which some programs begin a file of UTF-8 with */
#define TEXT_MARK_BYTES 3

/* The fault as a sentence without its end: "an escape is \xNN, \t, \n, \r or \\". */
const char *text_fault_name(enum text_fault fault);

/* The size in bytes of the UTF-8 character that `bytes` (at least one) begin with; 0 if they
 * begin with none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t text_utf8_size(struct strata_slice bytes);

/* All of it valid UTF-8? */
bool text_is_utf8(struct strata_slice bytes);
/* Valid UTF-8, and no control character but tab, newline and carriage return? */
bool text_is_plain(struct strata_slice bytes);

/* Where text goes, piece by piece. `put` returns false to end the writing. */
struct text_sink {
    bool (*put)(void *arg, struct strata_slice text);
    void *arg;
};
/* Writes `bytes` in a form, or as they are. False as the sink. */
bool text_put(const struct text_sink *to, enum text_form form, struct strata_slice bytes);
bool text_put_raw(const struct text_sink *to, struct strata_slice text);
bool text_put_string(const struct text_sink *to, const char *text);

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
/* Decodes a piece, appending to `to`. After a fault, d->mark is its position. */
enum text_fault text_feed(struct text_decoder *d, struct strata_slice text,
                          struct strata_buffer *to);
/* The text is over: TEXT_CUT if that is inside an escape, TEXT_ODD after an odd digit. */
enum text_fault text_finish(struct text_decoder *d);

/* All at once, replacing what `to` held. After a fault, `*at` is the bytes of text before it. */
enum text_fault text_decode(enum text_form form, struct strata_slice text, size_t limit,
                            struct strata_buffer *to, uint64_t *at);

#endif
