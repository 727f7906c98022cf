/* faults_loop.c: see faults_loop.h.
 *
 *   k        1      2      3   ...
 *   trial    script on fs_sim, recorded; call k fails; the user does what strata.h says: closes,
 *            opens, looks whether the failed write is there, goes on
 *   then     power cuts in the recorded calls --> oracle (floor: acknowledged as synced)
 *            the files as they are            --> oracle (floor: acknowledged) */
#include "faults_loop.h"

#include "allocations.h"
#include "crash/explore/explore.h"
#include "crash/judge.h"
#include "crash/oracle.h"
#include "crash/script.h"
#include "crash/subject.h"
#include "threads/sync.h"
#include "work.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DIR EXPLORE_DIR
#define REST_NS 5000000u
#define RESTS_MOST 2000u

static const struct {
    const char *name;
    int sys; /* the errno that callers see; 0: they must see nothing */
} kinds[FS_SIM_FAULT_KINDS] = {
    [FS_SIM_EIO] = {"EIO", EIO},          [FS_SIM_ENOSPC] = {"ENOSPC", ENOSPC},
    [FS_SIM_EMFILE] = {"EMFILE", EMFILE}, [FS_SIM_SHORT] = {"short", 0},
    [FS_SIM_EINTR] = {"EINTR", 0},        [FS_SIM_SYNC_DROPS] = {"sync drops", EIO},
};

const char *faults_kind_name(enum fs_sim_fault_kind kind)
{
    return kinds[kind].name;
}

const char *faults_work_name(enum faults_work work)
{
    static const char *const names[FAULTS_WORKS] = {"life", "upkeep", "unsynced", "recovery",
                                                    "reading"};
    return names[work];
}

bool faults_has(enum faults_work work)
{
    return work != FAULTS_UNSYNCED || subject_promises(STRATA_PROMISE_POWER_CUT);
}

/* What the harness itself needs. */
static void need(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "faults: %s\n", what);
        exit(7);
    }
}

/* ---- One run --------------------------------------------------------------------------- */

struct trial {
    struct script_run run;
    struct strata_fs *fs;
    int sys;           /* of the errors that may come */
    bool for_ever;     /* they may come again */
    uint64_t failures; /* of steps and closes */
    bool told;         /* an error, or a word to the log */
    uint64_t begun;    /* calls before the script */
    uint64_t told_at;  /* calls that had failed at the last error or warning */
    uint64_t cuts;     /* states judged */
    char name[80];     /* for people: "life, EIO once, call 17" */
    char bad[900];     /* "" when nothing is */
};

static void refuse(struct trial *trial, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first thing that is bad is told; the trial goes on to its end. */
static void refuse(struct trial *trial, const char *format, ...)
{
    int size = snprintf(NULL, 0, "step %zu: ", trial->run.at + 1);
    va_list args;

    if (trial->bad[0])
        return;
    snprintf(trial->bad, sizeof trial->bad, "step %zu: ", trial->run.at + 1);
    va_start(args, format);
    vsnprintf(trial->bad + size, sizeof trial->bad - (size_t)size, format, args);
    va_end(args);
}

/* The words, too, are of this errno; and nobody is told to remove a file that is whole. */
static bool names_cause(const char *words, int sys)
{
    char cause[128];

    return strerror_r(sys, cause, sizeof cause) == 0 && strstr(words, cause) &&
           (sys == EIO || !strstr(words, "remove it"));
}

/* This failure is the one that was asked for, and says so. */
static bool says_what(const struct strata_error *err, int rc, int sys)
{
    return err->code == rc && rc == STRATA_ERR_IO && err->sys == sys && sys && err->file[0] &&
           names_cause(err->message, sys);
}

/* Of the file that could not be read; "": the fault did not strike so. */
static const char *unread_path(const struct trial *trial)
{
    struct fs_sim_call call = {.path = ""};
    uint64_t number;
    enum fs_call struck = fs_sim_struck(trial->fs, &number);

    if (struck == FS_CALL_OPEN || struck == FS_CALL_SIZE || struck == FS_CALL_READ)
        fs_sim_trace_call(trial->fs, number - trial->begun, &call);
    return call.path;
}

/* What is logged of a file next after it could not be read is of that. (Later it may be that the
 * file does not fit the others any more.) */
static void check_warning(void *arg, const char *message)
{
    struct trial *trial = arg;
    const char *path = unread_path(trial);

    if (trial->sys && fs_sim_failed(trial->fs) > trial->told_at && *path &&
        strncmp(message, path, strlen(path)) == 0 && !names_cause(message, trial->sys))
        refuse(trial, "a warning of another cause: %s", message);
    trial->told_at = fs_sim_failed(trial->fs);
}

/* What a thread is to try again is tried after a while, not at once. */
static bool is_tried_again_later(const struct trial *trial)
{
    return subject_works_in_background() && trial->failures < RESTS_MOST &&
           strstr(trial->run.err.message, "tried again later");
}

static void check_failure(struct trial *trial, int rc)
{
    const struct strata_error *err = &trial->run.err;
    char text[600];

    strata_error_text(err, text, sizeof text);
    trial->told_at = fs_sim_failed(trial->fs);
    if (!says_what(err, rc, trial->sys))
        refuse(trial, "an error that does not say what it was: %s", text);
    if (trial->failures++ && !trial->for_ever && !is_tried_again_later(trial))
        refuse(trial, "a second error, after one call that failed: %s", text);
}

static void close_it(struct trial *trial)
{
    int rc = script_close(&trial->run);
    if (rc < 0)
        check_failure(trial, rc);
    if (fs_sim_open_files(trial->fs))
        refuse(trial, "%zu files are still open after the close", fs_sim_open_files(trial->fs));
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
            refuse(trial, "no answer after a failed write: %s", answers.first_error.message);
        if (!answers.wrong)
            return;
    }
    refuse(trial, "a wrong answer after a failed write: %s", answers.first_wrong);
}

/* Is the failed write there after all? The user who must know opens the database and looks. */
static bool is_there(struct trial *trial)
{
    struct model before = {0}, now = {0};
    struct strata_error err = {0};
    bool there = false;

    history_model(&trial->run.script->history, (size_t)trial->run.acknowledged, &before);
    if (subject_open(trial->fs, DIR, true, &trial->run.db, &err) < 0 ||
        model_read(&now, trial->run.db, &err) < 0)
        refuse(trial, "after the failed call: %s", err.message);
    else
        there = !model_equal(&before, &now);
    model_free(&before);
    model_free(&now);
    return there;
}

/* A merge could not read the value that it was to change, or open the file that has it. */
static bool is_unread(const struct trial *trial)
{
    const char *message = trial->run.err.message;

    return subject_promises(STRATA_PROMISE_MERGE) &&
           (strncmp(message, "read", 4) == 0 || strncmp(message, "open", 4) == 0 ||
            strncmp(message, "size", 4) == 0);
}

/* A write failed, and the handle with it: "close it and open again". A flush or compaction may have
 * changed nothing, and so may a write that waited in vain for one that something is short for, or
 * that could not read: then the handle goes on, and the step is tried again. */
static void after_failed_write(struct trial *trial, bool upkeep)
{
    check_answers(trial);
    if ((upkeep || is_unread(trial) || (trial->sys != EIO && subject_works_in_background())) &&
        strata_sync(trial->run.db, NULL) == 0) {
        if (is_tried_again_later(trial))
            sync_sleep(REST_NS);
        return;
    }
    if (strata_put(trial->run.db, strata_string("refused"), strata_string(""), NULL) >= 0)
        refuse(trial, "a write was taken after a failed one");
    check_answers(trial);
    close_it(trial);
    if (!trial->for_ever && is_there(trial))
        script_skip(&trial->run);
}

/* Goes on after a failed step; false: there is no way to. */
static bool go_on(struct trial *trial, int rc)
{
    struct script_run *run = &trial->run;
    enum script_step step = run->script->steps[run->at < run->script->count ? run->at : 0];
    bool reading = step == SCRIPT_READ || step == SCRIPT_HOLD || step == SCRIPT_RELEASE;
    bool writing = run->db && !reading && step != SCRIPT_REOPEN;

    check_failure(trial, rc);
    if (run->db && reading)
        script_skip(run);
    if (writing)
        after_failed_write(trial, step == SCRIPT_FLUSH || step == SCRIPT_COMPACT);
    return !trial->bad[0] && !(trial->for_ever && (writing || !run->db));
}

/* The whole script, whatever fails. */
static void run_script(struct trial *trial)
{
    int rc;

    while ((rc = script_step(&trial->run)) != STRATA_NOT_FOUND)
        if (rc < 0 && !go_on(trial, rc))
            break;
    close_it(trial);
    if (trial->run.answers.wrong)
        refuse(trial, "a wrong answer: %s", trial->run.answers.first_wrong);
}

/* ---- Afterwards ------------------------------------------------------------------------ */

/* Nothing fails any more, and nothing acknowledged is missing. */
static void check_oracle(struct trial *trial)
{
    struct oracle_report report;
    struct oracle oracle = {.fs = trial->fs,
                            .dir = DIR,
                            .history = &trial->run.script->history,
                            .floor = trial->run.acknowledged,
                            .issued = trial->run.issued};

    if (oracle_check(&oracle, &report))
        refuse(trial, "afterwards: %s", report.what);
    if (fs_sim_open_files(trial->fs))
        refuse(trial, "files are still open after the oracle's close");
}

struct cutting {
    struct trial *trial;
    uint64_t base; /* writes that were safe before the recording began */
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int judge_cut(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    const struct cutting *cutting = arg;
    struct trial *trial = cutting->trial;
    struct oracle_report report;
    struct oracle oracle = {.fs = state,
                            .dir = DIR,
                            .history = &trial->run.script->history,
                            .floor = larger(info->synced, cutting->base),
                            .issued = larger(info->issued, cutting->base)};

    trial->cuts++;
    if (oracle_check(&oracle, &report))
        refuse(trial,
               "power cut at call %" PRIu64 " (%s), state %" PRIu64 " (%s), %" PRIu64
               " writes synced: %s",
               info->call, info->kind == FS_CALL_COUNT ? "after all" : fs_call_name(info->kind),
               info->ordinal, info->choice, oracle.floor, report.what);
    return trial->bad[0] != '\0';
}

/* The power is cut from call `from` on, and at the end. */
static void cut_power(struct trial *trial, uint64_t base, uint64_t from, unsigned stride)
{
    struct cutting cutting = {trial, base};
    uint64_t calls = fs_sim_trace_calls(trial->fs);
    struct fs_sim_plan plan = {.model = FS_SIM_POSIX, .from = calls + 1, .to = calls + 1};
    struct fs_sim_totals totals;

    need(fs_sim_states(trial->fs, &plan, judge_cut, &cutting, &totals) >= 0, "states");
    if (stride && from <= calls && !trial->bad[0]) {
        plan = (struct fs_sim_plan){
            .model = FS_SIM_POSIX, .from = from, .to = calls, .stride = stride, .seed = from};
        need(fs_sim_states(trial->fs, &plan, judge_cut, &cutting, &totals) >= 0, "states");
    }
}

/* ---- Every call ------------------------------------------------------------------------ */

/* Where the runs of a loop begin. */
struct start {
    enum faults_work work;
    const struct script *script;
    struct strata_fs *fs; /* a closed database; NULL: none is there yet */
    size_t at;            /* steps that are done */
    uint64_t writes;      /* of them */
};

static struct strata_fs *new_disk(void)
{
    struct strata_fs *fs = fs_sim_new();
    need(fs && fs_sim_put_directory(fs, "disk") == 0, "out of memory");
    return fs;
}

static void trial_init(struct trial *trial, const struct start *start, int sys, bool for_ever)
{
    *trial = (struct trial){
        .fs = start->fs ? fs_sim_copy(start->fs) : new_disk(), .sys = sys, .for_ever = for_ever};
    need(trial->fs && fs_sim_record(trial->fs) == 0, "out of memory");
    trial->begun = fs_sim_calls(trial->fs);
    script_run_init(&trial->run, start->script, trial->fs, DIR, true);
    trial->run.at = start->at;
    trial->run.acknowledged = trial->run.issued = trial->run.synced = start->writes;
}

static void do_script(struct trial *trial, const struct start *start, const struct faults *faults,
                      const struct fs_sim_fault *fault)
{
    bool synced = start->work == FAULTS_UNSYNCED || subject_promises(STRATA_PROMISE_POWER_CUT);
    uint64_t number, calls, from;
    unsigned long warnings = subject_warnings();

    fs_sim_fail(trial->fs, fault);
    subject_on_warning(check_warning, trial);
    run_script(trial);
    subject_on_warning(NULL, NULL);
    trial->told = trial->failures || subject_warnings() != warnings;
    calls = fs_sim_trace_calls(trial->fs);
    from = fs_sim_struck(trial->fs, &number) < FS_CALL_COUNT ? number - trial->begun : calls + 1;
    fs_sim_record_stop(trial->fs);
    if (synced && !trial->bad[0] && fs_sim_failed(trial->fs))
        cut_power(trial, start->writes, from, faults->stride);
    if (!fs_sim_failed(trial->fs) && trial->run.acknowledged != start->script->history.count)
        refuse(trial, "a run in which nothing failed is not complete");
}

static void do_reading(struct trial *trial)
{
    unsigned long warnings = subject_warnings();
    struct judgement j;
    char text[600];

    subject_on_warning(check_warning, trial);
    judge_dir(trial->fs, DIR, &trial->run.script->history, &j);
    subject_on_warning(NULL, NULL);
    trial->failures += j.answers.errors;
    trial->told = trial->failures || subject_warnings() != warnings;
    if (j.answers.wrong)
        refuse(trial, "%s", j.answers.first_wrong);
    if (j.answers.errors &&
        !says_what(&j.answers.first_error, j.answers.first_error.code, trial->sys))
        refuse(trial, "an error that does not say what it was: %s",
               strata_error_text(&j.answers.first_error, text, sizeof text));
    if (fs_sim_open_files(trial->fs))
        refuse(trial, "files are still open");
}

/* What has another way, and needs no telling: a file that was only read is closed; where there is
 * no second name a file stays open; one that is no longer needed goes at the next open; where there
 * is no descriptor an idle one is given back; where no room is to be had ahead of appends, each
 * makes the file longer itself; what cannot be mapped is read by calls. */
static bool is_made_up_for(enum fs_call struck, int sys)
{
    return struck == FS_CALL_CLOSE || struck == FS_CALL_LINK || struck == FS_CALL_REMOVE ||
           struck == FS_CALL_ALLOCATE || struck == FS_CALL_MAP ||
           (struck == FS_CALL_OPEN && sys == EMFILE);
}

/* What a run has come to is counted. */
static void count_bad(struct faults *faults, struct faults_row *row, const struct trial *trial)
{
    if (!trial->bad[0])
        return;
    if (!faults->what[0])
        snprintf(faults->what, sizeof faults->what, "%s, %s", trial->name, trial->bad);
    row->bad++;
}

static void count_run(struct faults *faults, struct faults_row *row, struct trial *trial,
                      const struct fs_sim_fault *fault)
{
    uint64_t number;
    enum fs_call struck = fs_sim_struck(trial->fs, &number);

    row->runs++;
    faults->struck[fault->kind][struck]++;
    if (!trial->told && trial->sys) {
        row->silent++;
        faults->silent[struck]++;
        if (!is_made_up_for(struck, trial->sys))
            refuse(trial, "a failed %s was kept silent", fs_call_name(struck));
    }
}

/* One run with this fault: false when it did not come to strike. */
static bool try_fault(struct faults *faults, const struct start *start,
                      const struct fs_sim_fault *fault, struct faults_row *row)
{
    int64_t living = allocations.living;
    struct trial trial;
    bool struck;

    trial_init(&trial, start, kinds[fault->kind].sys, fault->for_ever);
    snprintf(trial.name, sizeof trial.name, "%s, %s %s, call %" PRIu64,
             faults_work_name(start->work), kinds[fault->kind].name,
             fault->for_ever ? "for ever" : "once", fault->at);
    if (start->work == FAULTS_READING) {
        fs_sim_fail(trial.fs, fault);
        do_reading(&trial);
    } else {
        do_script(&trial, start, faults, fault);
    }
    struck = fs_sim_failed(trial.fs) > 0;
    if (struck)
        count_run(faults, row, &trial, fault);
    fs_sim_fail(trial.fs, NULL);
    check_oracle(&trial);
    row->errors += trial.failures;
    row->cuts += trial.cuts;
    fs_free(trial.fs);
    if (allocations.living != living)
        refuse(&trial, "%" PRId64 " allocations were not freed", allocations.living - living);
    count_bad(faults, row, &trial);
    return struck;
}

/* ---- The works ------------------------------------------------------------------------- */

static uint64_t bytes_on(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    struct fs_names names;
    uint64_t total = 0;
    char path[300];

    need(fs_sim_paths(fs, DIR, &names) == 0, "out of memory");
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
    struct script_run run;

    start->fs = new_disk();
    script_run_init(&run, start->script, start->fs, DIR, true);
    while (run.acknowledged < 5)
        need(script_step(&run) == 0, run.err.message);
    fs_sim_set_disk(start->fs, bytes_on(start->fs) + 10);
    need(script_step(&run) == STRATA_ERR_IO, "a full disk was not told");
    script_close(&run);
    fs_sim_set_disk(start->fs, UINT64_C(1) << 32);
    start->at = run.at;
    start->writes = run.acknowledged;
}

/* All of it is done, with several segments. */
static void complete(struct start *start)
{
    struct script_run run;

    start->fs = new_disk();
    script_run_init(&run, start->script, start->fs, DIR, true);
    need(script_run(&run) == 0, run.err.message);
    start->at = start->script->count;
    start->writes = run.acknowledged;
}

static void start_init(struct start *start, enum faults_work work, struct script *script)
{
    *start = (struct start){.work = work, .script = script};
    if (work == FAULTS_LIFE || work == FAULTS_RECOVERY)
        work_life(script);
    else
        work_upkeep(script);
    if (work == FAULTS_RECOVERY)
        tear(start);
    else if (work == FAULTS_READING)
        complete(start);
}

static void show_progress(const struct faults *faults, const char *what, uint64_t k)
{
    if (faults->progress && k % 16 == 0)
        fprintf(faults->progress, "\r%s, call %" PRIu64 " \033[K", what, k);
}

static uint64_t step_of(const struct faults *faults)
{
    return faults->step ? faults->step : 1;
}

static void end_row(struct faults *faults, const struct faults_row *row)
{
    struct faults_row *totals = &faults->totals;
    totals->runs += row->runs;
    totals->errors += row->errors;
    totals->silent += row->silent;
    totals->cuts += row->cuts;
    totals->bad += row->bad;
    if (faults->progress)
        fprintf(faults->progress, "\r\033[K");
}

void faults_run(struct faults *faults, enum faults_work work, enum fs_sim_fault_kind kind,
                bool for_ever, struct faults_row *row)
{
    struct fs_sim_fault fault = {.kind = kind, .at = 1, .for_ever = for_ever};
    struct script script = {0};
    struct start start;
    char name[64];

    *row = (struct faults_row){0};
    allocations_reach(subject_object());
    subject_leave_unsynced(work == FAULTS_UNSYNCED);
    start_init(&start, work, &script);
    snprintf(name, sizeof name, "%s, %s %s", faults_work_name(work), kinds[kind].name,
             for_ever ? "for ever" : "once");
    for (; try_fault(faults, &start, &fault, row); fault.at += step_of(faults))
        show_progress(faults, name, fault.at);
    row->clean_at = fault.at;
    subject_leave_unsynced(false);
    fs_free(start.fs);
    script_free(&script);
    end_row(faults, row);
}

/* ---- A full disk ----------------------------------------------------------------------- */

/* False: there was room enough. */
static bool try_disk(struct faults *faults, const struct start *start, uint64_t bytes,
                     struct faults_row *row)
{
    int64_t living = allocations.living;
    struct trial trial;
    bool full;

    trial_init(&trial, start, ENOSPC, true);
    snprintf(trial.name, sizeof trial.name, "a disk of %" PRIu64 " bytes", bytes);
    fs_sim_set_disk(trial.fs, bytes);
    run_script(&trial);
    full = trial.failures > 0;
    row->runs += full;
    row->errors += trial.failures;
    if (!full && trial.run.acknowledged != start->script->history.count)
        refuse(&trial, "a run in which nothing failed is not complete");
    fs_sim_record_stop(trial.fs);
    fs_sim_set_disk(trial.fs, UINT64_C(1) << 32);
    if (subject_promises(STRATA_PROMISE_POWER_CUT) && full)
        cut_power(&trial, 0, 1, 0);
    row->cuts += trial.cuts;
    check_oracle(&trial);
    fs_free(trial.fs);
    if (allocations.living != living)
        refuse(&trial, "%" PRId64 " allocations were not freed", allocations.living - living);
    count_bad(faults, row, &trial);
    return full;
}

void faults_fill_disk(struct faults *faults, struct faults_row *row)
{
    struct script script = {0};
    struct start start = {.script = &script};
    uint64_t bytes = 0;

    *row = (struct faults_row){0};
    allocations_reach(subject_object());
    script_builtin(1, &script);
    for (; try_disk(faults, &start, bytes, row); bytes += step_of(faults))
        show_progress(faults, "disk full", bytes);
    row->clean_at = bytes;
    script_free(&script);
    end_row(faults, row);
}
