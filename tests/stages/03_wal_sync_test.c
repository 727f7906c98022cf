/* 03_wal_sync_test.c: a sync fails, the kernel drops the pages and still shows them to readers
 * ("fsyncgate", 2018). Whoever opens the database then sees what never reached the device, and
 * must not build on it as it stands. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#define S(text) strata_string(text)
#define DIR "db"

static struct strata *open_it(struct strata_fs *fs)
{
    struct strata_error err;
    struct strata *db;
    assert_ok(subject_open(fs, DIR, true, &db, &err), &err);
    return db;
}

/* "first" is stored; the sync of "second" fails; the next opening still reads it. */
static struct strata *after_failed_sync(struct strata_fs *fs)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_SYNC_DROPS, .at = 1};
    struct strata *db = open_it(fs);
    struct strata_error err;

    assert_put(db, "first", "1");
    fs_sim_fail(fs, &fault);
    assert_code(strata_put(db, S("second"), S("2"), &err), STRATA_ERR_IO, &err);
    strata_close(db, NULL);
    assert_int_equal(fs_sim_failed(fs), 1);
    fs_sim_fail(fs, NULL);
    db = open_it(fs);
    assert_get(db, "second", "2");
    return db;
}

static int has_all(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    static const char *const keys[] = {"first", "second", "third"};
    uint64_t *states = arg;
    struct strata *db = open_it(state);

    for (uint64_t i = 0; i < info->synced; i++)
        assert_int_equal(strata_get(db, S(keys[i]), NULL, NULL), 0);
    strata_close(db, NULL);
    ++*states;
    return 0;
}

/* All that an opening has shown is safe when it has returned. */
static void sync_that_dropped_pages_is_made_up_for_by_the_next_opening(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_plan plan = {.model = FS_SIM_POSIX};
    struct fs_sim_totals totals;
    struct strata *db;
    uint64_t states = 0;

    (void)state;
    assert_int_equal(fs_sim_record(fs), 0);
    db = after_failed_sync(fs);
    fs_sim_ack(fs, 2, true);
    assert_put(db, "third", "3");
    fs_sim_ack(fs, 3, true);
    assert_int_equal(strata_close(db, NULL), 0);
    fs_sim_record_stop(fs);
    assert_int_equal(fs_sim_states(fs, &plan, has_all, &states, &totals), 0);
    assert_true(states >= 20);
    fs_free(fs);
}

static uint64_t writes_of(struct strata_fs *fs)
{
    return fs->calls[FS_CALL_WRITE];
}

/* What is known to be on the device is not written again: nothing after a clean close, nor where
 * the mark of the last sync is there; else only the last frame of a log whose every frame was
 * synced. */
static void sync_that_is_known_is_not_repeated(void **state)
{
    struct strata_fs *fs = fs_sim_new(), *killed;
    struct strata *db = open_it(fs);
    uint64_t before, bytes;

    (void)state;
    assert_put(db, "first", "1");
    assert_put(db, "second", "2");
    killed = fs_sim_copy(fs);
    assert_int_equal(strata_close(db, NULL), 0);
    before = writes_of(fs);
    strata_close(open_it(fs), NULL);
    assert_int_equal(writes_of(fs), before);
    for (int marked = 1; marked >= 0; marked--) {
        struct strata_fs *copy = fs_sim_copy(killed);
        if (!marked)
            assert_int_equal(fs_remove(copy, DIR "/TAIL", NULL), 0);
        bytes = copy->bytes_written;
        db = open_it(copy);
        assert_int_equal(writes_of(copy), !marked);
        assert_int_equal(copy->bytes_written - bytes,
                         marked ? 0 : 17 + 36 + 17 + 6 + 1); /* frame, record */
        strata_close(db, NULL);
        fs_free(copy);
    }
    fs_free(killed);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sync_that_dropped_pages_is_made_up_for_by_the_next_opening),
        cmocka_unit_test(sync_that_is_known_is_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
