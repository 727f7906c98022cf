/* gather.h: stores many entries, some of them at a time: in atomic batches, on a stage that
 * promises them, so that one acknowledgement (and, where writes are synced, one fsync) serves
 * them all. */
#ifndef STRATA_COMMON_GATHER_H
#define STRATA_COMMON_GATHER_H

#include "strata.h"

#define GATHER_DEFAULT 1000            /* entries a batch */
#define GATHER_MOST 1000000            /* ... that may be asked for */
#define GATHER_BYTES ((size_t)8 << 20) /* of keys and values: a batch that has as many is full */

struct gather {
    struct strata *db; /* borrowed */
    uint64_t most;     /* entries a batch; 1: no batches, each is a put */
    struct strata_batch *batch;
    uint64_t waiting;       /* entries not yet stored */
    uint64_t waiting_bytes; /* of their keys and values */
    uint64_t stored;        /* entries that were acknowledged */
    uint64_t bytes;         /* ... of their keys and values */
};

/* `most` 0: GATHER_DEFAULT where the stage promises batches, else 1. NOT_SUPPORTED: more than 1
 * on a stage that does not. To be freed also when it failed. */
int gather_init(struct gather *gather, struct strata *db, uint64_t most, struct strata_error *err);
void gather_free(struct gather *gather); /* what waits is dropped */

/* Takes an entry, and stores all that wait when they are a batch. When that fails, as strata_write
 * does, none of them counts as stored, and none waits any more. When it was the entry that could
 * not be taken (no memory, a limit), those that waited still do. */
int gather_put(struct gather *gather, struct strata_slice key, struct strata_slice value,
               struct strata_error *err);
/* The same of an entry that expires at that time, 0: never (strata_put_until). NOT_SUPPORTED: the
 * stage has none that do; it was not taken. */
int gather_put_until(struct gather *gather, struct strata_slice key, struct strata_slice value,
                     uint64_t until, struct strata_error *err);
int gather_flush(struct gather *gather, struct strata_error *err); /* stores all that wait */

#endif
