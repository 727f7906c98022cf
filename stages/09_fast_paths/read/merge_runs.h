/* merge_runs.h: runs, and memtables that are newer, in order, as one: of each key the newest
 * version, in both directions, which may change at any place. What stage 4's merge_iter.h is, for
 * sources whose keys have key_prefixes. It is a cursor, with the sequence numbers that the sources'
 * cursors have; of a run's entries it has none. */
#ifndef STRATA_09_MERGE_RUNS_H
#define STRATA_09_MERGE_RUNS_H

#include "run_cursor.h"

struct merge_sources {
    struct cursor
        *newer[2]; /* of memtables, the newest first; one that could not be made is NULL */
    size_t newer_count;
    const struct fast_run *runs; /* the newest first; copied */
    size_t run_count;
    /* For each run a cursor that is read in its place, or NULL; taken as `newer`. NULL: of no run.
     */
    struct cursor *const *instead;
    struct strata_slice prefix; /* all keys of the runs begin with it; borrowed */
    bool once;                  /* of the runs, as for a run's cursor */
    bool tombstones;            /* they are shown, as they still hide what is older elsewhere */
    bool all; /* every entry of a key is shown, the newest source's first; a source may have several
               * of one key. Such a merge moves forward only */
};

/* Takes `newer` and `instead`, whatever comes of it. NO_MEMORY. */
int merge_runs_new(const struct merge_sources *of, struct cursor **out, struct strata_error *err);

#endif
