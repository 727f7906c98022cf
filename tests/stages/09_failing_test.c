/* 09_failing_test.c: each call of the file layer fails, and each allocation, in what the crash
 * tests' loops do not do: backups and repairs that have to copy, repairs of every kind of loss,
 * verify, events, compaction of a range. What must come of it: an error that says so, or none;
 * nothing stays open, no memory is lost; and what was there is there, and can be done again. */
#include "test.h"

#include "../crash/allocations.h"
#include "harm.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"
#define KEYS 40
#define OPS 160

/* ---- A database ------------------------------------------------------------------------------ */

static void set_options(struct strata_options *options, struct strata_fs *fs)
{
    subject_options(options, fs, true);
    options->memtable_bytes = 2048;
    options->block_bytes = 256;
    options->table_bytes = 1024;
    options->level_bytes = 1024;
    options->event_log_bytes = 8 << 10;
}

static int open_it(struct strata_fs *fs, struct strata **db, struct strata_error *err)
{
    struct strata_options options;

    set_options(&options, fs);
    return strata_open(DIR, &options, db, err);
}

/* Several tables on several levels, and something in the log; as a kill leaves it. */
static struct strata_fs *made(void)
{
    struct strata_fs *fs = fs_sim_new(), *copy;
    struct strata_error err;
    struct strata *db;

    assert_ok(open_it(fs, &db, &err), &err);
    for (int i = 0; i < OPS; i++) {
        char key[20], value[60];
        snprintf(key, sizeof key, "key %04d", i * 7 % KEYS);
        snprintf(value, sizeof value, "%d was written by this operation", i);
        if (i % 5 == 4)
            assert_delete(db, key);
        else
            assert_put(db, key, value);
    }
    copy = fs_sim_copy(fs);
    assert_non_null(copy);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
    return copy;
}

static int refuse_link(struct strata_fs *fs, const char *from, const char *to)
{
    (void)fs;
    (void)from;
    (void)to;
    return -EXDEV;
}

/* ---- What is done ---------------------------------------------------------------------------- */

static void count_stat(void *arg, const struct strata_stat *stat)
{
    (void)stat;
    ++*(unsigned *)arg;
}

static void count_table(void *arg, const struct strata_table *table)
{
    (void)table;
    ++*(unsigned *)arg;
}

static void count_event(void *arg, const struct strata_event *event)
{
    (void)event;
    ++*(unsigned *)arg;
}

static int and_close(struct strata *db, int rc, struct strata_error *err)
{
    int closed = strata_close(db, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

static int back_up(struct strata_fs *fs, struct strata_error *err)
{
    struct strata *db;
    int rc = open_it(fs, &db, err);

    return rc < 0 ? rc : and_close(db, strata_backup(db, "copy", NULL, err), err);
}

static int look(struct strata_fs *fs, struct strata_error *err)
{
    unsigned count = 0;
    struct strata *db;
    int rc = open_it(fs, &db, err);

    if (rc < 0)
        return rc;
    rc = strata_verify(db, NULL, err);
    if (rc == 0)
        rc = strata_stats(db, count_stat, &count, err);
    if (rc == 0)
        rc = strata_tables(db, count_table, &count, err);
    if (rc == 0)
        rc = strata_events(db, count_event, &count, err);
    return and_close(db, rc, err);
}

static int compact_some(struct strata_fs *fs, struct strata_error *err)
{
    struct strata *db;
    int rc = open_it(fs, &db, err);

    if (rc < 0)
        return rc;
    rc = strata_compact_range(db, S("key 0005"), S("key 0020"), NULL, err);
    if (rc == 0)
        rc = strata_compact(db, NULL, err);
    return and_close(db, rc, err);
}

static int repair_it(struct strata_fs *fs, struct strata_error *err)
{
    struct strata_options options;
    struct strata_repair_sum sum;

    set_options(&options, fs);
    return strata_repair(DIR, &options, 0, NULL, &sum, err);
}

static int repair_dry(struct strata_fs *fs, struct strata_error *err)
{
    struct strata_options options;
    struct strata_repair_sum sum;

    set_options(&options, fs);
    return strata_repair(DIR, &options, STRATA_REPAIR_DRY_RUN, NULL, &sum, err);
}

/* ---- What was lost before -------------------------------------------------------------------- */

static void lose_nothing(struct strata_fs *fs)
{
    (void)fs;
}

static void lose_the_manifest(struct strata_fs *fs)
{
    harm_remove(fs, harm_file(fs, DIR, ".manifest", 0));
}

static void lose_current(struct strata_fs *fs)
{
    harm_remove(fs, DIR "/CURRENT");
}

static void lose_the_end_of_the_manifest(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    const char *path = harm_file(fs, DIR, ".manifest", 0);

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    harm_flip(fs, path, bytes.size - 5);
    strata_buffer_free(&bytes);
}

static void lose_blocks(struct strata_fs *fs)
{
    harm_flip(fs, harm_file(fs, DIR, ".table", 0), 60);
    harm_flip(fs, harm_file(fs, DIR, ".log", 0), 100);
}

static void lose_blocks_and_the_manifest(struct strata_fs *fs)
{
    lose_blocks(fs);
    lose_the_manifest(fs);
}

static void lose_an_index(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    const char *path = harm_file(fs, DIR, ".table", 0);

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    harm_flip(fs, path, bytes.size - 5); /* the footer */
    strata_buffer_free(&bytes);
}

static void lose_files(struct strata_fs *fs)
{
    harm_remove(fs, harm_file(fs, DIR, ".table", 0));
    harm_remove(fs, harm_file(fs, DIR, ".log", 0));
}

static const struct kind {
    const char *name;
    void (*lose)(struct strata_fs *fs);
    int (*run)(struct strata_fs *fs, struct strata_error *err);
    bool exact;    /* nothing may be missing afterwards */
    bool no_links; /* no file system shares files */
} kinds[] = {
    {"backup", lose_nothing, back_up, true, false},
    {"backup by copying", lose_nothing, back_up, true, true},
    {"verify", lose_nothing, look, true, false},
    {"compaction", lose_nothing, compact_some, true, false},
    {"dry repair", lose_blocks, repair_dry, false, false},
    {"repair of the manifest", lose_the_manifest, repair_it, true, false},
    {"repair of a cut manifest", lose_the_end_of_the_manifest, repair_it, true, false},
    {"repair of CURRENT", lose_current, repair_it, true, true},
    {"repair of blocks", lose_blocks, repair_it, false, true},
    {"repair of all", lose_blocks_and_the_manifest, repair_it, false, false},
    {"repair of an index", lose_an_index, repair_it, false, false},
    {"repair of files", lose_files, repair_it, false, true},
};
#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- Judging --------------------------------------------------------------------------------- */

/* The operation that a key's value tells; 0: there is none, or it was deleted. */
static int right(int key)
{
    for (int i = OPS - 1; i >= 0; i--)
        if (i * 7 % KEYS == key)
            return i % 5 == 4 ? -1 : i;
    return -1;
}

static void expect_content(struct strata_fs *fs, const struct kind *kind)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    struct strata *db;

    assert_ok(open_it(fs, &db, &err), &err);
    assert_ok(strata_verify(db, NULL, &err), &err);
    for (int key = 0; key < KEYS; key++) {
        char text[20], got[60] = "";
        int rc;
        snprintf(text, sizeof text, "key %04d", key);
        rc = strata_get(db, S(text), &value, &err);
        assert_true(rc >= 0);
        if (rc == 0)
            memcpy(got, value.data, value.size < sizeof got ? value.size : sizeof got - 1);
        if (kind->exact)
            assert_int_equal(rc == 0 ? atoi(got) : -1, right(key));
        else if (rc == 0)
            assert_int_equal(atoi(got) * 7 % KEYS, key);
    }
    strata_buffer_free(&value);
    assert_ok(strata_close(db, &err), &err);
}

/* Afterwards it works, and is what it should be; a backup that failed is none. */
static void expect_again(struct strata_fs *fs, const struct kind *kind, int rc)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    if (kind->run == back_up) {
        set_options(&options, fs);
        options.create = false;
        if (strata_open("copy", &options, &db, &err) == 0) {
            assert_ok(strata_verify(db, NULL, &err), &err);
            assert_ok(strata_close(db, &err), &err);
        } else {
            assert_true(rc < 0);
        }
    } else {
        assert_ok(kind->run(fs, &err), &err);
    }
    if (kind->run == repair_dry)
        assert_ok(repair_it(fs, &err), &err);
    expect_content(fs, kind);
}

/* fs_sim allocates too: that it cannot is an error of the system. */
static bool is_told(const struct strata_error *err, bool memory)
{
    return memory ? err->code == STRATA_ERR_NO_MEMORY ||
                        (err->code == STRATA_ERR_IO && err->sys == ENOMEM)
                  : err->code == STRATA_ERR_IO;
}

/* With the k-th call, or allocation, failing. False: there are not so many. `asked`: the caller
 * wants to know why. */
static bool try_with(struct strata_fs *base, const struct kind *kind, bool memory, uint64_t k,
                     bool asked)
{
    int64_t living = allocations.living;
    struct strata_fs *fs = fs_sim_copy(base);
    const struct fs_ops *ops = fs->ops;
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = k};
    struct strata_error err = {.code = 0};
    struct fs_ops own = *ops;
    bool struck;
    int rc;

    own.link = refuse_link;
    fs->ops = kind->no_links ? &own : ops;
    if (!memory)
        fs_sim_fail(fs, &fault);
    allocations.failed = 0;
    allocations.at = memory ? k : 0;
    allocations.on = memory;
    rc = kind->run(fs, asked ? &err : NULL);
    allocations.on = false;
    allocations.at = 0;
    struck = memory ? allocations.failed > 0 : fs_sim_failed(fs) > 0;
    fs_sim_fail(fs, NULL);
    if (rc < 0 && (!struck || (asked && !is_told(&err, memory))))
        fail_msg("%s, %s %u: %s: %s", kind->name, memory ? "allocation" : "call", (unsigned)k,
                 err.file, err.message);
    assert_int_equal(fs_sim_open_files(fs), 0);
    fs->ops = ops;
    if (struck)
        expect_again(fs, kind, rc);
    fs_free(fs);
    assert_int_equal(allocations.living, living);
    return struck;
}

static void fail_each(bool memory)
{
    uint64_t step = check_sanitized() ? 11 : check_quick() ? 3 : 1;
    struct strata_fs *base = made();

    for (size_t i = 0; i < KINDS; i++) {
        struct strata_fs *fs = fs_sim_copy(base);
        uint64_t k = 1;
        kinds[i].lose(fs);
        while (try_with(fs, &kinds[i], memory, k, k / step % 4 != 3))
            k += step;
        assert_true(k > 20);
        fs_free(fs);
    }
    fs_free(base);
}

static void failing_calls_are_told_and_lose_nothing(void **state)
{
    (void)state;
    fail_each(false);
}

static void failing_allocations_are_told_and_lose_nothing(void **state)
{
    (void)state;
    fail_each(true);
}

/* All of them work by themselves. */
static void failing_nothing_works(void **state)
{
    struct strata_fs *base = made();

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct strata_fs *fs = fs_sim_copy(base);
        struct strata_error err;
        kinds[i].lose(fs);
        assert_ok(kinds[i].run(fs, &err), &err);
        if (kinds[i].run == back_up)
            assert_true(fs_sim_open_files(fs) == 0);
        expect_again(fs, &kinds[i], 0);
        fs_free(fs);
    }
    fs_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_nothing_works),
        cmocka_unit_test(failing_calls_are_told_and_lose_nothing),
        cmocka_unit_test(failing_allocations_are_told_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
