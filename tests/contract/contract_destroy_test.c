/* contract_destroy_test.c: strata_destroy removes a database and nothing else; cut short anywhere,
 * it leaves a directory that never opens as a database, and a second call goes on. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "place.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct left {
    char names[600]; /* each followed by a space */
};

static void note(void *arg, const char *name)
{
    struct left *left = arg;
    snprintf(left->names + strlen(left->names), sizeof left->names - strlen(left->names), "%s ",
             name);
}

static int destroy(struct strata_fs *fs, const char *dir, struct left *left,
                   struct strata_error *err)
{
    struct strata_options options;

    subject_options(&options, fs, false);
    options.stage = 0; /* whatever stage wrote it */
    *left = (struct left){""};
    return strata_destroy(dir, &options, note, left, err);
}

/* Many files, of every kind: it was opened, written, killed (a copy of its files stands for that),
 * and has an event log. */
static void fill(struct strata_fs *fs, const char *dir)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    char key[20];

    subject_options(&options, fs, true);
    options.event_log_bytes = 8 << 10;
    for (int turn = 0; turn < 3; turn++) {
        assert_ok(strata_open(dir, &options, &db, &err), &err);
        for (int i = 0; i < 120; i++) {
            snprintf(key, sizeof key, "key %d", i * 7 % 100);
            assert_put(db, key, "a value of some length");
        }
        assert_ok(strata_close(db, &err), &err);
    }
}

static void destroy_removes_every_file_of_a_database(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata *db;
    struct left left;

    fill(place->fs, place->dir);
    assert_ok(destroy(place->fs, place->dir, &left, &err), &err);
    if (!subject_engine()) { /* one that tells no formats keeps its files */
        assert_string_equal(left.names, "");
        assert_string_equal(place_names(place, place->dir), "");
    }
    assert_code(destroy(place->fs, place->dir, &left, &err), STRATA_ERR_ABSENT, &err);
    assert_err_file(&err, place->dir);
    if (subject_engine())
        return;
    db = place_open(place, true); /* a new one can be made there */
    assert_get(db, "key 7", NULL);
    place_close(db);
}

/* Names like ours with other bytes, bytes like ours with another name, and directories. */
static void destroy_leaves_what_is_not_its_own(void **state)
{
    struct place *place = *state;
    struct strata_slice mine = strata_string("my own notes, and no log");
    struct strata_buffer marker;
    char *sub = fs_join(place->dir, "lost"), *named = fs_join(place->dir, "999998.log");
    struct strata_error err;
    struct left left;

    if (subject_engine()) {
        check_skipping("which files are its own an engine of one's own may not tell");
        skip();
    }
    fill(place->fs, place->dir);
    marker = place_read(place, "db/STRATA");
    place_write(place, "db/999999.log", mine);
    place_write(place, "db/999999.table", mine);
    place_write(place, "db/CURRENT.bak", mine);
    place_write(place, "db/STRATA.bak", strata_buffer_slice(&marker));
    assert_ok(fs_mkdir(place->fs, sub, &err), &err);
    assert_ok(fs_mkdir(place->fs, named, &err), &err);
    assert_ok(destroy(place->fs, place->dir, &left, &err), &err);
    assert_string_equal(left.names,
                        "999998.log 999999.log 999999.table CURRENT.bak STRATA.bak lost ");
    assert_string_equal(place_names(place, place->dir), left.names);
    strata_buffer_free(&marker);
    free(named);
    free(sub);
}

static void destroy_removes_what_a_crash_left(void **state)
{
    struct place *place = *state;
    static const uint8_t zeros[100];
    struct strata_error err;
    struct left left;

    if (subject_engine()) {
        check_skipping("which files are its own an engine of one's own may not tell");
        skip();
    }
    fill(place->fs, place->dir);
    place_write(place, "db/STRATA.tmp", strata_string("STR"));
    place_write(place, "db/000001.log", strata_bytes(NULL, 0));
    place_write(place, "db/000001.log", strata_bytes(zeros, sizeof zeros));
    assert_ok(destroy(place->fs, place->dir, &left, &err), &err);
    assert_string_equal(place_names(place, place->dir), "");
}

static void destroy_refuses_what_is_open_or_no_database(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata_buffer marker;
    struct strata *db;
    struct left left;

    assert_code(destroy(place->fs, place->dir, &left, &err), STRATA_ERR_ABSENT, &err);
    assert_code(strata_destroy(NULL, NULL, NULL, NULL, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_destroy("", NULL, NULL, NULL, &err), STRATA_ERR_INVALID, &err);
    place_fill(place);
    db = place_open(place, false);
    assert_code(destroy(place->fs, place->dir, &left, &err), STRATA_ERR_LOCKED, &err);
    assert_get(db, "key", "value");
    place_close(db);
    marker = place_read(place, "db/STRATA");
    marker.data[20] ^= 1;
    place_write(place, "db/STRATA", strata_buffer_slice(&marker));
    assert_code(destroy(place->fs, place->dir, &left, &err), STRATA_ERR_CORRUPT, &err);
    marker.data[20] ^= 1;
    place_write(place, "db/STRATA", strata_buffer_slice(&marker));
    place_expect_intact(place); /* nothing was removed */
    strata_buffer_free(&marker);
}

static void destroy_of_a_directory_without_a_marker_touches_nothing(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct left left;

    assert_ok(fs_mkdir(place->fs, place->dir, &err), &err);
    place_write(place, "db/000001.log", strata_string("somebody's"));
    assert_code(destroy(place->fs, place->dir, &left, &err), STRATA_ERR_ABSENT, &err);
    assert_string_equal(place_names(place, place->dir), "000001.log ");
}

/* ---- Cut short ---------------------------------------------------------------------------- */

struct seen {
    unsigned whole, absent;
};

static bool is_whole(struct strata *db)
{
    struct strata_error err;
    bool whole = strata_verify(db, NULL, &err) == 0;

    for (int i = 0; i < 100 && whole; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %d", i);
        whole = strata_get(db, strata_string(key), NULL, &err) == 0;
    }
    return whole;
}

/* Whole, or to nobody a database; and then it can be destroyed, and made anew. */
static void expect_whole_or_absent(struct strata_fs *fs, struct seen *seen)
{
    struct strata_error err;
    struct strata *db;
    struct left left;
    int rc = subject_open(fs, "disk/db", false, &db, &err);

    if (rc == 0) {
        assert_true(is_whole(db));
        assert_ok(strata_close(db, &err), &err);
        seen->whole++;
    } else {
        assert_int_equal(rc, STRATA_ERR_ABSENT);
        seen->absent++;
    }
    rc = destroy(fs, "disk/db", &left, &err);
    assert_true(rc == 0 || rc == STRATA_ERR_ABSENT);
    if (subject_engine())
        return;
    assert_ok(subject_open(fs, "disk/db", true, &db, &err), &err);
    assert_get(db, "key 1", NULL);
    assert_ok(strata_close(db, &err), &err);
}

static int visit(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    (void)info;
    expect_whole_or_absent(fs, arg);
    return 0;
}

static struct strata_fs *filled(void)
{
    struct strata_fs *fs = fs_sim_new();

    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    fill(fs, "disk/db");
    return fs;
}

static void destroy_cut_anywhere_never_leaves_half_a_database(void **state)
{
    static const enum fs_sim_model models[] = {FS_SIM_KILL, FS_SIM_ORDERED, FS_SIM_POSIX};

    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct fs_sim_plan plan = {.model = models[i]};
        struct strata_fs *fs = filled();
        struct seen seen = {0, 0};
        struct fs_sim_totals totals;
        struct strata_error err;
        struct left left;

        assert_int_equal(fs_sim_record(fs), 0);
        assert_ok(destroy(fs, "disk/db", &left, &err), &err);
        fs_sim_record_stop(fs);
        assert_int_equal(fs_sim_states(fs, &plan, visit, &seen, &totals), 0);
        assert_true(seen.whole > 0);
        assert_true(seen.absent > 2);
        fs_free(fs);
    }
}

static void destroy_with_a_failing_call_can_be_repeated(void **state)
{
    bool struck = true;
    struct seen seen = {0, 0};

    (void)state;
    for (uint64_t k = 1; struck; k++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = k};
        struct strata_fs *fs = filled();
        struct strata_error err;
        struct left left;
        int rc;

        fs_sim_fail(fs, &fault);
        rc = destroy(fs, "disk/db", &left, &err);
        struck = fs_sim_failed(fs);
        fs_sim_fail(fs, NULL);
        assert_int_equal(fs_sim_open_files(fs), 0);
        assert_true(rc == 0 || struck);
        expect_whole_or_absent(fs, &seen);
        fs_free(fs);
    }
    assert_true(seen.whole > 0 && seen.absent > 2);
}

#define destroy_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        destroy_test(destroy_removes_every_file_of_a_database),
        destroy_test(destroy_leaves_what_is_not_its_own),
        destroy_test(destroy_removes_what_a_crash_left),
        destroy_test(destroy_refuses_what_is_open_or_no_database),
        destroy_test(destroy_of_a_directory_without_a_marker_touches_nothing),
        cmocka_unit_test(destroy_cut_anywhere_never_leaves_half_a_database),
        cmocka_unit_test(destroy_with_a_failing_call_can_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
