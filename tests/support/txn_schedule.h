/* txn_schedule.h: transactions of several sessions (txn_crew.h) on a new database in fs_sim, under
 * a drawn schedule (baton.h). All of it follows from a number; which ones are run may be chosen as
 * in schedule.h. */
#ifndef STRATA_TESTS_TXN_SCHEDULE_H
#define STRATA_TESTS_TXN_SCHEDULE_H

#include "txn_crew.h"

#include "crash/concurrency/baton.h"
#include "fs/fs.h"

/* On the heap: after a deadlock it stays. */
struct txn_schedule {
    /* The caller's: */
    enum strata_isolation isolation;
    const struct strata_engine *engine; /* NULL: the one under test */
    bool recorded; /* fs has a trace, with a mark for each commit's begin and end */
    bool faults;   /* in some of them a call of the file layer fails */
    /* Drawn: */
    struct txn_crew crew;
    uint64_t fails_at; /* this call; 0: none */
    bool large_memory; /* a memtable that is not full at once */
    unsigned background;
    /* What was done: */
    struct strata_fs *fs;
    struct baton_result result;
    struct cycles_result found;
};

/* Runs it and checks its history, with time. `with`: what the caller chose, copied. */
struct txn_schedule *txn_schedule_run(uint64_t number, const struct txn_schedule *with);
void txn_schedule_free(struct txn_schedule *s);

/* All calls went well, and no anomaly was found but these (bits of enum cycles_anomaly). If not, it
 * is printed. */
bool txn_schedule_is_right(const struct txn_schedule *s, unsigned allowed);

#endif
