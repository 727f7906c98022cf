/* explore.h: runs a script on fs_sim and crashes it everywhere: makes every state that a crash
 * may leave under a model, and asks the oracle about each. With `twice`, what recovery does to
 * such a state, and two writes after it, are recorded and crashed everywhere as well.
 *
 * Knows nothing of cmocka. Out of memory ends the program. */
#ifndef STRATA_COMMON_CRASH_EXPLORE_H
#define STRATA_COMMON_CRASH_EXPLORE_H

#include "fs_sim.h"
#include "oracle.h"
#include "script.h"

#define EXPLORE_DIR "disk/db" /* where the database is */

struct explore {
    const struct script *script; /* borrowed */
    struct fs_sim_plan plan;     /* .model and what else is wanted */
    bool acknowledged;           /* power cuts too must leave all that was acknowledged, and not
                                  * only what was acknowledged as synced */
    unsigned twice;              /* about one state in so many is crashed again; 0: none */

    /* What came of it. */
    struct fs_sim_totals totals;          /* of the script's own states */
    struct fs_sim_totals again;           /* of the second crashes */
    uint64_t verdicts[ORACLE_VERDICTS];   /* distinct states, of both */
    uint64_t violations;                  /* of them: not ORACLE_FINE */
    uint64_t torn, absent;                /* ... with a torn tail, with no database */
    uint64_t unacknowledged;              /* ... fine, with a write more than had to come back */
    uint64_t at[FS_CALL_COUNT + 1];       /* ... by the call that was cut */
    char examples[ORACLE_VERDICTS][1500]; /* the first of each violation, for people */
    const char *example;                  /* the first of all; or why the script failed */
};

/* 0; < 0 when the script itself failed, with no crash: then `example` says why. */
int explore_run(struct explore *explore);

#endif
