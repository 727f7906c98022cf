/* 09_repair_test.c: stage 8's tests of a repair, with the parts of stage 9; and logs with records
 * of single operations, which have no sequence number. */
#define REPAIR_OF_OTHER_PARTS
#include "09_fast_paths/log/single_op_log.h"
#include "09_fast_paths/table/pax_table.h"
#define KIND pax_table_kind
#define TABLE ".table"

#include "08_repair_test.c"

#define LOG DIR "/000001.log"
#define FRAME (RECORD_HEAD + 36) /* bytes of its head */

/* Operations 1 to 6, of which the 1st and the 5th have a frame's head and the others stand alone.
 * The value of the 2nd looks like one more, "x" = "forged": it would be whole where it is. */
static struct strata_fs *made_alone(void)
{
    uint64_t at = RECORD_FILE_HEADER + FRAME + (FRAME + RECORD_HEAD + 2) + RECORD_HEAD + 1;
    uint8_t forged[RECORD_HEAD + 7];
    struct strata_fs *fs = fs_sim_new(), *copy;
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    assert_non_null(fs);
    record_head(1, at, SINGLE_OP_PUT, S("x"), S("forged"), forged);
    memcpy(forged + RECORD_HEAD, "xforged", 7);
    set_options(&options, fs);
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    assert_put(db, "a", "1");
    assert_ok(strata_put(db, S("b"), strata_bytes(forged, sizeof forged), &err), &err);
    assert_put(db, "c", "3");
    assert_put(db, "d", "4");
    assert_ok(strata_sync(db, &err), &err);
    assert_put(db, "e", "5");
    assert_put(db, "f", "6");
    copy = fs_sim_copy(fs);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
    return copy;
}

/* Where operation `n` begins, with its frame's head. */
static size_t begin_of(int n)
{
    size_t small = RECORD_HEAD + 2, behind_2 = RECORD_FILE_HEADER + 2 * FRAME + small + 42;

    assert_int_equal(RECORD_HEAD + 1 + RECORD_HEAD + 7, 42);
    return n == 1   ? RECORD_FILE_HEADER + FRAME
           : n == 2 ? behind_2 - 42
           : n < 6  ? behind_2 + (size_t)(n - 3) * small
                    : behind_2 + 3 * small + FRAME;
}

static void expect_operations(struct strata_fs *fs, const char *keys)
{
    struct strata *db = open_it(fs);

    for (const char *key = "acdef"; *key; key++) {
        char name[] = {*key, '\0'}, value[] = {(char)('1' + *key - 'a'), '\0'};
        assert_get(db, name, strchr(keys, *key) ? value : NULL);
    }
    assert_get(db, "x", NULL);
    close_it(db);
}

/* Up to the next frame with a head: a single-operation record does not say which it is, and a
 * value can look like one. */
static void repair_of_operations_alone_goes_on_with_a_head(void **state)
{
    static const char *const keys[] = {"ef", "aef", "aef", "acef"};
    struct strata_fs *fs = made_alone(), *copy;

    (void)state;
    expect_operations(copy = fs_sim_copy(fs), "acdef");
    fs_free(copy);
    for (int n = 1; n <= 4; n++) {
        for (size_t at = begin_of(n); at < begin_of(n + 1); at++) {
            copy = fs_sim_copy(fs);
            harm_flip(copy, LOG, at);
            repair(copy);
            assert_true(reported.sum.lost);
            assert_int_equal(reported.sum.missing_first, n);
            assert_int_equal(reported.sum.missing_last, 4);
            expect_operations(copy, keys[n - 1]);
            fs_free(copy);
        }
    }
    fs_free(fs);
}

/* Nothing was synced behind the fourth; but what a kill leaves ends with the beginning of a write.
 */
static void repair_of_a_killed_log_that_was_flipped_reports_it(void **state)
{
    struct strata_fs *fs = made_alone(), *copy;
    size_t end = harm_used(fs, LOG);

    (void)state;
    for (size_t at = begin_of(5); at < end; at++) {
        copy = fs_sim_copy(fs);
        harm_flip(copy, LOG, at);
        repair(copy);
        assert_true(reported.sum.lost);
        assert_int_equal(reported.sum.missing_first, at < begin_of(6) ? 5 : 6);
        assert_int_equal(reported.sum.missing_last, UINT64_MAX);
        expect_operations(copy, at < begin_of(6) ? "acd" : "acde");
        fs_free(copy);
        copy = fs_sim_copy(fs);
        harm_flip(copy, LOG, at);
        fs_sim_restart(copy); /* a power cut may leave that */
        repair(copy);
        assert_true(reported.sum.healthy);
        fs_free(copy);
    }
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPAIR_TESTS,
        cmocka_unit_test(repair_of_operations_alone_goes_on_with_a_head),
        cmocka_unit_test(repair_of_a_killed_log_that_was_flipped_reports_it),
    };
    draw_history();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
