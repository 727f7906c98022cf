/* probe_test.c: the probe of an engine of one's own: one that does not use the file layer is found
 * out, and nothing else is held against it. */
#include "test.h"

#include "engine_fake.h"
#include "fs/fs.h"
#include "crash/probe.h"

#include <string.h>

static int set_up(void **state)
{
    (void)state;
    memset(&engine_fake, 0, sizeof engine_fake);
    return 0;
}

static void bypasses(const struct strata_engine *engine, const char *words)
{
    struct strata_error err;

    assert_code(probe_engine(engine, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_err_says(&err, "your engine bypasses fs.h");
    assert_err_says(&err, words);
}

static void probe_finds_a_put_that_is_written_nowhere(void **state)
{
    (void)state;
    bypasses(&engine_fake_table, "no call of the file layer wrote anything");
    assert_string_equal(engine_fake.log, "open new|write 1|close|");
}

static void probe_finds_a_refusal_without_a_look(void **state)
{
    (void)state;
    engine_fake.open_rc = STRATA_ERR_CORRUPT;
    bypasses(&engine_fake_table, "as told");
    assert_string_equal(engine_fake.log, "open new|");
}

/* Looks for a file that is not there. */
static int look_and_refuse(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct fs_file *file;

    (void)self;
    return fs_open(env->fs, "nowhere", FS_READ, &file, err);
}

/* What failed may have another cause. */
static void probe_holds_no_failure_against_an_engine(void **state)
{
    static const int opens[] = {STRATA_ERR_NOT_SUPPORTED, STRATA_ERR_NO_MEMORY};
    struct strata_engine looks = engine_fake_table;
    struct strata_error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        engine_fake.open_rc = opens[i];
        assert_ok(probe_engine(&engine_fake_table, &err), &err);
    }
    engine_fake.open_rc = 0;
    engine_fake.rc = STRATA_ERR_CORRUPT; /* the put */
    assert_ok(probe_engine(&engine_fake_table, &err), &err);
    engine_fake.rc = 0;
    engine_fake.close_rc = STRATA_ERR_CORRUPT;
    assert_ok(probe_engine(&engine_fake_table, &err), &err);
    looks.open = look_and_refuse;
    assert_ok(probe_engine(&looks, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(probe_finds_a_put_that_is_written_nowhere, set_up),
        cmocka_unit_test_setup(probe_finds_a_refusal_without_a_look, set_up),
        cmocka_unit_test_setup(probe_holds_no_failure_against_an_engine, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
