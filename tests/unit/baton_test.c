/* baton_test.c: the scheduler of tests finds planted races, each again by its seed, and nothing in
 * what is right. */
#include "test.h"

#include "base/prng.h"
#include "crash/concurrency/baton.h"
#include "threads/sync.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 200 /* at most, to find a planted race */
#define THREADS 3

/* What a planted program works on. On the heap: after a deadlock it stays. */
struct shared {
    struct sync_mutex mutex, other;
    struct sync_cond changed;
    struct sync_sem sem;
    unsigned count, turns;
    bool go, wrong, woken;
    void *(*run)(void *arg);
};

static struct shared *shared_new(void *(*run)(void *arg))
{
    struct shared *s = calloc(1, sizeof *s);

    assert_non_null(s);
    assert_int_equal(sync_mutex_init(&s->mutex), 0);
    assert_int_equal(sync_mutex_init(&s->other), 0);
    assert_int_equal(sync_cond_init(&s->changed), 0);
    sync_sem_init(&s->sem);
    s->run = run;
    return s;
}

static void shared_free(struct shared *s)
{
    sync_sem_free(&s->sem);
    sync_cond_free(&s->changed);
    sync_mutex_free(&s->other);
    sync_mutex_free(&s->mutex);
    free(s);
}

/* THREADS threads, started and joined. */
static void run_all(void *arg)
{
    struct shared *s = arg;
    struct sync_thread threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        sync_start(&threads[i], s->run, s);
    for (unsigned i = 0; i < THREADS; i++)
        s->wrong |= sync_join(&threads[i]) != s;
}

/* One schedule. `*wrong`: the program saw that something is. */
static struct baton_result run_one(void *(*run)(void *arg), struct baton_options options,
                                   bool *wrong)
{
    struct shared *s = shared_new(run);
    struct baton_result result;

    if (!options.steps)
        options.steps = 60;
    baton_run(&options, run_all, s, &result);
    *wrong = s->wrong;
    if (result.end == BATON_DONE)
        shared_free(s);
    return result;
}

/* Some seed finds what is wrong, and finds it again, by the same schedule. */
static struct baton_result find_at(void *(*run)(void *arg), unsigned depth)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct baton_options options = {.seed = seed, .depth = depth, .steps_most = 5000};
        bool wrong, wrong_again;
        struct baton_result result = run_one(run, options, &wrong), again;
        if (!wrong && result.end == BATON_DONE)
            continue;
        again = run_one(run, options, &wrong_again);
        assert_int_equal(wrong, wrong_again);
        assert_int_equal(result.end, again.end);
        assert_int_equal(result.steps, again.steps);
        assert_true(result.schedule == again.schedule);
        assert_string_equal(result.report, again.report);
        return result;
    }
    fail_msg("not found by %d schedules of depth %u", SEEDS, depth);
    return (struct baton_result){0};
}

static struct baton_result find(void *(*run)(void *arg))
{
    find_at(run, 0);
    return find_at(run, BATON_DEPTH);
}

/* No seed finds anything wrong. */
static void find_nothing(void *(*run)(void *arg), unsigned seeds)
{
    uint64_t first = 0, different = 0;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct baton_options options = {.seed = seed, .depth = (unsigned)(seed % 5)};
        bool wrong;
        struct baton_result result = run_one(run, options, &wrong);
        if (wrong || result.end != BATON_DONE)
            fail_msg("seed %u of depth %u: %s", (unsigned)seed, options.depth, result.report);
        if (seed == 1)
            first = result.schedule;
        different += result.schedule != first;
    }
    assert_true(different > seeds / 2);
}

/* ---- Planted races --------------------------------------------------------------------------- */

static void *add_without_a_lock(void *arg)
{
    struct shared *s = arg;
    unsigned before = s->count;

    sync_point();
    s->count = before + 1;
    if (++s->turns == THREADS)
        s->wrong = s->count != THREADS;
    return s;
}

static void baton_lost_update_is_found(void **state)
{
    (void)state;
    assert_int_equal(find(add_without_a_lock).end, BATON_DONE);
    find_at(add_without_a_lock, 2);
}

/* It sees that there is nothing, and waits: a wake-up in between is lost. */
static void *look_then_wait(void *arg)
{
    struct shared *s = arg;
    bool first, go;

    sync_lock(&s->mutex);
    first = s->turns++ == 0;
    go = s->go;
    sync_unlock(&s->mutex);
    if (first) { /* who comes first waits */
        sync_lock(&s->mutex);
        if (!go)
            sync_wait(&s->changed, &s->mutex);
        sync_unlock(&s->mutex);
        return s;
    }
    sync_lock(&s->mutex);
    s->go = true;
    sync_wake_all(&s->changed);
    sync_unlock(&s->mutex);
    return s;
}

static void baton_lost_wake_up_is_found(void **state)
{
    struct baton_result result = find(look_then_wait);

    (void)state;
    assert_int_equal(result.end, BATON_DEADLOCK);
    assert_says(result.report, "waits for a wake-up");
    assert_says(result.report, "thread 0 waits for the end of thread");
}

static void *lock_two_in_any_order(void *arg)
{
    struct shared *s = arg;
    bool turned;

    sync_lock(&s->mutex);
    turned = s->turns++ == 1;
    sync_unlock(&s->mutex);
    sync_lock(turned ? &s->other : &s->mutex);
    sync_lock(turned ? &s->mutex : &s->other);
    sync_unlock(&s->mutex);
    sync_unlock(&s->other);
    return s;
}

static void baton_deadlock_says_who_waits_for_whom(void **state)
{
    struct baton_result result = find(lock_two_in_any_order);

    (void)state;
    assert_int_equal(result.end, BATON_DEADLOCK);
    assert_says(result.report, "waits for a mutex that thread ");
}

static void *take_what_nobody_posts(void *arg)
{
    struct shared *s = arg;

    sync_take(&s->sem);
    return s;
}

static void baton_semaphore_nobody_posts_is_a_deadlock(void **state)
{
    struct baton_options options = {.seed = 1, .depth = BATON_DEPTH};
    bool wrong;
    struct baton_result result = run_one(take_what_nobody_posts, options, &wrong);

    (void)state;
    assert_int_equal(result.end, BATON_DEADLOCK);
    assert_string_equal(result.report,
                        "thread 0 waits for the end of thread 1; thread 1 waits for a semaphore; "
                        "thread 2 waits for a semaphore; thread 3 waits for a semaphore");
}

static void *spin(void *arg)
{
    struct shared *s = arg;

    while (!s->go)
        sync_yield();
    return s;
}

static void baton_endless_loop_is_ended(void **state)
{
    struct baton_options options = {.seed = 1, .depth = BATON_DEPTH, .steps_most = 1000};
    bool wrong;
    struct baton_result result = run_one(spin, options, &wrong);

    (void)state;
    assert_int_equal(result.end, BATON_ENDLESS);
    assert_says(result.report, "more than 1000 steps; thread 0 waits for the end of thread 1; ");
}

/* A wait may end without a wake-up, and before the condition is true. */
static void *wait_with_if(void *arg)
{
    struct shared *s = arg;

    sync_lock(&s->mutex);
    if (s->turns++ == THREADS - 1) {
        s->go = true;
        sync_wake_all(&s->changed);
    }
    if (!s->go)
        sync_wait(&s->changed, &s->mutex);
    s->wrong |= !s->go;
    sync_unlock(&s->mutex);
    return s;
}

static void baton_wait_that_does_not_look_again_is_found(void **state)
{
    (void)state;
    assert_int_equal(find(wait_with_if).end, BATON_DONE);
}

/* ---- What is right --------------------------------------------------------------------------- */

/* Each of the calls: a queue of one place. */
static void *hand_round(void *arg)
{
    struct shared *s = arg;

    for (unsigned i = 0; i < 3; i++) {
        sync_lock(&s->mutex);
        while (s->go)
            sync_wait(&s->changed, &s->mutex);
        s->go = true;
        sync_unlock(&s->mutex);
        s->count++; /* it is ours */
        sync_point();
        s->wrong |= s->count != ++s->turns;
        sync_lock(&s->mutex);
        s->go = false;
        sync_wake_one(&s->changed);
        sync_unlock(&s->mutex);
    }
    sync_post(&s->sem);
    sync_take(&s->sem);
    return s;
}

static void baton_right_program_is_right_in_each_schedule(void **state)
{
    (void)state;
    find_nothing(hand_round, check_quick() ? 500 : 5000);
}

/* Waits for time and for others, in all ways that do not block. */
static void *wait_in_turns(void *arg)
{
    struct shared *s = arg;
    uint64_t begin = sync_now();
    bool in_time = true;

    while (!sync_trylock(&s->mutex))
        sync_yield();
    if (s->turns++ == 0)
        while (!s->go && in_time)
            in_time = sync_wait_until(&s->changed, &s->mutex, begin + 1000000);
    else
        s->go = true;
    s->wrong |= !in_time && sync_now() < begin + 1000000;
    sync_unlock(&s->mutex);
    sync_wake_all(&s->changed);
    begin = sync_now();
    sync_sleep(500);
    s->wrong |= sync_now() < begin + 500;
    return s;
}

static void baton_time_passes_and_waits_end(void **state)
{
    (void)state;
    find_nothing(wait_in_turns, check_quick() ? 300 : 3000);
}

/* The one that is waited for may have the lowest priority, and others may wait as well. */
static void *wait_by_yields(void *arg)
{
    struct shared *s = arg;
    unsigned turn;

    sync_lock(&s->mutex);
    turn = s->turns++;
    sync_unlock(&s->mutex);
    for (unsigned i = 0; turn == 0 && i < 20; i++)
        sync_point();
    if (turn == 0)
        s->go = true;
    while (!s->go)
        if (turn == 1)
            sync_yield();
        else
            sync_sleep(100);
    return s;
}

static void baton_who_waits_in_a_loop_gives_way(void **state)
{
    (void)state;
    find_nothing(wait_by_yields, 1000);
}

/* Over many seeds, a timed wait both times out and is woken. */
static unsigned timed_out, in_time;

static void *wait_or_wake(void *arg)
{
    struct shared *s = arg;

    sync_lock(&s->mutex);
    if (s->turns++ == 0) {
        while (!s->go)
            if (!sync_wait_until(&s->changed, &s->mutex, sync_now() + 1000))
                break;
        *(s->go ? &in_time : &timed_out) += 1;
    } else {
        s->go = true;
        sync_wake_one(&s->changed);
    }
    sync_unlock(&s->mutex);
    return s;
}

static void baton_timed_wait_ends_either_way(void **state)
{
    (void)state;
    find_nothing(wait_or_wake, 100);
    assert_true(timed_out > 0);
    assert_true(in_time > 0);
}

static void baton_other_seeds_are_other_schedules(void **state)
{
    uint64_t seen[100];
    unsigned same = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        bool wrong;
        seen[seed] =
            run_one(hand_round, (struct baton_options){.seed = seed, .steps = 60}, &wrong).schedule;
        for (uint64_t before = 0; before < seed; before++)
            same += seen[before] == seen[seed];
    }
    assert_true(same < 10);
}

/* ---- In turn ------------------------------------------------------------------------- */

#define NOTES_MOST 16

/* What threads did, in order. */
struct turns {
    struct sync_mutex mutex;
    struct sync_cond changed;
    struct sync_sem sem;
    bool open;
    char notes[NOTES_MOST + 1];
    size_t count;
};

static void note(struct turns *t, char what)
{
    assert(t->count < NOTES_MOST); /* no thread of cmocka's */
    t->notes[t->count++] = what;
}

static void *wait_for_the_door(void *arg)
{
    struct turns *t = arg;

    note(t, 'a');
    sync_lock(&t->mutex);
    while (!t->open)
        sync_wait(&t->changed, &t->mutex);
    sync_unlock(&t->mutex);
    note(t, 'A');
    return NULL;
}

/* It does not stop at what is no wait. */
static void *open_the_door(void *arg)
{
    struct turns *t = arg;

    note(t, 'b');
    sync_lock(&t->mutex);
    t->open = true;
    sync_wake_all(&t->changed);
    sync_unlock(&t->mutex);
    sync_post(&t->sem);
    sync_point();
    note(t, 'B');
    return NULL;
}

static void *wait_in_vain(void *arg)
{
    struct turns *t = arg;
    uint64_t until = sync_now() + 1000000000u;

    note(t, 'c');
    sync_lock(&t->mutex);
    while (sync_wait_until(&t->changed, &t->mutex, until))
        ;
    assert(sync_now() >= until);
    sync_unlock(&t->mutex);
    note(t, 'C');
    sync_post(&t->sem);
    return NULL;
}

/* Thread 0: the digits say that all others have done what they can. */
static void run_in_turn(void *arg)
{
    struct turns *t = arg;
    struct sync_thread threads[3];

    sync_start(&threads[0], wait_in_vain, t);
    sync_start(&threads[1], wait_for_the_door, t);
    note(t, '0');
    sync_yield();
    note(t, '1');
    sync_start(&threads[2], open_the_door, t);
    note(t, '2');
    sync_yield();
    note(t, '3');
    sync_take(&t->sem); /* the door's */
    note(t, '4');
    sync_take(&t->sem); /* here time passes */
    note(t, '5');
    for (int i = 0; i < 3; i++)
        sync_join(&threads[i]);
}

static void baton_in_turn_a_thread_runs_until_it_waits(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct turns t = {.open = false};
        struct baton_options options = {
            .seed = seed, .depth = (unsigned)(seed % 4), .steps = 20, .in_turn = true};
        struct baton_result result;
        assert_int_equal(sync_mutex_init(&t.mutex), 0);
        assert_int_equal(sync_cond_init(&t.changed), 0);
        sync_sem_init(&t.sem);
        baton_run(&options, run_in_turn, &t, &result);
        assert_int_equal(result.end, BATON_DONE);
        assert_string_equal(t.notes, "0ca12bBA34C5");
        sync_sem_free(&t.sem);
        sync_cond_free(&t.changed);
        sync_mutex_free(&t.mutex);
    }
}

/* Threads of a schedule that ended in a deadlock are not joined. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "report_thread_leaks=0";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baton_lost_update_is_found),
        cmocka_unit_test(baton_lost_wake_up_is_found),
        cmocka_unit_test(baton_wait_that_does_not_look_again_is_found),
        cmocka_unit_test(baton_deadlock_says_who_waits_for_whom),
        cmocka_unit_test(baton_semaphore_nobody_posts_is_a_deadlock),
        cmocka_unit_test(baton_endless_loop_is_ended),
        cmocka_unit_test(baton_right_program_is_right_in_each_schedule),
        cmocka_unit_test(baton_time_passes_and_waits_end),
        cmocka_unit_test(baton_who_waits_in_a_loop_gives_way),
        cmocka_unit_test(baton_timed_wait_ends_either_way),
        cmocka_unit_test(baton_other_seeds_are_other_schedules),
        cmocka_unit_test(baton_in_turn_a_thread_runs_until_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
