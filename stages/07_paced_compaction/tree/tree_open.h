/* tree_open.h: from a directory to a tree, and back. */
#ifndef STRATA_07_TREE_OPEN_H
#define STRATA_07_TREE_OPEN_H

#include "tree.h"

/* Reads the manifest, opens the tables, puts the logs into the memtable, and removes what no edit
 * names; with env->is_new, makes everything anew. As an engine's slots open
 * and open_unsynced. CORRUPT, IO, NO_MEMORY; then nothing is left open. */
int tree_new(const struct strata_env *env, const struct tree_parts *parts, void **tree,
             struct strata_error *err);
/* Closes what is open and frees it: nothing is written. Gives up what is in progress. */
int tree_del(struct tree *tree, struct strata_error *err);

#endif
