/* play.h: runs a schedule. Its sessions are threads, of which one runs at a time: each does its
 * step until that has ended or waits for another session; then the runner goes on with the next
 * line. No real time passes: where all wait, the earliest timeout has come. So a run is the same
 * each time, and so are the victims of deadlocks. Uses crash/concurrency/baton.h: one run at a
 * time. */
#ifndef STRATA_COMMON_PLAY_H
#define STRATA_COMMON_PLAY_H

#include "scenario/scenario.h"

/* A step has returned something, or waits. */
struct play_event {
    const struct scenario_step *step; /* NULL: at the end, all that is in the database */
    const char *result;               /* as scenario.h has it; valid until the call returns */
    bool late;                        /* it waited; it is no longer the step of the latest line */
    const char *expected;             /* NULL: what was expected, or nothing was */
};

struct play {
    const struct scenario *scenario; /* borrowed, as the next two */
    const char *dir;                 /* of the database; made by the run */
    struct strata_options options;   /* its threads in the background are off */
    enum strata_isolation isolation; /* of each begin without a level */
    void (*each)(void *arg, const struct play_event *event); /* in the order of the steps' ends */
    void *arg;

    /* Set by the run. */
    size_t wrong;         /* expectations that did not hold */
    bool asked, happened; /* there are anomaly= in the schedule; all of them held */
    uint64_t line;        /* of the step that failed; 0: opening or closing the database did */
};

/* 0, or < 0 as the call that failed; a CONFLICT and the like are results. */
int play_run(struct play *play, struct strata_error *err);

#endif
