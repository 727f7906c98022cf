/* lsm_tree.h: a log-structured merge tree with levels: one memtable with its log, tables on levels,
 * and a manifest that records which tables and which log there are. Everything is done by the
 * thread that writes: the write that finds the memtable full flushes it, and compacts. */
#ifndef STRATA_06_LSM_TREE_H
#define STRATA_06_LSM_TREE_H

#include "04_memtable_sstable/write_path.h"
#include "compaction/compaction.h"
#include "version/version_report.h"
#include "version/version_set.h"

struct lsm_tree {
    struct write_path path; /* log and memtable; its mutex guards the rest */
    const struct strata_env *env;
    struct compaction_env work; /* kind of its tables, and what they have in common: a cache */
    struct version_set versions;
    struct replay opened;  /* what opening found in the log */
    bool paused;           /* a compaction failed: none is done unasked until the next flush */
    _Atomic uint64_t gets; /* since open */
    struct version_figures figures; /* without gets, the present log and the present version */
    uint64_t stalls;                /* writes that were delayed */
};

/* ---- Opening (lsm_tree_open.c) ------------------------------------------------------------- */

/* Reads the manifest that CURRENT names, opens the tables, replays the log into the memtable, and
 * removes what the manifest does not name. When the log did not end as a clean close leaves it, its
 * memtable is flushed: nothing is appended to a log that a crash may have torn. With env->is_new
 * everything is made anew. CORRUPT, IO, NO_MEMORY; then the parts are still to be freed. */
int lsm_tree_open(struct lsm_tree *tree, struct strata_error *err);
/* How the manifest names the log. */
static inline const struct live_log *lsm_tree_entry(const struct lsm_tree *tree)
{
    return &tree->versions.current->logs[0];
}

/* ---- Changing it (lsm_tree.c): as the leader, the mutex free --------------------------------- */

/* NO_MEMORY: nothing was changed. After another error the tree is not to be written any more
 * (write_path_spoil). */

/* The memtable becomes a table of level 0, if there is anything in it; a new one begins, with a new
 * log. */
int lsm_tree_flush(struct lsm_tree *tree, struct strata_error *err);
/* The most urgent compaction; with `all`, when the memtable is empty, all tables are merged into
 * one level. NOT_FOUND: none is due. */
int lsm_tree_compact(struct lsm_tree *tree, bool all, struct strata_error *err);

/* ---- When it is done (throttle.c) ---------------------------------------------------------- */

#define THROTTLE_SLOWDOWN 8u /* tables of level 0 from which on each write does a compaction */
#define THROTTLE_STOP 12u    /* ... from which on no write goes on */

/* make_room of the write path: a full memtable is flushed, and compactions are done, so that the
 * tables of level 0 stay few. The mutex is free while files are written. NO_MEMORY, CORRUPT (of a
 * flush), IO: nothing is to be written. */
int throttle_write(void *tree, size_t operations, size_t bytes, struct strata_error *err);
/* For a caller who asked, the mutex free: compactions until none is due; with `all`, when the
 * memtable is empty, all tables are merged first. An error of one is returned; writes go on after
 * it, if they may. */
int throttle_drain(struct lsm_tree *tree, bool all, struct strata_error *err);

/* ---- Looking at it --------------------------------------------------------------------------- */

/* What a reader reads: of the memtable it sees what is not newer than `sequence`. */
struct lsm_tree_pinned {
    struct memtable *memtable;
    struct version *version;
    uint64_t sequence;
};
void lsm_tree_pin(struct lsm_tree *tree, struct lsm_tree_pinned *out);
void lsm_tree_unpin(struct lsm_tree_pinned *pinned);

/* Slots of an engine's table (lsm_tree_report.c): see strata_engine.h. */
int lsm_tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err);
int lsm_tree_check(void *self, struct strata_error *err);
int lsm_tree_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err);
int lsm_tree_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                    void *arg, struct strata_error *err);

#endif
