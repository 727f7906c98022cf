/* engine_planted.h: an engine in memory with transactions, right or wrong in one known way, for
 * tests of what judges transactions (crash/concurrency/cycles.h, txn_crew.h). It keeps every
 * version of each key; a transaction reads those that were committed when its snapshot was taken,
 * and at its commit, under the lock, those are looked at that came since. */
#ifndef STRATA_TESTS_ENGINE_PLANTED_H
#define STRATA_TESTS_ENGINE_PLANTED_H

#include "strata_engine.h"

enum engine_planted_bug {
    PLANTED_NONE,
    PLANTED_GLOBAL_LOCK,      /* none either: a lock from begin to end */
    PLANTED_DIRTY,            /* read uncommitted: writes are there at once, and go with an abort */
    PLANTED_READ_COMMITTED,   /* each read sees the newest; nothing is validated */
    PLANTED_NOT_VALIDATED,    /* a snapshot, but commits never conflict */
    PLANTED_WRITES_VALIDATED, /* SERIALIZABLE is SNAPSHOT_ISOLATION */
    PLANTED_ROWS_VALIDATED,   /* of a scan the keys that it found count, not its range */
    PLANTED_FOUND_VALIDATED,  /* a get that found nothing does not count */
    PLANTED_READS_FORGOTTEN,  /* a rollback to a savepoint forgets the reads since */
    PLANTED_EARLY,            /* validated, and then others commit before it does */
    PLANTED_TORN,             /* the writes of a commit are made one by one */
    PLANTED_OWN_NOT_SCANNED,  /* iterators do not see the transaction's own writes */
    PLANTED_ROLLBACK_KEEPS,   /* a rollback to a savepoint drops nothing */
    PLANTED_STALE,            /* read-only transactions read an old snapshot */
    PLANTED_DROPS             /* some commits are acknowledged and not made */
};

/* The bug of databases that are opened from now on. */
extern enum engine_planted_bug engine_planted_bug;

/* Stage 77; promises transactions. A database begins empty each time it is opened. */
extern const struct strata_engine engine_planted_table;

#endif
