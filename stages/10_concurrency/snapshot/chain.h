/* chain.h: several versions of a key in one value of a table (SSTABLE_CODED): which type and value
 * the key had from which operation on. The bytes are drawn in chain.c. */
#ifndef STRATA_10_CHAIN_H
#define STRATA_10_CHAIN_H

#include "09_fast_paths/table/pax_table_inside.h"
#include "base/coding.h"

struct chain_version {
    uint64_t number; /* sequence number of its operation; 0: every snapshot sees it */
    unsigned type;   /* enum strata_op_type */
    struct strata_slice value;
};

/* Appends the bytes of these versions, the newest first. NO_MEMORY. */
int chain_encode(const struct chain_version *versions, size_t count, struct strata_buffer *to,
                 struct strata_error *err);

/* NULL: the bytes are a chain of a table whose last operation is `last`. Else what is wrong. */
const char *chain_check(struct strata_slice bytes, uint64_t last);

/* A walk over the versions of a chain that was checked. */
struct chain {
    struct decoder heads;
    struct strata_slice values; /* of the versions that are left */
    uint64_t left;              /* versions */
};

void chain_open(struct chain *chain, struct strata_slice bytes);
/* The next older version. False: there is none. */
bool chain_next(struct chain *chain, struct chain_version *version);
/* The type and the value that a reader who came at `sequence` sees. 0: none. Of a checked one. */
unsigned chain_read(struct strata_slice bytes, uint64_t sequence, struct strata_slice *value);

/* How the tables of this stage code values. */
extern const struct pax_table_coding chain_coding;

#endif
