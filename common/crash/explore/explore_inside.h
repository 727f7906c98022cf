/* explore_inside.h: what the files of explore.c share. */
#ifndef STRATA_COMMON_CRASH_EXPLORE_INSIDE_H
#define STRATA_COMMON_CRASH_EXPLORE_INSIDE_H

#include "crash/explore/explore.h"

/* Marks of the second process begin here: its writes may have numbers that the first process had
 * issued, if the write under way at the kill was lost. */
#define EXPLORE_LATER (UINT64_C(1) << 32)

struct explore_span {
    uint64_t from; /* number of the first call */
    enum script_doing doing;
    size_t step; /* as in struct explore_operation */
};

/* What the calls of a trace were made for. */
struct explore_spans {
    struct strata_fs *fs;         /* recording */
    const struct script_run *run; /* the first life's */
    struct explore_span *spans;   /* in order; one without calls ends where it begins */
    size_t count, capacity;
};

/* The states of one trace. */
struct explore_walk {
    struct explore *explore;
    const struct history *history; /* what is in the trace; of the first life only, if there are */
    const struct history *later;   /* ... two; NULL: there is one */
    uint64_t base;                 /* writes that were safe before the recording began */
    const struct explore_spans *spans; /* NULL: the crash is a second one */
    uint64_t calls;                    /* of the trace */
    bool uncounted;                    /* its states were counted before */
    uint64_t visited;                  /* states so far */
    struct explore_place place;        /* the first crash, where there is a second */
};

void explore_spans_add(void *spans, enum script_doing doing); /* from the next call on */

/* Asks the oracle about a state and counts the answer. */
void explore_ask(struct explore_walk *walk, struct strata_fs *state,
                 const struct fs_sim_state *info, struct oracle_report *report);
/* The history that a state is judged by. */
const struct history *explore_history(const struct explore_walk *walk,
                                      const struct fs_sim_state *info);
/* Counts the states by call become counts by row and by site. `fs` holds the trace. */
void explore_sum(struct explore_walk *walk, struct strata_fs *fs, const struct fs_sim_cut *cuts);
void explore_add_totals(struct fs_sim_totals *to, const struct fs_sim_totals *more);
/* Does the trace, from call `from` on, have a call at a site without states? */
bool explore_comes_by_new_site(const struct explore *e, struct strata_fs *fs, uint64_t from);

#endif
