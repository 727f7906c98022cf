/* lsm.h: an engine's calls, answered by a store of memtable, log and sorted tables: a
 * log-structured merge tree (O'Neil, Cheng, Gawlick, O'Neil: The Log-Structured Merge-Tree, 1996).
 * An engine names its kind of table and puts these into its table of functions. */
#ifndef STRATA_04_LSM_H
#define STRATA_04_LSM_H

#include "04_memtable_sstable/run/sstable.h"

/* `log_left`: so many bytes of log a clean close may leave for the next open to read; of more it
 * makes a table. */
int lsm_open(const struct strata_env *env, const struct sstable_kind *kind, uint64_t log_left,
             void **self, struct strata_error *err);

/* As in strata_engine.h. */
int lsm_close(void *self, struct strata_error *err);
int lsm_get(void *self, struct strata_slice key, struct strata_buffer *value,
            struct strata_error *err);
int lsm_write(void *self, const struct strata_op *ops, size_t count, bool sync,
              struct strata_error *err);
int lsm_iter(void *self, struct strata_iter **out, struct strata_error *err);
int lsm_sync(void *self, struct strata_error *err);
int lsm_flush(void *self, struct strata_error *err);
int lsm_compact(void *self, const struct strata_progress *progress, struct strata_error *err);
int lsm_verify(void *self, const struct strata_progress *progress, struct strata_error *err);
int lsm_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
              struct strata_error *err);
int lsm_tables(void *self, void (*each)(void *arg, const struct strata_table *table), void *arg,
               struct strata_error *err); /* the newest first */
int lsm_approximate_size(void *self, struct strata_slice from, struct strata_slice to,
                         uint64_t *bytes, struct strata_error *err);

#endif
