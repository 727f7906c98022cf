/* baton.c: see baton.h.
 *
 * B1: of the threads of a run, the one whose number is `running` uses the struct baton; each other
 *     one waits at its semaphore `go`. Passing the baton is posting the next one's and waiting at
 * one's own, so no lock is needed here. B2: mutexes and semaphores are POSIX's, and are never
 * waited for in the system: a try that fails blocks the thread here, until somebody unlocks or
 * posts. B3: a thread is blocked if and only if its `state` says so; a mutex, condition variable or
 * semaphore is known by its address alone. */
#include "crash/concurrency/baton.h"
#include "crash/need.h"

#include "base/prng.h"
#include "threads/striped.h"
#include "threads/sync.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#define STEPS_MOST 1000000u
#define STEP_NS 1000u
#define HIGH ((uint64_t)1 << 63) /* priorities that threads begin with are above */
#define LOW ((uint64_t)1 << 62)  /* those that fell at a step are above, of those who wait below */
#define HELD_MOST 16u
#define EARLY 32u /* one wait in so many returns without a wake-up */

enum state { READY, FOR_MUTEX, FOR_WAKE_UP, FOR_SEMAPHORE, FOR_THREAD, FOR_TIME, ENDED };

struct baton_thread {
    enum state state;
    const void *what; /* it waits for */
    uint64_t until;   /* it waits no longer; 0: for ever */
    bool timed_out;
    bool yields;
    uint64_t priority;                        /* in_turn: its place in line */
    const struct sync_mutex *held[HELD_MOST]; /* for the report */
    unsigned held_count;
    struct sync_sem go;
    pthread_t os;
    void *(*run)(void *arg);
    void *arg;
    bool joined;
};

struct baton {
    struct baton_thread threads[BATON_THREADS];
    unsigned count, running; /* B1 */
    struct baton_options options;
    uint64_t changes[BATON_DEPTH_MOST]; /* the steps at which a priority falls */
    struct prng random;
    uint64_t now, given_way; /* time, and how often a thread fell below all others */
    uint64_t turns;          /* in_turn: how often a thread got in line */
    struct sync_sem over;
    struct baton_result result;
    void (*body)(void *arg);
    void *arg;
    struct baton *abandoned; /* an earlier run, whose threads are still there */
};

static struct baton *baton;
static struct baton *abandoned;
static _Thread_local struct baton_thread *me;

static unsigned number_of(const struct baton_thread *thread)
{
    return (unsigned)(thread - baton->threads);
}

/* ---- What the end was ------------------------------------------------------------------------ */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char *report = baton->result.report;
    size_t used = strlen(report);
    va_list args;

    va_start(args, format);
    vsnprintf(report + used, sizeof baton->result.report - used, format, args);
    va_end(args);
}

static void say_who_holds(const void *mutex)
{
    for (unsigned i = 0; i < baton->count; i++)
        for (unsigned h = 0; h < baton->threads[i].held_count; h++)
            if (baton->threads[i].held[h] == mutex)
                say(" that thread %u holds", i);
}

static const char *const words[] = {
    [READY] = "can run",
    [FOR_MUTEX] = "waits for a mutex",
    [FOR_WAKE_UP] = "waits for a wake-up",
    [FOR_SEMAPHORE] = "waits for a semaphore",
    [FOR_THREAD] = "waits for the end of thread",
    [FOR_TIME] = "sleeps",
    [ENDED] = "ends",
};

static void say_what_it_waits_for(const struct baton_thread *thread)
{
    say("%sthread %u %s", baton->result.report[0] ? "; " : "", number_of(thread),
        words[thread->state]);
    if (thread->state == FOR_MUTEX)
        say_who_holds(thread->what);
    if (thread->state == FOR_THREAD)
        say(" %u", number_of(thread->what));
}

static void end_run(enum baton_end end)
{
    baton->result.end = end;
    if (end == BATON_ENDLESS)
        say("more than %llu steps", (unsigned long long)baton->options.steps_most);
    for (unsigned i = 0; i < baton->count; i++)
        if (baton->threads[i].state != ENDED)
            say_what_it_waits_for(&baton->threads[i]);
    sem_post(&baton->over.os);
}

/* ---- Who is next ----------------------------------------------------------------------------- */

static bool can_run(const struct baton_thread *thread)
{
    return thread->state == READY || (thread->state != ENDED && thread->until);
}

static void draw_priority(struct baton_thread *thread)
{
    if (baton->options.in_turn)
        thread->priority = HIGH - ++baton->turns;
    else
        thread->priority = prng_next(&baton->random) | HIGH;
}

/* Of a thread that waits in a loop: below all others, or anywhere. */
static void give_way(struct baton_thread *thread)
{
    if (!baton->options.in_turn && prng_below(&baton->random, 2))
        thread->priority = LOW - ++baton->given_way;
    else
        draw_priority(thread);
}

/* May the first go before the second, which may be NULL? Both can run. */
static bool is_before(const struct baton_thread *a, const struct baton_thread *b)
{
    if (!b)
        return true;
    if ((a->state == READY) != (b->state == READY))
        return a->state == READY;
    if (a->state != READY)
        return a->until < b->until;
    return b == baton->threads || (a != baton->threads && a->priority > b->priority);
}

static struct baton_thread *choose_in_turn(void)
{
    struct baton_thread *next = NULL;

    if (me && me->state == READY && !me->yields)
        return me;
    for (unsigned i = 0; i < baton->count; i++)
        if (can_run(&baton->threads[i]) && is_before(&baton->threads[i], next))
            next = &baton->threads[i];
    return next;
}

/* NULL: none can. */
static struct baton_thread *choose(void)
{
    struct baton_thread *next = NULL;
    uint64_t found = 0;

    if (baton->options.in_turn)
        return choose_in_turn();
    for (unsigned i = 0; i < baton->count; i++) {
        struct baton_thread *thread = &baton->threads[i];
        if (!can_run(thread))
            continue;
        found++;
        if (!next || (baton->options.depth ? thread->priority > next->priority
                                           : prng_below(&baton->random, found) == 0))
            next = thread;
    }
    return next;
}

/* It goes on; if it waited until some time, that time has come. */
static void make_ready(struct baton_thread *thread)
{
    thread->timed_out = thread->state != READY;
    if (thread->timed_out && baton->now < thread->until)
        baton->now = thread->until;
    thread->state = READY;
    thread->until = 0;
}

static void count_step(void)
{
    uint64_t step = ++baton->result.steps;

    baton->now += STEP_NS;
    for (unsigned i = 0; i + 1 < baton->options.depth; i++)
        if (step == baton->changes[i])
            me->priority = LOW + i;
}

static void tell_of_switch(unsigned to)
{
    const struct baton_options *o = &baton->options;
    struct baton_switch s = {baton->result.steps, number_of(me), to,
                             me->state == READY ? "" : words[me->state]};

    if (o->switched)
        o->switched(o->arg, &s);
}

/* The next thread goes on. True: it is the caller; else the caller may not look at the baton (B1).
 */
static bool pass(void)
{
    struct baton_thread *next = choose();

    if (!next || baton->result.steps > baton->options.steps_most) {
        end_run(next ? BATON_ENDLESS : BATON_DEADLOCK);
        return false;
    }
    make_ready(next);
    baton->running = number_of(next);
    baton->result.schedule = (baton->result.schedule ^ baton->running) * 0x100000001b3u;
    if (next == me)
        return true;
    tell_of_switch(number_of(next));
    sem_post(&next->go.os);
    return false;
}

static void await_baton(void)
{
    while (sem_wait(&me->go.os) < 0)
        ;
}

/* The caller can run or is blocked: others may go before it goes on. */
static void switch_threads(void)
{
    assert(me && number_of(me) == baton->running); /* B1: sync_start has started it */
    count_step();
    if (!pass())
        await_baton();
}

static void block(enum state state, const void *what, uint64_t until)
{
    me->state = state;
    me->what = what;
    me->until = until;
    if (until)
        give_way(me);
    me->yields = true;
    switch_threads();
    me->yields = false;
}

static void wake(struct baton_thread *thread)
{
    thread->state = READY;
    thread->until = 0;
    if (baton->options.in_turn)
        draw_priority(thread);
}

/* Those blocked by that may try again. */
static void unblock(enum state state, const void *what)
{
    for (unsigned i = 0; i < baton->count; i++)
        if (baton->threads[i].state == state && baton->threads[i].what == what)
            wake(&baton->threads[i]);
}

/* ---- Mutexes --------------------------------------------------------------------------------- */

static void note_held(const struct sync_mutex *mutex)
{
    assert(me->held_count < HELD_MOST);
    me->held[me->held_count++] = mutex;
}

static void take_mutex(struct sync_mutex *mutex)
{
    while (pthread_mutex_trylock(&mutex->os) != 0)
        block(FOR_MUTEX, mutex, 0); /* B2 */
    note_held(mutex);
}

static void give_mutex(struct sync_mutex *mutex)
{
    unsigned i = me->held_count;

    do
        assert(i > 0); /* it is the caller's */
    while (me->held[--i] != mutex);
    me->held[i] = me->held[--me->held_count];
    pthread_mutex_unlock(&mutex->os);
    unblock(FOR_MUTEX, mutex);
}

static void baton_lock(struct sync_mutex *mutex)
{
    switch_threads();
    take_mutex(mutex);
}

static bool baton_trylock(struct sync_mutex *mutex)
{
    switch_threads();
    if (pthread_mutex_trylock(&mutex->os) != 0)
        return false;
    note_held(mutex);
    return true;
}

static void baton_unlock(struct sync_mutex *mutex)
{
    give_mutex(mutex);
    switch_threads();
}

/* ---- Condition variables and semaphores ------------------------------------------------------ */

/* No other thread goes between the unlock and the wait. */
static bool wait_for(struct sync_cond *cond, struct sync_mutex *mutex, uint64_t until)
{
    bool woken;

    give_mutex(mutex);
    if (!baton->options.in_turn && prng_below(&baton->random, EARLY) == 0)
        block(READY, NULL, 0);
    else
        block(FOR_WAKE_UP, cond, until);
    woken = !me->timed_out;
    take_mutex(mutex);
    return woken;
}

static void baton_wait(struct sync_cond *cond, struct sync_mutex *mutex)
{
    wait_for(cond, mutex, 0);
}

static bool baton_wait_until(struct sync_cond *cond, struct sync_mutex *mutex, uint64_t ns)
{
    return wait_for(cond, mutex, ns ? ns : 1);
}

static void baton_wake_one(struct sync_cond *cond)
{
    struct baton_thread *woken = NULL;
    uint64_t found = 0;

    for (unsigned i = 0; i < baton->count; i++) {
        struct baton_thread *thread = &baton->threads[i];
        if (thread->state != FOR_WAKE_UP || thread->what != cond)
            continue;
        found++;
        if (baton->options.in_turn ? !woken || thread->priority > woken->priority
                                   : prng_below(&baton->random, found) == 0)
            woken = thread;
    }
    if (woken)
        wake(woken);
}

static void baton_wake_all(struct sync_cond *cond)
{
    unblock(FOR_WAKE_UP, cond);
}

static void baton_take(struct sync_sem *sem)
{
    switch_threads();
    while (sem_trywait(&sem->os) < 0)
        block(FOR_SEMAPHORE, sem, 0); /* B2 */
}

/* The semaphore may be gone when it is posted. */
static void baton_post(struct sync_sem *sem)
{
    sem_post(&sem->os);
    unblock(FOR_SEMAPHORE, sem);
    switch_threads();
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void *run_thread(void *arg)
{
    void *result;

    me = arg;
    await_baton();
    striped_thread = number_of(me) + 1; /* what follows from it is the same in each run, too */
    result = me->run(me->arg);
    assert(me->held_count == 0);
    me->state = ENDED;
    unblock(FOR_THREAD, me);
    for (unsigned i = 0; i < baton->count; i++)
        if (baton->threads[i].state != ENDED) {
            pass();
            return result;
        }
    sem_post(&baton->over.os);
    return result;
}

static struct baton_thread *new_thread(void *(*run)(void *arg), void *arg)
{
    struct baton_thread *thread;

    need(baton->count < BATON_THREADS ? baton : NULL);
    thread = &baton->threads[baton->count++];
    thread->run = run;
    thread->arg = arg;
    sync_sem_init(&thread->go);
    draw_priority(thread);
    need(pthread_create(&thread->os, NULL, run_thread, thread) == 0 ? thread : NULL);
    return thread;
}

static int baton_start(struct sync_thread *thread, void *(*run)(void *arg), void *arg)
{
    thread->os = new_thread(run, arg)->os;
    switch_threads();
    return 0;
}

static struct baton_thread *find_thread(pthread_t os)
{
    for (unsigned i = baton->count; i-- > 0;)
        if (!baton->threads[i].joined && pthread_equal(baton->threads[i].os, os))
            return &baton->threads[i];
    return NULL;
}

static void *really_join(struct baton_thread *thread)
{
    void *result = NULL;

    pthread_join(thread->os, &result);
    thread->joined = true;
    sem_destroy(&thread->go.os);
    return result;
}

static void *baton_join(struct sync_thread *thread)
{
    struct baton_thread *other = find_thread(thread->os);

    assert(other);
    switch_threads();
    while (other->state != ENDED)
        block(FOR_THREAD, other, 0);
    return really_join(other);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static uint64_t baton_now(void)
{
    return baton->now;
}

static void baton_sleep(uint64_t ns)
{
    block(FOR_TIME, NULL, baton->now + ns + 1);
}

static void baton_yield(void)
{
    give_way(me);
    me->yields = true;
    switch_threads();
    me->yields = false;
}

/* ---- A run ----------------------------------------------------------------------------------- */

static void *run_body(void *arg)
{
    struct baton *b = arg;

    b->body(b->arg);
    return NULL;
}

static struct baton *new_baton(const struct baton_options *options)
{
    struct baton *b = need(calloc(1, sizeof *b));

    assert(options->depth <= BATON_DEPTH_MOST && options->steps > 0);
    b->options = *options;
    if (!b->options.steps_most)
        b->options.steps_most = STEPS_MOST;
    b->random.state = options->seed;
    for (unsigned i = 0; i + 1 < options->depth; i++)
        b->changes[i] = 1 + prng_below(&b->random, options->steps);
    b->now = STEP_NS;
    sem_init(&b->over.os, 0, 0);
    return b;
}

static void free_baton(struct baton *b)
{
    for (unsigned i = 0; i < b->count; i++)
        if (!b->threads[i].joined)
            really_join(&b->threads[i]);
    sem_destroy(&b->over.os);
    free(b);
}

/* Its threads are there as long as the program. */
static void abandon(struct baton *b)
{
    b->abandoned = abandoned;
    abandoned = b;
}

void baton_run(const struct baton_options *options, void (*body)(void *arg), void *arg,
               struct baton_result *result)
{
    static const struct sync_scheduler scheduler = {
        baton_lock,     baton_trylock,  baton_unlock, baton_wait,  baton_wait_until,
        baton_wake_one, baton_wake_all, baton_take,   baton_post,  baton_start,
        baton_join,     baton_now,      baton_sleep,  baton_yield, switch_threads};

    assert(!sync_is_scheduled());
    baton = new_baton(options);
    baton->body = body;
    baton->arg = arg;
    sync_scheduler = &scheduler;
    sem_post(&new_thread(run_body, baton)->go.os);
    while (sem_wait(&baton->over.os) < 0)
        ;
    sync_scheduler = NULL;
    *result = baton->result;
    if (result->end == BATON_DONE)
        free_baton(baton);
    else
        abandon(baton);
    baton = NULL;
}

unsigned baton_thread(void)
{
    return number_of(me);
}

uint64_t baton_steps(void)
{
    return baton->result.steps;
}
