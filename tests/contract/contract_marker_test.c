/* contract_marker_test.c: directories that are no database, half of one, one of another stage or
 * version, or that have something else in the place of a file. Nothing is lost and nothing is made
 * anew over data. */
#include "test.h"

#include "db/marker.h"
#include "place.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_marker(struct place *place, unsigned stage, unsigned format,
                       enum marker_state state)
{
    struct marker marker = {stage, format, state};
    struct strata_error err;
    assert_ok(marker_write(place->fs, place->dir, &marker, false, &err), &err);
}

static struct marker get_marker(struct place *place)
{
    struct marker marker = {0, 0, 0};
    struct strata_error err;
    assert_ok(marker_read(place->fs, place->dir, &marker, &err), &err);
    return marker;
}

/* ---- Something else in the place of a file ---------------------------------------------- */

enum thing { FIFO, DIRECTORY, DANGLING_LINK, LINK_TO_ITSELF, EMPTY_FILE, THINGS };

static void put_thing(const char *path, enum thing thing)
{
    const char *name = strrchr(path, '/') + 1;
    int file;

    switch (thing) {
    case FIFO:
        assert_int_equal(mkfifo(path, 0666), 0);
        return;
    case DIRECTORY:
        assert_int_equal(mkdir(path, 0777), 0);
        return;
    case DANGLING_LINK:
        assert_int_equal(symlink("nowhere/at/all", path), 0);
        return;
    case LINK_TO_ITSELF:
        assert_int_equal(symlink(name, path), 0);
        return;
    default:
        file = creat(path, 0666);
        assert_true(file >= 0);
        close(file);
    }
}

/* Opens for writing, with create, and for reading only: each either fails, naming the file or its
 * directory, or finds all the data. How many failed. */
static size_t try_to_open(struct place *place, const char *path)
{
    size_t refused = 0;

    for (int how = 0; how < 3; how++) {
        struct strata_options options;
        struct strata_error err = {0};
        struct strata *db;
        int rc;
        subject_options(&options, place->fs, how == 1);
        options.read_only = how == 2;
        rc = strata_open(place->dir, &options, &db, &err);
        if (rc == 0) {
            assert_get(db, "key", "value");
            assert_get(db, "7", "a value of some length");
            place_close(db);
            continue;
        }
        assert_true(rc == STRATA_ERR_IO || rc == STRATA_ERR_CORRUPT);
        assert_null(db);
        if (strcmp(err.file, path) != 0)
            assert_err_file(&err, place->dir);
        refused++;
    }
    return refused;
}

/* How many times opening was refused while the thing was there; three tries each. */
static size_t try_thing(struct place *place, const char *path, enum thing thing)
{
    char *aside = tmpdir_path(place->root, "aside");
    size_t refused;

    assert_int_equal(rename(path, aside), 0);
    put_thing(path, thing);
    refused = try_to_open(place, path);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rename(aside, path), 0);
    free(aside);
    return refused;
}

static void marker_something_else_in_the_place_of_the_marker_is_refused(void **state)
{
    struct place *place = *state;
    char *path = tmpdir_path(place->dir, MARKER_NAME);

    place_fill(place);
    for (int thing = 0; thing < THINGS; thing++)
        assert_int_equal(try_thing(place, path, (enum thing)thing), 3);
    place_expect_intact(place);
    free(path);
}

static size_t data_refused;

static void try_things(struct place *place, const char *path)
{
    for (int thing = 0; thing < THINGS; thing++)
        data_refused += try_thing(place, path, (enum thing)thing);
}

static void marker_something_else_in_the_place_of_data_never_hangs_or_loses(void **state)
{
    place_fill(*state);
    data_refused = 0;
    place_each_data_file(*state, try_things);
    assert_true(data_refused >= 3 * THINGS); /* the data itself cannot be done without */
    place_expect_intact(*state);
}

static void marker_something_else_in_the_place_of_the_lock_never_hangs(void **state)
{
    struct place *place = *state;
    char *path = tmpdir_path(place->dir, "LOCK");
    size_t refused = 0;

    place_fill(place);
    for (int thing = 0; thing < THINGS; thing++)
        refused += try_thing(place, path, (enum thing)thing);
    assert_true(refused >= 3); /* a directory and two links that lead nowhere */
    place_expect_intact(place);
    free(path);
}

/* ---- The marker ------------------------------------------------------------------------- */

static void marker_database_of_another_stage_is_refused_with_both_numbers(void **state)
{
    struct place *place = *state;
    unsigned stage = subject_info()->stage;
    struct strata_error err;
    char words[40];

    place_fill(place);
    set_marker(place, stage + 1, get_marker(place).format, MARKER_READY);
    for (int create = 0; create < 2; create++) {
        place_refused_as(place, create, STRATA_ERR_WRONG_STAGE, &err);
        assert_err_file(&err, place->dir);
        snprintf(words, sizeof words, "stage %u wrote", stage + 1);
        assert_err_says(&err, words);
        snprintf(words, sizeof words, "stage %u was asked", stage);
        assert_err_says(&err, words);
    }
    set_marker(place, stage, get_marker(place).format, MARKER_READY);
    place_expect_intact(place);
}

static void marker_database_of_a_stage_this_build_lacks_is_refused(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;

    place_fill(place);
    set_marker(place, 4321, 1, MARKER_READY);
    strata_options_init(&options);
    options.fs = place->fs;
    place_refused(place->dir, &options, STRATA_ERR_WRONG_STAGE, &err);
    assert_err_file(&err, place->dir);
    assert_err_says(&err, "4321");
}

static void marker_files_of_another_version_are_refused(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct marker marker;

    place_fill(place);
    marker = get_marker(place);
    for (int create = 0; create < 2; create++) {
        set_marker(place, marker.stage, marker.format + 1, MARKER_READY);
        place_refused_as(place, create, STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, place->dir);
        assert_err_says(&err, "version");
    }
    set_marker(place, marker.stage, marker.format, MARKER_READY);
    place_expect_intact(place);
}

static void marker_cut_creation_is_absent_until_created_anew(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct marker marker;
    struct model empty = {0};
    struct strata *db;

    place_fill(place); /* its files are the leftovers of the cut creation */
    marker = get_marker(place);
    set_marker(place, marker.stage, marker.format, MARKER_CREATING);
    place_refused_as(place, false, STRATA_ERR_ABSENT, &err);
    assert_err_file(&err, place->dir);
    assert_err_says(&err, "creation was cut short");
    subject_options(&options, place->fs, false);
    options.read_only = true;
    place_refused(place->dir, &options, STRATA_ERR_ABSENT, &err);
    subject_options(&options, place->fs, true);
    options.exclusive = true; /* nothing was ever stored: it counts as new */
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    assert_model(&empty, db);
    place_close(db);
    assert_int_equal(get_marker(place).state, MARKER_READY);
    place_fill(place);
    place_expect_intact(place);
}

/* Cut before the stage made any file, and before the marker took its place. */
static void marker_earliest_cuts_of_a_creation_are_made_anew(void **state)
{
    struct place *place = *state;
    struct strata_error err;

    assert_int_equal(mkdir(place->dir, 0777), 0);
    place_write(place, "db/LOCK", strata_string(""));
    place_write(place, "db/STRATA.tmp", strata_string("STRA"));
    place_refused_as(place, false, STRATA_ERR_ABSENT, &err);
    place_fill(place);
    place_expect_intact(place);
    assert_null(strstr(place_names(place, place->dir), ".tmp"));
}

static void marker_unfinished_copy_is_absent_for_all(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct marker marker;

    place_fill(place);
    marker = get_marker(place);
    set_marker(place, marker.stage, marker.format, MARKER_FILLING);
    for (int how = 0; how < 4; how++) {
        subject_options(&options, place->fs, how == 1 || how == 3);
        options.read_only = how == 2;
        options.exclusive = how == 3;
        place_refused(place->dir, &options, STRATA_ERR_ABSENT, &err);
        assert_err_file(&err, place->dir);
        assert_err_says(&err, "incomplete");
    }
}

static void marker_leftover_of_a_cut_marker_is_cleared_away(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    place_fill(place);
    place_write(place, "db/STRATA.tmp", strata_string("STRATADB torn"));
    subject_options(&options, place->fs, false);
    options.read_only = true;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    place_close(db);
    assert_says(place_names(place, place->dir), "STRATA.tmp");
    place_expect_intact(place);
    assert_null(strstr(place_names(place, place->dir), "STRATA.tmp"));
}

/* ---- Files without a marker, a marker without files ------------------------------------- */

static void marker_foreign_directory_is_left_alone(void **state)
{
    struct place *place = *state;
    struct strata_error err;

    assert_int_equal(mkdir(place->dir, 0777), 0);
    place_write(place, "db/letter.txt", strata_string("Dear reader"));
    place_refused_as(place, true, STRATA_ERR_EXISTS, &err);
    assert_err_file(&err, place->dir);
    assert_err_says(&err, "letter.txt");
    place_refused_as(place, false, STRATA_ERR_ABSENT, &err);
    assert_string_equal(place_names(place, place->dir), "letter.txt ");
}

/* Its name ends like that of a file of ours, and is none. */
static void marker_foreign_log_is_no_data_of_ours(void **state)
{
    struct place *place = *state;
    struct strata_error err;

    assert_int_equal(mkdir(place->dir, 0777), 0);
    place_write(place, "db/notes.log", strata_string("Dear diary"));
    place_refused_as(place, true, STRATA_ERR_EXISTS, &err);
    assert_err_says(&err, "notes.log");
    place_refused_as(place, false, STRATA_ERR_ABSENT, &err);
    assert_string_equal(place_names(place, place->dir), "notes.log ");
}

static void marker_new_file_system_root_is_an_empty_directory(void **state)
{
    struct place *place = *state;
    char *inside = tmpdir_path(place->dir, "lost+found");

    assert_int_equal(mkdir(place->dir, 0777), 0);
    assert_int_equal(mkdir(inside, 0777), 0);
    place_fill(place);
    place_expect_intact(place);
    free(inside);
}

static void marker_data_without_a_marker_is_damage_and_never_made_anew(void **state)
{
    struct place *place = *state;
    struct strata_buffer marker;
    struct strata_options options;
    struct strata_error err;
    char before[4096], *path;

    place_fill(place);
    marker = place_read(place, "db/STRATA");
    path = tmpdir_path(place->dir, MARKER_NAME);
    assert_int_equal(unlink(path), 0);
    free(path);
    strcpy(before, place_names(place, place->dir));
    for (int how = 0; how < 4; how++) {
        subject_options(&options, place->fs, how == 1 || how == 3);
        options.read_only = how == 2;
        options.exclusive = how == 3;
        place_refused(place->dir, &options, STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, place->dir);
        assert_err_says(&err, "STRATA is missing");
    }
    assert_string_equal(place_names(place, place->dir), before);
    place_write(place, "db/STRATA", strata_buffer_slice(&marker));
    strata_buffer_free(&marker);
    place_expect_intact(place);
}

static void remove_file(struct place *place, const char *path)
{
    (void)place;
    assert_int_equal(unlink(path), 0);
}

static void marker_marker_without_data_is_damage_and_never_made_anew(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    char before[4096];

    place_fill(place);
    place_each_data_file(place, remove_file);
    strcpy(before, place_names(place, place->dir));
    for (int how = 0; how < 3; how++) {
        subject_options(&options, place->fs, how == 1);
        options.read_only = how == 2;
        place_refused(place->dir, &options, STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, place->dir);
        assert_err_says(&err, "missing");
    }
    assert_string_equal(place_names(place, place->dir), before);
}

#define marker_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        marker_test(marker_something_else_in_the_place_of_the_marker_is_refused),
        marker_test(marker_something_else_in_the_place_of_data_never_hangs_or_loses),
        marker_test(marker_something_else_in_the_place_of_the_lock_never_hangs),
        marker_test(marker_database_of_another_stage_is_refused_with_both_numbers),
        marker_test(marker_database_of_a_stage_this_build_lacks_is_refused),
        marker_test(marker_files_of_another_version_are_refused),
        marker_test(marker_cut_creation_is_absent_until_created_anew),
        marker_test(marker_earliest_cuts_of_a_creation_are_made_anew),
        marker_test(marker_unfinished_copy_is_absent_for_all),
        marker_test(marker_leftover_of_a_cut_marker_is_cleared_away),
        marker_test(marker_foreign_directory_is_left_alone),
        marker_test(marker_foreign_log_is_no_data_of_ours),
        marker_test(marker_new_file_system_root_is_an_empty_directory),
        marker_test(marker_data_without_a_marker_is_damage_and_never_made_anew),
        marker_test(marker_marker_without_data_is_damage_and_never_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
