/* contract_fault_test.c: a handle whose file layer fails under it: a full disk, a refused write or
 * sync. It says so, refuses every later write, still reads right, and what was acknowledged is
 * there after the next open. (tests/crash/faults_test.c does this at every call.) */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "place.h"
#include "crash/subject.h"
#include "threads/sync.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Puts until one fails; the model holds those that were done. Its error is in `err`. */
static int put_until_failure(struct strata *db, struct model *model, struct strata_error *err)
{
    uint8_t bytes[1000];

    for (unsigned i = 0; i < 5000; i++) {
        char key[16];
        struct strata_slice value = strata_bytes(bytes, 100 + i % 900);
        int rc;
        snprintf(key, sizeof key, "key %u", i % 70);
        memset(bytes, (int)i, sizeof bytes);
        rc = strata_put(db, strata_string(key), value, err);
        if (rc < 0)
            return rc;
        model_put(model, strata_string(key), value);
    }
    return 0;
}

/* Where work is done in the background, a full disk ends nothing: what rests is tried again. */
static void expect_more_with_room(struct strata *db)
{
    struct strata_slice key = strata_string("late");
    struct strata_error err = {0};

    for (int i = 0; i < 2000 && strata_put(db, key, key, &err) < 0; i++)
        sync_sleep(5000000);
    assert_get(db, "late", "late");
    for (int i = 0; i < 2000 && strata_delete(db, key, &err) < 0; i++)
        sync_sleep(5000000);
}

/* After a write has failed with `failure`. The write itself may or may not be found later. */
static void expect_refusal_until_reopened(struct place *place, struct strata *db,
                                          const struct model *model,
                                          const struct strata_error *failure)
{
    struct strata_slice key = strata_string("late");
    struct strata_batch *batch = strata_batch_new();
    struct strata_buffer value = {0};
    struct strata_error err = {0};

    assert_int_equal(failure->code, STRATA_ERR_IO);
    assert_true(strncmp(failure->file, place->dir, strlen(place->dir)) == 0);
    fs_sim_fail(place->fs, NULL); /* the cause is gone, the refusal stays */
    fs_sim_set_disk(place->fs, UINT64_MAX);
    if (failure->sys == ENOSPC && subject_works_in_background())
        expect_more_with_room(db);
    else
        for (int i = 0; i < 2; i++) {
            assert_code(strata_put(db, key, key, &err), STRATA_ERR_IO, &err);
            assert_true(strncmp(err.file, place->dir, strlen(place->dir)) == 0);
            assert_int_equal(err.sys, failure->sys);
            assert_code(strata_delete(db, strata_string("key 1"), &err), STRATA_ERR_IO, &err);
            assert_ok(strata_batch_put(batch, key, key, &err), &err);
            assert_int_equal(strata_write(db, batch, 0, &err) < 0, 1);
        }
    strata_batch_free(batch);
    for (size_t i = 0; i < model->count; i++) {
        assert_ok(strata_get(db, model->entries[i].key, &value, &err), &err);
        assert_bytes(strata_buffer_slice(&value), model->entries[i].value);
    }
    assert_code(strata_get(db, key, NULL, &err), STRATA_NOT_FOUND, &err);
    strata_buffer_free(&value);
}

/* Every key of the model is there with its value, but for the one whose write failed. */
static void expect_acknowledged(struct strata *db, const struct model *model)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    size_t other = 0;

    for (size_t i = 0; i < model->count; i++) {
        assert_ok(strata_get(db, model->entries[i].key, &value, &err), &err);
        other += strata_compare(strata_buffer_slice(&value), model->entries[i].value) != 0;
    }
    assert_true(other <= 1);
    assert_code(strata_get(db, strata_string("late"), NULL, &err), STRATA_NOT_FOUND, &err);
    strata_buffer_free(&value);
}

static void finish(struct place *place, struct strata *db, const struct model *model)
{
    strata_close(db, NULL); /* may tell of the failure again */
    assert_int_equal(fs_sim_open_files(place->fs), 0);
    db = place_open(place, false);
    expect_acknowledged(db, model);
    assert_put(db, "late", "in time");
    place_close(db);
    db = place_open(place, false);
    assert_get(db, "late", "in time");
    assert_delete(db, "late");
    place_close(db);
}

static uint64_t used_bytes(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    struct fs_names paths;
    uint64_t used = 0;

    assert_int_equal(fs_sim_paths(fs, "/", &paths), 0);
    for (size_t i = 0; i < paths.count; i++)
        if (paths.names[i][strlen(paths.names[i]) - 1] != '/') {
            assert_int_equal(fs_sim_get(fs, paths.names[i], &bytes), 0);
            used += bytes.size;
        }
    fs_names_free(&paths);
    strata_buffer_free(&bytes);
    return used;
}

static void fault_full_disk_refuses_writes_and_loses_nothing(void **state)
{
    struct place *place = *state;

    for (uint64_t room = 0; room < 1200;
         room += room < 40 ? 1 : 97) { /* full at each byte of a head */
        struct strata *db = place_open(place, true);
        struct model model = {0};
        struct strata_error err = {0};
        assert_ok(model_read(&model, db, &err), &err);
        fs_sim_set_disk(place->fs, used_bytes(place->fs) + room);
        assert_int_equal(put_until_failure(db, &model, &err), STRATA_ERR_IO);
        assert_int_equal(err.sys, ENOSPC);
        assert_err_says(&err, "No space left");
        expect_refusal_until_reopened(place, db, &model, &err);
        finish(place, db, &model);
        model_free(&model);
    }
}

/* The `at`-th call of this kind fails once. */
static void fail_once(struct place *place, enum fs_call call, enum fs_sim_fault_kind kind,
                      uint64_t at)
{
    struct strata *db = place_open(place, true);
    struct fs_sim_fault fault = {kind, at, false, 1u << call};
    struct model model = {0};
    struct strata_error err = {0};
    int rc;

    assert_ok(model_read(&model, db, &err), &err);
    fs_sim_fail(place->fs, &fault);
    rc = put_until_failure(db, &model, &err);
    if (fs_sim_failed(place->fs)) {
        assert_int_equal(rc, STRATA_ERR_IO);
        assert_int_equal(err.sys, EIO);
        expect_refusal_until_reopened(place, db, &model, &err);
    }
    finish(place, db, &model);
    model_free(&model);
}

static void fault_failed_write_poisons_the_handle(void **state)
{
    for (uint64_t at = 1; at < 30; at += 4)
        fail_once(*state, FS_CALL_APPEND, FS_SIM_EIO, at);
}

/* At stages that sync: the write that needed it is not acknowledged, and none after it. */
static void fault_failed_sync_poisons_the_handle(void **state)
{
    struct place *place = *state;
    uint64_t before = place->fs->calls[FS_CALL_SYNC];

    if (!subject_promises(STRATA_PROMISE_POWER_CUT)) {
        check_skipping("the stage has no synced writes");
        skip();
    }
    for (uint64_t at = 1; at < 10; at += 2)
        fail_once(place, FS_CALL_SYNC, at % 4 == 1 ? FS_SIM_EIO : FS_SIM_SYNC_DROPS, at);
    assert_true(place->fs->calls[FS_CALL_SYNC] > before);
}

/* A failed read is told and is over: the handle works on. */
static void fault_failed_read_is_reported_and_harms_nothing(void **state)
{
    struct place *place = *state;
    struct fs_sim_fault fault = {FS_SIM_EIO, 1, false, 1u << FS_CALL_READ};
    struct strata *db = place_open(place, true);
    struct strata_iter *iter;
    struct strata_slice value;
    struct strata_error err = {0};
    int rc;

    for (int i = 0; i < 20; i++)
        assert_put(db, i % 2 ? "odd" : "key", "value");
    fs_sim_fail(place->fs, &fault);
    rc = strata_get(db, strata_string("key"), NULL, &err);
    if (fs_sim_failed(place->fs)) { /* a stage may have found it in memory */
        check_code(rc, STRATA_ERR_IO, &err, "get", __FILE__, __LINE__);
        assert_int_equal(err.sys, EIO);
        assert_true(strncmp(err.file, place->dir, strlen(place->dir)) == 0);
        assert_true(err.offset != STRATA_NO_OFFSET);
    }
    fs_sim_fail(place->fs, NULL);
    assert_get(db, "key", "value");
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_ok(strata_iter_first(iter, &err), &err);
    fs_sim_fail(place->fs, &fault);
    rc = strata_iter_value(iter, &value, &err);
    assert_int_equal(rc, fs_sim_failed(place->fs) ? STRATA_ERR_IO : STRATA_OK);
    fs_sim_fail(place->fs, NULL);
    assert_ok(strata_iter_value(iter, &value, &err), &err); /* it still stands there */
    assert_bytes(value, strata_string("value"));
    strata_iter_free(iter);
    assert_put(db, "key", "new");
    assert_get(db, "key", "new");
    place_close(db);
}

/* Reads all there is in one of three ways. */
static int read_all(struct strata *db, int how, struct strata_error *err)
{
    struct strata_iter *iter;
    struct strata_slice value;
    int rc;

    if (how == 0)
        return strata_get(db, strata_string("key"), NULL, err);
    if (how == 1)
        return strata_verify(db, NULL, err);
    rc = strata_iter_new(db, &iter, err);
    if (rc < 0)
        return rc;
    for (rc = strata_iter_first(iter, err); rc == 0; rc = strata_iter_next(iter, err)) {
        rc = strata_iter_value(iter, &value, err);
        if (rc < 0)
            break;
    }
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

static void fault_each_failed_read_is_reported(void **state)
{
    struct place *place = *state;
    struct strata *db;

    place_fill(place);
    db = place_open(place, false);
    for (int how = 0; how < 3; how++) {
        uint64_t at;
        bool clean = false;
        for (at = 1; !clean; at++) {
            struct fs_sim_fault fault = {FS_SIM_EIO, at, false, 1u << FS_CALL_READ};
            struct strata_error err = {0};
            int rc;
            fs_sim_fail(place->fs, &fault);
            rc = read_all(db, how, &err);
            clean = fs_sim_failed(place->fs) == 0;
            fs_sim_fail(place->fs, NULL);
            check_code(rc, clean ? STRATA_OK : STRATA_ERR_IO, &err, "a read", __FILE__, __LINE__);
            assert_true(clean ||
                        (err.sys == EIO && strncmp(err.file, place->dir, strlen(place->dir)) == 0));
        }
        assert_true(how != 1 || at > 2); /* to verify is to read */
    }
    place_close(db);
    place_expect_intact(place);
}

#define fault_test(f) cmocka_unit_test_setup_teardown(f, place_setup_sim, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fault_test(fault_full_disk_refuses_writes_and_loses_nothing),
        fault_test(fault_failed_write_poisons_the_handle),
        fault_test(fault_failed_sync_poisons_the_handle),
        fault_test(fault_failed_read_is_reported_and_harms_nothing),
        fault_test(fault_each_failed_read_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
