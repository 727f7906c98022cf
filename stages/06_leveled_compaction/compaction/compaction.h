/* compaction.h: tables of some levels, merged and written anew as tables of one level; or a
 * memtable, written as a table of level 0. It goes entry by entry, so that a caller may do as much
 * of it at a time as it likes: this stage does all of it at once. */
#ifndef STRATA_06_COMPACTION_H
#define STRATA_06_COMPACTION_H

#include "04_memtable_sstable/memtable/memtable.h"
#include "pick.h"

/* Where its files come from. Borrowed, all of it. */
struct compaction_env {
    const struct strata_env *env;
    const struct sstable_kind *kind;
    void *common;   /* the tables' */
    uint64_t *next; /* number of the next file */
};

struct compaction {
    struct compaction_env of;
    struct version *version;   /* as it was when the compaction began */
    struct pick pick;          /* its inputs; of a flush empty */
    struct memtable *memtable; /* the input of a flush; or NULL */
    struct cursor *from;       /* the merge of all inputs */
    bool begun;                /* `from` was positioned */
    uint64_t first, last;      /* sequence numbers of the operations in the inputs */
    uint64_t seen;             /* entries that were read so far */

    struct sstable_writer *writer; /* of the output that is being written; or NULL */
    struct sstable **outputs;      /* finished, and in no version yet */
    size_t output_count, output_room;
    uint64_t written; /* bytes of the finished outputs */

    size_t at[LEVELS];    /* of each level >= 1: the first table that does not end before the key */
    size_t grand_at;      /* the same of the level below the outputs', of the present output; */
    uint64_t grand_bytes; /* bytes of the tables that the present output overlaps with there */
};

/* Of a pick, whose tables it takes over; or of a memtable: a flush, with at most one output, for
 * level 0. NO_MEMORY. To be ended by compaction_del. */
int compaction_new(const struct compaction_env *of, struct version *version, struct pick *pick,
                   struct memtable *memtable, struct compaction **out, struct strata_error *err);

/* Takes the next entry of the inputs. NOT_FOUND: there is none. CORRUPT, IO, NO_MEMORY: the
 * compaction is only to be ended. */
int compaction_next(struct compaction *c, struct strata_error *err);
/* Finishes the last output: all of them are synced and named; the directory is not. As above. */
int compaction_finish(struct compaction *c, struct strata_error *err);
/* All of it. */
int compaction_run(struct compaction *c, struct strata_error *err);
/* `keep`: the outputs are in a version, or may be; else their files are removed. NULL is fine. */
void compaction_del(struct compaction *c, bool keep);

#endif
