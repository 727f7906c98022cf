/* work.c: see work.h.
 *
 * 10.W1: one step runs at a time.
 * 10.W2: a job that was queued after a step of it began is run once more: `queued` is taken back
 *        before the step, not after.
 * 10.W3: who rests is not run before its time, however often it is queued: a full disk is not asked
 *        in a loop. */
#include "10_concurrency/work/work.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define STEPS_MOST 4u /* of a seeded call */

int work_init(struct work *work, bool by_callers, uint64_t seed)
{
    memset(work, 0, sizeof *work);
    work->by_callers = by_callers;
    work->random.state = seed;
    if (sync_mutex_init(&work->mutex) != 0)
        return ENOMEM;
    if (sync_cond_init(&work->changed) == 0)
        return 0;
    sync_mutex_free(&work->mutex);
    return ENOMEM;
}

unsigned work_add(struct work *work, enum work_outcome (*step)(void *arg), void *arg)
{
    assert(work->count < WORK_JOBS);
    work->jobs[work->count] = (struct work_job){.step = step, .arg = arg};
    return work->count++;
}

/* ---- A step ---------------------------------------------------------------------------------- */

/* Seeded, each call takes as long as the shortest rest. */
static uint64_t now(const struct work *work)
{
    return work->by_callers ? work->calls * WORK_REST_LEAST : sync_now();
}

static void rest(const struct work *work, struct work_job *job)
{
    job->rest = job->rest ? 2 * job->rest : WORK_REST_LEAST;
    if (job->rest > WORK_REST_MOST)
        job->rest = WORK_REST_MOST;
    job->until = now(work) + job->rest;
}

/* The mutex is held before and after. */
static void run_step(struct work *work, struct work_job *job)
{
    enum work_outcome outcome;

    assert(!work->running && !work->pauses); /* 10.W1 */
    work->running = true;
    job->queued = false; /* 10.W2 */
    sync_unlock(&work->mutex);
    outcome = job->step(job->arg);
    sync_lock(&work->mutex);
    work->running = false;
    job->queued |= outcome != WORK_DONE;
    if (outcome == WORK_REST)
        rest(work, job);
    else
        job->rest = job->until = 0;
    sync_wake_all(&work->changed);
}

/* One that is ready: the first; seeded, any. NULL: none is, or none may begin; `until` is when one
 * will be, if it rests, or UINT64_MAX. */
static struct work_job *next_job(struct work *work, uint64_t *until)
{
    struct work_job *ready[WORK_JOBS];
    uint64_t time = now(work);
    unsigned count = 0;

    *until = UINT64_MAX;
    if (work->running || work->pauses || work->stop)
        return NULL;
    for (unsigned i = 0; i < work->count; i++) {
        struct work_job *job = &work->jobs[i];
        if (job->queued && job->until <= time)
            ready[count++] = job;
        else if (job->queued && job->until < *until)
            *until = job->until;
    }
    if (!count)
        return NULL;
    return ready[work->by_callers ? prng_next(&work->random) % count : 0];
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void *run_jobs(void *arg)
{
    struct work *work = arg;
    uint64_t until;

    sync_lock(&work->mutex);
    while (!work->stop) {
        struct work_job *job = next_job(work, &until);
        if (job)
            run_step(work, job);
        else if (until == UINT64_MAX)
            sync_wait(&work->changed, &work->mutex);
        else
            sync_wait_until(&work->changed, &work->mutex, until);
    }
    sync_unlock(&work->mutex);
    return NULL;
}

/* The mutex is held: it begins when that is free. A handle without work has none. */
static int start_thread(struct work *work)
{
    int sys;

    if (work->by_callers || work->has_thread || work->stop)
        return 0;
    sys = sync_start(&work->thread, run_jobs, work);
    work->has_thread = sys == 0;
    work->by_callers = sys != 0;
    return sys;
}

void work_free(struct work *work)
{
    sync_lock(&work->mutex);
    work->stop = true;
    sync_wake_all(&work->changed);
    sync_unlock(&work->mutex);
    if (work->has_thread)
        sync_join(&work->thread);
    sync_cond_free(&work->changed);
    sync_mutex_free(&work->mutex);
}

int work_queue(struct work *work, unsigned job)
{
    int sys;

    assert(job < work->count);
    sync_lock(&work->mutex);
    sys = start_thread(work);
    work->jobs[job].queued = true;
    sync_wake_all(&work->changed);
    sync_unlock(&work->mutex);
    return sys;
}

/* ---- Seeded ---------------------------------------------------------------------------------- */

void work_run(struct work *work)
{
    struct work_job *job;
    uint64_t until;

    if (!work->by_callers)
        return;
    sync_lock(&work->mutex);
    work->calls++;
    for (uint64_t steps = prng_next(&work->random) % STEPS_MOST; steps > 0; steps--)
        if ((job = next_job(work, &until)))
            run_step(work, job);
    sync_unlock(&work->mutex);
}

/* A step, or time for those that rest. */
static void run_any(struct work *work)
{
    uint64_t until;
    struct work_job *job = next_job(work, &until);

    assert(!work->pauses); /* by this thread: who would end it? */
    if (job)
        run_step(work, job);
    else if (work->running)
        sync_wait(&work->changed, &work->mutex);
    else
        work->calls++;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Nothing that is waited for would come. */
static bool is_idle(const struct work *work)
{
    for (unsigned i = 0; i < work->count; i++)
        if (work->jobs[i].queued)
            return false;
    return !work->running;
}

/* A step that ends between the question and the wait is not missed: it takes the mutex to say so.
 */
bool work_wait(struct work *work, bool (*is_so)(void *arg), void *arg)
{
    bool so;

    sync_lock(&work->mutex);
    while (!(so = is_so(arg)) && !is_idle(work)) {
        assert(!work->stop);
        if (work->by_callers)
            run_any(work);
        else
            sync_wait(&work->changed, &work->mutex);
    }
    sync_unlock(&work->mutex);
    return so;
}

void work_pause(struct work *work)
{
    sync_lock(&work->mutex);
    work->pauses++;
    while (work->running)
        sync_wait(&work->changed, &work->mutex);
    sync_unlock(&work->mutex);
}

void work_resume(struct work *work)
{
    sync_lock(&work->mutex);
    assert(work->pauses);
    if (--work->pauses == 0)
        sync_wake_all(&work->changed);
    sync_unlock(&work->mutex);
}
