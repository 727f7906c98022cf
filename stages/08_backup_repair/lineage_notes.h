/* lineage_notes.h: see lineage_notes.c. */
#ifndef STRATA_08_LINEAGE_NOTES_H
#define STRATA_08_LINEAGE_NOTES_H

#include "07_paced_compaction/compaction/compact.h"

/* The lineage of the output that is about to be ended, appended to `to`. NO_MEMORY. */
int lineage_notes(const struct compact *c, struct strata_error *err);

#endif
