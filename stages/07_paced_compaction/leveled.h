/* leveled.h: an engine's calls, answered by a tree. As in strata_engine.h. */
#ifndef STRATA_07_LEVELED_H
#define STRATA_07_LEVELED_H

#include "07_paced_compaction/tree/tree.h"

/* `unsynced`: as the slot open_unsynced. */
int leveled_open(const struct strata_env *env, const struct tree_parts *parts, bool unsynced,
                 void **self, struct strata_error *err);
int leveled_close(void *self, struct strata_error *err);
int leveled_get(void *self, struct strata_slice key, struct strata_buffer *value,
                struct strata_error *err);
int leveled_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                  struct strata_error *err);
int leveled_iter(void *self, struct strata_iter **out, struct strata_error *err);
int leveled_sync(void *self, struct strata_error *err);
int leveled_flush(void *self, struct strata_error *err);
int leveled_compact(void *self, const struct strata_progress *progress, struct strata_error *err);
int leveled_compact_range(void *self, struct strata_slice from, struct strata_slice to,
                          const struct strata_progress *progress, struct strata_error *err);
int tree_verify(void *self, const struct strata_progress *progress,
                struct strata_error *err); /* tree_verify.c */
int tree_report_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                      void *arg,
                      struct strata_error *err); /* tree_report_stats.c, as is the next */
int tree_report_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                       void *arg, struct strata_error *err);
int tree_approximate_size(void *self, struct strata_slice from, struct strata_slice to,
                          uint64_t *bytes, struct strata_error *err);
int tree_report_events(void *self, void (*each)(void *arg, const struct strata_event *event),
                       void *arg, struct strata_error *err);

/* The database as it is now, and the number of the last operation in it. */
struct super *tree_pin(struct tree *tree, uint64_t *sequence);

#endif
