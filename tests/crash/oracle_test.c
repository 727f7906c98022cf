/* oracle_test.c: the judges of the crash tests must themselves be able to say no. */
#include "test.h"

#include "crash/explore/explore.h"
#include "crash/judge.h"
#include "crash/oracle.h"
#include "crash/script.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR EXPLORE_DIR

struct done {
    struct strata_fs *fs;
    struct script script; /* "writes", which `fs` holds the result of */
};

static int set_up(void **state)
{
    struct done *done = calloc(1, sizeof *done);
    struct script_run run;

    assert_non_null(done);
    assert_string_equal(script_builtin(1, &done->script), "writes");
    done->fs = fs_sim_new();
    assert_int_equal(fs_sim_put_directory(done->fs, "disk"), 0);
    script_run_init(&run, &done->script, done->fs, DIR, true);
    assert_ok(script_run(&run), &run.err);
    assert_int_equal(run.acknowledged, done->script.history.count);
    *state = done;
    return 0;
}

static int tear_down(void **state)
{
    struct done *done = *state;
    assert_int_equal(fs_sim_open_files(done->fs), 0);
    fs_free(done->fs);
    script_free(&done->script);
    free(done);
    return 0;
}

static struct oracle oracle_for(struct done *done)
{
    uint64_t count = done->script.history.count;
    return (struct oracle){done->fs, DIR, &done->script.history, count, count};
}

static void expect(const struct oracle *oracle, enum oracle_verdict verdict, uint64_t n)
{
    struct oracle_report report;
    int rc = oracle_check(oracle, &report);

    if (report.verdict != verdict)
        fail_msg("%s, not %s: %s", oracle_verdict_name(report.verdict),
                 oracle_verdict_name(verdict), report.what);
    assert_int_equal(rc, verdict != ORACLE_FINE);
    assert_int_equal(report.n, n);
    assert_int_equal(report.what[0] != '\0', verdict != ORACLE_FINE);
}

/* Writes behind the history's back. */
static void put_more(struct done *done, const char *key, const char *value)
{
    struct strata_error err;
    struct strata *db;
    assert_ok(subject_open(done->fs, DIR, false, &db, &err), &err);
    assert_ok(strata_put(db, strata_string(key), strata_string(value), &err), &err);
    assert_ok(strata_close(db, &err), &err);
}

static void oracle_whole_database_is_fine(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    struct strata_error err;
    struct strata *db;

    expect(&oracle, ORACLE_FINE, oracle.issued);
    assert_ok(subject_open(done->fs, DIR, false, &db, &err), &err);
    assert_get(db, ORACLE_KEY, ORACLE_VALUE);
    assert_ok(strata_close(db, &err), &err);
}

static void oracle_write_beyond_the_acknowledged_may_be_there(void **state)
{
    struct oracle oracle = oracle_for(*state);
    oracle.floor--;
    expect(&oracle, ORACLE_FINE, oracle.issued);
}

static void oracle_write_that_was_only_issued_may_be_missing(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    script_put(&done->script, "issued", "and not done");
    oracle.issued++;
    expect(&oracle, ORACLE_FINE, oracle.issued - 1);
}

static void oracle_missing_acknowledged_write_is_lost(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    script_put(&done->script, "acknowledged", "and not done");
    oracle.issued = ++oracle.floor;
    expect(&oracle, ORACLE_LOST, oracle.floor - 1);
}

static void oracle_missing_acknowledged_delete_is_lost(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    script_delete(&done->script, "zebra");
    oracle.issued = ++oracle.floor;
    expect(&oracle, ORACLE_LOST, oracle.floor - 1);
}

static void oracle_key_that_was_never_written_is_no_state(void **state)
{
    struct oracle oracle = oracle_for(*state);
    put_more(*state, "never", "written");
    expect(&oracle, ORACLE_NO_STATE, 0);
}

static void oracle_deleted_key_that_is_back_is_no_state(void **state)
{
    struct oracle oracle = oracle_for(*state);
    put_more(*state, "apple", "yellow");
    expect(&oracle, ORACLE_NO_STATE, 0);
}

static void oracle_write_without_an_earlier_one_is_no_state(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    script_put(&done->script, "skipped", "not done");
    script_put(&done->script, "later", "done");
    put_more(done, "later", "done");
    oracle.issued += 2;
    expect(&oracle, ORACLE_NO_STATE, 0);
}

static void oracle_file_that_belongs_to_nothing_is_an_orphan(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    assert_int_equal(fs_sim_put(done->fs, DIR "/left.over", strata_string("bytes")), 0);
    expect(&oracle, ORACLE_ORPHAN, oracle.issued);
}

static void oracle_tells_of_the_first_orphan(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    struct oracle_report report;

    assert_int_equal(fs_sim_put(done->fs, DIR "/left.1", strata_string("bytes")), 0);
    assert_int_equal(fs_sim_put(done->fs, DIR "/left.2", strata_string("bytes")), 0);
    assert_int_equal(oracle_check(&oracle, &report), 1);
    assert_int_equal(report.verdict, ORACLE_ORPHAN);
    assert_non_null(strstr(report.what, "left.1"));
    assert_null(strstr(report.what, "left.2"));
}

/* Without a file layer it looks at the real one. */
static void oracle_of_real_files_is_fine(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    char *root = tmpdir_new(), *dir = tmpdir_path(root, "db");
    struct script_run run;

    script_run_init(&run, &done->script, NULL, dir, false);
    assert_ok(script_run(&run), &run.err);
    oracle.fs = NULL;
    oracle.dir = dir;
    expect(&oracle, ORACLE_FINE, oracle.issued);
    free(dir);
    tmpdir_del(root);
}

static void oracle_no_database_is_fine_only_before_the_first_acknowledgement(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);

    oracle.dir = "disk/other";
    expect(&oracle, ORACLE_LOST, 0);
    oracle.floor = 0;
    expect(&oracle, ORACLE_FINE, 0);
}

/* The longest file of the database, its middle byte flipped. */
static void damage(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0}, longest = {0};
    struct fs_names paths;
    char path[300], where[300] = "";

    assert_int_equal(fs_sim_paths(fs, DIR, &paths), 0);
    for (size_t i = 0; i < paths.count; i++) {
        snprintf(path, sizeof path, "%s/%s", DIR, paths.names[i]);
        if (fs_sim_get(fs, path, &bytes) < 0 || bytes.size <= longest.size)
            continue;
        memcpy(where, path, sizeof where);
        strata_buffer_clear(&longest);
        strata_buffer_append(&longest, bytes.data, bytes.size);
    }
    assert_true(longest.size > 0);
    longest.data[longest.size / 2] ^= 0x10;
    assert_int_equal(fs_sim_put(fs, where, strata_buffer_slice(&longest)), 0);
    strata_buffer_free(&bytes);
    strata_buffer_free(&longest);
    fs_names_free(&paths);
}

static void oracle_damage_is_an_error(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    damage(done->fs);
    expect(&oracle, ORACLE_ERROR, 0);
}

/* ---- judge.h --------------------------------------------------------------------------- */

/* Judges the database by a history that says something else; each way of asking must see it. */
static void expect_wrong(struct done *done, const struct history *history)
{
    struct model model = {0};
    struct answers gets = {0}, forwards = {0}, backwards = {0};
    struct strata_error err;
    struct strata *db;

    history_model(history, history->count, &model);
    assert_ok(subject_open(done->fs, DIR, false, &db, &err), &err);
    judge_gets(db, history, &model, &gets);
    judge_scan(db, &model, false, &forwards);
    judge_scan(db, &model, true, &backwards);
    assert_int_equal(gets.wrong, 1);
    assert_int_equal(forwards.wrong, 1);
    assert_int_equal(backwards.wrong, 1);
    assert_int_equal(gets.errors + forwards.errors + backwards.errors, 0);
    assert_true(gets.first_wrong[0] && forwards.first_wrong[0] && backwards.first_wrong[0]);
    assert_ok(strata_close(db, &err), &err);
    model_free(&model);
}

static void judge_other_value_is_wrong(void **state)
{
    struct done *done = *state;
    script_put(&done->script, "zebra", "lasT");
    expect_wrong(done, &done->script.history);
}

static void judge_missing_key_is_wrong(void **state)
{
    struct done *done = *state;
    script_put(&done->script, "middle", "");
    expect_wrong(done, &done->script.history);
}

static void judge_key_that_was_deleted_is_wrong(void **state)
{
    struct done *done = *state;
    script_delete(&done->script, "pear");
    expect_wrong(done, &done->script.history);
}

static void judge_directory_tells_the_outcomes_apart(void **state)
{
    struct done *done = *state;
    struct history *history = &done->script.history;
    struct judgement judgement;
    size_t count = history->count;

    judge_dir(done->fs, DIR, history, &judgement);
    assert_int_equal(judgement.outcome, OUTCOME_HARMLESS);
    history_put(history, strata_string("more"), strata_string("than there is"));
    judge_dir(done->fs, DIR, history, &judgement);
    assert_int_equal(judgement.outcome, OUTCOME_PREFIX);
    assert_int_equal(judgement.n, count);
    put_more(done, "never", "written");
    judge_dir(done->fs, DIR, history, &judgement);
    assert_int_equal(judgement.outcome, OUTCOME_WRONG);
    history_cut(history, count);
    history_put(history, strata_string("never"), strata_string("written"));
    damage(done->fs);
    judge_dir(done->fs, DIR, history, &judgement);
    assert_int_equal(judgement.outcome, OUTCOME_DETECTED);
    assert_int_equal(judgement.answers.first_error.code, STRATA_ERR_CORRUPT);
}

/* The same of a database that is not the history's, with each call failing once, or from then on:
 * what is seen is a wrong answer, an earlier state, or the error; never that all is well. */
static void judge_directory_never_takes_a_call_that_fails_for_an_answer(void **state)
{
    struct done *done = *state;
    struct history *history = &done->script.history;
    unsigned outcomes[OUTCOMES] = {0};
    uint64_t failed = 1;

    history_put(history, strata_string("more"), strata_string("than there is"));
    for (uint64_t at = 1; failed; at++)
        for (int for_ever = 0; for_ever <= 1; for_ever++) {
            struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at, .for_ever = for_ever};
            struct strata_fs *fs = fs_sim_copy(done->fs);
            struct judgement judgement;

            assert_non_null(fs);
            fs_sim_fail(fs, &fault);
            judge_dir(fs, DIR, history, &judgement);
            failed = fs_sim_failed(fs);
            assert_int_not_equal(judgement.outcome, OUTCOME_HARMLESS);
            if (judgement.outcome == OUTCOME_PREFIX)
                assert_int_equal(judgement.n, history->count - 1);
            assert_true(failed || judgement.outcome == OUTCOME_PREFIX);
            outcomes[judgement.outcome]++;
            assert_int_equal(fs_sim_open_files(fs), 0);
            fs_free(fs);
        }
    assert_true(outcomes[OUTCOME_DETECTED] > 0);
    assert_true(outcomes[OUTCOME_WRONG] > 0);
    assert_true(outcomes[OUTCOME_PREFIX] > 0);
}

/* Each call of the file layer fails in turn while the oracle looks: that is told as the error it
 * is, or does no harm. No wrong answer is seen where there is none. */
static void oracle_call_that_fails_is_an_error_and_no_verdict(void **state)
{
    struct done *done = *state;
    struct oracle oracle = oracle_for(done);
    uint64_t failed = 1, errors = 0;

    for (uint64_t at = 1; failed; at++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at};
        struct strata_fs *fs = fs_sim_copy(done->fs);
        struct oracle_report report;

        assert_non_null(fs);
        oracle.fs = fs;
        fs_sim_fail(fs, &fault);
        oracle_check(&oracle, &report);
        failed = fs_sim_failed(fs);
        if (report.verdict != ORACLE_ERROR && report.verdict != ORACLE_FINE)
            fail_msg("call %d: %s: %s", (int)at, oracle_verdict_name(report.verdict), report.what);
        errors += report.verdict == ORACLE_ERROR;
        assert_true(failed || report.verdict == ORACLE_FINE);
        assert_int_equal(fs_sim_open_files(fs), 0);
        fs_free(fs);
    }
    assert_true(errors > 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(oracle_whole_database_is_fine),
        TEST(oracle_write_beyond_the_acknowledged_may_be_there),
        TEST(oracle_write_that_was_only_issued_may_be_missing),
        TEST(oracle_missing_acknowledged_write_is_lost),
        TEST(oracle_missing_acknowledged_delete_is_lost),
        TEST(oracle_key_that_was_never_written_is_no_state),
        TEST(oracle_deleted_key_that_is_back_is_no_state),
        TEST(oracle_write_without_an_earlier_one_is_no_state),
        TEST(oracle_file_that_belongs_to_nothing_is_an_orphan),
        TEST(oracle_tells_of_the_first_orphan),
        TEST(oracle_of_real_files_is_fine),
        TEST(oracle_no_database_is_fine_only_before_the_first_acknowledgement),
        TEST(oracle_damage_is_an_error),
        TEST(judge_other_value_is_wrong),
        TEST(judge_missing_key_is_wrong),
        TEST(judge_key_that_was_deleted_is_wrong),
        TEST(judge_directory_tells_the_outcomes_apart),
        TEST(judge_directory_never_takes_a_call_that_fails_for_an_answer),
        TEST(oracle_call_that_fails_is_an_error_and_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
