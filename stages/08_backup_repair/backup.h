/* backup.h: see backup.c. */
#ifndef STRATA_08_BACKUP_H
#define STRATA_08_BACKUP_H

#include "strata_engine.h"

/* The slot `backup` of strata_engine.h. `self` is a struct tree. */
int backup_tree(void *self, const char *to, const struct strata_progress *progress,
                struct strata_error *err);

#endif
