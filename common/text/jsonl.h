/* jsonl.h: lines of {"key":"...","value":"..."}: JSON (RFC 8259) a line (jsonlines.org).
 *
 * Bytes that are valid UTF-8 are a JSON string, as every reader of JSON understands it: \" \\ \n
 * \r \t, \u00NN for other control characters, all else as it is. Bytes that are not UTF-8 are no
 * string of JSON; they are base64 under another name, "key_b64" or "value_b64" (base64.h). So any
 * bytes come back.
 *
 * An entry that expires has a third member, a number, "until": the milliseconds since 1970.
 *
 * On the way in the members may be in any order, with blanks between them, and every escape of JSON
 * is accepted. Exactly one of key and key_b64 must be there, exactly one of value and value_b64,
 * perhaps until, and nothing else: what cannot be stored is a fault, not dropped. Lines of blanks
 * are passed over.
 *
 * With TEXT_HEX key and value are hexadecimal digits. */
#ifndef STRATA_COMMON_JSONL_H
#define STRATA_COMMON_JSONL_H

#include "text/base64.h"

#define JSONL_NAME 9 /* bytes of the longest name, value_b64 */

struct jsonl {
    enum text_form form;
    struct strata_buffer key,
        value;             /* of the entry jsonl_feed returned; valid until the next call */
    uint64_t until;        /* likewise: when it expires; 0: never */
    uint64_t line;         /* the entry's or the fault's, from 1 */
    enum text_fault fault; /* set with JSONL_FAULT */
    uint64_t column;       /* of the fault, in bytes from 1 */
    bool in_value;         /* the fault is in the value */

    int state, part;             /* private, like all below: of the line, of a string */
    uint64_t now, begun;         /* columns: of the next byte, of the string or escape */
    uint8_t name[JSONL_NAME];    /* of the member under way */
    unsigned name_size, members; /* members: bits of those that were there */
    bool in_name, in_base64;     /* where the string under way belongs */
    bool in_until;               /* the member under way is a number */
    struct text_decoder text;    /* of hexadecimal digits */
    struct base64 base64;
    uint8_t utf8[4];               /* a character that was begun */
    unsigned utf8_have, utf8_want; /* bytes of it */
    uint32_t unit, high;           /* UTF-16: of the escape under way, and before it */
    unsigned digits;               /* of the escape seen */
    bool returned;                 /* key and value are dropped at the next call */
};

enum jsonl_result {
    JSONL_MORE,  /* the input is used up: feed more, or finish */
    JSONL_ENTRY, /* key and value hold an entry; feed what is left */
    JSONL_FAULT  /* line, column and fault say what; nothing more may be fed */
};

void jsonl_init(struct jsonl *jsonl, enum text_form form);
void jsonl_free(struct jsonl *jsonl);
/* After a fault: continues with the line of that number, whose first byte is fed next. */
void jsonl_restart(struct jsonl *jsonl, uint64_t line);

/* Takes bytes off the front of *input up to the end of an object, a fault, or their end. */
enum jsonl_result jsonl_feed(struct jsonl *jsonl, struct strata_slice *input);
/* The input is over: JSONL_MORE, or the fault that it ends inside of an object. */
enum jsonl_result jsonl_finish(struct jsonl *jsonl);

/* Writes valid UTF-8 as a JSON string with its quotes. False as the sink. */
bool json_put_string(const struct text_sink *to, struct strata_slice utf8);
/* Writes one entry as a line: what jsonl_feed reads back. `until` 0: it never expires. */
bool jsonl_put(const struct text_sink *to, enum text_form form, struct strata_slice key,
               struct strata_slice value, uint64_t until);

#endif
