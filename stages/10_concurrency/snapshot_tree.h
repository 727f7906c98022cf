/* snapshot_tree.h: stage 9's tree with snapshots: its parts, and what is handed in to it so that
 * flushes and compactions keep what snapshots see. */
#ifndef STRATA_10_SNAPSHOT_TREE_H
#define STRATA_10_SNAPSHOT_TREE_H

#include "07_paced_compaction/tree/tree.h"
#include "08_backup_repair/lineage/lineage_notes.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/log/group_delay.h"
#include "09_fast_paths/memtable/arena_pool.h"
#include "09_fast_paths/memtable/bptree.h"
#include "10_concurrency/snapshot/read_at.h"
#include "10_concurrency/snapshot/snapshots.h"
#include "10_concurrency/work/background.h"

struct snapshot_tree {
    struct tree tree;
    struct epoch epoch; /* of its readers */
    /* The leader's: path.sequence after the last write, and when nodes of the memtable were last
     * asked for; and the ticket of a period since some were last recycled. */
    uint64_t written, looked, recycled;
    struct background *background; /* NULL: who writes does the work, as at stage 7 */
    struct snapshots snapshots;    /* guarded by tree.reading, as what follows */
    uint64_t stale_from; /* number from which on the oldest snapshot must be for a table to be
                          * stale (10.I9); UINT64_MAX: none would be */
    bool lease_warned;   /* it is not known whether there are readers, and that was logged */
    void *later;         /* what a later stage has beside it */
    void (*later_free)(void *later); /* called at the close; NULL: nothing is there */
};

/* As an engine's slot `open`. */
int snapshot_tree_open(const struct strata_env *env, void **self, struct strata_error *err);

/* The same with a later stage's parts, which has these beside its own. */
int snapshot_tree_open_parts(const struct strata_env *env, const struct tree_parts *parts,
                             void **self, struct strata_error *err);

extern const struct tree_parts snapshot_parts;

/* What these and a later stage's parts have in common: its own are the tables, the log, and what
 * is kept and picked; those call these. */
#define SNAPSHOT_PARTS                                                                             \
    .end = snapshot_tree_end, .threads = &snapshot_threads, .memtable = &memtable_bptree,          \
    .memory_new = arena_pool_new, .memory_free = arena_pool_del, .merge = read_at_merge,           \
    .get = fast_get, .tables_asked = fast_tables_asked, .index = version_index_new,                \
    .properties = lineage_notes, .committed = snapshot_committed, .deferred_recovery = true,       \
    .delay = group_delay_new
void snapshot_tree_begin(struct tree *tree);
void snapshot_tree_end(struct tree *tree);
int snapshot_keep(struct compaction *c, const struct level_merge *of, struct strata_error *err);
int snapshot_pick_stale(struct tree *tree, struct version *v, struct pick *pick,
                        struct strata_error *err);
/* `stay` of its obsolete files; `arg`: the tree. */
bool snapshot_are_leased(void *arg);

/* threads.c: of these parts. */
extern const struct tree_threads snapshot_threads;
void snapshot_committed(struct tree *tree);

/* A snapshot in memory of the caller's, until snapshot_end. */
void snapshot_begin(struct snapshot_tree *t, struct snapshot *snapshot);
void snapshot_end(struct snapshot_tree *t, struct snapshot *snapshot);

/* As an engine's get and iter, at a snapshot's number; UINT64_MAX: now. */
int snapshot_get_at(struct snapshot_tree *t, uint64_t number, struct strata_slice key,
                    struct strata_buffer *value, struct strata_error *err);
/* The same without work in the background: for the leader of a group. Not counted as a get. */
int snapshot_find(struct snapshot_tree *t, uint64_t number, struct strata_slice key,
                  struct strata_buffer *value, struct strata_error *err);
/* Of memtables and tables that stay while it runs: type and bytes of the newest version, which may
 * be a tombstone or coded. */
int snapshot_look(const struct super *super, uint64_t sequence, struct strata_slice key,
                  unsigned *type, struct strata_buffer *value, struct strata_error *err);
int snapshot_iter_at(struct snapshot_tree *t, uint64_t number, struct strata_iter **out,
                     struct strata_error *err);

/* The engine's slots, beside TREE_ENGINE and `open`. `self` is a struct snapshot_tree. */
#define SNAPSHOT_ENGINE                                                                            \
    .snapshot = snapshot_take, .snapshot_free = snapshot_release,                                  \
    .snapshot_number = snapshot_number, .backup = backup_tree,                                     \
    .write_again = write_path_is_writable
#define SNAPSHOT_READS                                                                             \
    .get = snapshot_engine_get, .iter = tree_iter, .snapshot_get = snapshot_get,                   \
    .snapshot_iter = snapshot_iter

int snapshot_engine_get(void *self, struct strata_slice key, struct strata_buffer *value,
                        struct strata_error *err);
int snapshot_get(void *self, void *snapshot, struct strata_slice key, struct strata_buffer *value,
                 struct strata_error *err);
int snapshot_iter(void *self, void *snapshot, struct strata_iter **out, struct strata_error *err);
int snapshot_take(void *self, void **out, struct strata_error *err);
void snapshot_release(void *self, void *snapshot);
uint64_t snapshot_number(void *self, void *snapshot);
int snapshot_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err);

#endif
