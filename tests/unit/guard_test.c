/* guard_test.c: the regression guard (bench/guard/): each stage's works cost, in steps, what is
 * recorded; and what of a difference is told. (make guard counts instructions, too.) */
#include "guard/guard.h"
#include "strata_engine.h"
#include "test.h"
#include "tmpdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGES 32

static char *recorded_path; /* absolute: the works are done in another directory */

/* ---- What each stage costs ------------------------------------------------------------- */

/* In the working directory. */
static int count_here(unsigned stage, struct guard_table *now, struct strata_error *err)
{
    struct guard_row rows[GUARD_WORKS];
    size_t count = 0;
    int rc = guard_look(&now->place, err);

    if (rc == 0 && mkdir("db", 0777) < 0)
        rc = strata_fail_sys(err, errno, "db", STRATA_NO_OFFSET, "mkdir");
    if (rc == 0)
        rc = guard_stage(stage, "db", rows, &count, err);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = guard_table_add(now, &rows[i]);
    return rc;
}

/* The directory goes before anything can fail: it may be memory. */
static void count_stage(unsigned stage, struct guard_table *now)
{
    char *dir = tmpdir_new(), *home = getcwd(NULL, 0), text[600];
    struct strata_error err = {0};
    int rc = chdir(dir) < 0 ? -1 : count_here(stage, now, &err), back = chdir(home);

    tmpdir_del(dir);
    free(home);
    assert_int_equal(back, 0);
    if (rc < 0)
        fail_msg("stage %u: %s", stage, strata_error_text(&err, text, sizeof text));
}

static size_t compare(const struct guard_table *recorded, const struct guard_table *now)
{
    struct guard_verdict verdict;
    size_t bad = 0;

    for (size_t i = 0; i < now->count; i++) {
        const struct guard_row *is = &now->rows[i];
        const struct guard_row *was = guard_table_find(recorded, is->stage, is->work);
        if (!was)
            fail_msg("stage %u %s is not recorded: make guard-record", is->stage, is->work);
        assert_int_equal(was->operations, is->operations);
        verdict = guard_compare(recorded, was, now, is, "# ", stdout);
        assert_true(verdict.compared >= GUARD_FIGURES - 3);
        bad += verdict.more;
    }
    if (bad)
        puts("# if it is meant to cost more: make guard-record, and the reason in the commit");
    return bad;
}

static void costs_what_is_recorded(void **state)
{
    unsigned stage = *(unsigned *)*state;
    struct guard_table recorded = {0}, now = {0};
    struct strata_error err;

    assert_ok(guard_table_read(&recorded, recorded_path, &err), &err);
    if (!guard_table_has(&recorded, stage)) {
        guard_table_free(&recorded);
        check_skipping("this stage is not recorded: make guard-record");
        skip();
    }
    count_stage(stage, &now);
    assert_true(now.count >= 10);
    assert_int_equal(compare(&recorded, &now), 0);
    guard_table_free(&recorded);
    guard_table_free(&now);
}

/* ---- What is told ---------------------------------------------------------------------- */

static struct guard_row row(uint64_t all)
{
    struct guard_row row = {.stage = 5, .work = "gethit", .operations = 10};

    for (int i = 0; i < GUARD_FIGURES; i++)
        row.figures[i] = all;
    return row;
}

static char told[2000];

static struct guard_verdict judge(const struct guard_table *recorded, const struct guard_row *was,
                                  const struct guard_table *now, const struct guard_row *is)
{
    FILE *to = fmemopen(told, sizeof told, "w");
    struct guard_verdict verdict;

    memset(told, 0, sizeof told);
    verdict = guard_compare(recorded, was, now, is, "", to);
    fclose(to);
    return verdict;
}

static void guard_growth_beyond_a_twentieth_is_reported(void **state)
{
    struct guard_table table = {0};
    struct guard_row was = row(100), is = row(105);
    struct guard_verdict verdict;

    (void)state;
    verdict = judge(&table, &was, &table, &is);
    assert_int_equal(verdict.compared, GUARD_FIGURES);
    assert_int_equal(verdict.more, 0);
    assert_string_equal(told, "");
    is.figures[GUARD_BLOCKS] = 106;
    assert_int_equal(judge(&table, &was, &table, &is).more, 1);
    assert_string_equal(told, "stage 5 gethit: blocks an operation: 10.6, were 10 (+6.0 %)\n");
    was.figures[GUARD_BLOCKS] = 0;
    assert_int_equal(judge(&table, &was, &table, &is).more, 1);
    assert_string_equal(told, "stage 5 gethit: blocks an operation: 10.6, were 0\n");
}

static void guard_instructions_of_what_is_done_once_vary(void **state)
{
    struct guard_table table = {0};
    struct guard_row was = row(1000), is = row(1000);

    (void)state;
    was.operations = is.operations = 1;
    is.figures[GUARD_INSTRUCTIONS] = 1200;
    assert_int_equal(judge(&table, &was, &table, &is).more, 0);
    is.figures[GUARD_INSTRUCTIONS] = 1201;
    assert_int_equal(judge(&table, &was, &table, &is).more, 1);
    is.figures[GUARD_INSTRUCTIONS] = 1000;
    is.figures[GUARD_BLOCKS] = 1060;
    assert_int_equal(judge(&table, &was, &table, &is).more, 1);
}

static void guard_less_is_reported_and_no_failure(void **state)
{
    struct guard_table table = {0};
    struct guard_row was = row(106), is = row(106);
    struct guard_verdict verdict;

    (void)state;
    is.figures[GUARD_SYNCS] = 100;
    verdict = judge(&table, &was, &table, &is);
    assert_int_equal(verdict.more, 0);
    assert_int_equal(verdict.less, 1);
    assert_string_equal(told, "stage 5 gethit: syncs an operation: 10, were 10.6 (-5.7 %)\n");
    is.figures[GUARD_SYNCS] = 101;
    assert_int_equal(judge(&table, &was, &table, &is).less, 0);
}

static void guard_compares_what_can_be_compared(void **state)
{
    struct guard_table recorded = {.place = {true, 1, "gcc 1"}},
                       now = {.place = {false, 2, "gcc 2"}};
    struct guard_row was = row(100), is = row(100);
    struct guard_verdict verdict;

    (void)state;
    is.figures[GUARD_CALLS] = is.figures[GUARD_INSTRUCTIONS] = 200;
    is.figures[GUARD_COMPARISONS] = 200;
    verdict = judge(&recorded, &was, &now, &is);
    assert_int_equal(verdict.compared, GUARD_FIGURES - 3);
    assert_int_equal(verdict.more, 0);
    now.place = recorded.place;
    assert_int_equal(judge(&recorded, &was, &now, &is).more, 3);
    was.figures[GUARD_READ] = is.figures[GUARD_FILES] = GUARD_UNKNOWN;
    assert_int_equal(judge(&recorded, &was, &now, &is).compared, GUARD_FIGURES - 2);
}

/* ---- The table ------------------------------------------------------------------------- */

static void write_text(const char *path, const char *text)
{
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    fputs(text, to);
    assert_int_equal(fclose(to), 0);
}

static void guard_table_is_read_as_it_was_written(void **state)
{
    struct guard_table table = {.place = {true, 3, "gcc 12 -O2"}}, read = {0};
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "table");
    struct guard_row one = row(7);
    struct strata_error err;
    FILE *to = fopen(path, "w");

    (void)state;
    assert_non_null(to);
    one.figures[GUARD_INSTRUCTIONS] = GUARD_UNKNOWN;
    assert_int_equal(guard_table_add(&table, &one), 0);
    guard_table_write(&table, to);
    assert_int_equal(fclose(to), 0);
    assert_ok(guard_table_read(&read, path, &err), &err);
    assert_int_equal(read.count, 1);
    assert_memory_equal(read.rows, &one, sizeof one);
    assert_memory_equal(&read.place, &table.place, sizeof read.place);
    assert_ptr_equal(guard_table_find(&read, 5, "gethit"), read.rows);
    assert_null(guard_table_find(&read, 5, "getmiss"));
    assert_null(guard_table_find(&read, 4, "gethit"));
    assert_true(guard_table_has(&read, 5));
    assert_false(guard_table_has(&read, 4));
    guard_table_free(&table);
    guard_table_free(&read);
    free(path);
    tmpdir_del(dir);
}

#define HEADS                                                                                      \
    "stage\twork\toperations\tcomparisons\tprobes\tblocks\tloaded\tallocations\tallocated\tcalls"  \
    "\tread\twritten\tsyncs\tfiles\tinstructions\n"

static void guard_table_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {
        "5\tgethit\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n",        /* without heads */
        HEADS "5\tgethit\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n",     /* a field less */
        HEADS "5\tgethit\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0", /* a field more */
        HEADS "5\tgethit\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\tmany", /* no number */
        HEADS "5\tgethit\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n",  /* of no operation */
        HEADS "5\tget_hit_and_miss_at_once\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n"};
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "table");
    struct guard_table table = {0};
    struct strata_error err;

    (void)state;
    assert_code(guard_table_read(&table, path, &err), STRATA_ERR_IO, &err);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_text(path, wrong[i]);
        assert_code(guard_table_read(&table, path, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, path);
        assert_err_says(&err, i ? "line 2 is not" : "line 1 is not");
        guard_table_free(&table);
    }
    free(path);
    tmpdir_del(dir);
}

/* ---- All ------------------------------------------------------------------------------- */

static size_t add_stages(struct CMUnitTest *tests)
{
    static char names[STAGES][64];
    static unsigned stages[STAGES];
    struct strata_stage_info info;
    size_t i = 0;

    for (; i < STAGES && strata_stage_at(i, &info) == 0; i++) {
        stages[i] = info.stage;
        snprintf(names[i], sizeof names[i], "guard_stage_%u_costs_what_is_recorded", info.stage);
        tests[i] = (struct CMUnitTest){names[i], costs_what_is_recorded, NULL, NULL, &stages[i]};
    }
    return i;
}

int main(void)
{
    const struct CMUnitTest plain[] = {
        cmocka_unit_test(guard_growth_beyond_a_twentieth_is_reported),
        cmocka_unit_test(guard_less_is_reported_and_no_failure),
        cmocka_unit_test(guard_instructions_of_what_is_done_once_vary),
        cmocka_unit_test(guard_compares_what_can_be_compared),
        cmocka_unit_test(guard_table_is_read_as_it_was_written),
        cmocka_unit_test(guard_table_that_is_none_is_refused),
    };
    const size_t count = sizeof plain / sizeof plain[0];
    struct CMUnitTest tests[sizeof plain / sizeof plain[0] + STAGES];
    char *home = getcwd(NULL, 0);
    int rc;

    memcpy(tests, plain, sizeof plain);
    recorded_path = tmpdir_path(home, "bench/guard/table.tsv");
    if (access("/dev/shm", W_OK) == 0) /* there appends are stored, whatever /tmp is */
        setenv("TMPDIR", "/dev/shm", 1);
    rc = _cmocka_run_group_tests("guard", tests, count + add_stages(tests + count), NULL, NULL);
    free(recorded_path);
    free(home);
    return rc;
}
