/* resp.h: requests of Redis' protocol, RESP (redis.io/docs/reference/protocol-spec), found in bytes
 * that arrive in pieces of any size. */
#ifndef STRATA_14_RESP_H
#define STRATA_14_RESP_H

#include "strata.h"

#define RESP_LINE_MAX ((size_t)65536)   /* bytes of an inline command, or of a line of numbers */
#define RESP_ARGS_MAX ((size_t)1048576) /* of one request */

enum resp_code {
    RESP_READY, /* a request is complete */
    RESP_MORE,  /* bytes are missing */
    RESP_BAD    /* not the protocol, or too large: resp.error says why */
};

struct resp_arg {
    size_t offset, size; /* in the bytes that the parser is shown */
};

/* Zero it, and set `most_bytes`. */
struct resp {
    size_t most_bytes;     /* of one request */
    size_t begin;          /* where the request begins that is being read */
    size_t at;             /* next byte to read */
    size_t seen;           /* no line ends between `at` and here */
    size_t left;           /* arguments of the request that are missing */
    size_t bulk;           /* size of the argument at `at`, */
    bool in_bulk;          /* if that is known */
    bool ready;            /* the request at `begin` was returned */
    struct resp_arg *args; /* of the request */
    size_t count, room;
    const char *error;
};

/* Goes on in `data`, the same bytes as before and perhaps more behind them. Quotes of an inline
 * command are resolved in place. */
enum resp_code resp_next(struct resp *r, uint8_t *data, size_t size);
/* The first resp_done bytes belong to requests that were returned; after they were dropped from the
 * front of `data`, call resp_drop. */
size_t resp_done(const struct resp *r);
void resp_drop(struct resp *r);
void resp_free(struct resp *r);

#endif
