/* explore.h: runs a script on fs_sim and crashes it everywhere: makes every state that a crash
 * may leave under a model, and asks the oracle about each. With `twice`, what recovery does to
 * such a state, and two writes after it, are recorded and crashed everywhere as well.
 *
 * A script may also be killed, or meet an I/O error, at one of its calls; then the database is
 * opened again on the same file system, gets two writes more, and all that is crashed: what is in
 * the page cache but not on the device must not be taken for durable.
 *
 * Knows nothing of cmocka. Out of memory ends the program. */
#ifndef STRATA_COMMON_CRASH_EXPLORE_H
#define STRATA_COMMON_CRASH_EXPLORE_H

#include "crash/sim/fs_sim.h"
#include "crash/oracle.h"
#include "crash/script.h"

#define EXPLORE_DISK "disk"
#define EXPLORE_DIR EXPLORE_DISK "/db" /* where the database is */

/* What happens before the crash. */
enum explore_way {
    EXPLORE_WHOLE,  /* nothing: the script runs to its end, and is crashed at each call */
    EXPLORE_KILLED, /* it is killed at call `at`, opened again, and crashed after that */
    EXPLORE_ERROR   /* call `at` fails once with EIO; it is opened again; crashed from `at` on */
};

/* What is counted apart: an enum script_doing, by what the crash hit, or one of these. */
enum explore_row {
    EXPLORE_RECOVERY = SCRIPT_DOINGS, /* crashed again while it recovered from a crash */
    EXPLORE_AFTER_KILL,
    EXPLORE_AFTER_ERROR,
    EXPLORE_ROWS
};
const char *explore_row_name(int row); /* "put", "recovery", "after a kill" */

struct explore_part {
    uint64_t cuts;                      /* calls at which it was cut */
    uint64_t states, distinct, fresh;   /* as in fs_sim_totals */
    uint64_t verdicts[ORACLE_VERDICTS]; /* distinct states */
    uint64_t missing;                   /* of writes issued, at most, where a state was found */
};

/* What a call was made for. */
struct explore_operation {
    enum script_doing doing;
    size_t index; /* among the operations of the script, opening and closing too, from 0 */
    size_t step;  /* of the script: the one under way, or the next one */
};

/* The report about a distinct state; borrowed. */
struct explore_seen {
    const struct fs_sim_state *state;
    const struct oracle_report *report;
    uint64_t floor, issued; /* writes that had to come back, and that could */
    struct explore_operation operation;
};

/* One state, so that it can be made again. */
struct explore_place {
    enum explore_way way;
    uint64_t at;
    uint64_t call, ordinal;
    bool again; /* it was crashed a second time, there: */
    uint64_t call_again, ordinal_again;
};

/* One violation. */
struct explore_case {
    const struct script *script; /* of it; borrowed */
    struct explore_place place;
    int row;
    size_t step;               /* of the script, that it had come to */
    struct fs_sim_state state; /* but for its strings, which are: */
    char path[300], choice[FS_SIM_CHOICE_BYTES];
    uint64_t floor; /* writes that had to come back */
    struct oracle_report report;
};

struct explore {
    const struct script *script; /* borrowed */
    struct fs_sim_plan plan;     /* .model and what else is wanted */
    bool acknowledged;           /* power cuts too must leave all that was acknowledged, and not
                                  * only what was acknowledged as synced */
    unsigned twice;              /* one state in so many is crashed again; 0: none */
    bool only_twice;             /* the states of the first crash are not counted */
    enum explore_way way;
    uint64_t at;              /* not of EXPLORE_WHOLE */
    bool only_new_sites;      /* make states only if the script executes a site that has none */
    enum oracle_verdict stop; /* at the first state with that verdict; FINE: never */
    const struct explore_place *one; /* NULL: all. Make only this state, by its way; before the
                                      * oracle sees it, it is handed to `keep`, which may be NULL */
    void (*keep)(void *arg, struct strata_fs *state);
    /* Called at each distinct state: calls cut so far, of how many. May be NULL. */
    void (*tick)(void *arg, uint64_t done, uint64_t total, uint64_t distinct);
    /* Called for each distinct state of EXPLORE_WHOLE; then for each call of the script, with the
     * states made there. Both or none. */
    void (*seen)(void *arg, const struct explore_seen *seen);
    void (*cut)(void *arg, const struct explore_operation *operation, const struct fs_sim_cut *cut);
    void *arg;

    /* What came of it, added to what was there: one struct explore may serve several scripts. */
    struct fs_sim_totals totals;          /* of the script's own states */
    struct fs_sim_totals again;           /* of the second crashes */
    uint64_t verdicts[ORACLE_VERDICTS];   /* distinct states, of both */
    uint64_t violations;                  /* of them: not ORACLE_FINE */
    uint64_t torn, absent;                /* ... with a torn tail, with no database */
    uint64_t unacknowledged;              /* ... fine, with a write more than had to come back */
    uint64_t at_call[FS_CALL_COUNT + 1];  /* ... by the call that was cut */
    char examples[ORACLE_VERDICTS][1500]; /* the first of each violation, for people */
    const char *example;                  /* the first of all; or why the script failed */
    bool answered_wrongly;                /* the script got a wrong answer without a crash */
    struct explore_part parts[EXPLORE_ROWS];
    struct explore_case cases[ORACLE_VERDICTS]; /* the first of each violation; with `one`, of
                                                 * ORACLE_FINE too */
    uint64_t *sites; /* states cut at each of fs_sites, borrowed; NULL: not counted */
    uint64_t calls;  /* of the file layer, by the last script */
};

/* What the engine works on now, for the handler of a signal that it raises. One for the whole
 * program. */
struct explore_now {
    const struct script *script; /* NULL: nothing is */
    struct explore_place place;  /* of the state; its call is 0 before the first */
};
extern struct explore_now explore_now;

/* 0. STRATA_NOT_FOUND: the script makes no call `at`. < 0 when the script itself failed, or got a
 * wrong answer, with no crash: then `example` says why. */
int explore_run(struct explore *explore);

/* "25.3", "25.3+4.1" of a second crash, "kill57/60.2", "eio57/60.2"; `text` has 100 bytes. */
char *explore_place_text(const struct explore_place *place, char *text);
bool explore_place_parse(const char *text, struct explore_place *place);

#endif
