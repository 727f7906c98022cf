/* kill_real_test.c: a few rounds of `make kill`. */
#include "test.h"

#include "kill_loop.h"
#include "rng.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <inttypes.h>
#include <stdio.h>

static void run(struct kill_loop *loop)
{
    int bad = kill_loop_run(loop);

    printf("# kill -9: %u kills, %" PRIu64 " writes acknowledged, %" PRIu64
           " recovered, %u torn tails, %u violations\n",
           loop->kills, loop->acknowledged, loop->recovered, loop->torn, loop->violations);
    fflush(stdout);
    if (bad)
        fail_msg("%s", loop->what);
}

static void kill_real_at_any_time_loses_nothing_acknowledged(void **state)
{
    char *root = tmpdir_new(); /* kept when a check fails */
    struct kill_loop loop = {.root = root, .times = 6};
    struct rng rng;

    (void)state;
    loop.seed = rng_init_env(&rng, "kill_real");
    run(&loop);
    assert_int_equal(loop.kills, 6);
    assert_true(loop.recovered >= loop.acknowledged);
    tmpdir_del(root);
}

/* Only so is the torn tail of a real file system seen. */
static void kill_real_within_a_large_value_drops_the_torn_tail(void **state)
{
    char *root = tmpdir_new();
    struct kill_loop loop = {.root = root, .aimed = true, .unsynced = true};
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "kill_real, aimed");
    while (loop.torn == 0 && loop.kills < (subject_engine() ? 4 : 100)) {
        loop.seed = rng_next(&rng);
        loop.times = loop.kills + 2;
        run(&loop);
    }
    tmpdir_del(root);
    assert_true(loop.acknowledged > 0);
    if (loop.torn == 0) { /* where one core does all, or a kernel copies what it has begun */
        check_skipping("no kill met a write that was half done (kill_model has them all)");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kill_real_at_any_time_loses_nothing_acknowledged),
        cmocka_unit_test(kill_real_within_a_large_value_drops_the_torn_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
