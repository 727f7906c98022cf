/* lineage_notes.h: the lineage of a table that a compaction writes: `properties` of struct
 * tree_parts. */
#ifndef STRATA_08_LINEAGE_NOTES_H
#define STRATA_08_LINEAGE_NOTES_H

#include "06_leveled_compaction/compaction/compaction.h"

/* Appends it to the user properties of the output that is about to be finished. NO_MEMORY. */
int lineage_notes(const struct compaction *c, struct strata_error *err);

#endif
