/* sync_test.c: locks, waits and threads, with and without a scheduler. */
#include "threads/sync.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#define MS 1000000u

/* ---- Without a scheduler --------------------------------------------------------------------- */

struct shared {
    struct sync_mutex mutex;
    struct sync_cond changed;
    struct sync_sem sem;
    unsigned turns;
    bool go;
};

static void shared_init(struct shared *s)
{
    memset(s, 0, sizeof *s);
    assert_int_equal(sync_mutex_init(&s->mutex), 0);
    assert_int_equal(sync_cond_init(&s->changed), 0);
    sync_sem_init(&s->sem);
}

static void shared_free(struct shared *s)
{
    sync_sem_free(&s->sem);
    sync_cond_free(&s->changed);
    sync_mutex_free(&s->mutex);
}

static void *count_when_told(void *arg)
{
    struct shared *s = arg;

    sync_lock(&s->mutex);
    while (!s->go)
        sync_wait(&s->changed, &s->mutex);
    sync_unlock(&s->mutex);
    for (int i = 0; i < 1000; i++) {
        sync_lock(&s->mutex);
        s->turns++;
        sync_unlock(&s->mutex);
    }
    sync_post(&s->sem);
    return s;
}

static void sync_threads_wait_lock_and_end(void **state)
{
    struct sync_thread threads[2];
    struct shared s;

    (void)state;
    shared_init(&s);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(sync_start(&threads[i], count_when_told, &s), 0);
    sync_lock(&s.mutex);
    s.go = true;
    sync_wake_all(&s.changed);
    sync_unlock(&s.mutex);
    sync_take(&s.sem);
    sync_take(&s.sem);
    for (size_t i = 0; i < 2; i++)
        assert_ptr_equal(sync_join(&threads[i]), &s);
    assert_int_equal(s.turns, 2000);
    shared_free(&s);
}

static void *lock_in_vain(void *arg)
{
    return sync_trylock(&((struct shared *)arg)->mutex) ? NULL : arg;
}

static void sync_locked_mutex_is_not_taken(void **state)
{
    struct sync_thread thread;
    struct shared s;

    (void)state;
    shared_init(&s);
    assert_true(sync_trylock(&s.mutex));
    assert_int_equal(sync_start(&thread, lock_in_vain, &s), 0);
    assert_ptr_equal(sync_join(&thread), &s);
    sync_unlock(&s.mutex);
    shared_free(&s);
}

static void sync_wait_ends_at_its_time(void **state)
{
    uint64_t until = sync_now() + 20 * MS;
    struct shared s;

    (void)state;
    shared_init(&s);
    sync_lock(&s.mutex);
    while (sync_wait_until(&s.changed, &s.mutex, until))
        ;
    sync_unlock(&s.mutex);
    assert_true(sync_now() >= until);
    sync_sleep(5 * MS);
    assert_true(sync_now() >= until + 5 * MS);
    shared_free(&s);
}

static void *blocked(void *arg)
{
    sigset_t now;

    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, SIGINT) == 1 && sigismember(&now, SIGTERM) == 1 ? arg : NULL;
}

/* A library's thread that takes the program's SIGINT would run its handler. */
static void sync_thread_takes_no_signal(void **state)
{
    struct sync_thread thread;
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(sync_start(&thread, blocked, &thread), 0);
    assert_ptr_equal(sync_join(&thread), &thread);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
    (void)state;
}

static unsigned inits;

static void init_once(void)
{
    inits++;
}

static void sync_once_is_once(void **state)
{
    static struct sync_once once = SYNC_ONCE_INIT;

    (void)state;
    sync_once(&once, init_once);
    sync_once(&once, init_once);
    assert_int_equal(inits, 1);
}

/* ---- With one -------------------------------------------------------------------------------- */

static char seen[64];

static void note(char c)
{
    size_t at = strlen(seen);
    assert_true(at + 1 < sizeof seen);
    seen[at] = c;
}

static void note_lock(struct sync_mutex *m)
{
    (void)m;
    note('L');
}
static bool note_trylock(struct sync_mutex *m)
{
    (void)m;
    note('l');
    return false;
}
static void note_unlock(struct sync_mutex *m)
{
    (void)m;
    note('U');
}
static void note_wait(struct sync_cond *c, struct sync_mutex *m)
{
    (void)c, (void)m;
    note('W');
}
static bool note_wait_until(struct sync_cond *c, struct sync_mutex *m, uint64_t ns)
{
    (void)c, (void)m;
    note('w');
    return ns == 7;
}
static void note_wake_one(struct sync_cond *c)
{
    (void)c;
    note('o');
}
static void note_wake_all(struct sync_cond *c)
{
    (void)c;
    note('a');
}
static void note_take(struct sync_sem *s)
{
    (void)s;
    note('T');
}
static void note_post(struct sync_sem *s)
{
    (void)s;
    note('P');
}
static int note_start(struct sync_thread *t, void *(*run)(void *arg), void *arg)
{
    (void)t, (void)run, (void)arg;
    note('S');
    return 5;
}
static void *note_join(struct sync_thread *t)
{
    note('J');
    return t;
}
static uint64_t note_now(void)
{
    note('N');
    return 42;
}
static void note_sleep(uint64_t ns)
{
    assert_int_equal(ns, 3);
    note('Z');
}
static void note_yield(void)
{
    note('Y');
}
static void note_point(void)
{
    note('.');
}

static void sync_scheduler_is_asked_instead(void **state)
{
    static const struct sync_scheduler scheduler = {
        note_lock,     note_trylock,  note_unlock, note_wait,  note_wait_until,
        note_wake_one, note_wake_all, note_take,   note_post,  note_start,
        note_join,     note_now,      note_sleep,  note_yield, note_point};
    struct sync_thread thread;
    struct shared s;

    (void)state;
    shared_init(&s);
    sync_point(); /* nothing */
    sync_scheduler = &scheduler;
    sync_lock(&s.mutex);
    assert_false(sync_trylock(&s.mutex));
    sync_unlock(&s.mutex);
    sync_wait(&s.changed, &s.mutex);
    assert_true(sync_wait_until(&s.changed, &s.mutex, 7));
    sync_wake_one(&s.changed);
    sync_wake_all(&s.changed);
    sync_take(&s.sem);
    sync_post(&s.sem);
    assert_int_equal(sync_start(&thread, blocked, &thread), 5);
    assert_ptr_equal(sync_join(&thread), &thread);
    assert_int_equal(sync_now(), 42);
    sync_sleep(3);
    sync_yield();
    sync_point();
    sync_scheduler = NULL;
    assert_string_equal(seen, "LlUWwoaTPSJNZY.");
    shared_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sync_threads_wait_lock_and_end),
        cmocka_unit_test(sync_locked_mutex_is_not_taken),
        cmocka_unit_test(sync_wait_ends_at_its_time),
        cmocka_unit_test(sync_thread_takes_no_signal),
        cmocka_unit_test(sync_once_is_once),
        cmocka_unit_test(sync_scheduler_is_asked_instead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
