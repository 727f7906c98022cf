/* bench_os_test.c: what the benchmark driver (bench/driver/os.c) does with the memory of its
 * process. */
#include "os.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)
#define WARM (64 * MIB)

static void warm_memory_was_touched_and_is_given_back(void **state)
{
    struct os_memory before, after;

    (void)state;
    os_memory_forget();
    os_memory(&before);
    os_memory_warm(WARM);
    os_memory(&after);
    if (!after.most)
        skip(); /* /proc does not tell */
    assert_true(after.most >= before.resident + WARM - MIB);
    assert_true(after.resident < before.resident + WARM / 2);
}

static void warm_memory_of_nothing_takes_nothing(void **state)
{
    struct os_memory before, after;

    (void)state;
    os_memory_forget();
    os_memory(&before);
    os_memory_warm(0);
    os_memory_warm(MIB); /* less than a huge page */
    os_memory(&after);
    assert_true(after.most < before.resident + MIB);
}

/* A file as /proc/stat. */
static struct os_ticks ticks_of(const char *text)
{
    char path[] = "/tmp/ticks-XXXXXX";
    int fd = mkstemp(path);
    struct os_ticks ticks;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    assert_true(os_ticks(path, &ticks));
    remove(path);
    return ticks;
}

static void idle_is_the_part_that_nobody_used(void **state)
{
    struct os_ticks from = ticks_of("cpu  100 10 50 1000 20 0 5 15 7 0\ncpu0 1 1 1 1\n");
    struct os_ticks some = ticks_of("cpu  140 10 70 1120 40 0 5 15 9 0\ncpu0 1 1 1 1\n");
    struct os_ticks all = ticks_of("cpu  200 10 50 1000 20 0 5 15 7 0\n");

    (void)state;
    assert_int_equal(from.all, 1200); /* guests are in user already */
    assert_true(os_idle(&from, &some) > 0.599 && os_idle(&from, &some) < 0.601);
    assert_true(os_idle(&from, &all) == 0);
    assert_true(os_idle(&from, &from) == 1);
}

static void idle_of_no_file_is_not_known(void **state)
{
    struct os_ticks ticks;

    (void)state;
    assert_false(os_ticks("/nowhere/stat", &ticks));
    assert_false(os_ticks("/dev/null", &ticks));
}

/* It looks at least once, and gives up in time. */
static void wait_for_a_quiet_machine_ends(void **state)
{
    double patience = 1, idle = os_wait_quiet(&patience);

    (void)state;
    assert_true(idle >= 0 && idle <= 1);
    assert_true(patience <= 1 - OS_QUIET_SECONDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warm_memory_was_touched_and_is_given_back),
        cmocka_unit_test(warm_memory_of_nothing_takes_nothing),
        cmocka_unit_test(idle_is_the_part_that_nobody_used),
        cmocka_unit_test(idle_of_no_file_is_not_known),
        cmocka_unit_test(wait_for_a_quiet_machine_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
