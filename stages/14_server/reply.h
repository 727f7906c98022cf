/* reply.h: answers in Redis' protocol, version 2 or 3, added to a buffer. What does not fit into
 * memory is sticky in the buffer, which is looked at before it is sent. */
#ifndef STRATA_14_REPLY_H
#define STRATA_14_REPLY_H

#include "strata.h"

struct reply {
    struct strata_buffer bytes;
    int version; /* of the protocol: 2 or 3 */
    size_t most; /* bytes; more do not fit either */
};

void reply_simple(struct reply *to, const char *text); /* "OK" */
/* "ERR ..."; printf's format; line ends in what comes out become blanks. */
void reply_error(struct reply *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_fail(struct reply *to, const struct strata_error *err);
void reply_number(struct reply *to, int64_t number);
void reply_bulk(struct reply *to, struct strata_slice bytes);
void reply_text(struct reply *to, const char *text);
void reply_null(struct reply *to);
void reply_null_array(struct reply *to);
void reply_array(struct reply *to, size_t count);
/* The bytes of another one. */
void reply_append(struct reply *to, const struct reply *from);
void reply_map(struct reply *to, size_t pairs); /* in version 2 an array of twice as many */

#endif
