/* tree_files.h: the files in a tree's directory, held against those that its manifest names. */
#ifndef STRATA_07_TREE_FILES_H
#define STRATA_07_TREE_FILES_H

#include "07_paced_compaction/tree/tree.h"

/* Is it the name of file `number` with this suffix? */
bool tree_is_name(const char *name, uint64_t number, const char *suffix);
/* Removes those of the names that no edit names. IO, NO_MEMORY. */
int tree_remove_dead(struct tree *tree, const struct fs_names *names, struct strata_error *err);
/* The same of all that are there. */
int tree_remove_all_dead(struct tree *tree, struct strata_error *err);
/* The next file gets a number that none of them has. */
void tree_pass_numbers(struct tree *tree, const struct fs_names *names);
/* Alone with the tree. CORRUPT: one that the manifest names is missing; IO, NO_MEMORY. That there
 * are others is only logged. */
int tree_check_files(const struct tree *tree, struct strata_error *err);

#endif
