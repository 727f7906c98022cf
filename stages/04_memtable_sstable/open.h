/* open.h: from a directory to a store. */
#ifndef STRATA_04_OPEN_H
#define STRATA_04_OPEN_H

#include "store.h"

/* Reads the list of files, opens the runs, puts the log into the memtable, and removes what the
 * list does not name. When the log's end is not as a clean close left it, what it held is flushed:
 * nothing is appended to a log that a crash may have torn. With env->is_new everything is made
 * anew. CORRUPT, IO, NO_MEMORY; then the store's parts are still to be freed. */
int open_store(struct store *store, struct strata_error *err);

#endif
