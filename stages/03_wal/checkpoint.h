/* checkpoint.h: the index written to a file, with the position in the log up to which it is true;
 * so that opening replays only what came after. It is replaced whole, and never believed against
 * the log: it is used only when the segments it speaks of are still the same. */
#ifndef STRATA_03_CHECKPOINT_H
#define STRATA_03_CHECKPOINT_H

#include "02_hash_index/keydir.h"

#define CHECKPOINT_NAME "INDEX"
#define CHECKPOINT_MAGIC "STRATIDX"

struct checkpoint {
    uint32_t segment;  /* the index is true up to this segment, */
    uint64_t offset;   /* this offset in it, */
    uint64_t sequence; /* and this next operation */
};

/* Writes the index of `keydir` and what is known of its segments. Costs 16 bytes a key, in the file
 * and, while it is made, in memory. IO, NO_MEMORY. */
int checkpoint_write(const struct keydir *keydir, const struct checkpoint *at,
                     struct strata_error *err);
/* Fills the index and the segments' counts of dead records. STRATA_NOT_FOUND: there is none that
 * fits (logged when there is one); the index is empty then, and `at` is that of a whole
 * checkpoint that does not fit, or all zero. NO_MEMORY. */
int checkpoint_read(struct keydir *keydir, struct checkpoint *at, struct strata_error *err);
/* Takes out again what was read: the log says otherwise. */
void checkpoint_undo(struct keydir *keydir);
/* The bytes that checkpoint_write would write now. */
uint64_t checkpoint_bytes(const struct keydir *keydir);

extern const struct strata_format checkpoint_format; /* inspect.c */

#endif
