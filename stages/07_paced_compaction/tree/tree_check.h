/* tree_check.h: is everything as it must be? */
#ifndef STRATA_07_TREE_CHECK_H
#define STRATA_07_TREE_CHECK_H

#include "tree.h"

/* 7.I1 to 7.I3. Alone with the tree. CORRUPT: our own bug. */
int tree_check(const struct tree *tree, struct strata_error *err);
/* Are they so? For asserts of who is not alone: takes `installing`. */
bool tree_is_whole(struct tree *tree);
/* An engine's slot `check`: the same, and the memtables and the block cache. */
int tree_check_memory(void *self, struct strata_error *err);
/* An engine's slot; `self` is a tree. */
int tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err);

#endif
