/* recover.h: opening: the checkpoint, then the frames after it, and a judgement of the end. */
#ifndef STRATA_03_RECOVER_H
#define STRATA_03_RECOVER_H

#include "02_hash_index/keydir.h"

/* What opening found. */
struct recovered {
    uint64_t sequence; /* the next operation's number */
    uint64_t synced;   /* bytes of the active segment that are on the device */
    uint64_t salt;     /* of its frames */
    uint64_t replayed; /* bytes of log that were read */
    uint64_t dropped;  /* bytes of a torn tail */
    bool checkpoint;   /* one was used */
    bool unnoted;      /* neither a clean close nor a checkpoint says where the log ends */
};

/* Opens the segments and fills the index. A torn tail that was never acknowledged is dropped,
 * and its segment closed: nothing is appended behind it. With a database that may be written
 * there is an active segment afterwards, with all that was found on the device. CORRUPT: also
 * when bytes that once were on the device do not read back. IO, NO_MEMORY; then keydir's parts
 * are still to be freed. */
int recover(struct keydir *keydir, const struct strata_env *env, struct recovered *out,
            struct strata_error *err);

/* Starts a segment after the last one, which must be sealed and synced, with a frame that has
 * `sequence` and a salt of its own. When the last one is empty, because this failed before, only
 * the frame is missing. */
int start_segment(struct keydir *keydir, uint64_t sequence, uint64_t *salt,
                  struct strata_error *err);

#endif
