/* gather_test.c: many entries, stored in batches. On an engine that only notes what it is given:
 * as many "." as a write has operations, and a blank. */
#include "check.h"
#include "crash/sim/fs_sim.h"
#include "db/maintenance/gather.h"
#include "strata_engine.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static char noted[100];
static int refuse; /* the next write fails with this */

static int note_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    (void)env, (void)err;
    *self = noted;
    return 0;
}

static int note_close(void *self, struct strata_error *err)
{
    (void)self, (void)err;
    return 0;
}

static int note_get(void *self, struct strata_slice key, struct strata_buffer *value,
                    struct strata_error *err)
{
    (void)self, (void)key, (void)value, (void)err;
    return STRATA_NOT_FOUND;
}

static int note_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    (void)self, (void)out;
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET, "no iterator");
}

static int note_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                      struct strata_error *err)
{
    (void)self, (void)ops, (void)sync;
    if (refuse)
        return strata_fail(err, refuse, NULL, STRATA_NO_OFFSET, "refused");
    for (size_t i = 0; i < count; i++)
        strcat(noted, ".");
    strcat(noted, " ");
    return 0;
}

static struct strata *open_with(struct strata_fs *fs, struct strata_engine *engine,
                                unsigned promises)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    *engine = (struct strata_engine){.size = sizeof *engine,
                                     .abi = STRATA_ENGINE_ABI,
                                     .stage = 77,
                                     .name = "77_notes",
                                     .survives = "nothing",
                                     .promises = promises,
                                     .open = note_open,
                                     .close = note_close,
                                     .get = note_get,
                                     .write = note_write,
                                     .iter = note_iter};
    noted[0] = '\0';
    refuse = 0;
    strata_options_init(&options);
    options.create = true;
    options.fs = fs;
    options.engine = engine;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    return db;
}

static void put(struct gather *gather, int count, size_t bytes)
{
    struct strata_error err;
    uint8_t *value = calloc(1, bytes + 1);

    assert_non_null(value);
    for (int i = 0; i < count; i++)
        assert_ok(gather_put(gather, strata_string("k"), strata_bytes(value, bytes), &err), &err);
    free(value);
}

static void gather_stores_full_batches_and_then_the_rest(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_engine engine;
    struct strata *db = open_with(fs, &engine, STRATA_PROMISE_BATCH);
    struct strata_error err;
    struct gather gather;

    (void)state;
    assert_ok(gather_init(&gather, db, 3, &err), &err);
    put(&gather, 8, 4);
    assert_string_equal(noted, "... ... ");
    assert_int_equal(gather.stored, 6);
    assert_int_equal(gather.waiting, 2);
    assert_int_equal(gather.bytes, 30);
    assert_ok(gather_flush(&gather, &err), &err);
    assert_ok(gather_flush(&gather, &err), &err); /* nothing waits: nothing is written */
    assert_string_equal(noted, "... ... .. ");
    assert_int_equal(gather.stored, 8);
    assert_int_equal(gather.bytes, 40);
    gather_free(&gather);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

static void gather_batch_of_many_bytes_is_full(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_engine engine;
    struct strata *db = open_with(fs, &engine, STRATA_PROMISE_BATCH);
    struct strata_error err;
    struct gather gather;

    (void)state;
    assert_ok(gather_init(&gather, db, 100, &err), &err);
    put(&gather, 5, GATHER_BYTES / 2);
    assert_string_equal(noted, ".. .. ");
    gather_free(&gather); /* what waits is dropped */
    assert_ok(strata_close(db, &err), &err);
    assert_string_equal(noted, ".. .. ");
    fs_free(fs);
}

static void gather_default_is_what_the_stage_promises(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_engine engine;
    struct strata *db = open_with(fs, &engine, STRATA_PROMISE_BATCH);
    struct strata_error err;
    struct gather gather;

    (void)state;
    assert_ok(gather_init(&gather, db, 0, &err), &err);
    assert_int_equal(gather.most, GATHER_DEFAULT);
    gather_free(&gather);
    assert_ok(strata_close(db, &err), &err);

    db = open_with(fs, &engine, 0);
    assert_ok(gather_init(&gather, db, 0, &err), &err);
    assert_int_equal(gather.most, 1);
    put(&gather, 2, 0);
    assert_string_equal(noted, ". . ");
    gather_free(&gather);
    assert_code(gather_init(&gather, db, 2, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_err_says(&err, "77_notes has no atomic batch");
    gather_free(&gather);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

static void gather_refused_batch_does_not_count(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_engine engine;
    struct strata *db = open_with(fs, &engine, STRATA_PROMISE_BATCH);
    struct strata_slice key = strata_string("k");
    struct strata_error err;
    struct gather gather;

    (void)state;
    assert_ok(gather_init(&gather, db, 2, &err), &err);
    put(&gather, 3, 1);
    refuse = STRATA_ERR_NO_MEMORY;
    assert_int_equal(gather_put(&gather, key, key, &err), STRATA_ERR_NO_MEMORY);
    assert_int_equal(gather.stored, 2);
    assert_int_equal(gather.waiting, 0);
    refuse = 0;
    assert_ok(gather_flush(&gather, &err), &err);
    put(&gather, 1, 1);
    /* An entry that cannot be taken leaves those that wait. */
    assert_code(gather_put(&gather, strata_bytes(noted, STRATA_MAX_KEY + 1), key, &err),
                STRATA_ERR_INVALID, &err);
    assert_int_equal(gather.waiting, 1);
    assert_ok(gather_flush(&gather, &err), &err);
    assert_string_equal(noted, ".. . ");
    gather_free(&gather);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gather_stores_full_batches_and_then_the_rest),
        cmocka_unit_test(gather_batch_of_many_bytes_is_full),
        cmocka_unit_test(gather_default_is_what_the_stage_promises),
        cmocka_unit_test(gather_refused_batch_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
