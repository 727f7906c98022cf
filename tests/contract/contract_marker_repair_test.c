/* contract_marker_repair_test.c: a marker that is missing or damaged is made anew by strata_repair
 * when it is told the stage, and that is right; at every stage. Whatever cuts that, the directory
 * is as it was or repaired. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "db/marker.h"
#include "db/stages.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "disk/db"
#define MARKER DIR "/" MARKER_NAME
#define ASIDE DIR "/lost/" MARKER_NAME

static bool by_names(void)
{
    const struct strata_engine *engine = subject_engine();
    return !engine || engine->formats;
}

/* A closed database: what is written last is in a sorted table, where there are such; killed: and
 * then more was written. */
static struct strata_fs *database(bool killed)
{
    struct strata_fs *fs = fs_sim_new(), *copy;
    struct strata_error err;
    struct strata *db;

    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    assert_ok(subject_open(fs, DIR, true, &db, &err), &err);
    assert_put(db, "apple", "red");
    strata_flush(db, NULL);
    assert_put(db, "pear", "green");
    copy = fs_sim_copy(fs);
    assert_ok(strata_close(db, &err), &err);
    if (killed) {
        fs_free(fs);
        return copy;
    }
    fs_free(copy);
    return fs;
}

static void expect_whole(struct strata_fs *fs)
{
    struct strata_error err;
    struct strata *db;

    assert_ok(subject_open(fs, DIR, false, &db, &err), &err);
    assert_get(db, "apple", "red");
    assert_get(db, "pear", "green");
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_ok(strata_close(db, &err), &err);
}

static int repair_as(struct strata_fs *fs, unsigned stage, unsigned flags,
                     struct strata_repair_sum *sum, struct strata_error *err)
{
    struct strata_options options;

    subject_options(&options, fs, false);
    options.stage = stage;
    if (stage != subject_info()->stage)
        options.engine = NULL;
    return strata_repair(DIR, &options, flags, NULL, sum, err);
}

static int repair(struct strata_fs *fs, struct strata_error *err)
{
    struct strata_repair_sum sum;
    int rc = repair_as(fs, subject_info()->stage, 0, &sum, err);

    assert_true(rc < 0 || (sum.marker && !sum.healthy && !sum.lost));
    return rc;
}

static void set_bytes(struct strata_fs *fs, struct strata_slice bytes)
{
    assert_int_equal(fs_sim_put(fs, MARKER, bytes), 0);
}

static void lose_marker(struct strata_fs *fs)
{
    struct strata_error err;
    assert_ok(fs_remove(fs, MARKER, &err), &err);
}

/* All paths and bytes, as one number. */
static uint64_t print_of(struct strata_fs *fs)
{
    return fs_sim_hash_of(fs).low;
}

/* The files do not tell which of these stages wrote them: as the message names them. NULL: they do.
 */
static const char *sharers(unsigned stage)
{
    if (subject_engine())
        return NULL;
    return stage >= 6 && stage <= 8    ? "(6 or 7 or 8)"
           : stage >= 9 && stage <= 13 ? "(9 or 10 or 11 or 12 or 13)"
                                       : NULL;
}

static bool shares_formats(unsigned stage, unsigned other)
{
    return sharers(stage) && sharers(stage) == sharers(other);
}

/* Open says what to do; a repair that is not told the stage, or another one, changes nothing. */
static void expect_lost(struct strata_fs *fs, const char *what)
{
    unsigned stage = subject_info()->stage;
    struct strata_repair_sum sum;
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    char words[60];
    uint64_t before = print_of(fs);

    snprintf(words, sizeof words, "`strata repair --stage %u DIR`", stage);
    if (sharers(stage))
        snprintf(words, sizeof words, "%s", sharers(stage));
    for (int create = 0; create < 2; create++) {
        assert_code(subject_open(fs, DIR, create, &db, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, what);
        assert_err_says(&err, words);
    }
    if (!subject_engine()) {
        strata_options_init(&options);
        options.fs = fs;
        assert_code(strata_repair(DIR, &options, 0, NULL, &sum, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, words);
    }
    for (size_t i = 0; !subject_engine() && strata_stages[i]; i++)
        if (strata_stages[i]->stage != stage && !shares_formats(stage, strata_stages[i]->stage)) {
            assert_code(repair_as(fs, strata_stages[i]->stage, 0, &sum, &err),
                        STRATA_ERR_WRONG_STAGE, &err);
            assert_err_says(&err, DIR);
            assert_false(sum.marker);
        }
    assert_ok(repair_as(fs, stage, STRATA_REPAIR_DRY_RUN, &sum, &err), &err);
    assert_true(sum.marker);
    assert_true(print_of(fs) == before);
}

static void remark_missing_marker_is_made_anew(void **state)
{
    struct strata_error err;

    (void)state;
    for (int killed = 0; by_names() && killed < 2; killed++) {
        struct strata_fs *fs = database(killed);
        lose_marker(fs);
        expect_lost(fs, "is missing beside data");
        assert_ok(repair(fs, &err), &err);
        expect_whole(fs);
        fs_free(fs);
    }
}

/* Of each byte one bit flipped, and cut at each byte; what was there is kept. */
static void try_damage(struct strata_slice bytes)
{
    struct strata_fs *fs = database(false);
    struct strata_buffer kept = {0};
    struct strata_error err;

    set_bytes(fs, bytes);
    expect_lost(fs, "damaged; ");
    assert_ok(repair(fs, &err), &err);
    expect_whole(fs);
    assert_int_equal(fs_sim_get(fs, ASIDE, &kept), 0);
    assert_int_equal(strata_compare(strata_buffer_slice(&kept), bytes), 0);
    strata_buffer_free(&kept);
    fs_free(fs);
}

static void remark_damaged_marker_is_made_anew_and_kept(void **state)
{
    struct strata_fs *fs = database(false);
    struct strata_buffer bytes = {0};

    (void)state;
    assert_int_equal(fs_sim_get(fs, MARKER, &bytes), 0);
    for (size_t i = 0; by_names() && i < bytes.size; i++) {
        bytes.data[i] ^= 0x40;
        try_damage(strata_buffer_slice(&bytes));
        bytes.data[i] ^= 0x40;
        try_damage(strata_bytes(bytes.data, i));
    }
    bytes.data[14] = MARKER_FILLING; /* the check tells that it was READY */
    if (by_names())
        try_damage(strata_buffer_slice(&bytes));
    assert_int_equal(strata_buffer_append(&bytes, "more", 4), 0);
    if (by_names())
        try_damage(strata_buffer_slice(&bytes));
    strata_buffer_free(&bytes);
    fs_free(fs);
}

static void expect_refused(struct strata_fs *fs, int code, const char *words)
{
    uint64_t before = print_of(fs);
    struct strata_error err;

    assert_code(repair(fs, &err), code, &err);
    assert_err_says(&err, words);
    assert_true(print_of(fs) == before);
}

/* A copy that was cut short has all that a database has, but for entries. */
static void remark_never_calls_half_a_copy_whole(void **state)
{
    struct strata_fs *fs = database(false);
    struct marker marker = {subject_info()->stage, 1, MARKER_FILLING};
    struct strata_buffer bytes = {0};
    struct strata_error err;

    (void)state;
    assert_ok(marker_write(fs, DIR, &marker, false, &err), &err);
    assert_int_equal(fs_sim_get(fs, MARKER, &bytes), 0);
    bytes.data[20] ^= 1;
    set_bytes(fs, strata_buffer_slice(&bytes));
    expect_refused(fs, STRATA_ERR_CORRUPT, "a copy into the directory was cut short");
    bytes.data[20] ^= 1;
    bytes.data[14] = MARKER_READY; /* it was not, tells the check */
    set_bytes(fs, strata_buffer_slice(&bytes));
    expect_refused(fs, STRATA_ERR_CORRUPT, "a copy into the directory was cut short");
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* A later version's is none of ours to replace. */
static void remark_leaves_a_marker_that_is_whole(void **state)
{
    struct strata_fs *fs = database(false);
    struct marker marker = {subject_info()->stage, 1, (enum marker_state)5};
    struct strata_repair_sum sum;
    struct strata_error err;
    uint64_t before = print_of(fs);

    (void)state;
    repair_as(fs, subject_info()->stage, 0, &sum, &err); /* there may be no repair at this stage */
    assert_false(sum.marker);
    assert_true(print_of(fs) == before);
    assert_ok(marker_write(fs, DIR, &marker, false, &err), &err);
    expect_refused(fs, STRATA_ERR_CORRUPT, "marker state");
    fs_free(fs);
}

static void remark_of_no_database_makes_none(void **state)
{
    struct strata_fs *fs = fs_sim_new();

    (void)state;
    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, DIR), 0);
    expect_refused(fs, STRATA_ERR_ABSENT, "is empty");
    assert_int_equal(fs_sim_put(fs, DIR "/letter.txt", strata_string("Dear reader")), 0);
    expect_refused(fs, STRATA_ERR_ABSENT, "no marker");
    set_bytes(fs, strata_string("STRATADB"));
    expect_refused(fs, STRATA_ERR_ABSENT, "no files of any stage");
    fs_free(fs);
}

static void remark_of_an_open_database_is_refused(void **state)
{
    struct strata_fs *fs = database(false);
    struct strata_error err;
    struct strata *db;

    (void)state;
    assert_ok(subject_open(fs, DIR, false, &db, &err), &err);
    lose_marker(fs);
    if (by_names())
        expect_refused(fs, STRATA_ERR_LOCKED, "has the database open");
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* ---- Cut, and failing ------------------------------------------------------------------ */

struct seen {
    unsigned before, after;
};

#define DAMAGED "STRATADB is what was here"

/* As it was, then a second repair ends it; or repaired, which it is once the first has said so. */
static int visit(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    struct seen *seen = arg;
    struct strata_buffer bytes = {0};
    struct marker marker;
    struct strata_error err;
    int rc = marker_read(fs, DIR, &marker, &err);

    seen->before += rc < 0;
    seen->after += rc == 0;
    if (info->kind == FS_CALL_COUNT)
        assert_int_equal(rc, 0);
    if (rc < 0) {
        assert_int_equal(fs_sim_get(fs, MARKER, &bytes), 0);
        assert_int_equal(strata_compare(strata_buffer_slice(&bytes), strata_string(DAMAGED)), 0);
        assert_ok(repair(fs, &err), &err);
    }
    strata_buffer_free(&bytes);
    expect_whole(fs);
    return 0;
}

static struct strata_fs *damaged(void)
{
    struct strata_fs *fs = database(false);

    set_bytes(fs, strata_string(DAMAGED));
    return fs;
}

static void remark_cut_anywhere_is_as_before_or_repaired(void **state)
{
    static const enum fs_sim_model models[] = {FS_SIM_KILL, FS_SIM_ORDERED, FS_SIM_POSIX};

    (void)state;
    for (size_t i = 0; by_names() && i < sizeof models / sizeof *models; i++) {
        struct fs_sim_plan plan = {.model = models[i]};
        struct strata_fs *fs = damaged();
        struct fs_sim_totals totals;
        struct strata_error err;
        struct seen seen = {0, 0};

        assert_int_equal(fs_sim_record(fs), 0);
        assert_ok(repair(fs, &err), &err);
        fs_sim_record_stop(fs);
        assert_int_equal(fs_sim_states(fs, &plan, visit, &seen, &totals), 0);
        assert_true(seen.before > 5);
        assert_true(seen.after > 0);
        fs_free(fs);
    }
}

static bool try_fault(enum fs_sim_fault_kind kind, uint64_t at)
{
    struct fs_sim_fault fault = {.kind = kind, .at = at};
    struct strata_fs *fs = damaged();
    struct marker marker;
    struct strata_error err;
    bool struck;

    fs_sim_fail(fs, &fault);
    if (repair(fs, &err) < 0)
        assert_int_equal(err.code, STRATA_ERR_IO);
    struck = fs_sim_failed(fs) > 0;
    fs_sim_fail(fs, NULL);
    assert_int_equal(fs_sim_open_files(fs), 0);
    if (marker_read(fs, DIR, &marker, &err) < 0)
        assert_ok(repair(fs, &err), &err);
    expect_whole(fs);
    fs_free(fs);
    return struck;
}

static void remark_with_a_failing_call_is_as_before_or_repaired(void **state)
{
    (void)state;
    for (uint64_t at = 1; by_names() && try_fault(FS_SIM_EIO, at); at++) {
        try_fault(FS_SIM_ENOSPC, at);
        try_fault(FS_SIM_EMFILE, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remark_missing_marker_is_made_anew),
        cmocka_unit_test(remark_damaged_marker_is_made_anew_and_kept),
        cmocka_unit_test(remark_never_calls_half_a_copy_whole),
        cmocka_unit_test(remark_leaves_a_marker_that_is_whole),
        cmocka_unit_test(remark_of_no_database_makes_none),
        cmocka_unit_test(remark_of_an_open_database_is_refused),
        cmocka_unit_test(remark_cut_anywhere_is_as_before_or_repaired),
        cmocka_unit_test(remark_with_a_failing_call_is_as_before_or_repaired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
