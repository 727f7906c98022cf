/* value_tree.h: stage 10's tree with a value log: its parts. */
#ifndef STRATA_12_VALUE_TREE_H
#define STRATA_12_VALUE_TREE_H

#include "10_concurrency/snapshot_tree.h"
#include "12_value_log/table/value_table.h"

extern const struct tree_parts value_parts;

/* Reads the value of a pointer, in its place. For parts, and for the background work. */
int value_fetch(struct tree *tree, struct strata_slice key, struct strata_buffer *value,
                struct strata_error *err);
/* values/value_iter.c. */
int value_fetch_all(const struct super *super, struct cursor **cursor, struct strata_error *err);

/* As an engine's slot get_borrowed (value_view.c). */
int value_borrow(void *self, void *snapshot, struct strata_slice key, struct strata_view *view,
                 struct strata_error *err);

/* value_log.c, for parts: how operations come into the memtable as they are committed, and as a log
 * is read back. */
void value_commit(struct tree *tree, struct group_commit *list);
log_add value_log_add;

/* As strata_value_files. */
int value_report_files(void *self, void (*each)(void *arg, const struct strata_value_file *file),
                       void *arg, struct strata_error *err);

#endif
