/* lock_test.c: the table of locks of this process, over flock. (Other processes and forks with
 * whole databases: contract_process_test.c.) */
#include "test.h"

#include "child.h"
#include "fs/lock.h"
#include "tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char *dir, *path;
};

static int setup(void **state)
{
    struct fixture *fixture = malloc(sizeof *fixture);
    if (!fixture)
        return -1;
    fixture->dir = tmpdir_new();
    fixture->path = tmpdir_path(fixture->dir, "LOCK");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->path);
    tmpdir_del(fixture->dir);
    free(fixture);
    return 0;
}

static int open_fd(const struct fixture *fixture)
{
    int fd = open(fixture->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    return fd;
}

static void lock_exclusive_keeps_all_others_out(void **state)
{
    int first = open_fd(*state), second = open_fd(*state);

    assert_int_equal(lock_take(first, true), 0);
    assert_int_equal(lock_take(second, true), -EWOULDBLOCK);
    assert_int_equal(lock_take(second, false), -EWOULDBLOCK);
    assert_int_equal(lock_take(first, true), -EWOULDBLOCK); /* not even itself, twice */
    assert_int_equal(lock_close(first), 0);
    assert_int_equal(lock_take(second, true), 0);
    assert_int_equal(lock_close(second), 0);
}

static void lock_shared_ones_go_together(void **state)
{
    int fds[3] = {open_fd(*state), open_fd(*state), open_fd(*state)}, writer = open_fd(*state);

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(lock_take(fds[i], false), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(lock_take(writer, true), -EWOULDBLOCK);
        assert_int_equal(lock_close(fds[(i + 1) % 3]), 0); /* from the middle, ends */
    }
    assert_int_equal(lock_take(writer, true), 0);
    assert_int_equal(lock_close(writer), 0);
}

static void lock_of_one_file_is_none_of_another(void **state)
{
    struct fixture *fixture = *state;
    char *path = tmpdir_path(fixture->dir, "OTHER");
    int first = open_fd(fixture), second = open(path, O_RDWR | O_CREAT, 0666);

    assert_int_equal(lock_take(first, true), 0);
    assert_int_equal(lock_take(second, true), 0);
    assert_int_equal(lock_close(first), 0);
    assert_int_equal(lock_close(second), 0);
    free(path);
}

static void lock_of_no_file_is_the_systems_error(void **state)
{
    (void)state;
    assert_int_equal(lock_take(-1, true), -EBADF);
    assert_int_equal(lock_close(-1), -EBADF);
}

/* 'l' when another process finds it locked, 'o' when it is free. */
static int ask_in_child(struct child *self, void *arg)
{
    int fd = open(arg, O_RDWR), rc;
    (void)self;
    rc = lock_take(fd, true);
    return rc == -EWOULDBLOCK ? 'l' : rc == 0 ? 'o' : 'x';
}

/* POSIX's record locks would go with the second descriptor (leveldb #126): this process would
 * not notice, it has its table; another one would get in. */
/* As strata_destroy does: who opened the file before that would lock what nobody else can find. */
static void lock_of_a_removed_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int first = open_fd(fixture), second = open_fd(fixture), third;

    assert_int_equal(lock_take(first, true), 0);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(lock_close(first), 0);
    assert_int_equal(lock_take(second, true), -EWOULDBLOCK);
    assert_int_equal(lock_close(second), 0);
    third = open_fd(fixture);
    assert_int_equal(lock_take(third, true), 0);
    assert_int_equal(lock_close(third), 0);
}

static void lock_stays_when_another_descriptor_is_closed(void **state)
{
    struct fixture *fixture = *state;
    int first = open_fd(fixture), second = open_fd(fixture), third = open_fd(fixture);

    assert_int_equal(lock_take(first, true), 0);
    assert_int_equal(lock_take(second, true), -EWOULDBLOCK);
    assert_int_equal(lock_close(second), 0); /* never locked: only closed */
    assert_int_equal(lock_take(third, true), -EWOULDBLOCK);
    assert_int_equal(close(third), 0);
    assert_int_equal(child_run(ask_in_child, fixture->path), 'l');
    assert_int_equal(lock_close(first), 0);
}

static void lock_is_seen_by_other_processes_until_closed(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_fd(fixture);

    assert_int_equal(lock_take(fd, true), 0);
    assert_int_equal(child_run(ask_in_child, fixture->path), 'l');
    assert_int_equal(lock_close(fd), 0);
    assert_int_equal(child_run(ask_in_child, fixture->path), 'o');
}

static int close_in_child(struct child *self, void *arg)
{
    (void)self;
    lock_close(*(int *)arg); /* its copy is closed at the fork already */
    return (int)lock_forks();
}

static int grandchild_forks(struct child *self, void *arg)
{
    (void)self;
    return child_run(close_in_child, arg);
}

static void lock_forks_counts_the_generations(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_fd(fixture);

    assert_int_equal(lock_take(fd, true), 0);
    assert_int_equal(lock_forks(), 0);
    assert_int_equal(child_run(close_in_child, &fd), 1);
    assert_int_equal(child_run(grandchild_forks, &fd), 2);
    assert_int_equal(lock_forks(), 0);
    assert_int_equal(child_run(ask_in_child, fixture->path), 'l'); /* no child gave it back */
    assert_int_equal(lock_close(fd), 0);
}

struct contest {
    const struct fixture *fixture;
    pthread_barrier_t start;
    _Atomic int inside, wins, overlaps;
};

static void *compete(void *arg)
{
    struct contest *contest = arg;

    pthread_barrier_wait(&contest->start);
    for (int i = 0; i < 200; i++) {
        int fd = open(contest->fixture->path, O_RDWR | O_CREAT, 0666);
        if (lock_take(fd, true) == 0) {
            contest->wins++;
            if (contest->inside++ != 0)
                contest->overlaps++;
            contest->inside--;
        }
        lock_close(fd);
    }
    return NULL;
}

static void lock_is_held_by_one_thread_at_a_time(void **state)
{
    enum { THREADS = 4 };
    struct contest contest = {.fixture = *state};
    pthread_t threads[THREADS];

    pthread_barrier_init(&contest.start, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, compete, &contest), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&contest.start);
    assert_true(contest.wins > 0);
    assert_int_equal(contest.overlaps, 0);
}

#define lock_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(lock_exclusive_keeps_all_others_out),
        lock_test(lock_shared_ones_go_together),
        lock_test(lock_of_a_removed_file_is_refused),
        lock_test(lock_stays_when_another_descriptor_is_closed),
        lock_test(lock_of_one_file_is_none_of_another),
        lock_test(lock_of_no_file_is_the_systems_error),
        lock_test(lock_is_seen_by_other_processes_until_closed),
        lock_test(lock_forks_counts_the_generations),
        lock_test(lock_is_held_by_one_thread_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
