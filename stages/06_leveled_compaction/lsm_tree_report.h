/* lsm_tree_report.h: what an engine of this tree reports about it: see strata_engine.h. */
#ifndef STRATA_06_LSM_TREE_REPORT_H
#define STRATA_06_LSM_TREE_REPORT_H

#include "lsm_tree.h"

int lsm_tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err);
int lsm_tree_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err);
int lsm_tree_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                    void *arg, struct strata_error *err);

#endif
