/* golden_test.c: databases that an earlier build wrote, kept as bytes under tests/golden, must be
 * opened by this build for ever, and hold what tests/golden/NN.tsv says (as `strata dump` writes
 * it). The same writes must give the same bytes today: a format does not change by accident.
 *
 *   GOLDEN_WRITE=1 STRATA_STAGE=N build/tests/crash/golden_test
 *
 * writes tests/golden/NN and NN.tsv anew, from the root of the project: for a new stage, and when
 * a format changes on purpose (then the old directory stays, under another name, for as long as
 * it can be read: NN_WORD, which holds the same; from then on as NN_format_F, which is refused). Of
 * a stage with a backup of its own, NN_backup is one that was taken before the close: it has a log,
 * with writes that were not synced one by one.
 */
#include "test.h"

#include "fs/fs_posix.h"
#include "crash/sim/fs_sim.h"
#include "db/db.h"
#include "crash/judge.h"
#include "crash/oracle.h"
#include "crash/script.h"
#include "crash/subject.h"
#include "text/text.h"
#include "tmpdir.h"
#include "text/tsv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "disk/db"

/* What is written: the same at every stage, which keeps it in its own files. */
static void golden_script(struct script *script)
{
    uint8_t every_byte[256 + 44];

    for (size_t i = 0; i < sizeof every_byte; i++)
        every_byte[i] = (uint8_t)i;
    script_put(script, "apple", "red");
    script_put(script, "pear", "green");
    script_put(script, "cherry", "black");
    script_put(script, "apple", "yellow, as it was overwritten");
    script_delete(script, "pear");
    if (subject_info()->stage >= 4) /* both kinds of file: a run, and a log */
        script_add(script, SCRIPT_FLUSH);
    script_put(script, "", "the key of this value is empty");
    script_put(script, "the value of this key is empty", "");
    script_put(script, "Z\xc3\xbcrich", "\xe2\x82\xac");
    script_put_bytes(script, strata_bytes("tab\t newline\n return\r zero\0 slash\\", 34),
                     strata_bytes(every_byte, 32));
    script_put_bytes(script, strata_string("all bytes"),
                     strata_bytes(every_byte, sizeof every_byte));
    script_delete(script, "never there");
}

#define GOLDEN "tests/golden"
#define BACKUP DIR "_backup"

struct golden {
    struct strata_fs *real;
    char dir[64], tsv[64]; /* tests/golden/NN, tests/golden/NN.tsv */
    char backup[64];       /* tests/golden/NN_backup */
    struct script script;
    bool there;
};

/* ---- The expected content -------------------------------------------------------------- */

static void append_text(struct strata_buffer *to, struct strata_slice bytes, char end)
{
    uint8_t piece[64];
    while (bytes.size) {
        size_t size = text_encode(TEXT_ESCAPED, &bytes, piece, sizeof piece);
        assert_int_equal(strata_buffer_append(to, piece, size), 0);
    }
    assert_int_equal(strata_buffer_append(to, &end, 1), 0);
}

static void dump_model(const struct model *model, struct strata_buffer *to)
{
    for (size_t i = 0; i < model->count; i++) {
        append_text(to, model->entries[i].key, '\t');
        append_text(to, model->entries[i].value, '\n');
    }
}

/* The rows of NN.tsv, as a history of puts. */
static void read_expected(const struct golden *golden, struct history *rows)
{
    struct strata_buffer bytes = {0};
    struct strata_slice input;
    struct strata_error err;
    enum tsv_result result;
    struct tsv tsv;

    assert_ok(fs_read_file(golden->real, golden->tsv, 1u << 20, &bytes, &err), &err);
    input = strata_buffer_slice(&bytes);
    tsv_init(&tsv, TEXT_ESCAPED);
    while ((result = tsv_feed(&tsv, &input)) == TSV_ENTRY)
        history_put(rows, strata_buffer_slice(&tsv.key), strata_buffer_slice(&tsv.value));
    assert_int_equal(result, TSV_MORE);
    assert_int_equal(tsv_finish(&tsv), TSV_MORE); /* the last line ends */
    tsv_free(&tsv);
    strata_buffer_free(&bytes);
}

/* ---- Writing --------------------------------------------------------------------------- */

/* A database as this build writes it, without the lock, which is no part of it. */
static struct strata_fs *write_today(const struct golden *golden)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct script_run run;

    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    script_run_init(&run, &golden->script, fs, DIR, true);
    assert_ok(script_run(&run), &run.err);
    assert_ok(fs_remove(fs, DIR "/" LOCK_NAME, &err), &err);
    return fs;
}

/* In BACKUP the same, as a backup of the database while it is open. */
static struct strata_fs *back_up_today(const struct golden *golden)
{
    struct strata_fs *fs = fs_sim_new();
    struct script script = golden->script;
    struct strata_error err;
    struct script_run run;

    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    script.unsynced = true;
    script_run_init(&run, &script, fs, DIR, true);
    for (int rc = 0; rc == 0;)
        assert_in_range(rc = script_step(&run), 0, STRATA_NOT_FOUND);
    assert_ok(strata_backup(run.db, BACKUP, NULL, &err), &err);
    assert_ok(script_close(&run), &run.err);
    fs_remove(fs, BACKUP "/" LOCK_NAME, NULL);
    return fs;
}

static bool has_backup(void)
{
    return subject_info()->stage >= 6;
}

static void write_golden_backup(const struct golden *golden)
{
    struct strata_fs *fs = back_up_today(golden);
    struct strata_error err;

    assert_ok(fs_sim_write_out(fs, BACKUP, golden->real, golden->backup, &err), &err);
    printf("# written: %s\n", golden->backup);
    fs_free(fs);
}

static void write_golden(const struct golden *golden)
{
    struct strata_fs *fs = write_today(golden);
    struct strata_buffer text = {0};
    struct strata_error err;
    struct model model = {0};
    struct fs_file *file;
    struct strata_slice part;

    assert_ok(fs_sim_write_out(fs, DIR, golden->real, golden->dir, &err), &err);
    history_model(&golden->script.history, golden->script.history.count, &model);
    dump_model(&model, &text);
    part = strata_buffer_slice(&text);
    assert_ok(fs_open(golden->real, golden->tsv, FS_WRITE | FS_CREATE | FS_TRUNCATE, &file, &err),
              &err);
    assert_ok(fs_append(file, &part, 1, &err), &err);
    assert_ok(fs_close(file, &err), &err);
    printf("# written: %s, %s\n", golden->dir, golden->tsv);
    model_free(&model);
    strata_buffer_free(&text);
    fs_free(fs);
}

static int set_up(void **state)
{
    struct golden *golden = calloc(1, sizeof *golden);
    unsigned stage = subject_info()->stage;
    struct fs_names names;

    assert_non_null(golden);
    golden->real = fs_posix_new();
    snprintf(golden->dir, sizeof golden->dir, GOLDEN "/%02u", stage);
    snprintf(golden->tsv, sizeof golden->tsv, GOLDEN "/%02u.tsv", stage);
    snprintf(golden->backup, sizeof golden->backup, GOLDEN "/%02u_backup", stage);
    golden_script(&golden->script);
    if (getenv("GOLDEN_WRITE"))
        write_golden(golden);
    if (getenv("GOLDEN_WRITE") && has_backup())
        write_golden_backup(golden);
    golden->there = fs_list(golden->real, golden->dir, &names, NULL) == 0;
    fs_names_free(&names);
    *state = golden;
    return 0;
}

static int tear_down(void **state)
{
    struct golden *golden = *state;
    fs_free(golden->real);
    script_free(&golden->script);
    free(golden);
    return 0;
}

static void need_golden(const struct golden *golden)
{
    if (golden->there)
        return;
    check_skipping("no golden directory yet: GOLDEN_WRITE=1 writes one, see golden_test.c");
    skip();
}

/* A copy of the golden directory, or of `dir`, in memory. */
static struct strata_fs *copy_golden_of(const struct golden *golden, const char *dir)
{
    struct strata_fs *fs;
    struct strata_error err;

    need_golden(golden);
    fs = fs_sim_new();
    assert_non_null(fs);
    assert_ok(fs_sim_read_in(fs, DIR, golden->real, dir, &err), &err);
    return fs;
}

static struct strata_fs *copy_golden(const struct golden *golden)
{
    return copy_golden_of(golden, golden->dir);
}

/* ---- Tests ----------------------------------------------------------------------------- */

static void expect_rows(const struct golden *golden, const char *dir, const struct history *rows)
{
    struct strata_fs *fs = copy_golden_of(golden, dir);
    struct judgement j;

    judge_dir(fs, DIR, rows, &j);
    if (j.outcome != OUTCOME_HARMLESS)
        fail_msg("%s: %s: %s%s", dir, outcome_name(j.outcome), j.answers.first_wrong,
                 j.answers.first_error.message);
    fs_free(fs);
}

static void golden_directory_holds_what_it_held(void **state)
{
    struct golden *golden = *state;
    struct history rows = {0};
    struct model written = {0}, expected = {0};

    need_golden(golden);
    read_expected(golden, &rows);
    assert_int_equal(rows.count, 7);
    expect_rows(golden, golden->dir, &rows);
    history_model(&rows, rows.count, &expected);
    history_model(&golden->script.history, golden->script.history.count, &written);
    assert_true(model_equal(&expected, &written));
    model_free(&expected);
    model_free(&written);
    history_free(&rows);
}

static bool is_earlier_format(const char *name)
{
    return strstr(name, "_format_") != NULL;
}

/* NN_WORD: what the stage wrote before, and a backup. */
static void golden_others_of_the_stage_hold_the_same(void **state)
{
    struct golden *golden = *state;
    struct history rows = {0};
    struct fs_names names;
    char prefix[8], dir[300];
    size_t found = 0;

    need_golden(golden);
    snprintf(prefix, sizeof prefix, "%02u_", subject_info()->stage);
    read_expected(golden, &rows);
    assert_int_equal(fs_list(golden->real, GOLDEN, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.names[i], prefix, strlen(prefix)) != 0 ||
            is_earlier_format(names.names[i]))
            continue;
        snprintf(dir, sizeof dir, GOLDEN "/%s", names.names[i]);
        expect_rows(golden, dir, &rows);
        found++;
    }
    /* 02_no_tail; 06_frames, 06_backup */
    assert_int_equal(found, subject_info()->stage == 6 ? 2 : subject_info()->stage == 2 ? 1 : 0);
    fs_names_free(&names);
    history_free(&rows);
}

/* DIR of `then`, and `dir` of `now`. */
static void expect_same_files(struct strata_fs *then, struct strata_fs *now, const char *dir)
{
    struct strata_buffer old = {0}, new = {0};
    struct fs_names then_names, now_names;
    char path[300];

    assert_int_equal(fs_sim_paths(then, DIR, &then_names), 0);
    assert_int_equal(fs_sim_paths(now, dir, &now_names), 0);
    assert_int_equal(then_names.count, now_names.count);
    assert_true(then_names.count >= 2);
    for (size_t i = 0; i < then_names.count; i++) {
        assert_string_equal(then_names.names[i], now_names.names[i]);
        snprintf(path, sizeof path, "%s/%s", DIR, then_names.names[i]);
        assert_int_equal(fs_sim_get(then, path, &old), 0);
        snprintf(path, sizeof path, "%s/%s", dir, then_names.names[i]);
        assert_int_equal(fs_sim_get(now, path, &new), 0);
        assert_bytes(strata_buffer_slice(&new), strata_buffer_slice(&old));
    }
    strata_buffer_free(&old);
    strata_buffer_free(&new);
    fs_names_free(&then_names);
    fs_names_free(&now_names);
    fs_free(then);
    fs_free(now);
}

/* NN_format_F: the error says what wrote it and what to do, and the files stay as they are. */
static void expect_refusal(const struct golden *golden, const char *dir)
{
    struct strata_fs *fs = copy_golden_of(golden, dir);
    struct strata_error err;
    struct strata *db;

    for (int create = 0; create < 2; create++) {
        assert_int_equal(subject_open(fs, DIR, create, &db, &err), STRATA_ERR_CORRUPT);
        assert_string_equal(err.file, DIR);
        assert_err_says(&err, subject_info()->name);
        assert_err_says(&err, "an earlier version of Strata wrote it");
        assert_err_says(&err, "export it with that Strata (strata dump)");
    }
    fs_remove(fs, DIR "/" LOCK_NAME, NULL);
    expect_same_files(copy_golden_of(golden, dir), fs, DIR);
}

static void golden_earlier_formats_are_refused_clearly(void **state)
{
    struct golden *golden = *state;
    struct fs_names names;
    char prefix[24], dir[300];
    size_t found = 0;

    need_golden(golden);
    snprintf(prefix, sizeof prefix, "%02u_format_", subject_info()->stage);
    assert_int_equal(fs_list(golden->real, GOLDEN, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.names[i], prefix, strlen(prefix)) != 0)
            continue;
        snprintf(dir, sizeof dir, GOLDEN "/%s", names.names[i]);
        expect_refusal(golden, dir);
        found++;
    }
    assert_int_equal(found, subject_info()->stage == 5 ? 1 : 0);
    fs_names_free(&names);
}

static void golden_directory_takes_a_write_on_the_real_file_system(void **state)
{
    struct golden *golden = *state;
    struct strata_fs *fs = copy_golden(golden);
    char *root = tmpdir_new(), *dir = tmpdir_path(root, "db");
    struct oracle_report report;
    struct history rows = {0};
    struct strata_error err;
    struct oracle oracle = {.fs = golden->real, .dir = dir, .history = &rows};

    read_expected(golden, &rows);
    oracle.floor = oracle.issued = rows.count;
    assert_ok(fs_sim_write_out(fs, DIR, golden->real, dir, &err), &err);
    if (oracle_check(&oracle, &report))
        fail_msg("%s: %s", golden->dir, report.what);
    assert_int_equal(report.torn, 0);
    assert_false(report.absent);
    history_free(&rows);
    fs_free(fs);
    free(dir);
    tmpdir_del(root);
}

static void golden_writes_give_the_same_bytes_today(void **state)
{
    struct golden *golden = *state;
    expect_same_files(copy_golden(golden), write_today(golden), DIR);
    if (has_backup())
        expect_same_files(copy_golden_of(golden, golden->backup), back_up_today(golden), BACKUP);
}

static void golden_content_is_written_as_it_was(void **state)
{
    struct golden *golden = *state;
    struct strata_fs *fs = copy_golden(golden);
    struct strata_buffer text = {0}, file = {0};
    struct model model = {0};
    struct strata_error err;
    struct strata *db;

    assert_ok(subject_open(fs, DIR, false, &db, &err), &err);
    assert_ok(model_read(&model, db, &err), &err);
    dump_model(&model, &text);
    assert_ok(fs_read_file(golden->real, golden->tsv, 1u << 20, &file, &err), &err);
    assert_bytes(strata_buffer_slice(&text), strata_buffer_slice(&file));
    assert_ok(strata_close(db, &err), &err);
    model_free(&model);
    strata_buffer_free(&text);
    strata_buffer_free(&file);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_directory_holds_what_it_held),
        cmocka_unit_test(golden_others_of_the_stage_hold_the_same),
        cmocka_unit_test(golden_earlier_formats_are_refused_clearly),
        cmocka_unit_test(golden_directory_takes_a_write_on_the_real_file_system),
        cmocka_unit_test(golden_writes_give_the_same_bytes_today),
        cmocka_unit_test(golden_content_is_written_as_it_was),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
