/* oracle.h: is what came back after a crash what had to come back?
 *
 * The recovered database must equal the model after some n writes, floor <= n <= issued. Floor is
 * the last acknowledged write when a process was killed, and the last one acknowledged as synced
 * when the power was cut. Besides:
 *
 *   - a read-only opening, which changes nothing, and one for writing find the same
 *   - gets, a scan each way and verify agree; what was deleted stays deleted
 *   - nothing that no file format of the stage claims is left in the directory after a close
 *   - it takes a write, and after one more reopening holds it and all the rest
 *
 * Where floor is 0, "there is no database" is a right answer, if one can then be made there. */
#ifndef STRATA_COMMON_CRASH_ORACLE_H
#define STRATA_COMMON_CRASH_ORACLE_H

#include "fs/fs.h"
#include "crash/history.h"

/* The write that the oracle adds at the end. */
#define ORACLE_KEY "oracle"
#define ORACLE_VALUE "written after recovery"

struct oracle {
    struct strata_fs *fs; /* NULL: the real one */
    const char *dir;
    const struct history *history;
    uint64_t floor, issued; /* numbers of writes of the history */
};

enum oracle_verdict {
    ORACLE_FINE,
    ORACLE_ERROR,     /* a call failed */
    ORACLE_LOST,      /* the state after fewer writes than floor */
    ORACLE_NO_STATE,  /* the state after no number of writes at all */
    ORACLE_DISAGREES, /* two ways of reading give two answers */
    ORACLE_ORPHAN,    /* a file that belongs to nothing */
    ORACLE_VERDICTS
};
const char *oracle_verdict_name(enum oracle_verdict verdict);

struct oracle_report {
    enum oracle_verdict verdict;
    uint64_t n;     /* the state that came back is that after `n` writes */
    bool absent;    /* there was no database (n is 0) */
    unsigned torn;  /* torn tails that the opening for writing logged */
    char what[800]; /* for people, when it is not fine */
};

/* 0 when all is fine, else 1. The database is closed afterwards, and has one write more. */
int oracle_check(const struct oracle *oracle, struct oracle_report *report);

#endif
