/* change.h: a change of the version: an edit is made, checked, written, and then
 * the tree is as it says. */
#ifndef STRATA_07_CHANGE_H
#define STRATA_07_CHANGE_H

#include "07_paced_compaction/tree/tree.h"

/* All zero changes nothing. */
struct change {
    struct edit edit;
    bool flushed;            /* the immutable memtable: there is none from now on */
    bool new_files;          /* tables that the edit adds: their names are made durable first */
    struct version *version; /* this and below: made by change_install */
    struct super *super;
};

/* Makes the change, if `rc`, of what made its edit, is 0; it is freed in any case. tree->installing
 * is held since before the edit was made (7.I7). An error before, NO_MEMORY, CORRUPT: nothing was
 * changed; IO, and with versions.uncertain any error: it may have been made or not. */
int change_install(struct tree *tree, struct change *change, int rc, struct strata_error *err);

#endif
