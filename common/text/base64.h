/* base64.h: bytes as base64 with padding, and back (RFC 4648, section 4,
 * rfc-editor.org/rfc/rfc4648). Only the canonical text is accepted: no line ends, no
 * missing padding, no bits set behind the last byte. */
#ifndef STRATA_COMMON_BASE64_H
#define STRATA_COMMON_BASE64_H

#include "text/text.h"

/* False as the sink. */
bool base64_put(const struct text_sink *to, struct strata_slice bytes);

/* Decodes text that comes in pieces, cut anywhere. All zero is its beginning. */
struct base64 {
    uint32_t bits; /* private, like all here: of the group of four characters under way */
    unsigned have; /* characters of it */
    unsigned pads; /* '=' seen */
};

/* Appends to `to`, which holds no more than `limit` bytes then. After a fault, `*at` is the bytes
 * of this piece before it. */
enum text_fault base64_feed(struct base64 *b, struct strata_slice text, size_t limit,
                            struct strata_buffer *to, size_t *at);
/* Ends the text: TEXT_BAD_BASE64 inside a group. */
enum text_fault base64_finish(const struct base64 *b);

#endif
