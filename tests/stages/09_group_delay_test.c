/* 09_group_delay_test.c: when a group is held back for more batches, and when not. */
#include "test.h"

#include "09_fast_paths/log/group_delay.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

/* A group by hand: what it has learnt of earlier ones is said by the test. */
enum { LONG_S = 20 };
#define LONG_NS (LONG_S * 1000000000ull)

struct held {
    struct group group;
    struct group_wait *wait;
    struct group_commit commits[3];
    size_t led[3]; /* batches of each list */
    size_t lists;
};

static void begin(struct held *held)
{
    assert_int_equal(group_init(&held->group, NULL), 0);
    assert_int_equal(group_delay_new(&held->group, NULL), 0);
    held->wait = (struct group_wait *)held->group.delay;
}

static void count_led(void *arg, struct group_commit *list)
{
    struct held *held = arg;

    for (; list; list = list->next, held->led[held->lists]++)
        list->rc = 0;
    held->lists++;
}

static const struct strata_op held_op = {STRATA_OP_PUT, {(const uint8_t *)"k", 1}, {NULL, 0}};

static int submit_held(struct held *held, size_t i, bool sync)
{
    held->commits[i] = (struct group_commit){.ops = &held_op, .count = 1, .sync = sync, .rc = 1};
    return group_submit(&held->group, &held->commits[i], 1000, count_led, held);
}

static void *submit_first(void *arg)
{
    assert_int_equal(submit_held(arg, 0, true), 0);
    return NULL;
}

/* Starts a thread whose synced batch waits for another one. */
static void hold_one(struct held *held, pthread_t *thread)
{
    bool waits = false;

    held->wait->expected = 2;
    held->wait->sync_ns = LONG_NS;
    assert_int_equal(pthread_create(thread, NULL, submit_first, held), 0);
    while (!waits) {
        sync_lock(&held->group.mutex);
        waits = held->wait->holder;
        assert_int_equal(held->lists, 0);
        sync_unlock(&held->group.mutex);
        sched_yield();
    }
}

/* The last of those who are expected leads, and no clock decides it. */
static void group_waits_for_those_of_the_last_one(void **state)
{
    struct held held = {0};
    pthread_t thread;

    (void)state;
    begin(&held);
    hold_one(&held, &thread);
    assert_int_equal(submit_held(&held, 1, true), 0);
    pthread_join(thread, NULL);
    assert_int_equal(held.lists, 1);
    assert_int_equal(held.led[0], 2);
    assert_int_equal(held.wait->expected, 2);
    group_free(&held.group);
}

/* Two do not fit together: to wait for a second one gains nothing. */
static void group_that_the_limit_keeps_small_is_not_held_back(void **state)
{
    struct held held = {0};
    struct group_commit waiting = {.ops = &held_op, .count = 1, .sync = true};

    (void)state;
    begin(&held);
    held.commits[0] = (struct group_commit){.ops = &held_op, .count = 1, .sync = true, .rc = 1};
    held.group.first = &waiting; /* its thread is about to run */
    held.group.last = &waiting.next;
    assert_int_equal(group_submit(&held.group, &held.commits[0], 1, count_led, &held), 0);
    assert_int_equal(held.lists, 2);
    assert_int_equal(held.led[0], 1);
    assert_int_equal(held.wait->expected, 1);
    assert_int_equal(held.wait->vain, 0);
    group_free(&held.group);
}

/* What is not to be synced never waits, and takes along who does. */
static void group_is_not_held_back_for_what_is_not_synced(void **state)
{
    struct held held = {0};
    pthread_t thread;

    (void)state;
    begin(&held);
    held.wait->expected = 3;
    held.wait->sync_ns = LONG_NS;
    assert_int_equal(submit_held(&held, 0, false), 0);
    assert_int_equal(held.lists, 1);
    held.lists = 0;
    hold_one(&held, &thread);
    held.wait->expected = 3;
    assert_int_equal(submit_held(&held, 1, false), 0);
    pthread_join(thread, NULL);
    assert_int_equal(held.lists, 1);
    assert_int_equal(held.wait->vain, 0);
    group_free(&held.group);
}

/* The thread that waited for company is done, but has not run since: nobody may rely on it. */
static void group_is_not_left_to_a_thread_that_is_done(void **state)
{
    struct held held = {0};
    pthread_t thread;

    (void)state;
    begin(&held);
    for (int i = 0; i < 20; i++) {
        held.wait->at_once = held.lists = 0;
        hold_one(&held, &thread);
        assert_int_equal(submit_held(&held, 1, true), 0);
        assert_int_equal(submit_held(&held, 2, true), 0);
        pthread_join(thread, NULL);
        assert_int_equal(held.lists, 2);
    }
    group_free(&held.group);
}

/* Half of a sync's time; then it is led as it is, and the next are not held back, each time twice
 * as many. */
static void group_that_waited_in_vain_is_led_and_the_next_at_once(void **state)
{
    struct held held = {0};

    (void)state;
    begin(&held);
    for (unsigned vain = 1; vain < 100; vain = 2 * vain + 1) {
        held.wait->expected = 2;
        held.wait->sync_ns = 2000000;
        held.lists = 0;
        assert_int_equal(submit_held(&held, 0, true), 0);
        assert_int_equal(held.lists, 1);
        assert_int_equal(held.wait->at_once, vain < 63 ? vain : 63);
        held.wait->sync_ns = LONG_NS;
        for (unsigned i = held.wait->at_once; i; i--) {
            held.wait->expected = 2;
            held.lists = 0;
            assert_int_equal(submit_held(&held, 0, true), 0);
        }
        assert_int_equal(held.wait->at_once, 0);
    }
    group_free(&held.group);
}

/* Threads that write, synced and not, and some that want to be alone. */
enum { CROWD = 6, CROWD_BATCHES = 30 };

struct crowd {
    struct group group;
    bool alone; /* somebody is */
    bool two;   /* were, at once */
    size_t led; /* batches */
};

static void begin_alone(struct crowd *crowd)
{
    crowd->two |= crowd->alone;
    crowd->alone = true;
}

/* As a sync does: the mutex is free meanwhile. */
static void lead_crowd(void *arg, struct group_commit *list)
{
    struct crowd *crowd = arg;
    bool sync = false;

    begin_alone(crowd);
    for (struct group_commit *c = list; c; c = c->next) {
        sync |= c->sync;
        c->rc = 0;
        crowd->led++;
    }
    if (sync) {
        const struct timespec a_moment = {0, 20000};
        sync_unlock(&crowd->group.mutex);
        nanosleep(&a_moment, NULL);
        sync_lock(&crowd->group.mutex);
    }
    crowd->alone = false;
}

static void *submit_many(void *arg)
{
    struct crowd *crowd = arg;

    for (size_t i = 0; i < CROWD_BATCHES; i++) {
        struct group_commit commit = {.ops = &held_op, .count = 1, .sync = i % 8 != 0, .rc = 1};
        if (i % 16 == 0) {
            group_enter(&crowd->group);
            begin_alone(crowd);
            crowd->alone = false;
            group_leave(&crowd->group);
        }
        if (group_submit(&crowd->group, &commit, 4, lead_crowd, crowd) != 0)
            crowd->two = true;
    }
    return NULL;
}

/* Each batch is led once, by one leader at a time, and nobody sleeps for ever, not even of those
 * who come last. */
static void group_that_waits_forgets_nobody(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct crowd crowd = {0};
        pthread_t threads[CROWD];

        assert_int_equal(group_init(&crowd.group, NULL), 0);
        assert_int_equal(group_delay_new(&crowd.group, NULL), 0);
        for (size_t i = 0; i < CROWD; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &crowd), 0);
        for (size_t i = 0; i < CROWD; i++)
            pthread_join(threads[i], NULL);
        assert_false(crowd.two);
        assert_int_equal(crowd.led, CROWD * CROWD_BATCHES);
        assert_int_equal(crowd.group.commits, CROWD * CROWD_BATCHES);
        assert_null(crowd.group.first);
        assert_null(((struct group_wait *)crowd.group.delay)->holder);
        group_free(&crowd.group);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_waits_for_those_of_the_last_one),
        cmocka_unit_test(group_that_the_limit_keeps_small_is_not_held_back),
        cmocka_unit_test(group_is_not_held_back_for_what_is_not_synced),
        cmocka_unit_test(group_is_not_left_to_a_thread_that_is_done),
        cmocka_unit_test(group_that_waited_in_vain_is_led_and_the_next_at_once),
        cmocka_unit_test(group_that_waits_forgets_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
