/* mark_test.c: how much a stage that syncs can tell of a damaged log, by the mark of the last sync
 * (stages/03_wal/mark.h): in what a killed process left every damage is found, and what a kill or
 * a power cut may leave is none. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "harm.h"
#include "crash/subject.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "disk/db"
#define PUTS 10

/* What a process leaves that put some and was killed. */
struct killed {
    struct strata_fs *fs;
    enum strata_sync sync;
    char path[64];            /* of its log */
    struct strata_buffer log; /* its bytes, with the room behind them */
    size_t ends[PUTS + 1];    /* its length after so many puts */
};

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

static int try_open(const struct killed *k, struct strata_fs *fs, bool read_only,
                    struct strata **db, struct strata_error *err)
{
    struct strata_options options;

    subject_options(&options, fs, false);
    options.sync = k->sync;
    options.read_only = read_only;
    return strata_open(DIR, &options, db, err);
}

static void find_log(struct killed *k)
{
    struct fs_names names;
    size_t logs = 0;

    assert_int_equal(fs_sim_paths(k->fs, DIR, &names), 0);
    for (size_t i = 0; i < names.count; i++)
        if (fnmatch("*.log", names.names[i], 0) == 0 && ++logs)
            snprintf(k->path, sizeof k->path, DIR "/%s", names.names[i]);
    fs_names_free(&names);
    assert_int_equal(logs, 1);
}

/* Keys "a", "b" ...; each value ends with `last`. */
static void put(struct strata *db, int i, char last)
{
    char key[] = {(char)('a' + i)}, value[] = {'v', (char)('0' + i), last};
    struct strata_error err;

    assert_ok(strata_put(db, strata_bytes(key, 1), strata_bytes(value, 3), &err), &err);
}

static void kill_one(struct killed *k, enum strata_sync sync, char last)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db;

    *k = (struct killed){.fs = fs, .sync = sync};
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    db = open_as(fs, sync);
    find_log(k);
    k->ends[0] = harm_used(fs, k->path);
    for (int i = 0; i < PUTS; i++) {
        put(db, i, last);
        k->ends[i + 1] = harm_used(fs, k->path) + (last == 0);
    }
    k->fs = fs_sim_copy(fs);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
    find_log(k);
    assert_int_equal(fs_sim_get(k->fs, k->path, &k->log), 0);
}

static void killed_free(struct killed *k)
{
    strata_buffer_free(&k->log);
    fs_free(k->fs);
}

/* The same with its log's first `size` bytes. */
static struct strata_fs *with_log(const struct killed *k, size_t size)
{
    struct strata_fs *fs = fs_sim_copy(k->fs);
    assert_non_null(fs);
    assert_int_equal(fs_sim_put(fs, k->path, strata_bytes(k->log.data, size)), 0);
    return fs;
}

static struct strata_fs *with_bit(const struct killed *k, size_t bit)
{
    struct strata_fs *fs;

    k->log.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    fs = with_log(k, k->log.size);
    k->log.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    return fs;
}

/* The same with zeros in [begin, end) of its log. */
static struct strata_fs *with_hole(const struct killed *k, size_t begin, size_t end)
{
    struct strata_fs *fs;
    uint8_t kept[512];

    assert_true(end - begin <= sizeof kept);
    memcpy(kept, k->log.data + begin, end - begin);
    memset(k->log.data + begin, 0, end - begin);
    fs = with_log(k, k->log.size);
    memcpy(k->log.data + begin, kept, end - begin);
    return fs;
}

/* Read-only and for writing. */
static void expect_damage(const struct killed *k, struct strata_fs *fs)
{
    for (int read_only = 1; read_only >= 0; read_only--) {
        struct strata_error err;
        struct strata *db = NULL;
        assert_code(try_open(k, fs, read_only, &db, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, k->path);
        assert_true(err.offset <= k->log.size);
    }
    fs_free(fs);
}

/* It opens, verifies, and has the first puts; returns how many warnings that took. */
static unsigned long expect_puts(const struct killed *k, struct strata_fs *fs, int puts)
{
    unsigned long warnings = subject_warnings();

    for (int read_only = 1; read_only >= 0; read_only--) {
        struct strata_error err;
        struct strata *db;
        assert_ok(try_open(k, fs, read_only, &db, &err), &err);
        for (int i = 0; i < PUTS; i++) {
            char key[] = {(char)('a' + i)};
            struct strata_buffer value = {0};
            int rc = strata_get(db, strata_bytes(key, 1), &value, &err);
            strata_buffer_free(&value);
            assert_int_equal(rc, i < puts ? 0 : STRATA_NOT_FOUND);
        }
        assert_ok(strata_verify(db, NULL, &err), &err);
        assert_ok(strata_close(db, &err), &err);
    }
    fs_free(fs);
    return subject_warnings() - warnings;
}

static int puts_within(const struct killed *k, size_t size)
{
    int puts = 0;
    while (puts < PUTS && k->ends[puts + 1] <= size)
        puts++;
    return puts;
}

/* ---- Synced ------------------------------------------------------------------------------ */

static void synced_and_killed_any_cut_is_damage(void **state)
{
    struct killed k;

    (void)state;
    kill_one(&k, STRATA_SYNC_ALWAYS, '.');
    for (size_t size = 0; size < k.ends[PUTS]; size++)
        expect_damage(&k, with_log(&k, size));
    assert_int_equal(expect_puts(&k, with_log(&k, k.ends[PUTS]), PUTS), 0);
    killed_free(&k);
}

/* The last frame's too; and a value that ends with a zero does not help. */
static void synced_and_killed_any_flip_is_damage(void **state)
{
    struct killed k;

    (void)state;
    for (int zero = 0; zero < 2; zero++) {
        kill_one(&k, STRATA_SYNC_ALWAYS, zero ? 0 : '.');
        for (size_t bit = 0; bit < 8 * k.ends[PUTS]; bit++)
            expect_damage(&k, with_bit(&k, bit));
        killed_free(&k);
    }
}

/* The mark alone is damaged, or gone: nothing is lost but what it could tell. */
static void synced_and_killed_a_mark_that_is_damaged_is_missed_by_nobody(void **state)
{
    struct strata_buffer mark = {0};
    struct killed k;
    struct strata_fs *fs;

    (void)state;
    kill_one(&k, STRATA_SYNC_ALWAYS, '.');
    assert_int_equal(fs_sim_get(k.fs, DIR "/TAIL", &mark), 0);
    for (size_t i = 0; i < mark.size; i++) {
        mark.data[i] ^= 0x20;
        fs = fs_sim_copy(k.fs);
        assert_int_equal(fs_sim_put(fs, DIR "/TAIL", strata_buffer_slice(&mark)), 0);
        mark.data[i] ^= 0x20;
        assert_true(expect_puts(&k, fs, PUTS) > 0); /* "ignored" */
    }
    memset(mark.data, 0, mark.size); /* a power cut may leave that of the first */
    for (size_t size = 0; size <= mark.size; size += mark.size) {
        fs = fs_sim_copy(k.fs);
        assert_int_equal(fs_sim_put(fs, DIR "/TAIL", strata_bytes(mark.data, size)), 0);
        assert_int_equal(expect_puts(&k, fs, PUTS), 0);
    }
    strata_buffer_free(&mark);
    killed_free(&k);
}

static void mark_that_cannot_be_written_fails_no_write(void **state)
{
    const struct fs_sim_fault fault = {
        .kind = FS_SIM_EIO, .at = 1, .for_ever = true, .calls = 1u << FS_CALL_WRITE};
    struct strata_fs *fs = fs_sim_new();
    unsigned long warnings = subject_warnings();
    struct strata_error err;
    struct strata *db;

    (void)state;
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    db = open_as(fs, STRATA_SYNC_ALWAYS);
    fs_sim_fail(fs, &fault);
    put(db, 0, '.');
    put(db, 1, '.');
    assert_int_equal(fs_sim_failed(fs), 1);
    assert_int_equal(subject_warnings(), warnings + 1);
    fs_sim_fail(fs, NULL);
    assert_ok(strata_close(db, &err), &err);
    db = open_as(fs, STRATA_SYNC_ALWAYS);
    assert_get(db, "b", "v1.");
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* ---- Not synced -------------------------------------------------------------------------- */

static void unsynced_and_killed_any_flip_is_damage(void **state)
{
    struct killed k;

    (void)state;
    kill_one(&k, STRATA_SYNC_NEVER, '.');
    for (size_t bit = 0; bit < 8 * k.ends[PUTS]; bit++)
        expect_damage(&k, with_bit(&k, bit));
    killed_free(&k);
}

/* A log is made with room, or without, and of the write under way any part is there. */
static void unsynced_and_killed_in_any_write_is_no_damage(void **state)
{
    struct killed k;

    (void)state;
    for (int zero = 0; zero < 2; zero++) {
        kill_one(&k, STRATA_SYNC_NEVER, zero ? 0 : '.');
        for (size_t size = k.ends[0]; size <= k.ends[PUTS]; size++) {
            struct strata_fs *fs = with_log(&k, size);
            struct fs_file *file;
            expect_puts(&k, fs, puts_within(&k, size));
            fs = with_log(&k, size);
            assert_int_equal(fs_open(fs, k.path, FS_WRITE, &file, NULL), 0);
            assert_int_equal(fs_truncate(file, k.log.size, NULL), 0);
            assert_int_equal(fs_close(file, NULL), 0);
            expect_puts(&k, fs, puts_within(&k, size + (zero && k.log.data[size] == 0)));
        }
        killed_free(&k);
    }
}

/* Some operations, whose values have zeros inside and at the end; one is as large as is written
 * without a copy. */
static void write_batch(struct strata *db, size_t large)
{
    static uint8_t zeros[70000];
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    zeros[100] = zeros[large ? large - 50 : 101] = 'x';
    assert_non_null(batch);
    assert_ok(strata_batch_put(batch, strata_string("x1"), strata_bytes(zeros, 300), &err), &err);
    assert_ok(strata_batch_delete(batch, strata_string("a"), &err), &err);
    assert_ok(strata_batch_put(batch, strata_string("x2"), strata_bytes(zeros, 0), &err), &err);
    assert_ok(strata_batch_put(batch, strata_string("x3"), strata_bytes(zeros, large), &err), &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    strata_batch_free(batch);
}

static void expect_batch_cut(const struct killed *k, size_t size, bool room)
{
    struct strata_fs *fs = with_log(k, size);
    struct fs_file *file;

    if (room) {
        assert_int_equal(fs_open(fs, k->path, FS_WRITE, &file, NULL), 0);
        assert_int_equal(fs_truncate(file, k->log.size + 4096, NULL), 0);
        assert_int_equal(fs_close(file, NULL), 0);
    }
    expect_puts(k, fs, 2);
}

/* The same of a batch. (Where only zeros are missing, and there is room, it is whole.) */
static void unsynced_and_killed_in_a_batch_is_no_damage(void **state)
{
    static const size_t larges[] = {0, 200, 70000};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct killed k = {.fs = fs, .sync = STRATA_SYNC_NEVER};
        struct strata_error err;
        struct strata *db;
        size_t begin, step = larges[i] > 1000 ? 97 : 1;

        assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
        db = open_as(fs, STRATA_SYNC_NEVER);
        find_log(&k);
        put(db, 0, '.');
        put(db, 1, '.');
        begin = harm_used(fs, k.path);
        write_batch(db, larges[i]);
        k.fs = fs_sim_copy(fs);
        strata_close(db, &err);
        fs_free(fs);
        assert_int_equal(fs_sim_get(k.fs, k.path, &k.log), 0);
        k.log.size = harm_used(k.fs, k.path);
        for (size_t size = begin; size < k.log.size; size += step) {
            expect_batch_cut(&k, size, false);
            expect_batch_cut(&k, size, true);
        }
        killed_free(&k);
    }
}

/* After a power cut a hole may have whole frames behind it: what was before it counts. */
static void unsynced_and_cut_a_hole_is_no_damage_but_warned_of(void **state)
{
    struct killed k;

    (void)state;
    kill_one(&k, STRATA_SYNC_NEVER, '.');
    fs_sim_restart(k.fs);
    for (int puts = 0; puts < PUTS; puts++)
        assert_int_equal(expect_puts(&k, with_hole(&k, k.ends[puts], k.ends[puts + 1]), puts),
                         puts + 1 < PUTS ? 2 : 0);
    killed_free(&k);
}

/* After a sync that failed the system may forget what was not synced, page by page, and run on: a
 * hole is no damage then, though there was no power cut. What was synced before is known still. */
static void failed_sync_and_killed_a_hole_is_no_damage(void **state)
{
    const struct fs_sim_fault fault = {
        .kind = FS_SIM_EIO, .at = 1, .for_ever = true, .calls = 1u << FS_CALL_SYNC};
    enum { SYNCED = 3 };
    struct strata_fs *fs = fs_sim_new();
    struct killed k = {.fs = fs, .sync = STRATA_SYNC_NEVER};
    struct strata_error err;
    struct strata *db;

    (void)state;
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    db = open_as(fs, STRATA_SYNC_NEVER);
    find_log(&k);
    k.ends[0] = harm_used(fs, k.path);
    for (int i = 0; i < PUTS; i++) {
        put(db, i, '.');
        k.ends[i + 1] = harm_used(fs, k.path);
        if (i + 1 == SYNCED)
            assert_ok(strata_sync(db, &err), &err);
    }
    fs_sim_fail(fs, &fault);
    assert_code(strata_sync(db, &err), STRATA_ERR_IO, &err);
    fs_sim_fail(fs, NULL);
    k.fs = fs_sim_copy(fs);
    strata_close(db, NULL);
    fs_free(fs);
    assert_int_equal(fs_sim_get(k.fs, k.path, &k.log), 0);
    for (int puts = 0; puts + 1 < PUTS; puts++) {
        fs = with_hole(&k, k.ends[puts], k.ends[puts + 1]);
        if (puts < SYNCED)
            expect_damage(&k, fs);
        else
            assert_int_equal(expect_puts(&k, fs, puts), 2);
    }
    killed_free(&k);
}

/* Stage 3 goes on in the log that it finds, and syncs it first: that may be what fails. */
static void failed_sync_of_an_opening_a_hole_is_no_damage(void **state)
{
    const struct fs_sim_fault fault = {
        .kind = FS_SIM_EIO, .at = 1, .for_ever = true, .calls = 1u << FS_CALL_SYNC};
    struct strata_error err;
    struct strata *db;
    struct killed k;

    (void)state;
    if (subject_info()->stage != 3)
        return; /* later ones make a table of what they find, and leave the log as it is */
    kill_one(&k, STRATA_SYNC_NEVER, '.');
    fs_sim_fail(k.fs, &fault);
    assert_code(try_open(&k, k.fs, false, &db, &err), STRATA_ERR_IO, &err);
    fs_sim_fail(k.fs, NULL);
    for (int puts = 0; puts + 1 < PUTS; puts++)
        assert_int_equal(expect_puts(&k, with_hole(&k, k.ends[puts], k.ends[puts + 1]), puts), 2);
    killed_free(&k);
}

/* ---- What cannot be told ----------------------------------------------------------------- */

/* After a power cut, which took the mark, nothing says that the last frame was synced. */
static void weak_flip_in_the_last_frame_before_a_power_cut_looks_torn(void **state)
{
    struct killed k;

    (void)state;
    kill_one(&k, STRATA_SYNC_ALWAYS, '.');
    fs_sim_restart(k.fs);
    assert_int_equal(fs_remove(k.fs, DIR "/TAIL", NULL), 0);
    for (size_t at = k.ends[PUTS - 1]; at < k.ends[PUTS]; at++)
        expect_puts(&k, with_bit(&k, 8 * at), PUTS - 1);
    killed_free(&k);
}

/* Nothing was synced, and no write was cut short: a log that ends between two is a shorter one. */
static void weak_cut_of_what_was_never_synced_is_a_shorter_log(void **state)
{
    struct killed k;

    (void)state;
    kill_one(&k, STRATA_SYNC_NEVER, '.');
    for (int puts = 0; puts < PUTS; puts++)
        assert_int_equal(expect_puts(&k, with_log(&k, k.ends[puts]), puts), 0);
    killed_free(&k);
}

/* A last write whose last byte is zero may be one that ends before it. */
static void weak_flip_in_a_last_write_that_ends_with_zeros_looks_torn(void **state)
{
    struct killed k;

    (void)state;
    kill_one(&k, STRATA_SYNC_NEVER, 0);
    expect_puts(&k, with_bit(&k, 8 * (k.ends[PUTS] - 2)), PUTS - 1);
    killed_free(&k);
}

static void marks_are_left_by_stages_that_sync(void **state)
{
    (void)state;
    if (!subject_promises(STRATA_PROMISE_POWER_CUT) || subject_object()) {
        check_skipping("the stage does not sync, or is an engine of one's own");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest first[] = {cmocka_unit_test(marks_are_left_by_stages_that_sync)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_and_killed_any_cut_is_damage),
        cmocka_unit_test(synced_and_killed_any_flip_is_damage),
        cmocka_unit_test(synced_and_killed_a_mark_that_is_damaged_is_missed_by_nobody),
        cmocka_unit_test(mark_that_cannot_be_written_fails_no_write),
        cmocka_unit_test(unsynced_and_killed_any_flip_is_damage),
        cmocka_unit_test(unsynced_and_killed_in_any_write_is_no_damage),
        cmocka_unit_test(unsynced_and_killed_in_a_batch_is_no_damage),
        cmocka_unit_test(unsynced_and_cut_a_hole_is_no_damage_but_warned_of),
        cmocka_unit_test(failed_sync_and_killed_a_hole_is_no_damage),
        cmocka_unit_test(failed_sync_of_an_opening_a_hole_is_no_damage),
        cmocka_unit_test(weak_flip_in_the_last_frame_before_a_power_cut_looks_torn),
        cmocka_unit_test(weak_cut_of_what_was_never_synced_is_a_shorter_log),
        cmocka_unit_test(weak_flip_in_a_last_write_that_ends_with_zeros_looks_torn),
    };

    if (!subject_promises(STRATA_PROMISE_POWER_CUT) || subject_object())
        return cmocka_run_group_tests(first, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
