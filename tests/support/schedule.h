/* schedule.h: a crew (crew.h) on a new database in fs_sim, under a drawn schedule (baton.h). All of
 * it follows from a number.
 *
 *     STRATA_SCHEDULES=100000   so many schedules; the depths 0 to 5 take turns
 *     STRATA_SCHEDULES_FROM=20  they begin with this one
 *     STRATA_SCHEDULE=1234      only this one, as a failure printed it; what its threads did step
 *                               by step is shown by make schedule (schedule_trace.h) */
#ifndef STRATA_TESTS_SCHEDULE_H
#define STRATA_TESTS_SCHEDULE_H

#include "crew.h"

#include "crash/concurrency/baton.h"
#include "fs/fs.h"

#define SCHEDULE_DEPTHS 6u

/* Who flushes and compacts (stage 10 on): the writers; a thread; the callers, steps that a seed
 * says. */
enum schedule_background { SCHEDULE_PACED, SCHEDULE_THREAD, SCHEDULE_SEEDED };

/* On the heap: after a deadlock it stays. */
struct schedule {
    struct crew crew;
    struct strata_fs *fs;
    bool recorded;     /* fs has a trace, with a mark for each begin and end */
    uint64_t fails_at; /* this call of the file layer fails, one of the kinds; 0: none */
    unsigned filler;   /* keys that are there before */
    bool small_cache;  /* one that holds few blocks */
    enum schedule_background background;
    bool large_memory; /* a memtable that is not full at once */
    struct baton_result result;
};

/* The numbers to be run: `count` of them, unless the environment says otherwise. */
void schedule_range(uint64_t count, uint64_t *first, uint64_t *last);
/* If the program is ended by an assertion or a signal from now on, the number is printed; 0: none.
 */
void schedule_note_running(uint64_t number);

/* With a database in "/db". Of a program that is ended meanwhile the number is printed. */
struct schedule *schedule_run(uint64_t number, bool recorded, bool faults);
void schedule_free(struct schedule *s);

/* What was answered is right. If not, it is printed. */
bool schedule_is_right(const struct schedule *s);

#endif
