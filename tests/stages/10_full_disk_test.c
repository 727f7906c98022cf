/* 10_full_disk_test.c: crashes behind an append for which the disk had no room: the beginning of it
 * is cut off, writing goes on, and then the process is killed or the power is cut, at each later
 * call.
 *
 * Each attempt of a put is an operation of its own, with a number, which is its value. Those that
 * were refused must not come back. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "db"
#define KEYS 5u
#define PUTS 45u          /* that succeed; they fill the memtable a few times */
#define ATTEMPTS_MOST 999 /* of all puts: a flush that rests refuses some */

static struct strata *open_it(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = 2 << 10;
    options.sync = STRATA_SYNC_NEVER;
    options.event_log_bytes = 0;
    options.background_threads = 0;
    options.background_seed = 1; /* the same calls each time */
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

/* ---- An append finds no room ----------------------------------------------------------------- */

static const struct fs_ops *sim;
static struct fs_ops ops;
static unsigned until_full; /* appends before it; 0: there is room */
static bool begins;         /* half of it is stored */
static bool was_full;
static uint64_t struck; /* the recorded call */

static ssize_t append(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    struct strata_slice half = strata_bytes(parts->data, parts->size / 2);

    if (!until_full || --until_full)
        return sim->append(file, parts, count);
    struck = fs_sim_trace_calls(file->fs) + 1;
    if (begins && half.size) {
        begins = false;
        until_full = 1; /* and the rest does not fit */
        return sim->append(file, &half, 1);
    }
    was_full = true;
    return -ENOSPC;
}

/* ---- The operations -------------------------------------------------------------------------- */

static struct {
    bool done[ATTEMPTS_MOST + 1]; /* by number, from 1 */
    unsigned count, refused;
} attempts;

static void put_next(struct strata_fs *fs, struct strata *db)
{
    unsigned n = ++attempts.count;
    char key[8], value[80];
    struct strata_error err;
    int rc;

    assert_in_range(n, 1, ATTEMPTS_MOST);
    snprintf(key, sizeof key, "k%u", n % KEYS);
    snprintf(value, sizeof value, "%070u", n);
    fs_sim_start(fs, n);
    rc = strata_put_with(db, strata_string(key), strata_string(value),
                         n % 4 == 0 ? STRATA_WRITE_SYNC : 0, &err);
    attempts.done[n] = rc == 0;
    attempts.refused += rc < 0;
    if (rc == 0)
        fs_sim_ack(fs, n, n % 4 == 0);
    else
        assert_int_equal(err.sys, ENOSPC);
}

/* False: there were fewer appends than `at`. */
static bool run_and_fill(struct strata_fs *fs, unsigned at, bool half)
{
    struct strata *db = open_it(fs);

    memset(&attempts, 0, sizeof attempts);
    was_full = false;
    begins = half;
    assert_int_equal(fs_sim_record(fs), 0);
    until_full = at;
    while (attempts.count - attempts.refused < PUTS)
        put_next(fs, db);
    until_full = 0;
    fs_sim_record_stop(fs);
    strata_close(db, NULL);
    return was_full;
}

/* ---- What a crash leaves --------------------------------------------------------------------- */

/* The last operation on this key, of those up to `n` that were not refused. */
static unsigned last_on(unsigned key, unsigned n)
{
    while (n && (n % KEYS != key || !attempts.done[n]))
        n--;
    return n;
}

/* 0: it is not there. */
static unsigned read_key(struct strata *db, unsigned number)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    char key[8], text[80];
    int rc;

    snprintf(key, sizeof key, "k%u", number);
    rc = strata_get(db, strata_string(key), &value, &err);
    assert_true(rc == STRATA_NOT_FOUND || rc == 0);
    snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
    strata_buffer_free(&value);
    return rc == 0 ? (unsigned)strtoul(text, NULL, 10) : 0;
}

/* It has a first part of the operations that were not refused, at least up to `least`. */
static void expect_prefix(struct strata *db, unsigned least, unsigned issued)
{
    unsigned found[KEYS], newest = 0;

    for (unsigned k = 0; k < KEYS; k++) {
        found[k] = read_key(db, k);
        newest = found[k] > newest ? found[k] : newest;
    }
    assert_true(newest <= issued);
    while (least && !attempts.done[least])
        least--;
    assert_true(newest >= least);
    assert_true(!newest || attempts.done[newest]);
    for (unsigned k = 0; k < KEYS; k++)
        assert_int_equal(found[k], last_on(k, newest));
}

static int expect_state(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    enum fs_sim_model model = *(enum fs_sim_model *)arg;
    uint64_t least = model == FS_SIM_KILL ? info->acked : info->synced;
    struct strata *db = open_it(state);
    struct strata_error err;

    expect_prefix(db, (unsigned)least, (unsigned)info->issued);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_put(db, "k0", "another");
    assert_ok(strata_close(db, &err), &err);
    db = open_it(state);
    assert_get(db, "k0", "another");
    assert_ok(strata_close(db, &err), &err);
    return 0;
}

/* One state in `stride` of each later call. */
static uint64_t crash_everywhere(struct strata_fs *fs, enum fs_sim_model model, uint64_t stride,
                                 uint64_t seed)
{
    struct fs_sim_plan plan = {
        .model = model, .from = struck, .prefix_limit = 100, .stride = stride, .seed = seed};
    struct fs_sim_totals totals;

    assert_int_equal(fs_sim_states(fs, &plan, expect_state, &model, &totals), 0);
    return totals.distinct;
}

static void crash_behind_each_append(enum fs_sim_model model)
{
    uint64_t stride = check_whole() ? 1 : check_sanitized() ? 97 : check_quick() ? 29 : 7;
    uint64_t states = 0;
    unsigned refused = 0, at = 1;
    bool full = true;

    for (; full; at++)
        for (int half = 0; half < 2; half++) {
            struct strata_fs *fs = fs_sim_new();
            assert_non_null(fs);
            sim = fs->ops;
            ops = *sim;
            ops.append = append;
            fs->ops = &ops;
            full = run_and_fill(fs, at, half);
            fs->ops = sim;
            refused += attempts.refused;
            if (full)
                states += crash_everywhere(fs, model, stride, at);
            fs_free(fs);
        }
    print_message("# %u appends, %u puts refused, %llu states\n", at - 1, refused,
                  (unsigned long long)states);
    assert_true(refused >= at);
    assert_enough(states * stride, 100000);
}

static void full_disk_then_a_kill_loses_nothing(void **state)
{
    (void)state;
    crash_behind_each_append(FS_SIM_KILL);
}

static void full_disk_then_a_power_cut_loses_nothing_synced_ordered(void **state)
{
    (void)state;
    crash_behind_each_append(FS_SIM_ORDERED);
}

static void full_disk_then_a_power_cut_loses_nothing_synced_posix(void **state)
{
    (void)state;
    crash_behind_each_append(FS_SIM_POSIX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_disk_then_a_kill_loses_nothing),
        cmocka_unit_test(full_disk_then_a_power_cut_loses_nothing_synced_ordered),
        cmocka_unit_test(full_disk_then_a_power_cut_loses_nothing_synced_posix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
