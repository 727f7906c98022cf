/* value_tree.h: stage 10's tree with a value log: its parts. */
#ifndef STRATA_12_VALUE_TREE_H
#define STRATA_12_VALUE_TREE_H

#include "10_concurrency/snapshot_tree.h"
#include "12_value_log/table/value_table.h"

/* A log becomes a value file at this size, if its memtable is not full before: memtables of
 * pointers hardly fill. */
#define VALUE_LOG_BYTES ((uint64_t)256 << 20)

extern const struct tree_parts value_parts;

/* Stage 9's log, of which large values stay where they are. */
extern const struct wal_kind value_log;

/* Reads the value of a pointer, in its place. For parts, and for the background work. */
int value_fetch(struct tree *tree, struct strata_slice key, struct strata_buffer *value,
                struct strata_error *err);
/* values/value_iter.c. */
int value_fetch_all(const struct super *super, struct cursor **cursor, struct strata_error *err);

/* make_room of the write path: what stage 10 does, and the log is held before its values are
 * pointed to. `base`: that of stage 10, or 7. */
void value_take_make_room(struct tree *tree);

int value_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                struct strata_error *err);

#endif
