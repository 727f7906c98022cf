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

/* What was crashed while the script was doing one thing. */
struct explore_part {
    uint64_t cuts;                      /* calls at which it was cut */
    uint64_t states, distinct;          /* as in fs_sim_totals */
    uint64_t verdicts[ORACLE_VERDICTS]; /* distinct states */
    uint64_t missing;                   /* of writes issued, at most, where a state was found */
};

/* One violation. */
struct explore_case {
    const struct script *script; /* of it; borrowed */
    enum script_doing doing;
    struct fs_sim_state state; /* but for its strings, which are: */
    char path[100], choice[400];
    uint64_t floor; /* writes that had to come back */
    struct oracle_report report;
};

struct explore {
    const struct script *script; /* borrowed */
    struct fs_sim_plan plan;     /* .model and what else is wanted */
    bool acknowledged;           /* power cuts too must leave all that was acknowledged, and not
                                  * only what was acknowledged as synced */
    unsigned twice;              /* about one state in so many is crashed again; 0: none */
    /* Told of progress, at each distinct state: calls cut so far, of how many. May be NULL. */
    void (*tick)(void *arg, uint64_t done, uint64_t total, uint64_t distinct);
    void *arg;

    /* What came of it, added to what was there: one struct explore may serve several scripts. */
    struct fs_sim_totals totals;          /* of the script's own states */
    struct fs_sim_totals again;           /* of the second crashes */
    uint64_t verdicts[ORACLE_VERDICTS];   /* distinct states, of both */
    uint64_t violations;                  /* of them: not ORACLE_FINE */
    uint64_t torn, absent;                /* ... with a torn tail, with no database */
    uint64_t unacknowledged;              /* ... fine, with a write more than had to come back */
    uint64_t at[FS_CALL_COUNT + 1];       /* ... by the call that was cut */
    char examples[ORACLE_VERDICTS][1500]; /* the first of each violation, for people */
    const char *example;                  /* the first of all; or why the script failed */
    struct explore_part parts[SCRIPT_DOINGS];   /* of the first crashes alone */
    struct explore_case cases[ORACLE_VERDICTS]; /* the first of each violation, likewise */
    uint64_t calls;                             /* of the file layer, by the last script */
};

/* 0; < 0 when the script itself failed, with no crash: then `example` says why. */
int explore_run(struct explore *explore);

#endif
