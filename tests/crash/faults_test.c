/* faults_test.c: each call of the file layer fails once, and then for ever, in every way it can,
 * on fs_sim; and the disk is full after each byte. What must come of it: an error that says what
 * it was, no wrong answer, no file left open, and nothing acknowledged lost. Calls that are
 * interrupted or do half of what was asked are no error at all. */
#include "test.h"

#include "explore.h"
#include "judge.h"
#include "oracle.h"
#include "script.h"
#include "subject.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIR EXPLORE_DIR

static const struct {
    const char *name;
    int sys; /* the errno that callers see; 0: they must see nothing */
} kinds[FS_SIM_FAULT_KINDS] = {
    [FS_SIM_EIO] = {"EIO", EIO},          [FS_SIM_ENOSPC] = {"ENOSPC", ENOSPC},
    [FS_SIM_EMFILE] = {"EMFILE", EMFILE}, [FS_SIM_SHORT] = {"short", 0},
    [FS_SIM_EINTR] = {"EINTR", 0},        [FS_SIM_SYNC_DROPS] = {"sync drops", EIO},
};

/* All that a handle does: made, written, read, opened again, read, and a value that is larger
 * than what it is read through. */
static void fill_script(struct script *script)
{
    static uint8_t large[140 * 1024];

    script_add(script, SCRIPT_READ);
    script_put(script, "common", "1");
    script_put(script, "", "");
    script_put(script, "gone", "soon");
    script_add(script, SCRIPT_SYNC);
    script_delete(script, "gone");
    script_add(script, SCRIPT_READ);
    script_add(script, SCRIPT_REOPEN);
    script_put(script, "common", "2");
    script_put_bytes(script, strata_string("large"), strata_bytes(large, sizeof large));
    script_put(script, "after", "3");
    script_add(script, SCRIPT_FLUSH);
    script_add(script, SCRIPT_COMPACT);
    script_add(script, SCRIPT_READ);
    script_add(script, SCRIPT_REOPEN);
    script_delete(script, "large");
    script_put(script, "gone", "back");
}

/* ---- One run --------------------------------------------------------------------------- */

struct trial {
    struct script_run run;
    struct strata_fs *fs;
    int sys;           /* of the errors that may come */
    bool for_ever;     /* they may come again */
    unsigned failures; /* of steps and closes */
    uint64_t struck;   /* calls that were failed */
    char what[64];     /* for people: "EIO once, call 17" */
};

static void refuse(const struct trial *trial, const char *why, const char *more)
{
    fail_msg("%s, step %zu: %s: %s", trial->what, trial->run.at + 1, why, more);
}

/* The failure in run.err is the one that was asked for, and says so. */
static void check_failure(struct trial *trial, int rc)
{
    const struct strata_error *err = &trial->run.err;
    char text[600];

    strata_error_text(err, text, sizeof text);
    if (err->code != rc || rc != STRATA_ERR_IO || err->sys != trial->sys || !err->sys ||
        !err->file[0] || !err->message[0])
        refuse(trial, "an error that does not say what it was", text);
    if (trial->failures++ && !trial->for_ever)
        refuse(trial, "a second error, after one call that failed", text);
}

static void close_it(struct trial *trial)
{
    int rc = script_close(&trial->run);
    if (rc < 0)
        check_failure(trial, rc);
    if (fs_sim_open_files(trial->fs))
        refuse(trial, "files are still open after the close", "");
}

/* The handle answers as before the failed write, or as after it; with errors only where reads
 * still fail. */
static void check_answers(struct trial *trial)
{
    const struct history *history = &trial->run.script->history;
    struct answers answers = {0};

    for (uint64_t n = trial->run.acknowledged; n <= trial->run.issued; n++) {
        struct model model = {0};
        answers = (struct answers){0};
        history_model(history, (size_t)n, &model);
        judge_all(trial->run.db, history, &model, &answers);
        model_free(&model);
        if (answers.errors && (!trial->for_ever || trial->sys == ENOSPC))
            refuse(trial, "no answer after a failed write", answers.first_error.message);
        if (!answers.wrong)
            return;
    }
    refuse(trial, "a wrong answer after a failed write", answers.first_wrong);
}

/* Is the failed write there after all? The user who must know opens the database and looks. */
static bool is_there(struct trial *trial)
{
    struct model before = {0}, now = {0};
    struct strata_error err = {0};
    bool there;

    history_model(&trial->run.script->history, (size_t)trial->run.acknowledged, &before);
    if (subject_open(trial->fs, DIR, true, &trial->run.db, &err) < 0 ||
        model_read(&now, trial->run.db, &err) < 0)
        refuse(trial, "after the failed call", err.message);
    there = !model_equal(&before, &now);
    model_free(&before);
    model_free(&now);
    return there;
}

/* A write failed, and the handle with it: "close it and open again". */
static void after_failed_write(struct trial *trial)
{
    check_answers(trial);
    if (strata_put(trial->run.db, strata_string("refused"), strata_string(""), NULL) >= 0)
        refuse(trial, "a write was taken after a failed one", "");
    check_answers(trial);
    close_it(trial);
    if (!trial->for_ever && is_there(trial))
        script_skip(&trial->run);
}

/* Goes on after a failed step; false: there is no way to. */
static bool go_on(struct trial *trial, int rc)
{
    struct script_run *run = &trial->run;
    bool writing = run->db && run->script->steps[run->at] != SCRIPT_READ &&
                   run->script->steps[run->at] != SCRIPT_REOPEN;

    check_failure(trial, rc);
    if (run->db && run->script->steps[run->at] == SCRIPT_READ)
        script_skip(run);
    if (writing)
        after_failed_write(trial);
    return !(trial->for_ever && (writing || !run->db));
}

/* The whole script, whatever fails; then, with nothing failing any more, the oracle. */
static void run_script(struct trial *trial)
{
    struct oracle_report report;
    struct oracle oracle = {.fs = trial->fs, .dir = DIR, .history = &trial->run.script->history};
    int rc;

    while ((rc = script_step(&trial->run)) != STRATA_NOT_FOUND)
        if (rc < 0 && !go_on(trial, rc))
            break;
    close_it(trial);
    if (trial->run.answers.wrong)
        refuse(trial, "a wrong answer", trial->run.answers.first_wrong);
    trial->struck = fs_sim_failed(trial->fs);
    fs_sim_fail(trial->fs, NULL);
    fs_sim_set_disk(trial->fs, UINT64_C(1) << 32);
    oracle.floor = trial->run.acknowledged;
    oracle.issued = trial->run.issued;
    if (oracle_check(&oracle, &report))
        refuse(trial, "afterwards", report.what);
    assert_int_equal(fs_sim_open_files(trial->fs), 0);
}

static struct strata_fs *new_disk(void)
{
    struct strata_fs *fs = fs_sim_new();
    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    return fs;
}

/* ---- Every call ------------------------------------------------------------------------ */

struct tally {
    uint64_t runs, failures, silent;
    uint64_t silent_at[FS_CALL_COUNT];
};

/* The call that failed, when it was the only one. */
static enum fs_call struck_call(struct strata_fs *fs, int sys)
{
    struct fs_sim_call call;
    for (uint64_t i = 1; fs_sim_trace_call(fs, i, &call) == 0; i++)
        if (call.result == -sys)
            return call.kind;
    return FS_CALL_COUNT;
}

/* Where the runs of a script begin. */
struct start {
    const struct script *script;
    struct strata_fs *fs; /* a closed database; NULL: none is there yet */
    size_t at;            /* steps that are done */
    uint64_t writes;      /* of them */
};

/* One run with this fault: false when it did not come to strike. */
static bool try_fault(const struct start *start, const struct fs_sim_fault *fault,
                      struct tally *tally)
{
    struct trial trial = {.fs = start->fs ? fs_sim_copy(start->fs) : new_disk(),
                          .sys = kinds[fault->kind].sys};

    unsigned long warnings = subject_warnings();

    trial.for_ever = fault->for_ever;
    snprintf(trial.what, sizeof trial.what, "%s %s, call %" PRIu64, kinds[fault->kind].name,
             fault->for_ever ? "for ever" : "once", fault->at);
    assert_int_equal(fs_sim_record(trial.fs), 0);
    fs_sim_fail(trial.fs, fault);
    script_run_init(&trial.run, start->script, trial.fs, DIR, true);
    trial.run.at = start->at;
    trial.run.acknowledged = trial.run.issued = start->writes;
    run_script(&trial);
    if (trial.struck && trial.sys && !trial.failures && !fault->for_ever &&
        subject_warnings() == warnings) { /* neither an error nor a word to the log */
        tally->silent++;
        tally->silent_at[struck_call(trial.fs, trial.sys)]++;
    }
    tally->runs += trial.struck > 0;
    tally->failures += trial.failures;
    if (!trial.struck && trial.run.acknowledged != start->script->history.count)
        refuse(&trial, "a run in which nothing failed is not complete", "");
    fs_free(trial.fs);
    return trial.struck > 0;
}

static void try_every_call_from(const struct start *start, enum fs_sim_fault_kind kind,
                                struct tally *tally)
{
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        struct fs_sim_fault fault = {.kind = kind, .for_ever = for_ever};
        struct tally one = {0};
        do
            fault.at++;
        while (try_fault(start, &fault, &one));
        printf("# faults, stage %u, %s, %-10s %-8s: %4" PRIu64 " calls, %4" PRIu64
               " errors reported, %" PRIu64 " kept silent; 0 lost, 0 wrong\n",
               subject_info()->stage, start->fs ? "recovery" : "all", kinds[kind].name,
               for_ever ? "for ever" : "once", one.runs, one.failures, one.silent);
        fflush(stdout);
        tally->runs += one.runs;
        tally->failures += one.failures;
        tally->silent += one.silent;
        for (int i = 0; i < FS_CALL_COUNT; i++)
            tally->silent_at[i] += one.silent_at[i];
    }
}

static void try_every_call(enum fs_sim_fault_kind kind, struct tally *tally)
{
    struct script script = {0};
    struct start start = {.script = &script};

    fill_script(&script);
    try_every_call_from(&start, kind, tally);
    script_free(&script);
}

/* A call that failed for good is reported, but for the close of a file that was only read. */
static void expect_reported(const struct tally *tally, uint64_t calls_at_least)
{
    assert_true(tally->runs >= calls_at_least);
    assert_true(tally->failures >= calls_at_least / 2);
    assert_int_equal(tally->silent, tally->silent_at[FS_CALL_CLOSE]);
}

static void faults_io_error_at_any_call_is_reported_and_loses_nothing(void **state)
{
    struct tally tally = {0};
    (void)state;
    try_every_call(FS_SIM_EIO, &tally);
    expect_reported(&tally, 200);
}

static void faults_no_space_at_any_call_is_reported_and_loses_nothing(void **state)
{
    struct tally tally = {0};
    (void)state;
    try_every_call(FS_SIM_ENOSPC, &tally);
    expect_reported(&tally, 20);
}

static void faults_no_descriptor_at_any_call_is_reported_and_loses_nothing(void **state)
{
    struct tally tally = {0};
    (void)state;
    try_every_call(FS_SIM_EMFILE, &tally);
    expect_reported(&tally, 10);
}

static void faults_half_done_call_is_no_error(void **state)
{
    struct tally tally = {0};
    (void)state;
    try_every_call(FS_SIM_SHORT, &tally);
    assert_true(tally.runs >= 100);
    assert_int_equal(tally.failures, 0);
}

static void faults_interrupted_call_is_no_error(void **state)
{
    struct tally tally = {0};
    (void)state;
    try_every_call(FS_SIM_EINTR, &tally);
    assert_true(tally.runs >= 200);
    assert_int_equal(tally.failures, 0);
}

static void faults_failed_sync_is_reported_and_loses_nothing(void **state)
{
    struct tally tally = {0};
    (void)state;
    try_every_call(FS_SIM_SYNC_DROPS, &tally);
    assert_int_equal(tally.silent, 0);
    if (subject_promises(STRATA_PROMISE_POWER_CUT))
        assert_true(tally.runs > 0);
    else
        assert_int_equal(tally.runs, 0); /* a stage that never syncs */
}

/* ---- Recovery -------------------------------------------------------------------------- */

static uint64_t bytes_on(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    struct fs_names names;
    uint64_t total = 0;
    char path[300];

    assert_int_equal(fs_sim_paths(fs, DIR, &names), 0);
    for (size_t i = 0; i < names.count; i++) {
        snprintf(path, sizeof path, "%s/%s", DIR, names.names[i]);
        if (fs_sim_get(fs, path, &bytes) == 0)
            total += bytes.size;
    }
    fs_names_free(&names);
    strata_buffer_free(&bytes);
    return total;
}

/* A database with a torn tail: there was room for ten bytes of a write. */
static void tear(struct start *start)
{
    struct strata_fs *copy;
    struct oracle_report report;
    struct script_run run;
    struct oracle oracle = {.dir = DIR, .history = &start->script->history};

    start->fs = new_disk();
    script_run_init(&run, start->script, start->fs, DIR, true);
    while (run.acknowledged < 5)
        assert_ok(script_step(&run), &run.err);
    fs_sim_set_disk(start->fs, bytes_on(start->fs) + 10);
    assert_code(script_step(&run), STRATA_ERR_IO, &run.err);
    script_close(&run);
    fs_sim_set_disk(start->fs, UINT64_C(1) << 32);
    start->at = run.at;
    oracle.floor = oracle.issued = start->writes = run.acknowledged;
    oracle.fs = copy = fs_sim_copy(start->fs);
    assert_int_equal(oracle_check(&oracle, &report), 0);
    assert_int_equal(report.torn, 1);
    fs_free(copy);
}

static void faults_during_recovery_lose_nothing(void **state)
{
    struct script script = {0};
    struct start start = {.script = &script};
    struct tally hard = {0}, soft = {0};

    (void)state;
    fill_script(&script);
    tear(&start);
    try_every_call_from(&start, FS_SIM_EIO, &hard);
    try_every_call_from(&start, FS_SIM_EMFILE, &hard);
    expect_reported(&hard, 100);
    try_every_call_from(&start, FS_SIM_SHORT, &soft);
    try_every_call_from(&start, FS_SIM_EINTR, &soft);
    assert_true(soft.runs >= 100);
    assert_int_equal(soft.failures, 0);
    fs_free(start.fs);
    script_free(&script);
}

/* ---- Reading --------------------------------------------------------------------------- */

static void faults_while_reading_never_give_a_wrong_answer(void **state)
{
    struct strata_fs *fs = new_disk();
    struct script script = {0};
    struct script_run run;
    struct judgement j;
    uint64_t calls = 0;

    (void)state;
    fill_script(&script);
    script_run_init(&run, &script, fs, DIR, true);
    assert_ok(script_run(&run), &run.err);
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .for_ever = for_ever};
        for (fault.at = 1;; fault.at++, calls++) {
            fs_sim_fail(fs, &fault);
            judge_dir(fs, DIR, &script.history, &j);
            assert_int_equal(fs_sim_open_files(fs), 0);
            if (!fs_sim_failed(fs))
                break;
            if (j.outcome == OUTCOME_WRONG || j.outcome == OUTCOME_PREFIX)
                fail_msg("call %" PRIu64 " failed: %s", fault.at, j.answers.first_wrong);
            if (j.outcome == OUTCOME_DETECTED && j.answers.first_error.sys != EIO)
                fail_msg("call %" PRIu64 " failed: %s", fault.at, j.answers.first_error.message);
        }
        assert_int_equal(j.outcome, OUTCOME_HARMLESS);
    }
    assert_true(calls >= 100);
    fs_free(fs);
    script_free(&script);
}

/* ---- A full disk ----------------------------------------------------------------------- */

static void faults_disk_full_after_any_byte_loses_nothing(void **state)
{
    struct script script = {0};
    uint64_t bytes = 0, failures = 0;
    bool complete = false;

    (void)state;
    script_builtin(1, &script);
    for (; !complete; bytes++) {
        struct trial trial = {.fs = new_disk(), .sys = ENOSPC, .for_ever = true};
        fs_sim_set_disk(trial.fs, bytes);
        snprintf(trial.what, sizeof trial.what, "a disk of %" PRIu64 " bytes", bytes);
        script_run_init(&trial.run, &script, trial.fs, DIR, true);
        run_script(&trial);
        complete = trial.failures == 0;
        failures += trial.failures;
        assert_true(!complete || trial.run.acknowledged == script.history.count);
        fs_free(trial.fs);
    }
    printf("# disk full, stage %u: after each of %" PRIu64 " bytes, %" PRIu64
           " errors reported; 0 lost, 0 wrong\n",
           subject_info()->stage, bytes - 1, failures);
    assert_true(bytes >= 300);
    assert_true(failures >= bytes - 1);
    script_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_io_error_at_any_call_is_reported_and_loses_nothing),
        cmocka_unit_test(faults_no_space_at_any_call_is_reported_and_loses_nothing),
        cmocka_unit_test(faults_no_descriptor_at_any_call_is_reported_and_loses_nothing),
        cmocka_unit_test(faults_half_done_call_is_no_error),
        cmocka_unit_test(faults_interrupted_call_is_no_error),
        cmocka_unit_test(faults_failed_sync_is_reported_and_loses_nothing),
        cmocka_unit_test(faults_during_recovery_lose_nothing),
        cmocka_unit_test(faults_while_reading_never_give_a_wrong_answer),
        cmocka_unit_test(faults_disk_full_after_any_byte_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
