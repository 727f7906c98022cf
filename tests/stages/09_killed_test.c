/* 09_killed_test.c: what a killed process left is read by the next open, and put on the device by
 * the first write, sync or close behind it. */
#include "test.h"

#include "../crash/allocations.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <errno.h>

#define DIR "db"

static struct strata *open_as(struct strata_fs *fs, enum strata_sync sync)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.sync = sync;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static void put_three(struct strata *db)
{
    assert_put(db, "a", "one");
    assert_put(db, "b", "two");
    assert_put(db, "c", "three");
}

static void expect_three(struct strata *db)
{
    assert_get(db, "a", "one");
    assert_get(db, "b", "two");
    assert_get(db, "c", "three");
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

/* What a process leaves that put three and was killed. */
static struct strata_fs *kill_one(void)
{
    struct strata_fs *fs = fs_sim_new(), *killed;
    struct strata *db = open_as(fs, STRATA_SYNC_NEVER);

    put_three(db);
    killed = fs_sim_copy(fs);
    close_it(db);
    fs_free(fs);
    assert_non_null(killed);
    return killed;
}

/* The same again, of the process that has `db` open. */
static void kill_again(struct strata_fs **fs, struct strata *db)
{
    struct strata_fs *killed = fs_sim_copy(*fs);

    close_it(db);
    fs_free(*fs);
    *fs = killed;
}

static uint64_t changes(struct strata_fs *fs)
{
    static const enum fs_call calls[] = {FS_CALL_APPEND, FS_CALL_WRITE,  FS_CALL_SYNC,
                                         FS_CALL_RENAME, FS_CALL_REMOVE, FS_CALL_TRUNCATE};
    uint64_t sum = 0;

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        sum += fs->calls[calls[i]];
    return sum;
}

static void killed_is_read_without_a_write(void **state)
{
    struct strata_fs *fs = kill_one();

    (void)state;
    for (int i = 0; i < 3; i++) {
        uint64_t before = changes(fs);
        struct strata *db = open_as(fs, STRATA_SYNC_NEVER);
        expect_three(db);
        assert_int_equal(changes(fs), before + 1); /* it looks for what a cut marker left */
        assert_int_equal(check_stat(db, "tables"), 0);
        kill_again(&fs, db);
    }
    fs_free(fs);
}

static void killed_is_flushed_by_the_first_write(void **state)
{
    struct strata_fs *fs = kill_one();
    struct strata *db = open_as(fs, STRATA_SYNC_NEVER);

    (void)state;
    assert_put(db, "d", "four");
    assert_int_equal(check_stat(db, "tables"), 1);
    kill_again(&fs, db);
    db = open_as(fs, STRATA_SYNC_NEVER);
    expect_three(db);
    assert_get(db, "d", "four");
    assert_int_equal(check_stat(db, "tables"), 1); /* "d" is in one log, and waits */
    close_it(db);
    db = open_as(fs, STRATA_SYNC_NEVER);
    assert_int_equal(check_stat(db, "tables"), 2);
    expect_three(db);
    close_it(db);
    fs_free(fs);
}

static void killed_is_flushed_at_once_where_writes_are_synced(void **state)
{
    struct strata_fs *fs = kill_one();
    struct strata *db = open_as(fs, STRATA_SYNC_ALWAYS);

    (void)state;
    assert_int_equal(check_stat(db, "tables"), 1);
    expect_three(db);
    close_it(db);
    fs_free(fs);
}

/* ---- A sync that failed in the process that was killed --------------------------------------- */

/* Of all that a power cut may leave from a recorded call on: how many `visit` has counted. */
static uint64_t count_states(struct strata_fs *fs, uint64_t from,
                             int (*visit)(void *arg, struct strata_fs *state,
                                          const struct fs_sim_state *info))
{
    struct fs_sim_plan plan = {.model = FS_SIM_POSIX, .from = from};
    struct fs_sim_totals totals;
    uint64_t seen = 0;

    assert_int_equal(fs_sim_states(fs, &plan, visit, &seen, &totals), 0);
    return seen;
}

static int expect_synced(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct strata *db;

    if (info->synced) {
        db = open_as(state, STRATA_SYNC_NEVER);
        expect_three(db);
        close_it(db);
        ++*(uint64_t *)arg;
    }
    return 0;
}

/* The kernel calls pages clean that it could not write: a sync of the same file does not bring them
 * to the device. */
static void leave_unsynced(struct strata_fs *fs)
{
    static const struct fs_sim_fault drops = {.kind = FS_SIM_SYNC_DROPS, .at = 1};
    struct strata *db = open_as(fs, STRATA_SYNC_NEVER);
    struct strata_error err;

    put_three(db);
    fs_sim_fail(fs, &drops);
    assert_code(strata_sync(db, &err), STRATA_ERR_IO, &err);
    fs_sim_fail(fs, NULL);
    strata_close(db, NULL);
}

static void killed_after_a_failed_sync_is_synced_by_the_next(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db;

    (void)state;
    assert_int_equal(fs_sim_record(fs), 0);
    assert_int_equal(fs_sim_start(fs, 1), 0);
    leave_unsynced(fs);
    db = open_as(fs, STRATA_SYNC_NEVER);
    assert_ok(strata_sync(db, &err), &err);
    assert_int_equal(fs_sim_ack(fs, 1, true), 0);
    fs_sim_record_stop(fs);
    close_it(db);
    assert_true(count_states(fs, 1, expect_synced) >= 1);
    fs_free(fs);
}

/* ---- A first write without memory ------------------------------------------------------------ */

static int expect_four(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct strata *db;

    if (info->synced) {
        db = open_as(state, STRATA_SYNC_NEVER);
        expect_three(db);
        assert_get(db, "d", "four");
        close_it(db);
        ++*(uint64_t *)arg;
    }
    return 0;
}

/* The k-th allocation of the first write fails; the write is tried again, and synced. False: it had
 * not so many. */
static bool short_of_memory(uint64_t k, uint64_t *seen)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db;
    bool struck;
    int rc;

    assert_int_equal(fs_sim_record(fs), 0);
    assert_int_equal(fs_sim_start(fs, 1), 0);
    leave_unsynced(fs);
    db = open_as(fs, STRATA_SYNC_NEVER);
    allocations = (struct allocations){.on = true, .at = k, .living = allocations.living};
    rc = strata_put(db, strata_string("d"), strata_string("four"), &err);
    allocations.on = false;
    struck = allocations.failed > 0;
    if (rc == STRATA_ERR_NO_MEMORY)
        assert_put(db, "d", "four");
    if (rc == STRATA_ERR_NO_MEMORY || rc == 0) {
        assert_ok(strata_sync(db, &err), &err);
        assert_int_equal(fs_sim_ack(fs, 1, true), 0);
    } else {
        assert_int_equal(rc, STRATA_ERR_IO); /* the file layer had none */
        assert_int_equal(err.sys, ENOMEM);
    }
    fs_sim_record_stop(fs);
    strata_close(db, NULL);
    *seen += count_states(fs, 1, expect_four);
    fs_free(fs);
    return struck;
}

static void killed_is_flushed_by_the_write_after_one_without_memory(void **state)
{
    uint64_t k = 1, seen = 0;

    (void)state;
    while (short_of_memory(k, &seen))
        k++;
    assert_true(k > 10 && seen > 10);
}

/* ---- A name that is not on the device -----------------------------------------------------------
 */

/* Works until a call fails: there it was killed. */
static void work_until_killed(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata *db;

    subject_options(&options, fs, true);
    options.sync = STRATA_SYNC_NEVER;
    if (strata_open(DIR, &options, &db, NULL) < 0)
        return;
    for (const char *key = "abc"; *key; key++)
        if (strata_put(db, strata_bytes(key, 1), strata_string("one"), NULL) == 0)
            strata_flush(db, NULL);
    strata_close(db, NULL);
}

static int expect_later_one(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct strata *db;

    (void)arg;
    if (info->synced) {
        db = open_as(state, STRATA_SYNC_NEVER);
        assert_get(db, "later", "one");
        close_it(db);
    }
    return 0;
}

/* false: it had not so many calls. */
static bool killed_at(uint64_t at)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at, .for_ever = true};
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db;
    uint64_t from;
    bool struck;

    assert_int_equal(fs_sim_record(fs), 0);
    fs_sim_fail(fs, &fault);
    work_until_killed(fs);
    struck = fs_sim_failed(fs) > 0;
    fs_sim_fail(fs, NULL);
    from = fs_sim_trace_calls(fs) + 1;
    db = open_as(fs, STRATA_SYNC_NEVER);
    assert_int_equal(fs_sim_start(fs, 1), 0);
    assert_put(db, "later", "one");
    assert_ok(strata_sync(db, &err), &err);
    assert_int_equal(fs_sim_ack(fs, 1, true), 0);
    fs_sim_record_stop(fs);
    close_it(db);
    count_states(fs, from, expect_later_one);
    fs_free(fs);
    return struck;
}

static void killed_then_cut_keeps_what_was_synced_since(void **state)
{
    uint64_t at = 1;

    (void)state;
    while (killed_at(at))
        at++;
    assert_true(at > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_is_read_without_a_write),
        cmocka_unit_test(killed_is_flushed_by_the_first_write),
        cmocka_unit_test(killed_is_flushed_at_once_where_writes_are_synced),
        cmocka_unit_test(killed_after_a_failed_sync_is_synced_by_the_next),
        cmocka_unit_test(killed_is_flushed_by_the_write_after_one_without_memory),
        cmocka_unit_test(killed_then_cut_keeps_what_was_synced_since),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
