/* level_iter.h: the tables of one level, in order of their keys and without overlap, as one source
 * (LevelDB's concatenating iterator). A table of level 0 is a level by itself. */
#ifndef STRATA_06_LEVEL_ITER_H
#define STRATA_06_LEVEL_ITER_H

#include "04_memtable_sstable/memtable/memtable.h"
#include "06_leveled_compaction/version/version.h"

/* Over a run, which it borrows. Every entry gets the sequence number `age`: of one key in several
 * sources of a merge the larger one hides the others, and in a tree that is the one from the level
 * above, whatever its tables were merged from (6.I8). `once`: as a kind's cursor. NULL: no
 * memory. */
struct cursor *level_iter_new(const struct version_level *run, uint64_t age, bool once);

/* What is merged, the newest first. All of it is borrowed. */
struct level_merge {
    const struct version *version; /* of the runs */
    struct memtable *newer[2];
    size_t newer_count;
    const struct version_level *runs;
    size_t run_count;
    bool once;         /* all is read once, for a compaction: it is not kept in the cache */
    bool tombstones;   /* they are shown, as they still hide what is older elsewhere */
    uint64_t sequence; /* of the reader: nothing newer is shown of the memtables, nor of tables of a
                        * kind that has several versions of a key */
};

/* A merging iterator: of each key the entry of the newest source that has it. NO_MEMORY. */
typedef int level_merge_kind(const struct level_merge *of, struct cursor **out,
                             struct strata_error *err);

/* By stage 4's merging iterator. */
int level_merge_new(const struct level_merge *of, struct cursor **out, struct strata_error *err);
/* Fills in the sorted runs that these levels are, the newest first: each table of level 0, and each
 * deeper level that has any. Returns them, to be freed; they borrow the tables. NULL: NO_MEMORY. */
struct version_level *level_merge_runs(struct level_merge *of,
                                       const struct version_level levels[LEVELS],
                                       struct strata_error *err);
/* Of all tables of of->version. */
int level_merge_all(struct level_merge *of, level_merge_kind *merge, struct cursor **out,
                    struct strata_error *err);

#endif
