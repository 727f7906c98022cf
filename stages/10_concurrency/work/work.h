/* work.h: what is done in the background: few jobs, each of which goes on in steps, one at a time.
 * A step is some milliseconds at most, so that a pause or the end of all work is never far.
 *
 *     job           queued   steps
 *     flush           x      [=][=][=]            a thread takes the first queued job, does a step,
 *     compaction      x               [=][=]..    and looks again: a flush goes before the
 *     removal         .                           next step of a compaction
 *
 * Steps are run in one of two ways. By a thread; or, to test, by those who call the engine: each
 * call first runs so many steps of such jobs as a seed says (work_run). Then one thread does
 * everything, one after the other, and the same seed does the same again: what the crash laboratory
 * explores. */
#ifndef STRATA_10_WORK_H
#define STRATA_10_WORK_H

#include "base/prng.h"
#include "threads/sync.h"

#define WORK_JOBS 4u
#define WORK_REST_LEAST ((uint64_t)50000000)  /* ns */
#define WORK_REST_MOST ((uint64_t)5000000000) /* ns */

enum work_outcome {
    WORK_MORE, /* a step was done; there may be more to do */
    WORK_DONE, /* nothing to do, until the job is queued again */
    WORK_REST  /* something is short: the job rests, twice as long each time, and is tried again */
};

/* Jobs that come first are run first. */
struct work_job {
    enum work_outcome (*step)(void *arg);
    void *arg;
    /* The rest is work.c's: */
    bool queued;
    uint64_t rest, until; /* ns, the last one; 0: it did not rest. Until when */
};

struct work {
    struct sync_mutex mutex;
    struct sync_cond changed; /* the thread waits for a job, others for what a step does */
    struct work_job jobs[WORK_JOBS];
    unsigned count;
    unsigned pauses; /* no step begins while there are any */
    bool running;    /* a step is under way */
    bool stop;
    struct sync_thread thread;
    bool has_thread;
    _Atomic bool by_callers; /* seeded, or no thread can be had */
    struct prng random;
    uint64_t calls; /* of work_run */
};

/* A work without jobs. Its thread is started when a job is first queued. `by_callers`, or when
 * there is no thread: the callers of work_run do the steps, as `seed` says. NO_MEMORY is an errno.
 */
int work_init(struct work *work, bool by_callers, uint64_t seed);
/* Before one is queued. Which one it is, from 0. */
unsigned work_add(struct work *work, enum work_outcome (*step)(void *arg), void *arg);
/* Waits for the step that is under way; no other begins. */
void work_free(struct work *work);

/* There is something to do; soon a step is run. From any thread, within a step, too. An errno: it
 * was the first job, and there is no thread for it. */
int work_queue(struct work *work, unsigned job);

/* Seeded: some steps of queued jobs, now, by this thread. Else nothing. */
void work_run(struct work *work);
/* Waits until `is_so` says true of what steps change, or no job is queued or runs; what it said
 * last. (The next step may make it untrue again.) It is asked with the work's mutex held: it looks
 * at atomics, and takes no lock. Seeded: does steps. */
bool work_wait(struct work *work, bool (*is_so)(void *arg), void *arg);
/* Waits for the step under way; none begins before work_resume. They nest. Not within a step. */
void work_pause(struct work *work);
void work_resume(struct work *work);

#endif
