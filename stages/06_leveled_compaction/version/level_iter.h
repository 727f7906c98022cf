/* level_iter.h: the tables of one level, in order of their keys and without overlap, as one source
 * (LevelDB's concatenating iterator). A table of level 0 is a level by itself. */
#ifndef STRATA_06_LEVEL_ITER_H
#define STRATA_06_LEVEL_ITER_H

#include "04_memtable_sstable/run/sstable.h"
#include "06_leveled_compaction/edit.h"

/* Over `count` >= 1 tables, which it borrows. Every entry gets the sequence number `age`: of one
 * key in several sources of a merge the larger one hides the others, and in a tree that is the one
 * from the level above, whatever its tables were merged from (version.c I1). `once`: as a kind's
 * cursor. NULL: no memory. */
struct cursor *level_iter_new(struct sstable *const *tables, size_t count, uint64_t age, bool once);

/* What is merged; all of it is borrowed, but for `newest`, which is freed with the merge, or at
 * once when it fails. */
struct level_merge {
    bool has_newest;
    struct cursor *newest; /* a source that hides all others; NULL could not be made: NO_MEMORY */
    struct sstable *const *tables[LEVELS]; /* level 0: the newest first */
    size_t count[LEVELS];
    bool once, tombstones; /* as in merge_iter_new */
};

/* Of each key the entry of the topmost source that has it. NO_MEMORY. */
int level_merge_new(const struct level_merge *of, struct cursor **out, struct strata_error *err);

#endif
