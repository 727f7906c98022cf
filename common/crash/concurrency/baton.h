/* baton.h: a scheduler for tests: real threads, of which one runs at a time. Which one is decided
 * at each lock, unlock, wait, wake-up of a semaphore, start, join, sleep, yield and sync_point of
 * threads/sync.h, by a number: the same seed gives the same schedule, so a race that was found once
 * is found again. fs_sim.h locks at every call: there each file call is such a point, too.
 *
 * The schedule is one of PCT, probabilistic concurrency testing (S. Burckhardt, P. Kothari,
 * M. Musuvathi, S. Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding
 * Bugs, ASPLOS 2010). Each thread has a random priority, and of those that can run the one with the
 * highest does; at depth - 1 random steps the running thread's priority falls below all others. A
 * bug that needs `depth` ordering constraints, in a program of n threads and k steps, is found by
 * a schedule with a probability of at least 1 / (n k^(depth - 1)). Most bugs need one or two. Depth
 * 0 is a random walk: at each step any thread that can run.
 *
 *     thread 0   lock .. unlock           |                     lock (thread 1 has it: waits)
 *     thread 1                            | lock .. sync_point .               .. unlock
 *                                         priority of thread 0 falls
 *
 * Time is simulated: it passes at each step. Who sleeps, or waits until some time, may be chosen at
 * any step; then that time has come. Before, its priority falls below all others, or is drawn anew,
 * as does that of who yields: a loop that waits so does not keep the others from running.
 *
 * With `in_turn` nothing is drawn: a thread runs until it waits or yields. Then the one goes on
 * that has been able to run for longest; the first thread of all, if no other can; and who waits
 * until some time only when nobody else can run, the earliest time first. So the first thread, with
 * sync_yield, lets all others do what they can, and with sync_take lets time pass, too.
 *
 * What it does not show: two threads at the same instant, and reorderings by the processor or the
 * compiler. For these there is MODE=tsan, without this scheduler. */
#ifndef STRATA_COMMON_BATON_H
#define STRATA_COMMON_BATON_H

#include <stdbool.h>
#include <stdint.h>

#define BATON_DEPTH 3
#define BATON_DEPTH_MOST 16u
#define BATON_THREADS 32u /* in a run, those that have ended too */

/* A thread stops, and another goes on. */
struct baton_switch {
    uint64_t step;
    unsigned from, to; /* numbers of threads, in the order of their starts, from 0 */
    const char *why;   /* what the first waits for; "": nothing, it could go on */
};

struct baton_options {
    uint64_t seed;
    unsigned depth;      /* at most BATON_DEPTH_MOST; 0: random walk */
    uint64_t steps;      /* about how many steps the program has; > 0 */
    uint64_t steps_most; /* a program that takes more is said not to end; 0: 1,000,000 */
    bool in_turn;        /* see above; `seed`, `depth` and `steps` have no effect */
    /* NULL, or called by the thread that stops: its stack says where it was. */
    void (*switched)(void *arg, const struct baton_switch *to);
    void *arg;
};

enum baton_end {
    BATON_DONE,     /* all threads have ended */
    BATON_DEADLOCK, /* none can run; the report says what each waits for */
    BATON_ENDLESS   /* more than steps_most */
};

struct baton_result {
    enum baton_end end;
    uint64_t steps;
    uint64_t schedule; /* a hash: equal for equal schedules */
    char report[1024]; /* "" after BATON_DONE */
};

/* Runs `body` in a thread of its own under the scheduler, with all threads that sync_start starts
 * from there. It uses no thread started otherwise. One run at a time. After a deadlock, or an
 * endless run, its threads stay for ever where they are: the memory they use must stay, too. */
void baton_run(const struct baton_options *options, void (*body)(void *arg), void *arg,
               struct baton_result *result);

/* Of the caller, in a run: its number, and the steps of all threads so far. */
unsigned baton_thread(void);
uint64_t baton_steps(void);

#endif
