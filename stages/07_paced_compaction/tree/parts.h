/* parts.h: the parts of a tree that an engine hands in at open: the kinds of its tables and of its
 * memtables, how they are merged and searched, and what is noted in a table. */
#ifndef STRATA_07_PARTS_H
#define STRATA_07_PARTS_H

#include "04_memtable_sstable/log.h"
#include "06_leveled_compaction/compaction/compaction.h"
#include "07_paced_compaction/events/listener.h"

struct tree;
struct super;

/* Of an engine where steps of flushes and compactions are done by another thread than the leader's,
 * and readers look at the current super without a lock. None of them is NULL. */
struct tree_threads {
    /* Waits for the step under way; none begins before `resume`. */
    void (*pause)(struct tree *tree);
    void (*resume)(struct tree *tree, bool failed); /* so did what was done meanwhile */
    /* As tree_pin. */
    struct super *(*pin)(struct tree *tree);
    /* Waits until nobody looks, without a reference, at a super that was current before. */
    void (*wait_for_readers)(struct tree *tree);
    /* A reader has dropped a super. False: its thread removes what it alone needed. */
    bool (*unread)(struct tree *tree);
    /* Before a close: no step begins any more. True: nothing can be written any more, and no call
     * has reported it. */
    bool (*stop)(struct tree *tree);
};

struct tree_parts {
    const struct sstable_kind *table;
    const struct memtable_kind *memtable;
    /* Where the memory of the memtables comes from; freed after the last of them. NO_MEMORY. Both
     * NULL: malloc. */
    int (*memory_new)(const struct strata_env *env, struct arena_source **out,
                      struct strata_error *err);
    void (*memory_free)(struct arena_source *memory);
    level_merge_kind *merge;
    /* As version_get. */
    int (*get)(struct version *version, struct strata_slice key, unsigned *type,
               struct strata_buffer *value, struct strata_error *err);
    /* How many tables gets have asked that `get` did not count in version->looked_in. `common` is
     * the table kind's. NULL: none. */
    uint64_t (*tables_asked)(const void *common);
    /* Makes version->index of a new version. NO_MEMORY. NULL: there is none. */
    int (*index)(struct version *version, struct strata_error *err);
    /* As the table kind's open, as a tree is opened. NULL: as that. */
    int (*open)(const struct strata_env *env, void *common, uint64_t number, struct sstable **out,
                struct strata_error *err);
    /* Of the tables that compactions make: as in struct compaction_env. */
    int (*properties)(const struct compaction *c, struct strata_error *err);
    /* Likewise; `keeper` is the tree. */
    int (*keep)(struct compaction *c, const struct level_merge *of, struct strata_error *err);
    /* Where nothing is due in the version: a table that is worth rewriting where it is. NOT_FOUND,
     * NO_MEMORY; to be freed in any case. NULL: there is none. */
    int (*pick_stale)(struct tree *tree, struct version *version, struct pick *pick,
                      struct strata_error *err);
    /* What the engine has beside the tree: made before it is opened, freed when it is closed. Both
     * NULL: nothing. */
    void (*begin)(struct tree *tree);
    void (*end)(struct tree *tree);
    /* The leader has added a group to the memtable. The mutex is held. NULL: nothing is to do. */
    void (*committed)(struct tree *tree);
    const struct wal_kind *log; /* NULL: frames only */
    bool deferred_recovery; /* after a crash the flush of the log waits for the first write, unless
                             * STRATA_SYNC_ALWAYS is set; else open does it */
    /* Gives group commit a delay. NO_MEMORY. NULL: there is none. */
    int (*delay)(struct group *group, struct strata_error *err);
    const struct tree_threads *threads; /* NULL: the leader does all work, and readers refer to what
                                         * they read */
    /* With a log of so many bytes a memtable is full, too. NULL: with none. */
    uint64_t (*log_bytes)(const struct strata_options *options);
    /* Of an engine whose memtables and tables have coded values that say where the value is, in
     * files beside the tables. All NULL: there are none. */
    const char *beside;                                          /* suffix of these files' names */
    bool (*needs)(const struct sstable *table, uint64_t number); /* the table refers to this one */
    /* Reads one, `value`, of this key, and puts the value in its place. CORRUPT, IO, NO_MEMORY. */
    int (*fetch)(struct tree *tree, struct strata_slice key, struct strata_buffer *value,
                 struct strata_error *err);
    /* The same of a cursor, which it takes: *cursor becomes one that shows values. NO_MEMORY: it is
     * freed. */
    int (*fetch_all)(const struct super *super, struct cursor **cursor, struct strata_error *err);
    /* As write_path_commit, of the tree's path. */
    void (*commit)(struct tree *tree, struct group_commit *list);
    log_add *log_add; /* as log_fill, of the tree's memtable; `arg` is the tree */
    /* The flush of this memtable is about to be installed, and its logs to go. IO, NO_MEMORY. */
    int (*flushed)(struct tree *tree, const struct memtable *memtable, struct strata_error *err);
    /* There is another current version. `installing` is held, or nobody else is there. */
    void (*installed)(struct tree *tree);
    /* Reads every byte of the files beside the tables that this version, which is pinned, needs.
     * CORRUPT, IO, NO_MEMORY. */
    int (*verify_beside)(struct tree *tree, const struct version *version,
                         struct strata_error *err);
    /* Gives the files beside the tables that this version, which is pinned, needs a second name in
     * the directory `to`, or copies them there: for a backup. IO, NO_MEMORY. */
    int (*link_beside)(struct tree *tree, const struct version *version, const char *to,
                       struct strata_error *err);
    size_t tree_bytes; /* of the engine's tree, of which a struct tree is the first member; all of
                        * it is zero at first. 0: it is a struct tree */
};

#endif
