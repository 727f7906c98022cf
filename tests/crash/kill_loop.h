/* kill_loop.h: kill -9 for real. A writer process puts, overwrites and deletes on the real file
 * system and tells of each acknowledgement through a pipe; where the stage promises them, in
 * batches, by several threads, with merges between. It is killed at a random moment, every other
 * time in the middle of a large value, now and then while it merges; then another process opens the
 * database and applies the oracle (common/crash/oracle.h). The next writer goes on in the same
 * directory, a few times over, so recovery's own work is killed too. */
#ifndef STRATA_TESTS_KILL_LOOP_H
#define STRATA_TESTS_KILL_LOOP_H

#include "crash/oracle.h"

#include <stdio.h>

struct kill_loop {
    const char *root; /* an existing directory to work in */
    unsigned times;   /* kills */
    uint64_t seed;    /* decides all but the moment of a kill */
    bool aimed;       /* every kill in the middle of a large value */
    bool unsynced;    /* no writer syncs, and not every other one */
    FILE *progress;   /* a terminal to tell progress on, or NULL */

    /* What came of it. */
    unsigned kills, torn;             /* torn: recoveries that told of a torn tail */
    unsigned threaded;                /* kills of a writer with several threads */
    uint64_t acknowledged, recovered; /* writes; recovered ones include the unacknowledged */
    unsigned violations;              /* the loop ends at the first */
    char what[1000];                  /* about it, with the database's directory */
};

/* 0 when all went well, 1 after a violation: then its directory in `root` is kept. */
int kill_loop_run(struct kill_loop *loop);

#endif
