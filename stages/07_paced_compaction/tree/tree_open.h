/* tree_open.h: from a directory to a tree. */
#ifndef STRATA_07_TREE_OPEN_H
#define STRATA_07_TREE_OPEN_H

#include "07_paced_compaction/tree/tree.h"

/* Reads the manifest, opens the tables, puts the logs into the memtable, and removes what no edit
 * names. When the log's end is not as a clean close left it, what it held is flushed, at once or by
 * the first write (tree->spent): nothing is appended to a log that a crash may have torn. With
 * env->is_new everything is made anew. CORRUPT, IO, NO_MEMORY; then the tree's parts are still to
 * be freed. */
int tree_open(struct tree *tree, struct strata_error *err);
/* The manifest, and the version that its edits make together. Both to be freed in any case. */
int tree_read_version(const struct strata_env *env, struct manifest *manifest,
                      struct version **version, uint64_t *torn, struct strata_error *err);
/* What stage 4's log is told of itself by its list. */
struct tables tree_log_known(const struct edit_log *log);

#endif
