/* load.h: opening a database of stage 2. */
#ifndef STRATA_02_LOAD_H
#define STRATA_02_LOAD_H

#include "keydir.h"

struct load_stats {
    uint64_t hints_used, segments_read;
};

/* Opens the segments and fills the index. A torn record at the end of the last one is dropped;
 * hints that are missing or do not fit are written anew (not when read-only). With a database
 * that may be written there is an active segment afterwards. CORRUPT, IO, NO_MEMORY; then
 * keydir's parts are still to be freed. */
int load_keydir(struct keydir *keydir, const struct strata_env *env, struct load_stats *stats,
                struct strata_error *err);

/* Begins a segment after the last one, and notes that it is there. IO, NO_MEMORY, NOT_SUPPORTED. */
int load_start(struct segments *set, struct strata_error *err);

#endif
