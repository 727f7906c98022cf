/* backup.h: see backup.c. */
#ifndef STRATA_08_BACKUP_H
#define STRATA_08_BACKUP_H

#include "strata_engine.h"

/* The slot `backup` of strata_engine.h, of a tree. */
int leveled_backup(void *self, const char *to, const struct strata_progress *progress,
                   struct strata_error *err);

#endif
