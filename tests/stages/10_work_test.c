/* 10_work_test.c: jobs in steps, by a thread and as a seed says. */
#include "10_concurrency/work/work.h"
#include "test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000u

/* What a job does: it notes its letter, and is done after `left` steps. */
struct task {
    struct work *work;
    char letter;
    _Atomic unsigned left, steps;
    _Atomic bool running;
    unsigned rests; /* so often it rests first */
    bool slow;
    unsigned next; /* a job that its last step queues; 0: none */
    char *log;
};

static enum work_outcome step(void *arg)
{
    struct task *t = arg;

    if (atomic_exchange(&t->running, true))
        abort(); /* one at a time; and a thread of its own has no test to fail */
    if (t->slow)
        sync_sleep(MS / 5);
    atomic_fetch_add(&t->steps, 1);
    if (t->log)
        t->log[strlen(t->log)] = t->letter;
    atomic_store(&t->running, false);
    if (t->rests) {
        t->rests--;
        return WORK_REST;
    }
    if (t->left)
        atomic_fetch_sub(&t->left, 1);
    if (!t->left && t->next)
        work_queue(t->work, t->next);
    return t->left ? WORK_MORE : WORK_DONE;
}

static bool is_done(void *arg)
{
    return !atomic_load(&((struct task *)arg)->left);
}

static void begin(struct work *work, struct task *tasks, unsigned count, bool by_callers,
                  uint64_t seed)
{
    assert_int_equal(work_init(work, by_callers, seed), 0);
    for (unsigned i = 0; i < count; i++) {
        tasks[i].work = work;
        tasks[i].letter = (char)('a' + i);
        assert_int_equal(work_add(work, step, &tasks[i]), i);
    }
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void work_jobs_are_done_by_a_thread(void **state)
{
    struct task tasks[2] = {{.left = 500}, {.left = 300}};
    struct work work;

    (void)state;
    begin(&work, tasks, 2, false, 0);
    work_queue(&work, 1);
    work_queue(&work, 0);
    work_wait(&work, is_done, &tasks[0]);
    work_wait(&work, is_done, &tasks[1]);
    assert_int_equal(tasks[0].steps, 500);
    assert_int_equal(tasks[1].steps, 300);
    work_free(&work);
}

/* What is urgent does not wait for the end of what is long. */
static void work_first_job_goes_before_the_next_step_of_another(void **state)
{
    char log[16] = "";
    struct task tasks[2] = {{.left = 2, .log = log}, {.left = 3, .log = log}};
    struct work work;

    (void)state;
    begin(&work, tasks, 2, false, 0);
    work_pause(&work);
    work_queue(&work, 1);
    work_queue(&work, 0);
    work_resume(&work);
    work_wait(&work, is_done, &tasks[1]);
    assert_string_equal(log, "aabbb");
    work_free(&work);
}

/* Queued while its step runs, perhaps its last one. */
static void work_queued_again_is_run_again(void **state)
{
    struct task tasks[1] = {{.left = 0}};
    struct work work;

    (void)state;
    begin(&work, tasks, 1, false, 0);
    for (int i = 0; i < 3000; i++) {
        atomic_store(&tasks[0].left, 1);
        work_queue(&work, 0);
        work_wait(&work, is_done, &tasks[0]);
        assert_true(is_done(&tasks[0]));
    }
    work_free(&work);
}

static enum work_outcome queue_myself(void *arg)
{
    struct task *t = arg;

    if (atomic_fetch_add(&t->steps, 1) == 0)
        work_queue(t->work, 0);
    return WORK_DONE;
}

static bool has_run_twice(void *arg)
{
    return atomic_load(&((struct task *)arg)->steps) >= 2;
}

static void work_queued_within_its_step_is_run_again(void **state)
{
    (void)state;
    for (int by_callers = 0; by_callers < 2; by_callers++) {
        struct task task = {.left = 0};
        struct work work;
        assert_int_equal(work_init(&work, by_callers, 1), 0);
        work_add(&work, queue_myself, &task);
        task.work = &work;
        work_queue(&work, 0);
        assert_true(work_wait(&work, has_run_twice, &task));
        assert_true(has_run_twice(&task));
        work_free(&work);
    }
}

static bool is_never(void *arg)
{
    (void)arg;
    return false;
}

/* The job has done what it can: who waits for more looks again, and does not wait for ever. */
static void work_wait_ends_when_nothing_is_queued(void **state)
{
    (void)state;
    for (int by_callers = 0; by_callers < 2; by_callers++) {
        struct task tasks[2] = {{.left = 50}, {.left = 30}};
        struct work work;
        begin(&work, tasks, 2, by_callers, 1);
        work_queue(&work, 0);
        work_queue(&work, 1);
        assert_false(work_wait(&work, is_never, NULL));
        assert_int_equal(tasks[0].steps, 50);
        assert_int_equal(tasks[1].steps, 30);
        work_free(&work);
    }
}

static void work_pause_lets_no_step_begin(void **state)
{
    struct task tasks[2] = {{.left = 1000000, .slow = true}, {.left = 1000000, .slow = true}};
    struct work work;

    (void)state;
    begin(&work, tasks, 2, false, 0);
    work_queue(&work, 0);
    work_queue(&work, 1);
    for (int i = 0; i < 20; i++) {
        unsigned before;
        sync_sleep(MS / 2); /* one is in a step, nearly always */
        work_pause(&work);
        work_pause(&work);
        before = tasks[0].steps + tasks[1].steps;
        work_resume(&work);
        sync_sleep(MS / 10);
        assert_int_equal(tasks[0].steps + tasks[1].steps, before);
        work_resume(&work);
    }
    work_free(&work); /* in the middle of one */
    assert_false(tasks[0].running || tasks[1].running);
}

struct late {
    struct work work;
    _Atomic bool in_step;
};

/* Ends some time after all is to end. */
static enum work_outcome end_late(void *arg)
{
    struct late *late = arg;
    bool stop = false;

    late->in_step = true;
    while (!stop) {
        sync_sleep(MS / 10);
        sync_lock(&late->work.mutex);
        stop = late->work.stop;
        sync_unlock(&late->work.mutex);
    }
    sync_sleep(20 * MS);
    late->in_step = false;
    return WORK_DONE;
}

/* Whoever closes frees next what the step works on. */
static void work_free_waits_for_the_step_under_way(void **state)
{
    static struct late late;

    (void)state;
    late.in_step = false;
    assert_int_equal(work_init(&late.work, false, 0), 0);
    work_add(&late.work, end_late, &late);
    work_queue(&late.work, 0);
    while (!late.in_step)
        sync_sleep(MS / 10);
    work_free(&late.work);
    assert_false(late.in_step);
}

/* A disk that is full is asked now and then, however often somebody wants it. */
static void work_that_rests_is_tried_again_and_does_not_spin(void **state)
{
    struct task tasks[1] = {{.left = 1, .rests = 2}};
    uint64_t began = sync_now();
    struct work work;

    (void)state;
    begin(&work, tasks, 1, false, 0);
    work_queue(&work, 0);
    while (!is_done(&tasks[0])) {
        work_queue(&work, 0);
        sync_sleep(MS);
    }
    assert_int_equal(tasks[0].steps, 3);
    assert_true(sync_now() - began >= 3 * WORK_REST_LEAST);
    work_free(&work);
}

/* ---- Seeded ---------------------------------------------------------------------------------- */

static void run_seeded(uint64_t seed, char log[64])
{
    struct task tasks[3] = {{.left = 5, .log = log, .next = 2},
                            {.left = 6, .log = log, .rests = 2},
                            {.left = 4, .log = log}};
    struct work work;

    memset(log, 0, 64);
    begin(&work, tasks, 3, true, seed);
    work_queue(&work, 0);
    work_queue(&work, 1);
    for (int i = 0; i < 5; i++) {
        work_run(&work);
        log[strlen(log)] = '.'; /* the caller's own */
    }
    work_wait(&work, is_done, &tasks[2]);
    work_wait(&work, is_done, &tasks[1]);
    work_free(&work);
    assert_int_equal(tasks[0].steps, 5);
    assert_int_equal(tasks[1].steps, 8);
    assert_int_equal(tasks[2].steps, 4);
}

static void work_seed_says_what_is_done_when(void **state)
{
    char first[64], again[64], other[64];
    unsigned differ = 0;

    (void)state;
    run_seeded(7, first);
    run_seeded(7, again);
    assert_string_equal(first, again);
    for (uint64_t seed = 8; seed < 28; seed++) {
        run_seeded(seed, other);
        differ += strcmp(first, other) != 0;
    }
    assert_true(differ >= 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_jobs_are_done_by_a_thread),
        cmocka_unit_test(work_first_job_goes_before_the_next_step_of_another),
        cmocka_unit_test(work_queued_again_is_run_again),
        cmocka_unit_test(work_queued_within_its_step_is_run_again),
        cmocka_unit_test(work_wait_ends_when_nothing_is_queued),
        cmocka_unit_test(work_pause_lets_no_step_begin),
        cmocka_unit_test(work_free_waits_for_the_step_under_way),
        cmocka_unit_test(work_that_rests_is_tried_again_and_does_not_spin),
        cmocka_unit_test(work_seed_says_what_is_done_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
