/* contract_copy_test.c: a copy into a new database, by entries (strata migrate) and by
 * strata_backup: incomplete to everybody until it is whole, and whole from then on, wherever it is
 * cut or a call fails; and the comparison that proves it. */
#include "test.h"

#include "db/maintenance/copy.h"
#include "db/maintenance/gather.h"
#include "db/db.h"
#include "crash/sim/fs_sim.h"
#include "place.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SRC "disk/src"
#define DST "disk/dst"

/* ---- Filling --------------------------------------------------------------------------- */

static int open_filling(struct strata_fs *fs, const char *dir, struct strata **out,
                        struct strata_error *err)
{
    struct strata_options options;
    subject_options(&options, fs, false);
    return db_open_filling(dir, &options, out, err);
}

/* As every later command finds it. */
static void expect_incomplete(struct strata_fs *fs, const char *dir)
{
    struct strata_error err;
    struct strata *db;

    for (int create = 0; create < 2; create++) {
        assert_code(subject_open(fs, dir, create, &db, &err), STRATA_ERR_ABSENT, &err);
        assert_err_says(&err, "incomplete");
        assert_err_file(&err, dir);
    }
    assert_code(open_filling(fs, dir, &db, &err), STRATA_ERR_ABSENT, &err);
    assert_err_says(&err, "incomplete");
}

static void filling_is_incomplete_until_it_is_closed_as_filled(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata *db, *other;

    assert_ok(open_filling(place->fs, place->dir, &db, &err), &err);
    assert_put(db, "key", "value");
    assert_code(subject_open(place->fs, place->dir, true, &other, &err), STRATA_ERR_LOCKED, &err);
    assert_ok(strata_close(db, &err), &err);
    expect_incomplete(place->fs, place->dir);
}

static void filling_closed_as_filled_is_a_database(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata_iter *iter;
    struct strata *db;

    assert_ok(open_filling(place->fs, place->dir, &db, &err), &err);
    assert_put(db, "key", "value");
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_code(db_close_filled(db, &err), STRATA_ERR_BUSY, &err);
    strata_iter_free(iter);
    assert_ok(db_close_filled(db, &err), &err);
    db = place_open(place, false);
    assert_get(db, "key", "value");
    assert_put(db, "key", "later");
    place_close(db);
    assert_code(open_filling(place->fs, place->dir, &db, &err), STRATA_ERR_EXISTS, &err);
}

static void filling_wants_an_empty_directory(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata *db;

    assert_ok(fs_mkdir(place->fs, place->dir, &err), &err);
    place_write(place, "db/notes.txt", strata_string("mine"));
    assert_code(open_filling(place->fs, place->dir, &db, &err), STRATA_ERR_EXISTS, &err);
    assert_string_equal(place_names(place, place->dir), "notes.txt ");
}

/* ---- Copying --------------------------------------------------------------------------- */

/* A database that the tests copy from. */
static struct strata_fs *source(void)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db;

    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    assert_ok(subject_open(fs, SRC, true, &db, &err), &err);
    assert_put(db, "", "the empty key");
    assert_put(db, "apple", "red");
    assert_put(db, "apple", "yellow");
    assert_put(db, "gone", "soon");
    assert_delete(db, "gone");
    assert_put(db, "empty", "");
    assert_ok(strata_close(db, &err), &err);
    return fs;
}

static int copy_entries(struct strata_fs *fs, struct strata *src, struct strata_error *err)
{
    struct strata *dst;
    struct copy_sum sum;
    int rc = open_filling(fs, DST, &dst, err);

    if (rc < 0)
        return rc;
    rc = copy_all(src, dst, NULL, &sum, err);
    if (rc == 0)
        rc = copy_verify(dst, &sum, NULL, err);
    if (rc == 0)
        return db_close_filled(dst, err);
    strata_close(dst, NULL);
    return rc;
}

enum how { ENTRIES, BACKUP, BACKUP_OF_A_WRITER, HOWS };

/* 0, or what failed. */
static int copy(enum how how, struct strata_fs *fs, struct strata_error *err)
{
    struct strata_options options;
    struct strata *src;
    int rc;

    subject_options(&options, fs, false);
    options.read_only = how != BACKUP_OF_A_WRITER;
    rc = strata_open(SRC, &options, &src, err);
    if (rc < 0)
        return rc;
    if (how == BACKUP_OF_A_WRITER)
        rc = strata_put(src, strata_string("apple"), strata_string("green"), err);
    if (rc == 0)
        rc = how == ENTRIES ? copy_entries(fs, src, err) : strata_backup(src, DST, NULL, err);
    strata_close(src, NULL);
    return rc;
}

static bool says(const struct strata_error *err, const char *words)
{
    return strstr(err->message, words) != NULL;
}

/* DST holds all, or is no database, and says why. Which of them? */
static bool is_whole(struct strata_fs *fs)
{
    struct model from = {0}, to = {0};
    struct strata_error err;
    struct strata *db;
    int rc = subject_open(fs, DST, false, &db, &err);

    if (rc < 0) {
        assert_int_equal(rc, STRATA_ERR_ABSENT);
        assert_true(says(&err, "incomplete") || says(&err, "is empty") || says(&err, "no such"));
        return false;
    }
    assert_ok(model_read(&to, db, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    assert_ok(subject_open(fs, SRC, false, &db, &err), &err);
    assert_ok(model_read(&from, db, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    assert_true(model_equal(&from, &to));
    assert_int_equal(to.count, 3);
    model_free(&from);
    model_free(&to);
    return true;
}

static void expect_all_in_the_copy(enum how how)
{
    struct strata_fs *fs = source();
    struct strata_error err;

    assert_int_equal(fs_sim_record(fs), 0);
    assert_ok(copy(how, fs, &err), &err);
    fs_sim_record_stop(fs);
    assert_true(is_whole(fs));
    for (uint64_t i = 1; i <= fs_sim_trace_calls(fs); i++) { /* the source was only read */
        struct fs_sim_call call;
        assert_int_equal(fs_sim_trace_call(fs, i, &call), 0);
        if (how != BACKUP_OF_A_WRITER && strncmp(call.path, SRC, strlen(SRC)) == 0)
            assert_true(call.kind == FS_CALL_OPEN || call.kind == FS_CALL_READ ||
                        call.kind == FS_CALL_SIZE || call.kind == FS_CALL_CLOSE ||
                        call.kind == FS_CALL_LIST || call.kind == FS_CALL_LOCK ||
                        call.kind == FS_CALL_LINK);
    }
    fs_free(fs);
}

static void copy_holds_what_the_source_holds(void **state)
{
    (void)state;
    for (enum how how = ENTRIES; how < HOWS; how++)
        expect_all_in_the_copy(how);
}

struct seen {
    unsigned absent, whole;
};

static int visit(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    struct seen *seen = arg;
    (void)info;
    if (is_whole(fs))
        seen->whole++;
    else
        seen->absent++;
    return 0;
}

/* Every state of a crash in the middle of a copy. */
static void expect_whole_or_absent(enum how how, enum fs_sim_model model)
{
    struct fs_sim_plan plan = {.model = model};
    struct strata_fs *fs = source();
    struct fs_sim_totals totals;
    struct strata_error err;
    struct seen seen = {0, 0};

    assert_int_equal(fs_sim_record(fs), 0);
    assert_ok(copy(how, fs, &err), &err);
    fs_sim_record_stop(fs);
    assert_int_equal(fs_sim_states(fs, &plan, visit, &seen, &totals), 0);
    assert_true(seen.absent > 5);
    assert_true(seen.whole > 0);
    fs_free(fs);
}

static void copy_killed_anywhere_is_whole_or_absent(void **state)
{
    (void)state;
    for (enum how how = ENTRIES; how < HOWS; how++)
        expect_whole_or_absent(how, FS_SIM_KILL);
}

static void copy_cut_by_the_power_is_whole_or_absent(void **state)
{
    (void)state;
    if (!subject_promises(STRATA_PROMISE_POWER_CUT)) {
        check_skipping("the stage does not promise a power cut");
        skip();
    }
    for (enum how how = ENTRIES; how < HOWS; how++) {
        expect_whole_or_absent(how, FS_SIM_ORDERED);
        expect_whole_or_absent(how, FS_SIM_POSIX);
    }
}

/* A call fails, for k = 1, 2, ...: an error and no database, or no error and all of it. (After
 * the commit a directory may refuse to be synced, or the lock to be closed: all is there then.) */
static void expect_whole_or_failed(enum how how)
{
    bool struck = true;

    for (uint64_t k = 1; struck; k++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = k};
        struct strata_fs *fs = source();
        struct strata_error err;
        int rc;

        fs_sim_fail(fs, &fault);
        rc = copy(how, fs, &err);
        struck = fs_sim_failed(fs);
        fs_sim_fail(fs, NULL);
        assert_int_equal(fs_sim_open_files(fs), 0);
        assert_true(is_whole(fs) || rc < 0);
        assert_true(rc == 0 || struck);
        fs_free(fs);
    }
}

static void copy_with_a_failing_call_is_whole_or_absent(void **state)
{
    (void)state;
    for (enum how how = ENTRIES; how < HOWS; how++)
        expect_whole_or_failed(how);
}

static void empty(struct strata_fs *fs, const char *dir)
{
    struct strata_error err;
    struct fs_names names;

    assert_ok(fs_list(fs, dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        char *path = fs_join(dir, names.names[i]);
        assert_ok(fs_remove(fs, path, &err), &err);
        free(path);
    }
    fs_names_free(&names);
}

/* The user does what it says: removes what is incomplete, and copies again. */
static void expect_copied_again(enum how how, struct strata_fs *fs)
{
    struct strata_error err;
    int rc = copy(how, fs, &err);

    if (rc == STRATA_ERR_ABSENT) {
        assert_true(says(&err, "remove the directory, and copy again"));
        empty(fs, DST);
        rc = copy(how, fs, &err);
    }
    assert_ok(rc, &err);
    assert_true(is_whole(fs));
}

/* A copy for which there is no room: absent, and it says what to do. False: there was room. */
static bool try_full(enum how how, const struct fs_sim_fault *fault, uint64_t bytes)
{
    struct strata_fs *fs = source();
    struct strata_error err;
    int rc;

    fs_sim_fail(fs, fault);
    fs_sim_set_disk(fs, bytes);
    rc = copy(how, fs, &err);
    fs_sim_fail(fs, NULL);
    fs_sim_set_disk(fs, UINT64_C(1) << 32);
    if (rc < 0 && !is_whole(fs))
        expect_copied_again(how, fs);
    else
        assert_true(is_whole(fs));
    fs_free(fs);
    return rc < 0;
}

static void copy_onto_a_full_disk_says_what_to_do(void **state)
{
    (void)state;
    for (enum how how = ENTRIES; how < HOWS; how++) {
        uint64_t bytes = 0, full = 0;

        for (; try_full(how, NULL, bytes); bytes += 7)
            full++;
        assert_true(full > 10);
        for (int for_ever = 0; for_ever < 2; for_ever++)
            for (uint64_t k = 1; k < 200; k++)
                try_full(
                    how,
                    &(struct fs_sim_fault){.kind = FS_SIM_ENOSPC, .at = k, .for_ever = for_ever},
                    UINT64_C(1) << 32);
    }
}

/* ---- The backup of a database that goes on ----------------------------------------------- */

static void count_ticks(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    (void)done_bytes;
    (void)total_bytes;
    ++*(unsigned *)arg;
}

static void put_many(struct strata *db, int from, int to, const char *value)
{
    for (int i = from; i < to; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %04d", i);
        assert_put(db, key, value);
    }
}

/* Overwritten, deleted, in memory and in files: of each key what was there when it began. */
static void backup_is_the_database_as_it_was(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true), *copy;
    struct model before = {0}, after = {0}, found = {0};
    char *to = fs_join(place->root, "copy");
    unsigned ticks = 0;
    struct strata_progress progress = {count_ticks, &ticks};
    struct strata_error err;

    put_many(db, 0, 300, "old");
    put_many(db, 100, 200, "new");
    for (int i = 0; i < 300; i += 3) {
        char key[20];
        snprintf(key, sizeof key, "key %04d", i);
        assert_delete(db, key);
    }
    assert_ok(model_read(&before, db, &err), &err);
    assert_ok(strata_backup(db, to, &progress, &err), &err);
    assert_true(ticks > 0);
    put_many(db, 0, 500, "later");
    assert_ok(model_read(&after, db, &err), &err);
    assert_code(strata_backup(db, to, NULL, &err), STRATA_ERR_EXISTS, &err);
    assert_ok(subject_open(place->fs, to, false, &copy, &err), &err);
    assert_ok(strata_verify(copy, NULL, &err), &err);
    assert_ok(model_read(&found, copy, &err), &err);
    assert_true(model_equal(&found, &before));
    put_many(copy, 0, 500, "elsewhere"); /* the two have nothing to do with each other */
    place_close(copy);
    model_free(&found);
    found = (struct model){0};
    assert_ok(model_read(&found, db, &err), &err);
    assert_true(model_equal(&found, &after));
    place_close(db);
    db = place_open(place, false);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_model(&after, db);
    place_close(db);
    model_free(&before);
    model_free(&after);
    model_free(&found);
    free(to);
}

/* ... goes on, whatever its copy fails at, and another copy can be made. */
static void backup_that_fails_harms_nothing(void **state)
{
    bool struck = true;

    (void)state;
    for (uint64_t k = 1; struck; k += k < 40 ? 1 : 7) {
        struct fs_sim_fault fault = {.kind = FS_SIM_ENOSPC, .at = k};
        struct strata_fs *fs = source();
        struct strata_error err;
        struct strata *db;

        assert_ok(subject_open(fs, SRC, false, &db, &err), &err);
        assert_put(db, "apple", "green");
        fs_sim_fail(fs, &fault);
        if (strata_backup(db, DST, NULL, &err) < 0)
            assert_true(err.file[0] || err.code == STRATA_ERR_NO_MEMORY);
        struck = fs_sim_failed(fs);
        fs_sim_fail(fs, NULL);
        assert_put(db, "pear", "brown");
        assert_get(db, "apple", "green");
        assert_ok(strata_backup(db, "disk/another", NULL, &err), &err);
        assert_ok(strata_close(db, &err), &err);
        assert_ok(subject_open(fs, "disk/another", false, &db, &err), &err);
        assert_get(db, "pear", "brown");
        assert_ok(strata_close(db, &err), &err);
        fs_free(fs);
    }
}

/* Options that end before `engine`: the copy is of the same stage all the same. */
static void backup_for_an_older_header_is_of_the_same_stage(void **state)
{
    struct strata_fs *fs = source();
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    (void)state;
    subject_options(&options, fs, false);
    if (options.engine) {
        check_skipping("the engine is asked for by options that an older header has not");
        fs_free(fs);
        skip();
    }
    options.size = offsetof(struct strata_options, engine);
    assert_ok(strata_open(SRC, &options, &db, &err), &err);
    assert_ok(strata_backup(db, DST, NULL, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    assert_ok(subject_open(fs, DST, false, &db, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* ---- The comparison -------------------------------------------------------------------- */

static void expect_difference(struct strata *db, const struct copy_sum *sum, const char *says)
{
    struct strata_error err;
    assert_code(copy_verify(db, sum, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, says);
}

static void copy_keeps_times(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true), *other;
    uint64_t later = UINT64_MAX - 1, until;
    struct strata_error err;
    struct copy_sum sum;
    char *dir = fs_join(place->root, "other");

    if (!subject_promises(STRATA_PROMISE_EXPIRY)) {
        struct gather gather;
        assert_ok(gather_init(&gather, db, 0, &err), &err);
        assert_code(gather_put_until(&gather, strata_string("a"), strata_string("1"), later, &err),
                    STRATA_ERR_NOT_SUPPORTED, &err);
        assert_ok(gather_put_until(&gather, strata_string("b"), strata_string("2"), 0, &err), &err);
        assert_ok(gather_flush(&gather, &err), &err);
        gather_free(&gather);
        assert_get(db, "b", "2");
        assert_code(strata_get(db, strata_string("a"), NULL, &err), STRATA_NOT_FOUND, &err);
        place_close(db);
        free(dir);
        return;
    }
    assert_ok(strata_put_until(db, strata_string("a"), strata_string("1"), later, 0, &err), &err);
    assert_ok(strata_put_until(db, strata_string("b"), strata_string("2"), 1, 0, &err), &err);
    assert_put(db, "c", "3");
    assert_ok(open_filling(place->fs, dir, &other, &err), &err);
    assert_ok(copy_all(db, other, NULL, &sum, &err), &err);
    assert_int_equal(sum.entries, 2);
    assert_ok(copy_verify(other, &sum, NULL, &err), &err);
    assert_ok(strata_get_until(other, strata_string("a"), NULL, &until, &err), &err);
    assert_true(until == later);
    assert_ok(strata_get_until(other, strata_string("c"), NULL, &until, &err), &err);
    assert_int_equal(until, 0);
    assert_put(other, "a", "1"); /* the same, but for ever */
    expect_difference(other, &sum, "not those that were copied");
    assert_ok(strata_close(other, &err), &err);
    place_close(db);
    free(dir);
}

static void copy_that_differs_is_found(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true), *other;
    struct strata_error err;
    struct copy_sum sum;
    char *dir = fs_join(place->root, "other");

    assert_put(db, "a", "12");
    assert_put(db, "b", "3");
    assert_ok(open_filling(place->fs, dir, &other, &err), &err);
    assert_ok(copy_all(db, other, NULL, &sum, &err), &err);
    assert_int_equal(sum.entries, 2);
    assert_int_equal(sum.bytes, 5);
    assert_ok(copy_verify(other, &sum, NULL, &err), &err);
    assert_put(other, "b", "4");
    expect_difference(other, &sum, "not those that were copied");
    assert_put(other, "b", "");
    expect_difference(other, &sum, "2 entries of 4 bytes; 2 of 5 bytes");
    assert_put(other, "b", "3");
    assert_put(other, "a", "1"); /* the same bytes in a row: a 1 | 2b 3 */
    assert_delete(other, "b");
    assert_put(other, "2b", "3");
    expect_difference(other, &sum, "not those that were copied");
    assert_delete(other, "2b");
    expect_difference(other, &sum, "1 entries of 2 bytes");
    assert_ok(strata_close(other, &err), &err);
    place_close(db);
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(filling_is_incomplete_until_it_is_closed_as_filled,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(filling_closed_as_filled_is_a_database, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(filling_wants_an_empty_directory, place_setup,
                                        place_teardown),
        cmocka_unit_test(copy_holds_what_the_source_holds),
        cmocka_unit_test(copy_killed_anywhere_is_whole_or_absent),
        cmocka_unit_test(copy_cut_by_the_power_is_whole_or_absent),
        cmocka_unit_test(copy_with_a_failing_call_is_whole_or_absent),
        cmocka_unit_test(copy_onto_a_full_disk_says_what_to_do),
        cmocka_unit_test_setup_teardown(backup_is_the_database_as_it_was, place_setup,
                                        place_teardown),
        cmocka_unit_test(backup_that_fails_harms_nothing),
        cmocka_unit_test(backup_for_an_older_header_is_of_the_same_stage),
        cmocka_unit_test_setup_teardown(copy_that_differs_is_found, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(copy_keeps_times, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
