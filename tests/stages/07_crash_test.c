/* 07_crash_test.c: crashes in what the workloads of `strata crash` do not come by: a backup,
 * whether its tables are linked or copied, and the removal, piece by piece, of files that nothing
 * names. (common/cli/crash/crash_sites.c names them.) Each state that a kill or a power cut may
 * leave at each call is opened; of the large files' a sample. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const enum fs_sim_model models[] = {FS_SIM_KILL, FS_SIM_ORDERED, FS_SIM_POSIX};

static struct strata *open_it(struct strata_fs *fs, uint64_t memtable_bytes)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.sync = STRATA_SYNC_ALWAYS;
    options.background_threads = 0; /* calls are counted */
    if (memtable_bytes)
        options.memtable_bytes = memtable_bytes;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    return db;
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

/* One state in `stride`, under every model, from fs_sim_record on. How many there were. */
static uint64_t walk(struct strata_fs *fs, uint64_t stride,
                     int (*visit)(void *arg, struct strata_fs *state,
                                  const struct fs_sim_state *info))
{
    uint64_t states = 0;

    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct fs_sim_plan plan = {.model = models[i], .prefix_limit = 100, .stride = stride};
        struct fs_sim_totals totals;
        assert_int_equal(fs_sim_states(fs, &plan, visit, NULL, &totals), 0);
        states += totals.states;
    }
    return states;
}

/* ---- Backups --------------------------------------------------------------------------------- */

#define KEYS 5

static void expect_keys(struct strata *db)
{
    struct strata_error err;

    assert_ok(strata_verify(db, NULL, &err), &err);
    for (int i = 0; i < KEYS; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %d", i);
        assert_get(db, key, "a value");
    }
}

/* What it was made of has lost nothing, and can be written to. The backup has all of it once it was
 * acknowledged; before, it is refused, or has all. */
static int expect_both(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    int rc;

    (void)arg;
    db = open_it(state, 0);
    expect_keys(db);
    assert_put(db, "key 0", "another");
    close_it(db);
    subject_options(&options, state, false);
    rc = strata_open("copy", &options, &db, &err);
    if (rc < 0) {
        assert_true(!info->acked && err.message[0]);
        return 0;
    }
    expect_keys(db);
    close_it(db);
    return 0;
}

static int no_link(struct strata_fs *fs, const char *from, const char *to)
{
    (void)fs;
    (void)from;
    (void)to;
    return -EXDEV;
}

static void back_up(bool copied)
{
    struct strata_fs *fs = fs_sim_new();
    const struct fs_ops *ops = fs->ops;
    struct fs_ops own = *ops;
    struct strata *db = open_it(fs, 0);
    struct strata_error err;

    own.link = no_link;
    for (int i = 0; i < KEYS; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %d", i);
        assert_put(db, key, "a value");
        if (i < KEYS - 1)
            assert_ok(strata_flush(db, &err), &err);
    }
    assert_int_equal(fs_sim_record(fs), 0);
    fs_sim_start(fs, 1);
    if (copied)
        fs->ops = &own;
    assert_ok(strata_backup(db, "copy", NULL, &err), &err);
    fs->ops = ops;
    fs_sim_ack(fs, 1, true);
    fs_sim_record_stop(fs);
    assert_true(walk(fs, 1, expect_both) > 200);
    close_it(db);
    fs_free(fs);
}

static void crash_in_a_backup_by_links_leaves_both_whole(void **state)
{
    (void)state;
    back_up(false);
}

static void crash_in_a_backup_by_copies_leaves_both_whole(void **state)
{
    (void)state;
    back_up(true);
}

/* ---- Files that go piece by piece ------------------------------------------------------------ */

#define VALUE ((size_t)64 << 10)
#define MEMTABLE (VALUE * 72) /* its table is synced before it is whole, too */
#define VALUES 72             /* before the crash; they fill the first memtable */
#define MORE 48               /* while it is flushed and its log goes */

/* They do not pack. */
static const char *value_of(uint64_t i)
{
    static char value[VALUE + 1];
    uint32_t x = (uint32_t)i * 2654435761u + 1;

    for (size_t at = 0; at < VALUE; at++) {
        x = x * 1664525u + 1013904223u;
        value[at] = (char)('!' + (x >> 16) % 90);
    }
    return value;
}

static void put(struct strata *db, uint64_t i)
{
    char key[30];
    snprintf(key, sizeof key, "key %" PRIu64, i);
    assert_put(db, key, value_of(i));
}

static int expect_values(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct strata *db = open_it(state, MEMTABLE);

    (void)arg;
    for (uint64_t i = 1; i <= info->acked; i += i < info->acked && i + 7 > info->acked ? 1 : 7) {
        char key[30];
        snprintf(key, sizeof key, "key %" PRIu64, i);
        assert_get(db, key, value_of(i));
    }
    close_it(db);
    return 0;
}

/* A memtable of 4.5 MiB is flushed as others write, then its log goes by pieces. */
static void crash_while_a_log_goes_loses_nothing(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs, MEMTABLE);
    uint64_t stride = check_whole() ? 2 : check_sanitized() ? 211 : check_quick() ? 151 : 24;
    uint64_t cuts = 0;

    (void)state;
    for (uint64_t i = 1; i <= VALUES; i++)
        put(db, i);
    fs_sim_ack(fs, VALUES, true);
    assert_int_equal(fs_sim_record(fs), 0);
    for (uint64_t i = VALUES + 1; i <= VALUES + MORE; i++) {
        fs_sim_start(fs, i);
        put(db, i);
        fs_sim_ack(fs, i, true);
    }
    cuts = fs->calls[FS_CALL_TRUNCATE];
    fs_sim_record_stop(fs);
    close_it(db);
    assert_in_range(cuts, 1, 10);
    assert_true(walk(fs, stride, expect_values) * stride > 1200);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_in_a_backup_by_links_leaves_both_whole),
        cmocka_unit_test(crash_in_a_backup_by_copies_leaves_both_whole),
        cmocka_unit_test(crash_while_a_log_goes_loses_nothing),
    };
    return cmocka_run_group_tests_name("crash_06", tests, NULL, NULL);
}
