/* 12_value_failing_test.c: collections for which memory or the disk does not suffice. */
#include "../crash/allocations.h"
#include "large_values.h"

enum { KEYS = 30, LEFT = 10 }; /* so many values are left in the first value file */

static struct strata *open_alone(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, false);
    options.sync = STRATA_SYNC_NEVER;
    options.value_bytes = LARGE;
    options.background_threads = options.background_seed = 0;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    return db;
}

/* A compaction of it finds a file with garbage. */
static struct strata_fs *with_garbage(void)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = large_open(fs, 0, true);
    struct strata_error err;

    for (unsigned i = 0; i < KEYS; i++)
        large_put(db, i, 0, LARGE);
    assert_ok(strata_flush(db, &err), &err);
    large_close(db);
    db = open_alone(fs);
    for (unsigned i = LEFT; i < KEYS; i++)
        large_put(db, i, 1, LARGE);
    large_close(db);
    return fs;
}

static void expect_all(struct strata *db)
{
    for (unsigned i = 0; i < KEYS; i++)
        large_expect(db, i, i >= LEFT, LARGE);
}

static int compact_twice(struct strata *db, struct strata_error *err)
{
    int rc = strata_compact(db, NULL, err);
    return rc == 0 ? strata_compact(db, NULL, err) : rc; /* the first has made it garbage */
}

static void collection_without_memory_is_tried_again(void **state)
{
    struct strata_fs *made = with_garbage();
    unsigned failures = 0;

    (void)state;
    for (uint64_t at = 1;; at++) {
        struct strata_fs *fs = fs_sim_copy(made);
        struct strata *db = open_alone(fs);
        struct strata_error err;
        uint64_t failed;

        allocations.failed = 0;
        allocations.at = at;
        allocations.on = true;
        compact_twice(db, &err);
        allocations.on = false;
        failed = allocations.failed;
        failures += failed > 0;
        expect_all(db);
        if (compact_twice(db, &err) < 0) { /* it was the file system that had no memory */
            strata_close(db, NULL);
            db = open_alone(fs);
            assert_ok(compact_twice(db, &err), &err);
        }
        expect_all(db);
        assert_ok(strata_verify(db, NULL, &err), &err);
        large_close(db);
        fs_free(fs);
        if (!failed)
            break;
    }
    assert_true(failures > 50);
    fs_free(made);
}

static void list_of_garbage_without_memory_is_an_error(void **state)
{
    struct strata_fs *fs = with_garbage();
    struct strata *db = open_alone(fs);
    struct strata_error err;
    uint64_t *numbers;
    size_t count;

    (void)state;
    allocations.at = 1;
    allocations.on = true;
    assert_code(value_set_garbage(large_set(db), &numbers, &count, &err), STRATA_ERR_NO_MEMORY,
                &err);
    allocations.on = false;
    assert_int_equal(count, 0);
    assert_ok(value_set_garbage(large_set(db), &numbers, &count, &err), &err);
    free(numbers);
    large_close(db);
    fs_free(fs);
}

static bool is_of_values(const struct strata_error *err)
{
    return strstr(err->file, VALUES_SUFFIX) != NULL;
}

/* The first append that fails is that of the file's header, the next that of a value. */
static void value_whose_append_failed_is_not_counted(void **state)
{
    struct strata_fs *made = with_garbage();
    unsigned of_values = 0;

    (void)state;
    for (uint64_t at = 1; of_values < 4; at++) {
        struct fs_sim_fault fault = {FS_SIM_EIO, at, false, 1u << FS_CALL_APPEND};
        struct strata_fs *fs = fs_sim_copy(made);
        struct strata *db = open_alone(fs);
        struct strata_error err = {0};
        int rc;

        fs_sim_fail(fs, &fault);
        rc = compact_twice(db, &err);
        assert_true(fs_sim_failed(fs) > 0);
        fs_sim_fail(fs, NULL);
        if (rc < 0 && is_of_values(&err)) {
            assert_int_equal(large_set(db)->relocated, of_values ? of_values - 1 : 0);
            of_values++;
        }
        strata_close(db, NULL);
        fs_free(fs);
    }
    fs_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collection_without_memory_is_tried_again),
        cmocka_unit_test(list_of_garbage_without_memory_is_an_error),
        cmocka_unit_test(value_whose_append_failed_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
