/* tolerate.h: errors of compactions that nobody asked for. */
#ifndef STRATA_07_TOLERATE_H
#define STRATA_07_TOLERATE_H

#include "07_paced_compaction/tree/tree.h"

/* A step of a compaction returned `rc`, with this error. That a table cannot be read, or that there
 * is no room for a new one, has nothing to do with what is being written. So the table is
 * quarantined; and where room, memory or descriptors are short, compaction is paused until the next
 * flush. Either is logged. 0: go on; NOT_FOUND: it is paused; < 0: nothing may be written any more.
 */
int tolerate_error(struct tree *tree, int rc, const struct strata_error *err);

#endif
