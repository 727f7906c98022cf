/* tree_engine.h: what the engines of this stage and of later ones do alike: slots of an engine
 * whose `self` is a tree. See strata_engine.h. */
#ifndef STRATA_07_TREE_ENGINE_H
#define STRATA_07_TREE_ENGINE_H

#include "07_paced_compaction/tree/tree.h"

/* The slots that all these engines fill alike; `open`, `get`, `iter` and `write` are slots of their
 * own, and what a stage adds. */
#define TREE_ENGINE                                                                                \
    .size = sizeof(struct strata_engine), .abi = STRATA_ENGINE_ABI, .format = 1,                   \
    .survives = "clean exit, kill -9, power cut", .close = tree_close, .flush = tree_flush,        \
    .compact = tree_compact, .verify = tree_verify, .check = tree_check_memory,                    \
    .tables = tree_report_tables, .compact_range = tree_compact_keys,                              \
    .events = tree_report_events, .approximate_size = tree_approximate_size,                       \
    .manifest = CURRENT_NAME, .is_writable = write_path_is_writable

enum {
    TREE_PROMISES = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                    STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                    STRATA_PROMISE_THREADS
};

/* Also of the memtables and the block cache. CORRUPT: our own bug. */
int tree_check_memory(void *self, struct strata_error *err);
int tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err);

/* Commits the batches of the list: for group_submit. The leader calls it, the mutex held. */
void tree_commit(void *self, struct group_commit *list);
int tree_write(void *self, const struct strata_op *ops, size_t count, bool sync,
               struct strata_error *err);
int tree_get(void *self, struct strata_slice key, struct strata_buffer *value,
             struct strata_error *err);

int tree_iter(void *self, struct strata_iter **out, struct strata_error *err);
/* The same of what was pinned, which it takes whatever it returns, as it was when operation
 * `sequence` was the last one; the tables must still have that. */
int tree_iter_of(struct super *super, uint64_t sequence, struct strata_iter **out,
                 struct strata_error *err);

int tree_flush(void *self, struct strata_error *err);
int tree_compact(void *self, const struct strata_progress *progress, struct strata_error *err);
int tree_compact_keys(void *self, struct strata_slice from, struct strata_slice to,
                      const struct strata_progress *progress, struct strata_error *err);
/* A clean close flushes what is in memory, and finishes a compaction that is nearly done: it writes
 * no more than 1.5 times memtable_bytes. */
int tree_close(void *self, struct strata_error *err);

#endif
