/* tree_engine.h: slots of an engine whose `self` is a tree: what those of this stage and of later
 * ones do alike. See strata_engine.h. */
#ifndef STRATA_07_TREE_ENGINE_H
#define STRATA_07_TREE_ENGINE_H

#include "tree.h"

/* A clean close flushes what is in memory, and finishes a compaction that is nearly done: it writes
 * no more than 1.5 times memtable_bytes. */
int tree_close(void *self, struct strata_error *err);

/* What the leader of a group does, for all of it: `tree` is one. For group_submit. */
void tree_commit(void *tree, struct group_commit *list);

int tree_iter(void *self, struct strata_iter **out, struct strata_error *err);
/* The same as it was when operation `sequence` was the last one; the tables must still have that.
 */
int tree_iter_at(struct tree *tree, uint64_t sequence, struct strata_iter **out,
                 struct strata_error *err);

int tree_flush(void *self, struct strata_error *err);
int tree_compact(void *self, const struct strata_progress *progress, struct strata_error *err);
int tree_compact_keys(void *self, struct strata_slice from, struct strata_slice to,
                      const struct strata_progress *progress, struct strata_error *err);
bool tree_is_writable(void *self);

#endif
