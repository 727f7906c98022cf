/* compact.h: tables, or a memtable, written anew as the tables of a level: a compaction, or a
 * flush, which is the same with another source. It is done in steps, each about as large as its
 * caller wants, so that no write has to wait for all of it. */
#ifndef STRATA_07_COMPACT_H
#define STRATA_07_COMPACT_H

#include "04_memtable_sstable/memtable/memtable.h"
#include "07_paced_compaction/tree/parts.h"
#include "07_paced_compaction/policy/policy.h"

/* compact_step: everything is written. */
#define COMPACT_DONE 2

struct compact {
    const struct strata_env *env;
    const struct tree_parts *parts;
    const struct sstable_kind *kind; /* of tables: one of the parts */
    void *common;
    uint64_t *next;            /* number of the next file; the tree's */
    struct version *version;   /* as it was when it began */
    struct pick pick;          /* of a compaction; of a flush empty */
    struct memtable *memtable; /* of a flush; or NULL */
    struct cursor *from;       /* the merge of all inputs */
    uint64_t began_ns;         /* fs_now */
    bool begun, ended;         /* `from` was positioned; is at its end */
    bool waited;               /* for the device, in this step */
    bool at_once;              /* nobody writes meanwhile: its steps may take long */
    uint64_t first, last;      /* sequence numbers of the operations in the inputs */
    uint64_t bytes, records;   /* of the inputs, about */
    uint64_t seen;             /* entries that were read so far */

    struct sstable_writer *writer; /* of the table that is being written; or NULL */
    uint64_t synced;               /* bytes of it that are durable */
    struct sstable_writer *behind; /* at once: of the output before, not durable yet; or NULL */
    struct sstable **outputs;      /* finished, durable, and in no version yet */
    size_t output_count, output_room;
    struct strata_buffer smallest; /* key of the current output */
    uint64_t written;              /* bytes, of the outputs */

    size_t older;        /* of level 0: the first table that is older than the inputs */
    size_t at[LEVELS];   /* of each level below: the first table that does not end before the key */
    uint64_t full_bytes; /* an output of so many is ended; of level 0: none */
    const struct version_level *grand; /* the level below the outputs', where one is; or NULL */
    size_t grand_count;                /* tables of it */
    size_t grand_at;                   /* the first of them that does not end before the key */
    uint64_t grand_bytes;              /* that the current output overlaps with there */
};

/* A compaction: takes the pick, whatever comes of it. NO_MEMORY. To be ended by compact_del. */
int compact_new(const struct strata_env *env, const struct tree_parts *parts, void *common,
                uint64_t *next, struct version *version, struct pick *pick, struct compact **out,
                struct strata_error *err);
/* A flush. Its output, one table at most, belongs on level 0 of a version that grew from this. */
int compact_new_flush(const struct strata_env *env, const struct tree_parts *parts, void *common,
                      uint64_t *next, struct version *version, struct memtable *memtable,
                      struct compact **out, struct strata_error *err);
/* Reads and writes about so many bytes of its inputs, and takes them from the budget; one wait for
 * the device ends the step, and the budget is 0 then. 0: there is more to do; COMPACT_DONE: all
 * outputs are durable, and this step did nothing. CORRUPT, IO, NO_MEMORY: then it is only to be
 * ended. */
int compact_step(struct compact *c, uint64_t *budget, struct strata_error *err);
/* About how many bytes of its inputs are left. */
uint64_t compact_left(const struct compact *c);
/* `keep`: the outputs are in a version, or may be; else their files are removed. NULL is fine. */
void compact_del(struct compact *c, bool keep);

#endif
