/* compaction.h: tables of some levels, merged and written anew as tables of one level; or a
 * memtable, written as a table of level 0, which is a flush. It is done in steps of as many entries
 * as the caller likes: this stage does all of them at once. */
#ifndef STRATA_06_COMPACTION_H
#define STRATA_06_COMPACTION_H

#include "04_memtable_sstable/memtable/memtable.h"
#include "06_leveled_compaction/version/level_iter.h"
#include "06_leveled_compaction/version/version_set.h"
#include "pick.h"

struct compaction;

/* Where its files come from. Borrowed, all of it. */
struct compaction_env {
    const struct strata_env *env;
    const struct sstable_kind *kind;
    void *common;           /* the tables' */
    _Atomic uint64_t *next; /* number of the next file */
    level_merge_kind *merge;
    /* Adds properties to the table that is about to be finished, c->writer (a collector of table
     * properties, as in RocksDB). NO_MEMORY. NULL: there are none. */
    int (*properties)(const struct compaction *c, struct strata_error *err);
    /* Makes c->from, the entries that go on (as RocksDB's CompactionIterator): of these sources,
     * or, where `of` is NULL, of the memtable. NO_MEMORY. NOT_FOUND, or NULL: the newest version of
     * each key goes on. `keeper` is for it. */
    int (*keep)(struct compaction *c, const struct level_merge *of, struct strata_error *err);
    void *keeper;
};

/* All zero is one that does nothing. */
struct compaction {
    struct compaction_env of;
    struct version *version;   /* as it was when the compaction began */
    struct pick pick;          /* its inputs; of a flush empty */
    struct memtable *memtable; /* the input of a flush; or NULL */
    struct cursor *from;       /* the merge of all inputs */
    bool begun, ended;         /* `from` was positioned; is at its end */
    uint64_t first, last;      /* sequence numbers of the operations in the inputs */
    uint64_t seen;             /* entries that were read so far; `from` may count one as several */
    uint64_t beside;           /* bytes that `keep` has it rewrite, beside the inputs */

    struct sstable_writer *writer; /* of the output that is being written; or NULL */
    struct strata_buffer smallest; /* key of the output that is being written */
    struct sstable **outputs;      /* finished, durable, and in no version yet */
    size_t output_count, output_room;
    uint64_t written; /* bytes of those outputs */

    size_t older;        /* of level 0: the first table that is older than the inputs */
    size_t at[LEVELS];   /* of each level >= 1: the first table that does not end before the key */
    uint64_t full_bytes; /* an output of so many bytes ends */
    const struct version_level *grand; /* the level below the outputs', or NULL */
    size_t grand_at;                   /* its first table that does not end before the key */
    uint64_t grand_bytes;              /* of its tables that overlap with the present output */
};

/* Of a pick, whose tables it takes over; or of a memtable: a flush, with at most one output, for
 * level 0. NO_MEMORY. To be freed in any case. */
int compaction_init(struct compaction *c, const struct compaction_env *of, struct version *version,
                    struct pick *pick, struct memtable *memtable, struct strata_error *err);

/* Is there an older entry of the key, perhaps, that the inputs do not have? To be asked for keys in
 * ascending order. For `keep`. */
bool compaction_hides(struct compaction *c, struct strata_slice key);

/* Takes so many entries of the inputs, at most: fewer when an output was finished. 0: there may be
 * more to do; NOT_FOUND: all outputs are synced and named; the directory is not. CORRUPT, IO,
 * NO_MEMORY: the compaction is only to be freed. */
int compaction_run(struct compaction *c, uint64_t entries, struct strata_error *err);
/* `keep`: the outputs are in a version, or may be; else their files are removed. */
void compaction_free(struct compaction *c, bool keep);

/* Memory, disk space or descriptors were short: it may end. */
bool compaction_error_is_shortage(int rc, const struct strata_error *err);
/* May writes go on after this error of a compaction? Its outputs were removed, and it has nothing
 * to do with what is written: something was short, or a table of the version could not be read.
 * Not when it is unknown which version is durable (6.I21). */
bool compaction_error_is_tolerable(const struct version_set *set, int rc,
                                   const struct strata_error *err);

#endif
