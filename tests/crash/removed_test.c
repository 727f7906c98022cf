/* removed_test.c: any one file of a database is removed, after each step of a life, as a kill
 * leaves the files and as a clean close does. What the database says then is an error, or all that
 * there was: the file was one that nothing relied on. (No promise of strata.h: an engine of one's
 * own is not asked.) */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "crash/judge.h"
#include "db/marker.h"
#include "crash/script.h"
#include "crash/subject.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "disk/db"

struct tally {
    unsigned detected, harmless, lost;
    char first_lost[300];
};

/* The file with that name is gone. */
static void try_without(struct strata_fs *fs, const struct fs_names *names, size_t at,
                        const struct history *history, bool killed, struct tally *tally)
{
    struct strata_fs *copy = fs_sim_copy(fs);
    char path[300];
    struct judgement j;

    assert_non_null(copy);
    snprintf(path, sizeof path, "%s/%s", DIR, names->names[at]);
    assert_int_equal(fs_remove(copy, path, NULL), 0);
    judge_dir(copy, DIR, history, &j);
    if (j.outcome == OUTCOME_DETECTED)
        tally->detected++;
    else if (j.outcome == OUTCOME_HARMLESS)
        tally->harmless++;
    else if (tally->lost++ == 0)
        snprintf(tally->first_lost, sizeof tally->first_lost, "%s, %zu writes, without %s: %s",
                 killed ? "killed" : "closed", history->count, names->names[at],
                 outcome_name(j.outcome));
    fs_free(copy);
}

static void try_each(struct strata_fs *fs, const struct history *history, bool killed,
                     struct tally *tally)
{
    struct fs_names names;

    assert_int_equal(fs_list(fs, DIR, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++)
        try_without(fs, &names, i, history, killed, tally);
    fs_names_free(&names);
}

/* After each step: killed there, and closed there. */
static void run(const struct script *script, struct tally *tally)
{
    struct strata_fs *fs = fs_sim_new();
    struct script_run run;

    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    script_run_init(&run, script, fs, DIR, true);
    while (script_step(&run) == 0) {
        struct history so_far = script->history;
        struct strata_fs *copy = fs_sim_copy(fs);

        assert_non_null(copy);
        so_far.count = (size_t)run.acknowledged;
        try_each(copy, &so_far, true, tally);
        fs_free(copy);
    }
    assert_int_equal(run.acknowledged, script->history.count);
    script_close(&run);
    try_each(fs, &script->history, false, tally);
    fs_free(fs);
}

static struct tally run_all(void)
{
    struct tally tally = {0};

    for (int kind = 0; kind < 3; kind++) {
        struct script script = {0};
        if (kind == 0)
            work_life(&script);
        else if (kind == 1)
            work_upkeep(&script);
        else
            script_mixed(&script, 1);
        run(&script, &tally);
        script_free(&script);
    }
    return tally;
}

static void skip_engines(void)
{
    if (!subject_engine())
        return;
    check_skipping("no promise of strata.h");
    skip();
}

static void removed_file_is_reported_or_nothing_is_lost(void **state)
{
    struct tally tally;

    (void)state;
    skip_engines();
    tally = run_all();
    printf(
        "# removed, stage %u: %u times a file that counts, %u times one that does not; %u lost\n",
        subject_info()->stage, tally.detected, tally.harmless, tally.lost);
    if (tally.lost)
        fail_msg("%s", tally.first_lost);
    assert_true(tally.detected > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removed_file_is_reported_or_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
