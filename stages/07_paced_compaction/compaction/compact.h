/* compact.h: stage 6's compaction, or flush, in steps: each is about as large as its caller wants,
 * so that no write has to wait for all of it. */
#ifndef STRATA_07_COMPACT_H
#define STRATA_07_COMPACT_H

#include "06_leveled_compaction/compaction/compaction.h"

/* compact_step: everything is written. */
#define COMPACT_DONE 2

struct compact {
    struct compaction of;
    uint64_t began_ns;       /* fs_now */
    uint64_t bytes, records; /* of the inputs, about */
    uint64_t synced;         /* bytes of the present output that are durable */
    bool paced;
};

/* Of a pick, which it takes, whatever it returns; or of a memtable: a flush. `paced`: writes wait
 * for each of its steps. NO_MEMORY. To be ended by compact_del. */
int compact_new(const struct compaction_env *env, struct version *version, struct pick *pick,
                struct memtable *memtable, bool paced, struct compact **out,
                struct strata_error *err);
/* Reads and writes about so many bytes of its inputs, and takes them from the budget; when it has
 * waited for the device, the step ends, and the budget is 0 then. 0: there is more to do;
 * COMPACT_DONE: all outputs are durable, and this step did not wait. CORRUPT, IO, NO_MEMORY: then
 * it is only to be ended. */
int compact_step(struct compact *c, uint64_t *budget, struct strata_error *err);
/* About how many bytes of its inputs are left. */
uint64_t compact_left(const struct compact *c);
/* `keep`: the outputs are in a version, or may be; else their files are removed. NULL is fine. */
void compact_del(struct compact *c, bool keep);

#endif
