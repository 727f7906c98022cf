/* golden_test.c: databases that an earlier build wrote, kept as bytes under tests/golden, must be
 * opened by this build for ever, and hold what tests/golden/NN.tsv says (as `strata dump` writes
 * it). The same writes must give the same bytes today: a format does not change by accident.
 *
 *   GOLDEN_WRITE=1 STRATA_STAGE=N build/tests/crash/golden_test
 *
 * writes tests/golden/NN and NN.tsv anew, from the root of the project: for a new stage, and when
 * a format changes on purpose (then the old directory stays, under another name, for as long as
 * it can be read: NN_WORD, which holds the same). Of a stage with a backup of its own, NN_backup is
 * one that was taken before the close: it has a log, with writes that were not synced one by one.
 *
 * NN_format_M, and NN_format_M_WORD, are of an older format of stage NN, which this build does not
 * write: opening it is refused with words that say what to do; and where another stage reads it, it
 * is copied to other stages with the same contents. */
#include "test.h"

#include "fs/fs_posix.h"
#include "crash/sim/fs_sim.h"
#include "db/maintenance/copy.h"
#include "db/db.h"
#include "db/stages.h"
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
    if (subject_promises(STRATA_PROMISE_SNAPSHOT)) /* two versions of a key in one table */
        script_add(script, SCRIPT_HOLD);
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
    if (subject_promises(STRATA_PROMISE_SNAPSHOT)) /* not before: both versions would become one */
        script_add(script, SCRIPT_RELEASE);
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
    return subject_info()->stage >= 8;
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

    fs = fs_sim_new();
    assert_non_null(fs);
    assert_ok(fs_sim_read_in(fs, DIR, golden->real, dir, &err), &err);
    return fs;
}

static struct strata_fs *copy_golden(const struct golden *golden)
{
    need_golden(golden);
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

static bool is_older_format(const char *name)
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
    unsigned stage = subject_info()->stage;
    size_t found = 0;

    need_golden(golden);
    snprintf(prefix, sizeof prefix, "%02u_", stage);
    read_expected(golden, &rows);
    assert_int_equal(fs_list(golden->real, GOLDEN, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.names[i], prefix, strlen(prefix)) != 0 || is_older_format(names.names[i]))
            continue;
        snprintf(dir, sizeof dir, GOLDEN "/%s", names.names[i]);
        expect_rows(golden, dir, &rows);
        found++;
    }
    /* 02_no_tail; 12_values, with a threshold of 40 bytes; 09_flushed_earlier and its backup, by a
     * memtable that was full after fewer writes
     */
    assert_int_equal(found, has_backup() + (stage == 2) + (stage == 12) + (stage == 9 ? 2 : 0));
    fs_names_free(&names);
    history_free(&rows);
}

/* ---- Older formats ----------------------------------------------------------------------- */

static bool has_reader(unsigned stage, unsigned format)
{
    for (size_t i = 0; strata_stages[i]; i++)
        for (const struct strata_engine_format *f = strata_stages[i]->reads; f && f->stage; f++)
            if (f->stage == stage && f->format == format)
                return true;
    return false;
}

static unsigned newest_format(void)
{
    for (size_t i = 0; strata_stages[i]; i++)
        if (strata_stages[i]->stage == subject_info()->stage)
            return strata_stages[i]->format;
    return 1;
}

/* Asked for by its number, or not; for reading too, unless another stage reads it. */
static void expect_refused(struct strata_fs *fs, bool readable)
{
    struct fs_sim_hash before = fs_sim_hash_of(fs), after;

    for (int i = 0; i < 4; i++) {
        struct strata_options options;
        struct strata_error err;
        struct strata *db;
        strata_options_init(&options);
        options.fs = fs;
        options.stage = i & 1 ? subject_info()->stage : 0;
        options.read_only = i & 2;
        if (readable && options.read_only && !options.stage)
            continue;
        assert_code(strata_open(DIR, &options, &db, &err), STRATA_ERR_WRONG_STAGE, &err);
        assert_err_says(&err, "an earlier build wrote it");
        assert_err_says(&err, readable ? "`strata migrate DIR NEW --to" : "`strata dump` it");
    }
    fs_remove(fs, DIR "/" LOCK_NAME, NULL);
    after = fs_sim_hash_of(fs);
    assert_true(before.low == after.low && before.high == after.high);
}

static void expect_copied(struct strata_fs *fs, unsigned stage, const struct history *rows)
{
    struct strata_options options;
    struct copy_sum sum;
    struct strata_error err;
    struct strata *from, *to;
    struct model wanted = {0}, got = {0};

    strata_options_init(&options);
    options.fs = fs;
    options.read_only = true;
    assert_ok(strata_open(DIR, &options, &from, &err), &err);
    assert_ok(strata_verify(from, NULL, &err), &err);
    options.read_only = false;
    options.stage = stage;
    assert_ok(db_open_filling(BACKUP, &options, &to, &err), &err);
    assert_ok(copy_all(from, to, NULL, &sum, &err), &err);
    assert_ok(db_close_filled(to, &err), &err);
    assert_ok(strata_close(from, &err), &err);
    assert_ok(strata_open(BACKUP, &options, &to, &err), &err);
    history_model(rows, rows->count, &wanted);
    assert_ok(model_read(&got, to, &err), &err);
    assert_true(model_equal(&got, &wanted));
    assert_ok(strata_close(to, &err), &err);
    assert_ok(strata_destroy(BACKUP, &options, NULL, NULL, &err), &err);
    model_free(&wanted);
    model_free(&got);
}

/* A backup of one has the same files, and is a database of the stage that reads it. */
static void expect_backed_up(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    options.read_only = true;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    assert_ok(strata_backup(db, BACKUP, NULL, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    options.read_only = false;
    assert_ok(strata_open(BACKUP, &options, &db, &err), &err);
    assert_get(db, "cherry", "black");
    assert_put(db, "cherry", "red");
    assert_ok(strata_close(db, &err), &err);
    assert_ok(strata_destroy(BACKUP, &options, NULL, NULL, &err), &err);
}

static void expect_older_format(const struct golden *golden, const char *dir,
                                const struct history *rows)
{
    static const unsigned stages[] = {3, 6, 9};
    unsigned format = (unsigned)atoi(strstr(dir, "_format_") + 8);
    bool readable = has_reader(subject_info()->stage, format);
    struct strata_fs *fs = copy_golden_of(golden, dir);
    struct strata_options options;
    struct strata_error err;

    expect_refused(fs, readable);
    for (size_t i = 0; readable && i < sizeof stages / sizeof *stages; i++)
        expect_copied(fs, stages[i], rows);
    if (readable)
        expect_backed_up(fs);
    expect_refused(fs, readable);
    strata_options_init(&options);
    options.fs = fs;
    if (readable)
        assert_ok(strata_destroy(DIR, &options, NULL, NULL, &err), &err);
    fs_free(fs);
}

static void golden_older_formats_are_refused_and_copied(void **state)
{
    struct golden *golden = *state;
    struct history rows = {0};
    struct fs_names names;
    char prefix[16], dir[300];
    size_t found = 0;

    snprintf(prefix, sizeof prefix, "%02u_format_", subject_info()->stage);
    assert_int_equal(fs_list(golden->real, GOLDEN, &names, NULL), 0);
    for (size_t i = 0; !subject_engine() && i < names.count; i++) {
        if (strncmp(names.names[i], prefix, strlen(prefix)) != 0)
            continue;
        snprintf(dir, sizeof dir, GOLDEN "/%s", names.names[i]);
        if (!found)
            read_expected(golden, &rows);
        expect_older_format(golden, dir, &rows);
        found++;
    }
    assert_int_equal(found > 0, !subject_engine() && newest_format() > 1);
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
        cmocka_unit_test(golden_older_formats_are_refused_and_copied),
        cmocka_unit_test(golden_directory_takes_a_write_on_the_real_file_system),
        cmocka_unit_test(golden_writes_give_the_same_bytes_today),
        cmocka_unit_test(golden_content_is_written_as_it_was),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
