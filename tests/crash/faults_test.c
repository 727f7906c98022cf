/* faults_test.c: each call of the file layer fails once, and then for ever, in every way it can,
 * on fs_sim; and the disk is full after each byte: see faults_loop.h. What must come of it: an
 * error that says what it was, no wrong answer, no file left open, no memory lost, and nothing
 * acknowledged lost. Calls that are interrupted or do half of what was asked are no error at all.
 */
#include "test.h"

#include "faults_loop.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdio.h>

/* Stages from 6 on have one tree: the newest's own run, without QUICK, asks more of it. */
static bool has_the_newest_tree(void)
{
    return (check_quick() || check_sanitized()) && subject_info()->stage >= 6;
}

/* Every call; where time is dear one in so many: of the newest stage, too, but with QUICK=no. */
static unsigned step(void)
{
    if (check_sanitized())
        return has_the_newest_tree() ? 61 : 19;
    return has_the_newest_tree() ? 13 : check_whole() ? 1 : 5;
}

static struct faults_row add(struct faults_row a, struct faults_row b)
{
    return (struct faults_row){.runs = a.runs + b.runs,
                               .errors = a.errors + b.errors,
                               .silent = a.silent + b.silent,
                               .cuts = a.cuts + b.cuts};
}

static struct faults_row run_loop(struct faults *faults, enum faults_work work,
                                  enum fs_sim_fault_kind kind, bool for_ever)
{
    struct faults_row row;

    faults_run(faults, work, kind, for_ever, &row);
    printf("# faults, stage %u, %-8s %-10s %-8s: %5" PRIu64 " runs, clean at k=%" PRIu64
           "; %" PRIu64 " errors, %" PRIu64 " silent, %" PRIu64 " power cuts; %" PRIu64 " bad\n",
           subject_info()->stage, faults_work_name(work), faults_kind_name(kind),
           for_ever ? "for ever" : "once", row.runs, row.clean_at, row.errors, row.silent, row.cuts,
           row.bad);
    fflush(stdout);
    if (row.bad)
        fail_msg("%s", faults->what);
    assert_int_equal(row.clean_at, row.runs * step() + 1);
    return row;
}

/* Once and for ever. */
static struct faults_row run_loops(struct faults *faults, enum faults_work work,
                                   enum fs_sim_fault_kind kind)
{
    struct faults_row once = run_loop(faults, work, kind, false);
    return add(once, run_loop(faults, work, kind, true));
}

/* In every work. */
static struct faults_row run_works(struct faults *faults, enum fs_sim_fault_kind kind)
{
    struct faults_row sum = {0};
    for (int work = 0; work < FAULTS_WORKS; work++)
        if (faults_has((enum faults_work)work))
            sum = add(sum, run_loops(faults, (enum faults_work)work, kind));
    return sum;
}

/* Calls that failed for good, and were told. */
static void expect_reported(enum fs_sim_fault_kind kind, uint64_t runs_at_least)
{
    struct faults faults = {.step = step()};
    struct faults_row sum = run_works(&faults, kind);
    assert_enough(sum.runs, runs_at_least / step());
    assert_enough(sum.errors, runs_at_least / step() / 2);
    assert_int_equal(sum.silent, faults.silent[FS_CALL_CLOSE] + faults.silent[FS_CALL_LINK] +
                                     faults.silent[FS_CALL_REMOVE] +
                                     faults.silent[FS_CALL_ALLOCATE] + faults.silent[FS_CALL_MAP] +
                                     (kind == FS_SIM_EMFILE ? faults.silent[FS_CALL_OPEN] : 0));
    if (subject_promises(STRATA_PROMISE_POWER_CUT))
        assert_enough(sum.cuts, runs_at_least / step());
}

static void faults_io_error_at_any_call_is_reported_and_loses_nothing(void **state)
{
    (void)state;
    expect_reported(FS_SIM_EIO, 800);
}

static void faults_no_space_at_any_call_is_reported_and_loses_nothing(void **state)
{
    (void)state;
    expect_reported(FS_SIM_ENOSPC, 100);
}

static void faults_no_descriptor_at_any_call_is_reported_and_loses_nothing(void **state)
{
    (void)state;
    expect_reported(FS_SIM_EMFILE, 50);
}

static void expect_unnoticed(enum fs_sim_fault_kind kind)
{
    struct faults faults = {.step = step()};
    struct faults_row sum = run_works(&faults, kind);
    assert_enough(sum.runs, 400 / step());
    assert_int_equal(sum.errors, 0);
}

static void faults_half_done_call_is_no_error(void **state)
{
    (void)state;
    expect_unnoticed(FS_SIM_SHORT);
}

static void faults_interrupted_call_is_no_error(void **state)
{
    (void)state;
    expect_unnoticed(FS_SIM_EINTR);
}

/* The pages are gone from the device and still there to be read: after the next opening too. */
static void faults_failed_sync_is_reported_and_loses_nothing(void **state)
{
    struct faults faults = {.step = step(), .stride = has_the_newest_tree() ? 31 : 8};
    struct faults_row sum = run_works(&faults, FS_SIM_SYNC_DROPS);
    (void)state;
    assert_int_equal(sum.silent, 0);
    if (subject_promises(STRATA_PROMISE_POWER_CUT))
        assert_true(sum.runs > 0 && sum.cuts >= sum.runs);
    else
        assert_int_equal(sum.runs, 0); /* a stage that never syncs */
}

static void faults_disk_full_after_any_byte_loses_nothing(void **state)
{
    struct faults faults = {.step = step()};
    struct faults_row row;

    (void)state;
    faults_fill_disk(&faults, &row);
    printf("# disk full, stage %u: after each of %" PRIu64 " bytes, %" PRIu64
           " errors reported, %" PRIu64 " power cuts; %" PRIu64 " bad\n",
           subject_info()->stage, row.clean_at, row.errors, row.cuts, row.bad);
    if (row.bad)
        fail_msg("%s", faults.what);
    assert_enough(row.clean_at, 300);
    assert_int_equal(row.runs * step(), row.clean_at);
    assert_true(row.errors >= row.runs);
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
        cmocka_unit_test(faults_disk_full_after_any_byte_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
