/* guard.c: the guard's program: counts, or compares two tables of counts. See guard.h. */
#include "fs/fs_posix.h"
#include "guard.h"
#include "strata_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DONE = 0, GREW = 1, USAGE = 2, FAILED = 7 };

static int help(void)
{
    puts("usage: strata-guard [--stage=N] DIR\n"
         "       strata-guard --compare RECORDED NOW\n\n"
         "Does a small work of each kind on each stage, the same every time, in DIR, an empty\n"
         "directory, and prints a table of what each cost in steps: keys compared, filters asked,\n"
         "blocks looked at and loaded, allocations and their bytes, system calls, bytes read and\n"
         "written, syncs, bytes of all files. Compares two such tables: what has grown by more "
         "than\n"
         "5 % is a failure, what has shrunk by as much is reported.\n\n"
         "make guard does both, and counts instructions by Callgrind; make guard-record keeps the\n"
         "table. bench/guard/table.tsv is the one that is kept.\n\n"
         "Exit status: 0 ok, 1 something has grown, 2 usage, 7 other failure\n\nExample\n"
         "  strata-guard --stage=4 .");
    return DONE;
}

static int usage(const char *what)
{
    fprintf(stderr, "strata-guard: %s; see --help\n", what);
    return USAGE;
}

static int fail(const struct strata_error *err, const char *doing)
{
    char text[600];
    fprintf(stderr, "strata-guard: %s: %s\n", doing, strata_error_text(err, text, sizeof text));
    return FAILED;
}

/* ---- Counting -------------------------------------------------------------------------- */

static int count_stage(struct guard_table *table, unsigned stage, struct strata_error *err)
{
    struct guard_row rows[GUARD_WORKS];
    size_t count;
    char name[32];
    int rc;

    snprintf(name, sizeof name, "%u", stage);
    if (mkdir(name, 0777) < 0)
        return strata_fail_sys(err, errno, name, STRATA_NO_OFFSET, "mkdir");
    rc = guard_stage(stage, name, rows, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = guard_table_add(table, &rows[i]);
    return rc;
}

static int count(unsigned stage, const char *dir)
{
    struct guard_table table = {0};
    struct strata_stage_info info;
    struct strata_error err = {0};
    int rc = chdir(dir) < 0 ? strata_fail_sys(&err, errno, dir, STRATA_NO_OFFSET, "chdir") : 0;

    if (rc == 0)
        rc = guard_look(&table.place, &err);
    for (size_t i = 0; rc == 0 && strata_stage_at(i, &info) == 0; i++)
        if (stage == 0 || info.stage == stage)
            rc = count_stage(&table, info.stage, &err);
    if (rc == 0 && table.count == 0)
        rc = strata_fail(&err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "there is no stage %u",
                         stage);
    if (rc == 0)
        guard_table_write(&table, stdout);
    guard_table_free(&table);
    return rc < 0 ? fail(&err, "counting") : DONE;
}

/* ---- Comparing ------------------------------------------------------------------------- */

/* What is not compared, and why. */
static void tell_places(const struct guard_table *recorded, const struct guard_table *now)
{
    if (recorded->place.mapped != now->place.mapped)
        puts("not compared: system calls, as appends are stored here or there only, by the file "
             "system");
    if (recorded->place.sorts != now->place.sorts)
        puts("not compared: comparisons, as the C library sorts in another way");
    if (strcmp(recorded->place.built, now->place.built) != 0)
        printf("not compared: instructions, which are those of\n  %s\nand this is\n  %s\n",
               recorded->place.built, now->place.built);
    else if (now->count && now->rows->figures[GUARD_INSTRUCTIONS] == GUARD_UNKNOWN)
        puts("not compared: instructions, which were not counted: there is no valgrind");
}

/* Has it grown, or is one of the two not there? */
static bool compare_row(const struct guard_table *recorded, const struct guard_table *now,
                        const struct guard_row *is, size_t *less)
{
    const struct guard_row *was = guard_table_find(recorded, is->stage, is->work);
    struct guard_verdict verdict;

    if (!was || was->operations != is->operations) {
        printf("FAILED  stage %u %s is not recorded, or is another work: make guard-record\n",
               is->stage, is->work);
        return true;
    }
    verdict = guard_compare(recorded, was, now, is, "", NULL);
    if (verdict.more || verdict.less)
        printf("%-7s stage %u %s\n", verdict.more ? "FAILED" : "less", is->stage, is->work);
    guard_compare(recorded, was, now, is, "        ", stdout);
    *less += verdict.less;
    return verdict.more > 0;
}

static size_t count_lost(const struct guard_table *recorded, const struct guard_table *now)
{
    size_t lost = 0;

    for (size_t i = 0; i < recorded->count; i++) {
        const struct guard_row *was = &recorded->rows[i];
        if (guard_table_find(now, was->stage, was->work))
            continue;
        printf("FAILED  stage %u %s is recorded, and was not done\n", was->stage, was->work);
        lost++;
    }
    return lost;
}

/* A stage that is new has no record yet. How many works it has here; they are reported. */
static size_t pass_over(const struct guard_table *recorded, const struct guard_table *now)
{
    size_t count = 0;

    for (size_t i = 0; i < now->count; i++) {
        unsigned stage = now->rows[i].stage;
        if (guard_table_has(recorded, stage))
            continue;
        if (i == 0 || now->rows[i - 1].stage != stage)
            printf("not compared: stage %u, which is not recorded: make guard-record\n", stage);
        count++;
    }
    return count;
}

static int compare_tables(const struct guard_table *recorded, const struct guard_table *now)
{
    size_t bad = 0, less = 0, lost, passed_over;

    tell_places(recorded, now);
    passed_over = pass_over(recorded, now);
    for (size_t i = 0; i < now->count; i++)
        if (guard_table_has(recorded, now->rows[i].stage))
            bad += compare_row(recorded, now, &now->rows[i], &less);
    lost = count_lost(recorded, now);
    if (less)
        puts("What costs less now is not guarded as it is: record it: make guard-record");
    if (bad)
        puts("What costs more now for a good reason is recorded: make guard-record, and the reason "
             "goes into the commit");
    printf("%zu passed, %zu failed\n", now->count - passed_over - bad, bad + lost);
    return bad + lost ? GREW : DONE;
}

static int compare(const char *recorded_path, const char *now_path)
{
    struct guard_table recorded = {0}, now = {0};
    struct strata_error err;
    int rc = guard_table_read(&recorded, recorded_path, &err), code;

    if (rc == 0)
        rc = guard_table_read(&now, now_path, &err);
    code = rc < 0 ? fail(&err, "comparing") : compare_tables(&recorded, &now);
    guard_table_free(&recorded);
    guard_table_free(&now);
    return code;
}

int main(int argc, char **argv)
{
    unsigned stage = 0;
    char *end;

    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return help();
    if (argc == 4 && strcmp(argv[1], "--compare") == 0)
        return compare(argv[2], argv[3]);
    if (argc == 3 && strncmp(argv[1], "--stage=", 8) == 0) {
        stage = (unsigned)strtoul(argv[1] + 8, &end, 10);
        if (stage == 0 || *end)
            return usage("--stage is a number");
    } else if (argc != 2 || argv[1][0] == '-') {
        return usage("a directory, or --compare and two tables");
    }
    return count(stage, argv[argc - 1]);
}
