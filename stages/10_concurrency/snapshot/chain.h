/* chain.h: several versions of a key in one value of a table (SSTABLE_CODED): which type and value
 * the key had from which operation on. The bytes are drawn in chain.c. */
#ifndef STRATA_10_CHAIN_H
#define STRATA_10_CHAIN_H

#include "09_fast_paths/table/pax_table_inside.h"
#include "base/coding.h"

struct chain_version {
    uint64_t number; /* sequence number of its operation; 0: every snapshot sees it */
    unsigned type;   /* enum strata_op_type; or SSTABLE_CODED, of a later stage */
    struct strata_slice value;
};

/* Appends the bytes of these versions, the newest first; chain_size says CHAIN_MAX of them at most.
 * NO_MEMORY. */
int chain_encode(const struct chain_version *versions, size_t count, struct strata_buffer *to,
                 struct strata_error *err);

/* NULL: the bytes are a chain of a table whose last operation is `last`. Else what is wrong. */
const char *chain_check(struct strata_slice bytes, uint64_t last);
/* Of a later stage, which has coded values beside chains, and as versions in them: is it one of
 * those? chain_check allows none. */
typedef const char *chain_check_value(struct strata_slice bytes);
const char *chain_check_nested(struct strata_slice bytes, uint64_t last, chain_check_value *nested);
/* Of checked ones: a chain; else such a coded value. */
bool chain_is(struct strata_slice bytes);

#define CHAIN_MAX PAX_BLOCK_CODED_MAX /* bytes of a chain */

/* Bytes of a chain of so many versions, whose values have so many bytes together. */
size_t chain_size(size_t count, size_t values);

/* A walk over the versions of a chain that was checked. */
struct chain {
    const uint8_t *heads, *values;
    uint32_t count; /* of its versions */
    uint32_t at;    /* the next one, */
    uint32_t begin; /* and where its value begins */
    bool nested;    /* its versions may be coded values */
};

void chain_open(struct chain *chain, struct strata_slice bytes);
/* The next older version. False: there is none. */
bool chain_next(struct chain *chain, struct chain_version *version);
/* The type and the value that a reader who came at `sequence` sees. 0: none. Of a checked one; what
 * is no chain is seen by all, as it is.
 * O(log versions). */
unsigned chain_read(struct strata_slice bytes, uint64_t sequence, struct strata_slice *value);
/* Bytes of it that are not the value of its newest version. */
uint64_t chain_old_bytes(struct strata_slice bytes);

/* How the tables of this stage code values. */
extern const struct pax_table_coding chain_coding;

#endif
