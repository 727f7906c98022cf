/* level_iter.h: the tables of one level, in order of their keys and without overlap, as one source
 * (LevelDB's concatenating iterator). A table of level 0 is a level by itself. */
#ifndef STRATA_06_LEVEL_ITER_H
#define STRATA_06_LEVEL_ITER_H

#include "06_leveled_compaction/version/version.h"

/* Over a run, which it borrows. Every entry gets the sequence number `age`: of one key in several
 * sources of a merge the larger one hides the others, and in a tree that is the one from the level
 * above, whatever its tables were merged from (6.I8). `once`: as a kind's cursor. NULL: no
 * memory. */
struct cursor *level_iter_new(const struct run *run, uint64_t age, bool once);

/* What is merged, the newest first. */
struct level_merge {
    struct cursor *memtable; /* freed with the merge, or at once when that fails */
    bool has_memtable;       /* one that could not be made is NULL: NO_MEMORY */
    const struct run *runs;  /* copied; their tables are borrowed */
    size_t run_count;
    bool once, tombstones; /* as in merge_iter_new */
};

/* Of each key the entry of the newest source that has it. NO_MEMORY. */
int level_merge_new(const struct level_merge *of, struct cursor **out, struct strata_error *err);

#endif
