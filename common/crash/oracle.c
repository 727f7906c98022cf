/* oracle.c: see oracle.h. */
#include "crash/oracle.h"

#include "db/db.h"
#include "fs/fs_posix.h"
#include "crash/sim/fs_sim.h"
#include "crash/judge.h"
#include "crash/need.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const struct oracle *oracle;
    struct oracle_report *report;
    struct model model; /* the state after report->n writes */
};

const char *oracle_verdict_name(enum oracle_verdict verdict)
{
    static const char *const names[ORACLE_VERDICTS] = {"fine",     "error",     "lost",
                                                       "no state", "disagrees", "orphan"};
    return names[verdict];
}

static int violation(struct check *check, enum oracle_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int violation(struct check *check, enum oracle_verdict verdict, const char *format, ...)
{
    va_list args;
    check->report->verdict = verdict;
    va_start(args, format);
    vsnprintf(check->report->what, sizeof check->report->what, format, args);
    va_end(args);
    return 1;
}

static int failed(struct check *check, const char *doing, const struct strata_error *err)
{
    char text[600];
    need_memory(err);
    return violation(check, ORACLE_ERROR, "%s: %s", doing,
                     strata_error_text(err, text, sizeof text));
}

/* ---- Opening --------------------------------------------------------------------------- */

static void listen(void *arg, enum strata_log_level level, const char *message)
{
    unsigned *torn = arg;
    *torn += level == STRATA_LOG_WARNING && strstr(message, "torn");
}

enum how { READ_ONLY, WRITING, MAKING };

/* < 0 as strata_open. */
static int open_database(struct check *check, enum how how, struct strata **db,
                         struct strata_error *err)
{
    struct strata_options options;

    subject_options(&options, check->oracle->fs, how == MAKING);
    options.read_only = how == READ_ONLY;
    if (how == WRITING) {
        options.log = listen;
        options.log_arg = &check->report->torn;
    }
    return strata_open(check->oracle->dir, &options, db, err);
}

static int close_database(struct check *check, struct strata *db)
{
    struct strata_error err = {0};
    return strata_close(db, &err) < 0 ? failed(check, "close", &err) : 0;
}

/* ---- Which state is it? ---------------------------------------------------------------- */

/* The largest n of the states that `got` equals; those from floor on come first. */
static bool find_state(struct check *check, const struct model *got)
{
    const struct oracle *oracle = check->oracle;
    struct model model = {0};
    bool found = false;

    for (uint64_t n = 0; n <= oracle->issued; n++) {
        if (n > 0)
            history_apply(oracle->history, (size_t)n, &model);
        if (model_equal(&model, got)) {
            check->report->n = n;
            found = true;
        }
    }
    model_free(&model);
    return found;
}

static int check_state(struct check *check, const struct model *got)
{
    const struct oracle *oracle = check->oracle;
    char text[200];

    if (!find_state(check, got))
        return violation(
            check, ORACLE_NO_STATE, "what is found, %s, is the state after no write up to %" PRIu64,
            got->count ? model_text(got, text, sizeof text) : "no key", oracle->issued);
    if (check->report->n < oracle->floor)
        return violation(check, ORACLE_LOST,
                         "the state after write %" PRIu64 ", and write %" PRIu64 " was safe",
                         check->report->n, oracle->floor);
    history_model(oracle->history, (size_t)check->report->n, &check->model);
    return 0;
}

/* Reads all by a scan and finds the state. */
static int read_state(struct check *check, struct strata *db)
{
    struct strata_error err = {0};
    struct model got = {0};
    int bad =
        model_read(&got, db, &err) < 0 ? failed(check, "scan", &err) : check_state(check, &got);
    model_free(&got);
    return bad;
}

enum verify { UNVERIFIED, VERIFIED };

/* Every other way of reading gives the same. */
static int compare_all(struct check *check, struct strata *db, enum verify verify, const char *when)
{
    struct answers answers = {0};

    judge_answers(db, check->oracle->history, &check->model, &answers);
    if (verify == VERIFIED)
        judge_verify(db, true, &answers);
    if (answers.wrong)
        return violation(check, ORACLE_DISAGREES, "%s: %s", when, answers.first_wrong);
    return answers.errors ? failed(check, when, &answers.first_error) : 0;
}

/* ---- The openings, one after another --------------------------------------------------- */

/* What the files are; on a simulated file system only. */
static struct fs_sim_hash hash_files(const struct check *check)
{
    struct strata_fs *fs = check->oracle->fs;
    struct fs_sim_hash none = {0, 0};
    return fs && strcmp(fs->ops->name, "sim") == 0 ? fs_sim_hash_of(fs) : none;
}

static int look_read_only(struct check *check)
{
    struct strata_error err = {0};
    struct strata *db;
    int rc = open_database(check, READ_ONLY, &db, &err), bad;

    check->report->absent = rc == STRATA_ERR_ABSENT;
    if (rc == STRATA_ERR_ABSENT && check->oracle->floor == 0)
        return 0;
    if (rc == STRATA_ERR_ABSENT)
        return violation(check, ORACLE_LOST, "no database, and write %" PRIu64 " was safe: %s",
                         check->oracle->floor, err.message);
    if (rc < 0)
        return failed(check, "open read-only", &err);
    bad = read_state(check, db) || compare_all(check, db, VERIFIED, "opened read-only");
    return close_database(check, db) || bad;
}

static int check_read_only(struct check *check)
{
    struct fs_sim_hash before = hash_files(check), after;

    if (look_read_only(check))
        return 1;
    after = hash_files(check);
    return before.low == after.low && before.high == after.high
               ? 0
               : violation(check, ORACLE_DISAGREES, "opened read-only it has changed files");
}

/* Names that the database may have after a close: the lock, the marker, and data. */
static bool is_known(const char *name)
{
    return strcmp(name, LOCK_NAME) == 0 || subject_format(name);
}

static int check_orphans(struct check *check, struct strata_fs *fs)
{
    struct strata_error err = {0};
    struct fs_names names;
    int bad = 0;

    if (fs_list(fs, check->oracle->dir, &names, &err) < 0)
        return failed(check, "list", &err);
    for (size_t i = 0; i < names.count && !bad; i++)
        if (!is_known(names.names[i]))
            bad = violation(check, ORACLE_ORPHAN, "after the close there is still a file %s",
                            names.names[i]);
    fs_names_free(&names);
    return bad;
}

/* The first opening for writing, which repairs; then one write more. (Verify, the most expensive
 * check, is done once, when that write is in the log, too.) */
static int check_writing(struct check *check)
{
    struct strata_slice key = strata_string(ORACLE_KEY), value = strata_string(ORACLE_VALUE);
    struct strata_error err = {0};
    struct strata *db;
    int bad;

    if (open_database(check, check->report->absent ? MAKING : WRITING, &db, &err) < 0)
        return failed(check, "open", &err);
    bad = compare_all(check, db, UNVERIFIED, "opened for writing");
    if (!bad && strata_put(db, key, value, &err) < 0)
        bad = failed(check, "put after recovery", &err);
    model_put(&check->model, key, value);
    bad = bad || compare_all(check, db, VERIFIED, "after a put");
    return close_database(check, db) || bad;
}

static int check_again(struct check *check)
{
    struct strata_error err = {0};
    struct strata *db;
    int bad;

    if (open_database(check, READ_ONLY, &db, &err) < 0)
        return failed(check, "open once more", &err);
    bad = compare_all(check, db, VERIFIED, "opened once more");
    return close_database(check, db) || bad;
}

int oracle_check(const struct oracle *oracle, struct oracle_report *report)
{
    struct check check = {.oracle = oracle, .report = report};
    struct strata_fs *own = oracle->fs ? NULL : fs_posix_new();
    int bad;

    *report = (struct oracle_report){0};
    bad = check_read_only(&check) || check_writing(&check) ||
          check_orphans(&check, own ? own : oracle->fs) || check_again(&check);
    fs_free(own);
    model_free(&check.model);
    return bad;
}
