/* work.c: see work.h.
 *
 * 10.W1: of a job at most one step runs at a time; seeded, of all jobs.
 * 10.W2: a job that was queued after a step of it began is run once more: `queued` is taken back
 *        before the step, not after.
 * 10.W3: who rests is not run before its time, however often it is queued: a full disk is not asked
 *        in a loop. */
#include "10_concurrency/work/work.h"

#include <assert.h>
#include <string.h>

#define STEPS_MOST 4u   /* of a seeded call */
#define CALLS_MOST 256u /* that a job rests for, seeded */

int work_init(struct work *work)
{
    int sys;

    memset(work, 0, sizeof *work);
    sys = sync_mutex_init(&work->mutex);
    if (sys)
        return sys;
    sys = sync_cond_init(&work->queue);
    if (sys == 0) {
        sys = sync_cond_init(&work->stepped);
        if (sys == 0)
            return 0;
        sync_cond_free(&work->queue);
    }
    sync_mutex_free(&work->mutex);
    return sys;
}

void work_free(struct work *work)
{
    assert(!work->thread_count);
    sync_cond_free(&work->stepped);
    sync_cond_free(&work->queue);
    sync_mutex_free(&work->mutex);
}

unsigned work_add(struct work *work, enum work_outcome (*step)(void *arg), void *arg)
{
    assert(work->count < WORK_JOBS);
    work->jobs[work->count] = (struct work_job){.step = step, .arg = arg};
    return work->count++;
}

/* ---- A step ---------------------------------------------------------------------------------- */

static bool is_ready(const struct work_job *job, uint64_t now)
{
    return job->queued && !job->running && job->until <= now;
}

/* Seeded, time is counted in calls. */
static uint64_t now(const struct work *work)
{
    return work->thread_count ? sync_now() : work->calls;
}

static void rest(const struct work *work, struct work_job *job)
{
    uint64_t least = work->thread_count ? WORK_REST_LEAST : 1;
    uint64_t most = work->thread_count ? WORK_REST_MOST : CALLS_MOST;

    job->rest = job->rest ? 2 * job->rest : least;
    if (job->rest > most)
        job->rest = most;
    job->until = now(work) + job->rest;
}

/* The mutex is held before and after. */
static void run_step(struct work *work, struct work_job *job)
{
    enum work_outcome outcome;

    assert(!job->running && !work->pauses); /* 10.W1 */
    job->running = true;
    job->queued = false; /* 10.W2 */
    sync_unlock(&work->mutex);
    outcome = job->step(job->arg);
    sync_lock(&work->mutex);
    job->running = false;
    job->queued |= outcome != WORK_DONE;
    if (outcome == WORK_REST)
        rest(work, job);
    else
        job->rest = job->until = 0;
    sync_wake_all(&work->stepped);
}

/* ---- Threads --------------------------------------------------------------------------------- */

/* The first that is ready. NULL: none is; `until` is when one will be, if it rests, or UINT64_MAX.
 */
static struct work_job *first_ready(struct work *work, uint64_t *until)
{
    uint64_t time = now(work);

    *until = UINT64_MAX;
    for (unsigned i = 0; !work->pauses && i < work->count; i++) {
        struct work_job *job = &work->jobs[i];
        if (is_ready(job, time))
            return job;
        if (job->queued && !job->running && job->until < *until)
            *until = job->until;
    }
    return NULL;
}

static void *run_jobs(void *arg)
{
    struct work *work = arg;
    uint64_t until;

    sync_lock(&work->mutex);
    while (!work->stop) {
        struct work_job *job = first_ready(work, &until);
        if (job)
            run_step(work, job);
        else if (until == UINT64_MAX)
            sync_wait(&work->queue, &work->mutex);
        else
            sync_wait_until(&work->queue, &work->mutex, until);
    }
    sync_unlock(&work->mutex);
    return NULL;
}

int work_start(struct work *work, unsigned threads, uint64_t seed)
{
    int sys = 0;

    assert(threads <= WORK_THREADS && !work->thread_count);
    work->random.state = seed;
    sync_lock(&work->mutex); /* they begin when all are there */
    while (sys == 0 && work->thread_count < threads) {
        sys = sync_start(&work->threads[work->thread_count], run_jobs, work);
        work->thread_count += sys == 0;
    }
    sync_unlock(&work->mutex);
    if (sys)
        work_stop(work);
    return sys;
}

void work_stop(struct work *work)
{
    sync_lock(&work->mutex);
    work->stop = true;
    sync_wake_all(&work->queue);
    sync_unlock(&work->mutex);
    for (unsigned i = 0; i < work->thread_count; i++)
        sync_join(&work->threads[i]);
    work->thread_count = 0;
}

void work_queue(struct work *work, unsigned job)
{
    assert(job < work->count);
    sync_lock(&work->mutex);
    work->jobs[job].queued = true;
    sync_wake_one(&work->queue);
    sync_unlock(&work->mutex);
}

/* ---- Seeded ---------------------------------------------------------------------------------- */

static bool is_running(const struct work *work)
{
    for (unsigned i = 0; i < work->count; i++)
        if (work->jobs[i].running)
            return true;
    return false;
}

/* One of those that are ready, whichever. NULL: none is, or another thread does a step: seeded,
 * too, there is one at a time. */
static struct work_job *draw_ready(struct work *work)
{
    struct work_job *ready[WORK_JOBS];
    unsigned count = 0;

    if (is_running(work))
        return NULL;
    for (unsigned i = 0; !work->pauses && !work->stop && i < work->count; i++)
        if (is_ready(&work->jobs[i], now(work)))
            ready[count++] = &work->jobs[i];
    return count ? ready[prng_next(&work->random) % count] : NULL;
}

void work_run(struct work *work)
{
    struct work_job *job;

    if (work->thread_count)
        return;
    sync_lock(&work->mutex);
    work->calls++;
    for (uint64_t steps = prng_next(&work->random) % STEPS_MOST; steps > 0; steps--)
        if ((job = draw_ready(work)))
            run_step(work, job);
    sync_unlock(&work->mutex);
}

/* A step, or time for those that rest. */
static void run_any(struct work *work)
{
    struct work_job *job = draw_ready(work);

    assert(!work->pauses); /* by this thread: who would end it? */
    if (job)
        run_step(work, job);
    else if (is_running(work))
        sync_wait(&work->stepped, &work->mutex);
    else
        work->calls++;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Nothing that is waited for would come. */
static bool is_idle(const struct work *work)
{
    for (unsigned i = 0; i < work->count; i++)
        if (work->jobs[i].queued || work->jobs[i].running)
            return false;
    return true;
}

/* A step that ends between the question and the wait is not missed: it takes the mutex to say so.
 */
void work_wait(struct work *work, bool (*is_so)(void *arg), void *arg)
{
    sync_lock(&work->mutex);
    while (!is_so(arg) && !is_idle(work)) {
        assert(!work->stop);
        if (work->thread_count)
            sync_wait(&work->stepped, &work->mutex);
        else
            run_any(work);
    }
    sync_unlock(&work->mutex);
}

void work_pause(struct work *work)
{
    sync_lock(&work->mutex);
    work->pauses++;
    while (is_running(work))
        sync_wait(&work->stepped, &work->mutex);
    sync_unlock(&work->mutex);
}

void work_resume(struct work *work)
{
    sync_lock(&work->mutex);
    assert(work->pauses);
    if (--work->pauses == 0)
        sync_wake_all(&work->queue);
    sync_unlock(&work->mutex);
}
