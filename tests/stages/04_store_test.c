/* 04_store_test.c: flush, merge, opening and closing of stage 4: which files there are, and what is
 * still known. What a crash leaves is for tests/crash; its limits are weak_... */
#include "test.h"

#include "04_memtable_sstable/run/run.h"
#include "04_memtable_sstable/store.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"

static struct strata *open_with(struct strata_fs *fs, size_t memtable_bytes)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    subject_options(&options, fs, true);
    options.memtable_bytes = memtable_bytes;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static struct strata *open_it(struct strata_fs *fs)
{
    return open_with(fs, 1 << 20);
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

static void flush(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_flush(db, &err), &err);
}

static void compact(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_compact(db, NULL, &err), &err);
}

/* The logs and runs, each followed by a space. */
static const char *files(struct strata_fs *fs)
{
    static char text[2000];
    struct fs_names names;

    text[0] = '\0';
    assert_int_equal(fs_list(fs, DIR, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++)
        if (strstr(names.names[i], ".log") || strstr(names.names[i], ".run"))
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", names.names[i]);
    fs_names_free(&names);
    return text;
}

static void put_many(struct strata *db, int from, int to, const char *word)
{
    for (int i = from; i < to; i++) {
        char key[16], value[100];
        snprintf(key, sizeof key, "key %05d", i);
        snprintf(value, sizeof value, "%s %d", word, i);
        assert_put(db, key, value);
    }
}

static void expect_many(struct strata *db, int from, int to, const char *word)
{
    for (int i = from; i < to; i++) {
        char key[16], value[100];
        snprintf(key, sizeof key, "key %05d", i);
        snprintf(value, sizeof value, "%s %d", word, i);
        assert_get(db, key, value);
    }
}

/* ---- Flush ------------------------------------------------------------------------------- */

static void store_flush_makes_a_run_and_a_new_log(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    assert_string_equal(files(fs), "000001.log ");
    flush(db); /* nothing to write */
    assert_string_equal(files(fs), "000001.log ");
    assert_put(db, "a", "1");
    flush(db);
    assert_string_equal(files(fs), "000002.run 000003.log ");
    assert_get(db, "a", "1");
    assert_int_equal(check_stat(db, "runs"), 1);
    close_it(db);
    db = open_it(fs);
    assert_get(db, "a", "1");
    close_it(db);
    fs_free(fs);
}

/* Where tombstones hide nothing, nothing is left to be written. */
static void store_counts_the_runs_that_were_written(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    assert_delete(db, "a");
    flush(db);
    assert_int_equal(check_stat(db, "flushes"), 0);
    assert_put(db, "a", "1");
    flush(db);
    assert_int_equal(check_stat(db, "flushes"), 1);
    assert_delete(db, "a");
    flush(db);
    assert_int_equal(check_stat(db, "flushes"), 2);
    compact(db);
    assert_int_equal(check_stat(db, "runs"), 0);
    assert_int_equal(check_stat(db, "merges"), 0);
    assert_true(check_stat(db, "merged_bytes") > 0);
    close_it(db);
    fs_free(fs);
}

static void store_full_memtable_is_flushed_by_the_next_write(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 4000);

    (void)state;
    put_many(db, 0, 500, "value");
    assert_true(check_stat(db, "flushes") >= 5);
    assert_true(check_stat(db, "memtable_bytes") < 4400);
    expect_many(db, 0, 500, "value");
    close_it(db);
    db = open_with(fs, 4000);
    expect_many(db, 0, 500, "value");
    assert_get(db, "key 00500", NULL);
    close_it(db);
    fs_free(fs);
}

static void store_takes_a_memtable_of_any_size(void **state)
{
    static const size_t sizes[] = {0, 1, SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_with(fs, sizes[i]);
        put_many(db, 0, 60, "old");
        put_many(db, 20, 60, "new");
        assert_int_equal(check_stat(db, "flushes") > 0, sizes[i] <= 1);
        expect_many(db, 0, 20, "old");
        expect_many(db, 20, 60, "new");
        close_it(db);
        db = open_with(fs, sizes[2 - i]);
        expect_many(db, 20, 60, "new");
        close_it(db);
        fs_free(fs);
    }
}

static void store_newer_version_hides_older_runs(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    assert_put(db, "a", "old");
    assert_put(db, "b", "old");
    assert_put(db, "c", "old");
    flush(db);
    assert_put(db, "a", "new");
    assert_delete(db, "b");
    assert_get(db, "a", "new");
    assert_get(db, "b", NULL);
    flush(db);
    assert_get(db, "a", "new");
    assert_get(db, "b", NULL);
    assert_get(db, "c", "old");
    close_it(db);
    fs_free(fs);
}

/* After the failure the process is killed; what it had shown is still there. `empty`: there is only
 * a delete of nothing, so that no run comes of the flush. */
static bool fail_flush_at(uint64_t call, bool empty)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = call};
    struct strata_fs *fs = fs_sim_new(), *killed;
    struct strata *db = open_it(fs);
    struct strata_error err;
    bool struck;
    int rc;

    int count = empty ? 0 : 20;
    put_many(db, 0, count, "value");
    if (empty)
        assert_delete(db, "nothing");
    fs_sim_fail(fs, &fault);
    rc = strata_flush(db, &err);
    struck = fs_sim_failed(fs) > 0;
    fs_sim_fail(fs, NULL);
    if (rc < 0) {
        assert_int_equal(rc, STRATA_ERR_IO);
        assert_code(strata_put(db, S("a"), S("b"), &err), STRATA_ERR_IO, &err);
        expect_many(db, 0, count, "value");
    }
    killed = fs_sim_copy(fs);
    strata_close(db, NULL);
    db = open_it(killed);
    expect_many(db, 0, count, "value");
    assert_get(db, "nothing", NULL);
    assert_int_equal(check_stat(db, "runs"), !empty);
    close_it(db);
    fs_free(killed);
    fs_free(fs);
    return struck;
}

static void store_flush_that_fails_at_any_call_loses_nothing(void **state)
{
    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        uint64_t call = 1;
        while (fail_flush_at(call, empty))
            call++;
        assert_in_range(call, empty ? 10 : 15, 60);
    }
}

/* ---- A failure ----------------------------------------------------------------------------- */

static void store_error_without_an_errno_stops_writing_too(void **state)
{
    struct strata_env env = {.dir = DIR};
    struct write_path path = {.env = &env};
    struct strata_error err;

    (void)state;
    strata_fail(&err, STRATA_ERR_CORRUPT, "run", 3, "damage");
    assert_int_equal(write_path_spoil(&path, STRATA_ERR_CORRUPT, &err), STRATA_ERR_CORRUPT);
    assert_int_equal(group_usable(&path.group, DIR, &err), 0);
    strata_fail(&err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "too much for a file");
    assert_int_equal(write_path_spoil(&path, STRATA_ERR_INVALID, &err), STRATA_ERR_INVALID);
    assert_code(group_usable(&path.group, DIR, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EIO);
}

/* The calls of the engine, without the handle. */
extern const struct strata_engine strata_stage_04_memtable_sstable;
#define stage strata_stage_04_memtable_sstable

static int engine_put(void *engine, const char *key, struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_PUT, S(key), S("value")};
    return stage.write(engine, &op, 1, false, err);
}

/* The handle refuses by itself what comes after a failed write; the engine refuses what other
 * threads had under way by then. */
static void store_refuses_what_was_under_way_when_a_write_failed(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_APPEND};
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options, .is_new = true};
    struct strata_buffer value = {0};
    struct strata_error err;
    void *engine;

    (void)state;
    strata_options_init(&options);
    assert_int_equal(fs_sim_put_directory(fs, DIR), 0);
    assert_ok(stage.open(&env, &engine, &err), &err);
    assert_ok(engine_put(engine, "a", &err), &err);
    fs_sim_fail(fs, &fault);
    assert_int_equal(engine_put(engine, "b", NULL), STRATA_ERR_IO);
    fs_sim_fail(fs, NULL);
    assert_code(engine_put(engine, "c", &err), STRATA_ERR_IO, &err);
    assert_err_says(&err, "refused since a write or sync failed");
    assert_code(stage.write(engine, NULL, 0, true, &err), STRATA_ERR_IO, &err);
    assert_code(stage.flush(engine, &err), STRATA_ERR_IO, &err);
    assert_err_says(&err, "refused since a write or sync failed");
    assert_int_equal(stage.compact(engine, NULL, NULL), STRATA_ERR_IO);
    assert_ok(stage.get(engine, S("a"), &value, &err), &err);
    assert_code(stage.get(engine, S("b"), &value, &err), STRATA_NOT_FOUND, &err);
    assert_code(stage.get(engine, S("c"), &value, &err), STRATA_NOT_FOUND, &err);
    assert_ok(stage.verify(engine, NULL, &err), &err);
    stage.close(engine, NULL);
    assert_int_equal(fs_sim_open_files(fs), 0);
    strata_buffer_free(&value);
    fs_free(fs);
}

static void store_close_that_fails_is_an_error_and_leaves_nothing_open(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_SYNC};

    (void)state;
    for (int told = 0; told < 2; told++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata_options options;
        struct strata_env env = {.fs = fs, .dir = DIR, .options = &options, .is_new = true};
        struct strata_error err;
        void *engine;
        strata_options_init(&options);
        options.sync = STRATA_SYNC_NEVER;
        assert_int_equal(fs_sim_put_directory(fs, DIR), 0);
        assert_ok(stage.open(&env, &engine, &err), &err);
        assert_ok(engine_put(engine, "a", &err), &err);
        fs_sim_fail(fs, &fault);
        if (told)
            assert_code(stage.close(engine, &err), STRATA_ERR_IO, &err);
        else
            assert_int_equal(stage.close(engine, NULL), STRATA_ERR_IO);
        assert_int_equal(fs_sim_open_files(fs), 0);
        fs_free(fs);
    }
}

/* ---- Syncing by itself ----------------------------------------------------------------------- */

static uint64_t syncs_of(struct strata_fs *fs)
{
    return fs->calls[FS_CALL_SYNC];
}

static void store_syncs_by_bytes_and_by_time(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    uint64_t before;

    (void)state;
    subject_options(&options, fs, true);
    options.memtable_bytes = 1 << 20;
    options.sync = STRATA_SYNC_INTERVAL;
    options.sync_interval_ms = 1000;
    options.sync_interval_bytes = 10000;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    before = syncs_of(fs);
    put_many(db, 0, 50, "far less than ten thousand bytes");
    assert_int_equal(syncs_of(fs), before);
    put_many(db, 50, 500, "in all some fifty thousand bytes");
    assert_in_range(syncs_of(fs) - before, 3, 7);
    before = syncs_of(fs);
    fs_sim_advance(fs, (uint64_t)999 * 1000000);
    put_many(db, 500, 501, "one");
    fs_sim_advance(fs, (uint64_t)1001 * 1000000);
    assert_in_range(syncs_of(fs) - before, 0, 1);
    before = syncs_of(fs);
    put_many(db, 501, 502, "after more than a second");
    assert_int_equal(syncs_of(fs), before + 1);
    put_many(db, 502, 503, "at once after it");
    assert_int_equal(syncs_of(fs), before + 1);
    close_it(db);
    fs_free(fs);
}

/* ---- Merge ------------------------------------------------------------------------------- */

static void store_merge_drops_a_tombstone_with_what_it_hides(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    assert_put(db, "a", "1");
    flush(db);
    assert_delete(db, "a");
    flush(db);
    assert_int_equal(check_stat(db, "run_records"), 2); /* nothing older may show */
    assert_get(db, "a", NULL);
    compact(db);
    assert_int_equal(check_stat(db, "runs"), 0);
    assert_get(db, "a", NULL);
    assert_delete(db, "a");
    flush(db); /* nothing older is left: it needs no run */
    assert_int_equal(check_stat(db, "runs"), 0);
    close_it(db);
    fs_free(fs);
}

/* A merge that does not reach the oldest run keeps tombstones. */
static void store_merge_of_the_newest_keeps_tombstones(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    put_many(db, 0, 1000, "a long run that is larger than all that comes after it together");
    flush(db);
    for (int i = 0; i < 4; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", i);
        assert_delete(db, key);
        put_many(db, 10 + i, 11 + i, "new");
        flush(db);
    }
    assert_int_equal(check_stat(db, "merges"), 1);
    assert_int_equal(check_stat(db, "runs"), 2);
    assert_int_equal(check_stat(db, "run_records"), 1008);
    for (int i = 0; i < 4; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", i);
        assert_get(db, key, NULL);
    }
    expect_many(db, 10, 14, "new");
    compact(db);
    assert_int_equal(check_stat(db, "run_records"), 996);
    close_it(db);
    fs_free(fs);
}

static void store_runs_stay_few(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 2000);
    uint64_t most = 0;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        put_many(db, i * 7 % 1000, i * 7 % 1000 + 1, "value");
        if (check_stat(db, "runs") > most)
            most = check_stat(db, "runs");
    }
    assert_true(check_stat(db, "flushes") >= 80);
    assert_in_range(most, 4, 15);
    close_it(db);
    fs_free(fs);
}

/* Hands the handle's warnings over; `*warned` counts them. */
static void count_warning(void *arg, enum strata_log_level level, const char *message)
{
    if (level == STRATA_LOG_WARNING && strstr(message, "a merge failed"))
        ++*(int *)arg;
}

static struct strata *open_counting(struct strata_fs *fs, int *warned)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = 1 << 20;
    options.log = count_warning;
    options.log_arg = warned;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

/* Flips a bit in the middle. */
static void damage(struct strata_fs *fs, const char *path)
{
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    bytes.data[bytes.size / 3] ^= 4;
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

/* What is newer than a damaged run is still merged: with ever more runs the database could not be
 * opened one day. */
static void store_runs_stay_few_before_a_damaged_one(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_error err;
    int warned = 0;

    (void)state;
    put_many(db, 0, 300, "old");
    flush(db);
    close_it(db);
    damage(fs, "db/000002.run");
    db = open_counting(fs, &warned);
    for (int i = 0; i < 40; i++) {
        put_many(db, 1000 + 20 * i, 1020 + 20 * i, "new");
        flush(db);
        assert_in_range(check_stat(db, "runs"), 1, 10);
    }
    assert_int_equal(warned, 1);
    assert_delete(db, "key 00001"); /* a tombstone stays as long as what it hides */
    flush(db);
    flush(db);
    assert_get(db, "key 00001", NULL);
    expect_many(db, 1000, 1800, "new");
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, "db/000002.run");
    close_it(db);
    db = open_it(fs);
    expect_many(db, 1000, 1800, "new");
    assert_get(db, "key 00001", NULL);
    close_it(db);
    fs_free(fs);
}

/* A value that is larger than what is read at once: it is read by itself. */
static void put_large(struct strata *db)
{
    size_t size = 150000;
    uint8_t *bytes = calloc(1, size);

    assert_non_null(bytes);
    assert_int_equal(strata_put(db, S("large"), strata_bytes(bytes, size), NULL), 0);
    free(bytes);
}

/* Four runs and something to flush; the flush merges, and one call of it fails. */
static bool fail_merge_at(uint64_t call, bool large, int *survived)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = call};
    struct strata_fs *fs = fs_sim_new();
    int warned = 0, rc;
    struct strata *db = open_counting(fs, &warned);
    bool struck;

    for (int i = 0; i < 3; i++) {
        put_many(db, 30 * i, 30 * i + 30, "value");
        flush(db);
    }
    put_many(db, 90, 120, "value");
    if (large)
        put_large(db);
    fs_sim_fail(fs, &fault);
    rc = strata_flush(db, NULL);
    struck = fs_sim_failed(fs) > 0;
    fs_sim_fail(fs, NULL);
    if (warned) {
        assert_int_equal(rc, 0);
        assert_put(db, "a", "written all the same");
        ++*survived;
    }
    expect_many(db, 0, 120, "value");
    strata_close(db, NULL);
    db = open_it(fs);
    expect_many(db, 0, 120, "value");
    assert_get(db, "a", warned ? "written all the same" : NULL);
    close_it(db);
    fs_free(fs);
    return struck;
}

static void store_run_that_cannot_be_read_does_not_stop_writing(void **state)
{
    int survived[2] = {0};

    (void)state;
    for (int large = 0; large < 2; large++)
        for (uint64_t call = 1; fail_merge_at(call, large, &survived[large]);)
            call++;
    assert_in_range(survived[0], 4, 40); /* each run is read at least once */
    assert_true(survived[1] > survived[0]);
}

/* Three runs and something to flush. The flush, which merges, or a compaction fails once, at a call
 * of this kind; what was not changed by then can be tried again. */
static bool fail_once(struct fs_sim_fault fault, bool asked, int *failed)
{
    struct strata_fs *fs = fs_sim_new();
    int warned = 0, rc;
    struct strata *db = open_counting(fs, &warned);
    static const char *const runs[] = {"000002.run", "000004.run", "000006.run"};
    struct strata_error err = {0};
    bool struck;

    for (int i = 0; i < 4; i++) {
        put_many(db, 30 * i, 30 * i + 30, "value");
        if (i < 3)
            flush(db);
    }
    fs_sim_fail(fs, &fault);
    rc = asked ? strata_compact(db, NULL, &err) : strata_flush(db, &err);
    struck = fs_sim_failed(fs) > 0;
    fs_sim_fail(fs, NULL);
    *failed += rc < 0 || warned;
    if (rc < 0) {
        bool list = strstr(err.file, "TABLES"), old = false;
        for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
            old |= strstr(err.file, runs[i]) != NULL;
        assert_int_equal(rc, STRATA_ERR_IO);
        if (old || (fault.kind == FS_SIM_EMFILE && !list))
            assert_put(db, "a", "written all the same");
    }
    if (strata_put(db, S("b"), S("too"), NULL) == 0) {
        put_many(db, 120, 150, "value");
        flush(db); /* merges again, if that failed: no run is quarantined */
        if (fault.kind == FS_SIM_EMFILE)
            assert_in_range(check_stat(db, "runs"), 1, 3);
        compact(db);
        assert_int_equal(check_stat(db, "runs"), 1);
    }
    expect_many(db, 0, 120, "value");
    strata_close(db, NULL);
    db = open_it(fs);
    expect_many(db, 0, 120, "value");
    close_it(db);
    fs_free(fs);
    return struck;
}

static void store_without_descriptors_for_once_goes_on(void **state)
{
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EMFILE, .at = 1, .calls = 1u << FS_CALL_OPEN};
        int failed = 0;
        while (fail_once(fault, asked, &failed))
            fault.at++;
        assert_in_range(failed, 4, 20);
    }
}

static void store_compaction_that_cannot_read_a_run_does_not_stop_writing(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_READ};
    int failed = 0;

    (void)state;
    while (fail_once(fault, true, &failed))
        fault.at++;
    assert_in_range(failed, 4, 60);
}

/* Three runs, a flush and the merge that it asks for, on a disk with so much room more. */
static bool merge_on_a_full_disk(uint64_t room)
{
    struct strata_fs *fs = fs_sim_new();
    int warned = 0, rc;
    struct strata *db = open_counting(fs, &warned);
    struct strata_error err;

    for (int i = 0; i < 3; i++) {
        put_many(db, 1000 * i, 1000 * i + 1000, "value");
        flush(db);
    }
    put_many(db, 3000, 4000, "value");
    fs_sim_set_disk(fs, check_stat(db, "run_bytes") + room);
    rc = strata_flush(db, NULL);
    expect_many(db, 0, 4000, "value");
    if (warned) {
        assert_int_equal(rc, 0);
        assert_int_equal(check_stat(db, "runs"), 4);
        fs_sim_set_disk(fs, (uint64_t)1 << 30);
        assert_put(db, "a", "written");
        assert_ok(strata_compact(db, NULL, &err), &err);
        assert_int_equal(check_stat(db, "runs"), 1);
        for (int i = 0; i < 20; i++) { /* and from then on as ever */
            put_many(db, 5000 + i, 5001 + i, "value");
            flush(db);
        }
        assert_in_range(check_stat(db, "runs"), 2, 8);
        expect_many(db, 0, 4000, "value");
    }
    strata_close(db, NULL);
    fs_free(fs);
    return warned > 0;
}

/* A merge needs as much room again; what is written does not wait for it. */
static void store_merge_without_room_does_not_stop_writing(void **state)
{
    int survived = 0;

    (void)state;
    for (uint64_t room = 10000; room < 400000; room += 10000)
        survived += merge_on_a_full_disk(room);
    assert_in_range(survived, 2, 38);
}

static const struct fs_ops *sim_ops;

static ssize_t append_within_quota(struct fs_file *file, const struct strata_slice *parts,
                                   size_t count)
{
    return strstr(file->path, "000010.run") ? -EDQUOT : sim_ops->append(file, parts, count);
}

/* The user's share of the disk is used up: as when the disk is full. */
static void store_merge_beyond_the_quota_does_not_stop_writing(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_ops ops = *fs->ops;
    int warned = 0;
    struct strata *db = open_counting(fs, &warned);
    struct strata_error err;

    (void)state;
    sim_ops = fs->ops;
    ops.append = append_within_quota;
    for (int i = 0; i < 4; i++) {
        if (i == 3)
            fs->ops = &ops;
        put_many(db, 30 * i, 30 * i + 30, "value");
        flush(db);
    }
    fs->ops = sim_ops;
    assert_int_equal(warned, 1);
    assert_int_equal(check_stat(db, "runs"), 4);
    assert_put(db, "a", "written all the same");
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_int_equal(check_stat(db, "runs"), 1);
    expect_many(db, 0, 120, "value");
    close_it(db);
    fs_free(fs);
}

static void expect_rows(struct strata_iter *iter, int count, const char *word)
{
    int rc = strata_iter_first(iter, NULL), seen = 0;

    for (; rc == 0; rc = strata_iter_next(iter, NULL), seen++) {
        struct strata_slice value;
        char want[100];
        snprintf(want, sizeof want, "%s %d", word, seen);
        assert_int_equal(strata_iter_value(iter, &value, NULL), 0);
        assert_bytes(value, S(want));
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(seen, count);
    for (rc = strata_iter_last(iter, NULL); rc == 0; rc = strata_iter_prev(iter, NULL))
        seen--;
    assert_int_equal(seen, 0);
}

static void store_iterators_hold_what_was_flushed_and_merged_away(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_iter *before, *between;

    (void)state;
    put_many(db, 0, 50, "old");
    flush(db);
    put_many(db, 50, 100, "old");
    assert_int_equal(strata_iter_new(db, &before, NULL), 0);
    put_many(db, 0, 100, "new");
    assert_int_equal(strata_iter_new(db, &between, NULL), 0);
    flush(db);
    assert_delete(db, "key 00000");
    compact(db);
    assert_string_equal(files(fs), "000002.run 000007.log 000008.run ");
    expect_rows(before, 100, "old");
    expect_rows(between, 100, "new");
    assert_get(db, "key 00000", NULL);
    strata_iter_free(before);
    strata_iter_free(between);
    assert_string_equal(files(fs), "000007.log 000008.run ");
    close_it(db);
    assert_int_equal(fs_sim_open_files(fs), 0);
    fs_free(fs);
}

/* ---- What is told of the runs ------------------------------------------------------------- */

struct told {
    char text[200];
    uint64_t bytes;
};

static void note_table(void *arg, const struct strata_table *t)
{
    struct told *told = arg;
    size_t used = strlen(told->text);

    told->bytes += t->bytes;
    snprintf(told->text + used, sizeof told->text - used, "%u:%d %.*s-%.*s %d/%d|", t->level,
             (int)t->number, (int)t->smallest.size, (const char *)t->smallest.data,
             (int)t->largest.size, (const char *)t->largest.data, (int)t->tombstones,
             (int)t->records);
}

static void expect_told(struct strata *db, const char *text)
{
    struct told told = {0};
    struct strata_error err;

    assert_ok(strata_tables(db, note_table, &told, &err), &err);
    assert_string_equal(told.text, text);
    assert_int_equal(told.bytes, check_stat(db, "run_bytes"));
}

static void store_lists_its_runs_the_newest_first(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    put_many(db, 0, 10, "in memory only");
    expect_told(db, "");
    flush(db);
    expect_told(db, "0:2 key 00000-key 00009 0/10|");
    put_many(db, 1, 5, "value");
    assert_delete(db, "key 00003");
    flush(db);
    put_many(db, 0, 20, "in memory only");
    expect_told(db, "0:4 key 00001-key 00004 1/4|0:2 key 00000-key 00009 0/10|");
    compact(db);
    expect_told(db, "0:8 key 00000-key 00019 0/20|");
    close_it(db);
    fs_free(fs);
}

/* ---- Closing and opening ------------------------------------------------------------------- */

static void store_short_log_is_kept_and_written_on(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    uint64_t written;

    (void)state;
    assert_put(db, "a", "1");
    close_it(db);
    written = fs->bytes_written;
    db = open_it(fs);
    assert_int_equal(fs->bytes_written, written); /* opening writes nothing */
    assert_string_equal(files(fs), "000001.log ");
    assert_put(db, "b", "2");
    assert_int_equal(check_stat(db, "sequence"), 3);
    close_it(db);
    assert_string_equal(files(fs), "000001.log ");
    db = open_it(fs);
    assert_get(db, "a", "1");
    assert_get(db, "b", "2");
    close_it(db);
    fs_free(fs);
}

static void store_long_log_is_flushed_by_the_close(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    uint64_t written;

    (void)state;
    put_many(db, 0, 2000, "value");
    close_it(db);
    assert_string_equal(files(fs), "000002.run 000003.log ");
    written = fs->bytes_written;
    db = open_it(fs);
    assert_int_equal(fs->bytes_written, written);
    assert_string_equal(files(fs), "000002.run 000003.log ");
    assert_true(check_stat(db, "open_replayed") < 100);
    expect_many(db, 0, 2000, "value");
    close_it(db);
    fs_free(fs);
}

/* Many short sessions leave no long log either. */
static void store_log_stays_short_over_many_sessions(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db;

    (void)state;
    for (int i = 0; i < 30; i++) {
        db = open_it(fs);
        assert_true(check_stat(db, "open_replayed") <= 65536);
        put_many(db, 100 * i, 100 * i + 100, "value");
        close_it(db);
    }
    assert_says(files(fs), ".run");
    db = open_it(fs);
    expect_many(db, 0, 3000, "value");
    close_it(db);
    fs_free(fs);
}

static void store_log_of_a_killed_process_is_never_written_on(void **state)
{
    struct strata_fs *fs = fs_sim_new(), *killed;
    struct strata *db = open_it(fs);

    (void)state;
    assert_put(db, "a", "1");
    assert_put(db, "b", "2");
    killed = fs_sim_copy(fs);
    close_it(db);
    db = open_it(killed);
    assert_string_equal(files(killed), "000002.run 000003.log ");
    assert_int_equal(check_stat(db, "sequence"), 3);
    assert_get(db, "a", "1");
    assert_put(db, "c", "3");
    close_it(db);
    db = open_it(killed);
    assert_get(db, "b", "2");
    assert_get(db, "c", "3");
    close_it(db);
    fs_free(killed);
    fs_free(fs);
}

static void store_killed_again_and_again_keeps_few_files(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db;

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct strata_fs *killed;
        db = open_it(fs);
        put_many(db, i, i + 1, "value");
        killed = fs_sim_copy(fs);
        close_it(db);
        fs_free(fs);
        fs = killed;
    }
    assert_true(strlen(files(fs)) < 200);
    db = open_it(fs);
    expect_many(db, 0, 20, "value");
    close_it(db);
    fs_free(fs);
}

/* ---- What the list says -------------------------------------------------------------------- */

static void make_files(struct strata_fs *fs)
{
    struct strata *db = open_it(fs);
    assert_put(db, "a", "1");
    flush(db);
    assert_put(db, "b", "2");
    flush(db);
    assert_put(db, "c", "3");
    close_it(db);
    assert_string_equal(files(fs), "000002.run 000004.run 000005.log ");
}

static void refuse_open(struct strata_fs *fs, const char *file, const char *words)
{
    struct strata_error err;
    struct strata *db;
    assert_code(subject_open(fs, DIR, false, &db, &err), STRATA_ERR_CORRUPT, &err);
    if (file)
        assert_err_file(&err, file);
    assert_err_says(&err, words);
    assert_int_equal(fs_sim_open_files(fs), 0);
}

static void store_missing_file_is_damage_and_nothing_is_removed(void **state)
{
    static const char *const paths[] = {"db/000002.run", "db/000004.run", "db/000005.log"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata_buffer bytes = {0};
        struct strata *db;
        make_files(fs);
        assert_int_equal(fs_sim_get(fs, paths[i], &bytes), 0);
        assert_int_equal(fs_remove(fs, paths[i], NULL), 0);
        refuse_open(fs, paths[i], "missing");
        assert_int_equal(fs_sim_put(fs, paths[i], strata_buffer_slice(&bytes)), 0);
        db = open_it(fs); /* the others were left alone */
        assert_get(db, "a", "1");
        assert_get(db, "b", "2");
        assert_get(db, "c", "3");
        close_it(db);
        strata_buffer_free(&bytes);
        fs_free(fs);
    }
}

static void store_list_of_an_earlier_time_is_damage_and_nothing_is_removed(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_buffer old = {0}, now = {0};
    struct strata *db;

    (void)state;
    make_files(fs);
    assert_int_equal(fs_sim_get(fs, "db/TABLES", &old), 0);
    db = open_it(fs);
    compact(db);
    close_it(db);
    assert_int_equal(fs_sim_get(fs, "db/TABLES", &now), 0);
    assert_int_equal(fs_sim_put(fs, "db/TABLES", strata_buffer_slice(&old)), 0);
    refuse_open(fs, NULL, "missing");
    assert_int_equal(fs_sim_put(fs, "db/TABLES", strata_buffer_slice(&now)), 0);
    db = open_it(fs);
    assert_get(db, "c", "3");
    close_it(db);
    strata_buffer_free(&old);
    strata_buffer_free(&now);
    fs_free(fs);
}

/* Also while the database is open. */
static void store_verify_finds_another_list(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_buffer old = {0}, now = {0};
    struct strata_error err;
    struct strata *db;

    (void)state;
    make_files(fs);
    assert_int_equal(fs_sim_get(fs, "db/TABLES", &old), 0);
    db = open_it(fs);
    assert_ok(strata_verify(db, NULL, &err), &err);
    compact(db);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_int_equal(fs_sim_get(fs, "db/TABLES", &now), 0);
    assert_int_equal(fs_sim_put(fs, "db/TABLES", strata_buffer_slice(&old)), 0);
    assert_code(strata_verify(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, "db/TABLES");
    assert_err_offset(&err, 0);
    assert_int_equal(fs_sim_put(fs, "db/TABLES", strata_buffer_slice(&now)), 0);
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_it(db);
    strata_buffer_free(&old);
    strata_buffer_free(&now);
    fs_free(fs);
}

/* A list that could not be read again is not written. */
/* What is there by name counts, not what is open. */
static void store_verify_misses_a_removed_file(void **state)
{
    static const char *const files[] = {"db/000002.run", "db/000003.log"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_it(fs);
        struct strata_error err;
        put_many(db, 0, 30, "value");
        flush(db);
        put_many(db, 30, 60, "value");
        assert_ok(strata_verify(db, NULL, &err), &err);
        assert_int_equal(fs_remove(fs, files[i], NULL), 0);
        expect_many(db, 0, 60, "value");
        assert_code(strata_verify(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, files[i]);
        assert_err_says(&err, "missing");
        strata_close(db, NULL);
        fs_free(fs);
    }
}

static void store_list_of_very_many_runs_is_read_or_never_written(void **state)
{
    enum { MANY = 20000, TOO_MANY = 30000 };
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct tables tables = {.next = TOO_MANY + 2, .log.number = 1}, again;
    struct strata_error err;

    (void)state;
    strata_options_init(&options);
    make_files(fs);
    tables.runs = calloc(TOO_MANY, sizeof *tables.runs);
    assert_non_null(tables.runs);
    for (uint32_t i = 0; i < TOO_MANY; i++)
        tables.runs[i].number = i + 2;
    tables.count = MANY;
    assert_ok(tables_write(&env, &tables, &err), &err);
    assert_ok(tables_read(&env, &again, &err), &err);
    assert_int_equal(again.count, MANY);
    tables_free(&again);
    tables.count = TOO_MANY;
    assert_code(tables_write(&env, &tables, &err), STRATA_ERR_IO, &err);
    assert_ok(tables_read(&env, &again, &err), &err);
    assert_int_equal(again.count, MANY);
    tables_free(&again);
    tables_free(&tables);
    fs_free(fs);
}

/* Of the log's last frame, too: it was synced, so it is no torn tail. */
static void store_verify_names_the_damage_of_a_synced_frame(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_buffer log = {0};
    struct strata_error err;

    (void)state;
    assert_put(db, "a", "first");
    assert_put(db, "b", "last");
    assert_int_equal(fs_sim_get(fs, "db/000001.log", &log), 0);
    for (size_t at = log.size - 4; at-- > 0;)
        if (memcmp(log.data + at, "last", 4) == 0) {
            log.data[at] ^= 1;
            break;
        }
    assert_int_equal(fs_sim_put(fs, "db/000001.log", strata_buffer_slice(&log)), 0);
    assert_code(strata_verify(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, "db/000001.log");
    assert_err_says(&err, "record body check");
    assert_int_equal(strata_close(db, NULL), 0);
    strata_buffer_free(&log);
    fs_free(fs);
}

static void store_run_in_the_place_of_another_is_damage(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_buffer bytes = {0};

    (void)state;
    make_files(fs);
    assert_int_equal(fs_sim_get(fs, "db/000002.run", &bytes), 0);
    assert_int_equal(fs_sim_put(fs, "db/000004.run", strata_buffer_slice(&bytes)), 0);
    refuse_open(fs, "db/000004.run", "number");
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* Lists whose check holds, and that do not fit the runs. */
static void store_list_that_does_not_fit_the_runs_is_damage(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct tables tables;
    struct tables_run first;

    (void)state;
    strata_options_init(&options);
    make_files(fs);
    assert_int_equal(tables_read(&env, &tables, NULL), 0);
    first = tables.runs[0];
    tables.runs[0] = tables.runs[1];
    tables.runs[1] = first;
    assert_int_equal(tables_write(&env, &tables, NULL), 0);
    refuse_open(fs, NULL, "should end before");
    tables.runs[1] = tables.runs[0];
    tables.runs[0] = first;
    tables.runs[0].digest++;
    assert_int_equal(tables_write(&env, &tables, NULL), 0);
    refuse_open(fs, "db/000004.run", "not the run");
    tables.runs[0].digest--;
    tables.runs[0].bytes++;
    assert_int_equal(tables_write(&env, &tables, NULL), 0);
    refuse_open(fs, "db/000004.run", "not the run");
    tables.runs[0].bytes--;
    tables.log.sequence += 5;
    assert_int_equal(tables_write(&env, &tables, NULL), 0);
    refuse_open(fs, "db/000005.log", "were once on the device");
    tables_free(&tables);
    fs_free(fs);
}

static void store_files_that_no_list_names_are_removed(void **state)
{
    static const char *const dead[] = {"db/000099.run", "db/000050.log", "db/000007.run.tmp",
                                       "db/TABLES.tmp", "db/000001.log", "db/000002.run.tmp"};
    static const char *const others[] = {"db/notes.run", "db/12.log", "db/0000099.run", "db/2.run"};
    struct strata_fs *fs = fs_sim_new();
    struct strata_buffer bytes = {0};
    struct strata_options options;
    struct strata *db;

    (void)state;
    make_files(fs);
    for (size_t i = 0; i < sizeof dead / sizeof *dead; i++)
        assert_int_equal(fs_sim_put(fs, dead[i], S("left by a crash")), 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(fs_sim_put(fs, others[i], S("somebody else's")), 0);
    subject_options(&options, fs, false);
    options.read_only = true;
    assert_int_equal(strata_open(DIR, &options, &db, NULL), 0);
    close_it(db);
    assert_int_equal(fs_sim_get(fs, dead[0], &bytes), 0); /* a reader removes nothing */
    db = open_it(fs);
    for (size_t i = 0; i < sizeof dead / sizeof *dead; i++)
        assert_int_not_equal(fs_sim_get(fs, dead[i], &bytes), 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(fs_sim_get(fs, others[i], &bytes), 0);
    assert_get(db, "a", "1");
    close_it(db);
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* Of a list that has lost its oldest run: what is left tells of deletes, and nothing else does. */
static void store_tombstones_of_a_single_run_are_not_shown(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct strata *db = open_it(fs);
    struct strata_iter *iter;
    struct strata_error err;
    struct tables tables;

    (void)state;
    strata_options_init(&options);
    assert_put(db, "a", "old");
    flush(db);
    assert_put(db, "b", "new");
    assert_delete(db, "a");
    flush(db);
    close_it(db);
    assert_int_equal(tables_read(&env, &tables, NULL), 0);
    assert_int_equal(tables.count, 2);
    tables.count = 1;
    assert_int_equal(tables_write(&env, &tables, NULL), 0);
    tables_free(&tables);
    db = open_it(fs);
    assert_int_equal(check_stat(db, "run_records"), 2);
    for (int compacted = 0; compacted < 2; compacted++) {
        assert_ok(strata_iter_new(db, &iter, &err), &err);
        assert_ok(strata_iter_first(iter, &err), &err);
        assert_bytes(strata_iter_key(iter), S("b"));
        assert_code(strata_iter_next(iter, &err), STRATA_NOT_FOUND, &err);
        strata_iter_free(iter);
        compact(db);
        assert_int_equal(check_stat(db, "run_records"), 1);
    }
    assert_int_equal(check_stat(db, "merges"), 1); /* the second time there was nothing to do */
    close_it(db);
    fs_free(fs);
}

/* An open that fails at any call leaves nothing behind, in memory neither (ASan looks). */
static void store_open_that_fails_at_any_call_can_be_tried_again(void **state)
{
    bool struck = true;

    (void)state;
    for (uint64_t call = 1; struck; call++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = call};
        struct strata_fs *fs = fs_sim_new();
        struct strata_error err;
        struct strata *db;
        make_files(fs);
        assert_int_equal(fs_sim_put(fs, "db/000099.run", S("left by a crash")), 0);
        fs_sim_fail(fs, &fault);
        if (subject_open(fs, DIR, false, &db, &err) == 0)
            strata_close(db, NULL);
        struck = fs_sim_failed(fs) > 0;
        fs_sim_fail(fs, NULL);
        assert_int_equal(fs_sim_open_files(fs), 0);
        db = open_it(fs);
        assert_get(db, "a", "1");
        assert_get(db, "c", "3");
        close_it(db);
        fs_free(fs);
    }
}

/* ---- Limits -------------------------------------------------------------------------------- */

static uint64_t reads_of(struct strata_fs *fs)
{
    return fs->calls[FS_CALL_READ];
}

/* Two or three reads for each halving of the run: stage 5 turns this round. */
static void weak_get_reads_a_record_for_each_halving(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    uint64_t before;

    (void)state;
    put_many(db, 0, 4096, "value");
    compact(db);
    assert_int_equal(check_stat(db, "runs"), 1);
    before = reads_of(fs);
    expect_many(db, 1000, 1001, "value");
    assert_in_range(reads_of(fs) - before, 2 * 8, 4 * 12);
    before = reads_of(fs);
    assert_get(db, "key 09999", NULL); /* behind the last key, which is in memory */
    assert_int_equal(reads_of(fs), before);
    close_it(db);
    fs_free(fs);
}

/* A key that is in no run is looked for in every one: stage 5's filters turn this round. */
static void weak_missing_key_is_looked_for_in_every_run(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    uint64_t before, one;

    (void)state;
    for (int i = 0; i < 3; i++) {
        put_many(db, 0, 2, "value");
        flush(db);
        before = reads_of(fs);
        assert_get(db, "key 00000x", NULL);
        one = reads_of(fs) - before;
        assert_in_range(one, 3 * (uint64_t)(i + 1), 8 * (uint64_t)(i + 1));
    }
    close_it(db);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_flush_makes_a_run_and_a_new_log),
        cmocka_unit_test(store_counts_the_runs_that_were_written),
        cmocka_unit_test(store_full_memtable_is_flushed_by_the_next_write),
        cmocka_unit_test(store_takes_a_memtable_of_any_size),
        cmocka_unit_test(store_newer_version_hides_older_runs),
        cmocka_unit_test(store_flush_that_fails_at_any_call_loses_nothing),
        cmocka_unit_test(store_error_without_an_errno_stops_writing_too),
        cmocka_unit_test(store_refuses_what_was_under_way_when_a_write_failed),
        cmocka_unit_test(store_close_that_fails_is_an_error_and_leaves_nothing_open),
        cmocka_unit_test(store_syncs_by_bytes_and_by_time),
        cmocka_unit_test(store_merge_drops_a_tombstone_with_what_it_hides),
        cmocka_unit_test(store_merge_of_the_newest_keeps_tombstones),
        cmocka_unit_test(store_runs_stay_few),
        cmocka_unit_test(store_runs_stay_few_before_a_damaged_one),
        cmocka_unit_test(store_run_that_cannot_be_read_does_not_stop_writing),
        cmocka_unit_test(store_without_descriptors_for_once_goes_on),
        cmocka_unit_test(store_compaction_that_cannot_read_a_run_does_not_stop_writing),
        cmocka_unit_test(store_merge_without_room_does_not_stop_writing),
        cmocka_unit_test(store_merge_beyond_the_quota_does_not_stop_writing),
        cmocka_unit_test(store_iterators_hold_what_was_flushed_and_merged_away),
        cmocka_unit_test(store_lists_its_runs_the_newest_first),
        cmocka_unit_test(store_short_log_is_kept_and_written_on),
        cmocka_unit_test(store_long_log_is_flushed_by_the_close),
        cmocka_unit_test(store_log_stays_short_over_many_sessions),
        cmocka_unit_test(store_log_of_a_killed_process_is_never_written_on),
        cmocka_unit_test(store_killed_again_and_again_keeps_few_files),
        cmocka_unit_test(store_missing_file_is_damage_and_nothing_is_removed),
        cmocka_unit_test(store_list_of_an_earlier_time_is_damage_and_nothing_is_removed),
        cmocka_unit_test(store_verify_finds_another_list),
        cmocka_unit_test(store_verify_misses_a_removed_file),
        cmocka_unit_test(store_verify_names_the_damage_of_a_synced_frame),
        cmocka_unit_test(store_run_in_the_place_of_another_is_damage),
        cmocka_unit_test(store_list_that_does_not_fit_the_runs_is_damage),
        cmocka_unit_test(store_list_of_very_many_runs_is_read_or_never_written),
        cmocka_unit_test(store_files_that_no_list_names_are_removed),
        cmocka_unit_test(store_tombstones_of_a_single_run_are_not_shown),
        cmocka_unit_test(store_open_that_fails_at_any_call_can_be_tried_again),
        cmocka_unit_test(weak_get_reads_a_record_for_each_halving),
        cmocka_unit_test(weak_missing_key_is_looked_for_in_every_run),
    };
    setenv("STRATA_STAGE", "4", false); /* run by hand it is of this stage too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
