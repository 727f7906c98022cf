/* lsm_tree.h: a log-structured merge tree with levels: one memtable with its log, tables on levels,
 * and a manifest that records which tables and which log there are. Everything is done by the
 * thread that writes: the write that finds the memtable full flushes it, and compacts. */
#ifndef STRATA_06_LSM_TREE_H
#define STRATA_06_LSM_TREE_H

#include "04_memtable_sstable/log.h"
#include "compaction/compaction.h"
#include "manifest.h"

/* Since open. */
struct lsm_tree_figures {
    uint64_t bytes_in; /* keys and values that were written */
    uint64_t flushes, flushed_bytes;
    struct {
        uint64_t compactions, moves;        /* to this level */
        uint64_t read_bytes, written_bytes; /* by those compactions */
    } levels[LEVELS];
    uint64_t stalls, stall_ns, longest_ns; /* writes that were delayed, and for how long */
    uint64_t looked_in;                    /* tables, by gets; without the present version's */
    /* Bytes that were written to logs, to manifests before the present one, and to tables. */
    uint64_t log_bytes, manifest_bytes, table_bytes;
};

struct lsm_tree {
    const struct strata_env *env;
    const struct sstable_kind *kind; /* of its tables */
    void *common;                    /* what they have in common: a cache */
    struct group group;              /* its mutex guards the rest */
    struct memtable *memtable;
    struct version *version;
    struct log log;            /* of the memtable */
    struct mark_writer marker; /* notes how far the log is synced */
    struct manifest manifest;
    uint64_t next;         /* number of the next file */
    uint64_t sequence;     /* of the next operation */
    struct replay opened;  /* what opening found in the log */
    int failed;            /* a write, sync or rename failed: errno, or -1; no more writes */
    bool unknown;          /* whether the last edit is durable is not known: no file is removed */
    bool paused;           /* a compaction failed: none is done unasked until the next flush */
    _Atomic uint64_t gets; /* since open */
    struct lsm_tree_figures stats;
};

/* ---- Opening (lsm_tree_open.c) ------------------------------------------------------------- */

/* Reads the manifest that CURRENT names, opens the tables, replays the log into the memtable, and
 * removes what the manifest does not name. When the log did not end as a clean close leaves it, its
 * memtable is flushed: nothing is appended to a log that a crash may have torn. With env->is_new
 * everything is made anew. CORRUPT, IO, NO_MEMORY; then the parts are still to be freed. */
int lsm_tree_open(struct lsm_tree *tree, struct strata_error *err);
/* How the manifest names the log. */
static inline const struct edit_log *lsm_tree_entry(const struct lsm_tree *tree)
{
    return &tree->version->logs[0];
}
/* What the log is known to hold, as stage 4's list of files says it. */
struct tables lsm_tree_log_known(const struct lsm_tree *tree);
/* The manifest, and the version that its edits make together. Both to be freed in any case. */
int lsm_tree_read_version(const struct strata_env *env, struct manifest *manifest,
                          struct version **version, uint64_t *torn, struct strata_error *err);

/* ---- Changing it (lsm_tree.c): as the leader, the mutex free --------------------------------- */

/* NO_MEMORY: nothing was changed. After another error the tree is not to be written any more
 * (lsm_tree_spoil). */

/* The memtable becomes a table of level 0, if there is anything in it; a new one begins, with a new
 * log. */
int lsm_tree_flush(struct lsm_tree *tree, struct strata_error *err);
/* The most urgent compaction. NOT_FOUND: none is due. */
int lsm_tree_compact(struct lsm_tree *tree, struct strata_error *err);
/* All tables are merged into one level. The memtable is empty. */
int lsm_tree_compact_all(struct lsm_tree *tree, struct strata_error *err);
/* An edit says how far the log reaches, all of which is durable then: before a clean close. */
int lsm_tree_name_log(struct lsm_tree *tree, struct strata_error *err);
/* A new manifest with the whole state. */
int lsm_tree_roll_over(struct lsm_tree *tree, struct strata_error *err);

/* ---- Looking at it --------------------------------------------------------------------------- */

/* 0, or the error that a write failed earlier. */
int lsm_tree_usable(const struct lsm_tree *tree, struct strata_error *err);
/* Notes that `rc` was a failure after which nothing more may be written: not one of memory, and not
 * damage that was read. Returns it. */
int lsm_tree_spoil(struct lsm_tree *tree, int rc, const struct strata_error *err);

/* Pins what a reader reads: the memtable, of which it sees what is not newer than `*sequence`, and
 * the version. */
void lsm_tree_pin(struct lsm_tree *tree, struct memtable **memtable, struct version **version,
                  uint64_t *sequence);

/* ---- Files by their names (lsm_tree_files.c) ------------------------------------------------- */

/* Is it the name of file `number`, with this suffix? */
bool lsm_tree_is_name(const char *name, uint64_t number, const char *suffix);
/* Removes the files of this tree among `names` that the manifest does not name. */
int lsm_tree_remove_obsolete(const struct lsm_tree *tree, const struct fs_names *names,
                             struct strata_error *err);
/* No number that a file among them has is given away again. */
void lsm_tree_pass_numbers(struct lsm_tree *tree, const struct fs_names *names);
/* All files that the manifest names are there; others are only warned of. CORRUPT, IO. */
int lsm_tree_check_files(const struct lsm_tree *tree, struct strata_error *err);

/* The manifest, read again, says the version that is in memory. CORRUPT, IO, NO_MEMORY. */
int lsm_tree_check_manifest(const struct lsm_tree *tree, struct strata_error *err);
/* Invariants that are too dear for an assertion: from level 1 on tables are in order and do not
 * overlap, level 0 is ordered by age, the version has the tables that the manifest names, and the
 * log is newer than all of them. For tests; CORRUPT. */
int lsm_tree_check(struct lsm_tree *tree, struct strata_error *err);

#endif
