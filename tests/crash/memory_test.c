/* memory_test.c: each allocation fails, once, and then for ever: see memory_loop.h. What must come
 * of it: the call says "out of memory" and has changed nothing; it works when tried again; nothing
 * leaks, and nothing acknowledged is lost. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include "memory_loop.h"
#include "rng.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Each allocation; where time is dear one in so many, of which STRATA_SEED says which. A learner's
 * engine makes few. */
static unsigned step(void)
{
    if (subject_object())
        return 1;
    return check_sanitized() ? 7 : check_quick() ? 3 : check_whole() ? 1 : 2;
}

static void run_loop(bool for_ever)
{
    struct memory_loop loop = {.every = step()};
    struct rng rng;

    rng_init_env(&rng, "memory");
    loop.first = rng_below(&rng, loop.every);
    memory_loop_run(&loop, for_ever);
    printf("# memory, stage %u: each of %" PRIu64 " allocations failed %s: %" PRIu64
           " errors, %" PRIu64 " runs with a warning alone; %" PRIu64 " bad; one in %" PRIu64
           " was tried\n",
           subject_info()->stage, loop.runs, for_ever ? "and all after it" : "once", loop.errors,
           loop.warnings, loop.bad, loop.every);
    fflush(stdout);
    if (loop.bad)
        fail_msg("%s", loop.what);
    assert_enough(loop.runs * loop.every, 100);
    assert_true(loop.errors + loop.warnings >= loop.runs);
    assert_true(loop.errors >= loop.runs / 2);
}

static void memory_failed_once_is_an_error_and_loses_nothing(void **state)
{
    (void)state;
    run_loop(false);
}

static void memory_failed_for_ever_is_an_error_and_loses_nothing(void **state)
{
    (void)state;
    run_loop(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_failed_once_is_an_error_and_loses_nothing),
        cmocka_unit_test(memory_failed_for_ever_is_an_error_and_loses_nothing),
    };

    /* thousands of syncs that no power cut follows */
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
