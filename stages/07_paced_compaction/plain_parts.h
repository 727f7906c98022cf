/* plain_parts.h: the parts of a tree in their plain form: stage 4's memtable and merging iterator,
 * stage 5's tables, stage 6's version. */
#ifndef STRATA_07_PLAIN_PARTS_H
#define STRATA_07_PLAIN_PARTS_H

#include "07_paced_compaction/tree/parts.h"

extern const struct tree_parts plain_parts;

/* As `merge` of struct tree_parts. */
int plain_merge(const struct version *version, const struct tree_sources *of, struct cursor **out,
                struct strata_error *err);

#endif
