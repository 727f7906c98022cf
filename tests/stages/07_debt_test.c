/* 07_debt_test.c: how a debt of work is spread over what is written: arithmetic alone. */
#include "07_paced_compaction/compaction/debt.h"
#include "test.h"

#define MIB ((uint64_t)1 << 20)

static void debt_flush_is_done_when_the_memtable_is_half_full(void **state)
{
    struct debt debt = debt_of_flush(4 * MIB, 4 * MIB, 0);

    (void)state;
    assert_int_equal(debt.work, 4 * MIB);
    assert_int_equal(debt.room, 2 * MIB);
    assert_int_equal(debt_of_flush(1, 4 * MIB, MIB).room, MIB);
    /* near the end, and beyond, there is still some */
    assert_int_equal(debt_of_flush(1, 4 * MIB, 2 * MIB - 1).room, MIB / 4);
    assert_int_equal(debt_of_flush(1, 4 * MIB, 100 * MIB).room, MIB / 4);
}

static void debt_of_compactions_is_done_at_the_slowdown_trigger(void **state)
{
    (void)state;
    assert_int_equal(debt_of_compaction(7, MIB, 0, 3, 8).work, 7);
    assert_int_equal(debt_of_compaction(7, MIB, 0, 3, 8).room, 5 * MIB);
    assert_int_equal(debt_of_compaction(7, MIB, MIB / 2, 7, 8).room, MIB / 2);
    assert_int_equal(debt_of_compaction(7, MIB, MIB - 1, 7, 8).room, MIB / 8);
    assert_int_equal(debt_of_compaction(7, MIB, 0, 12, 8).room, MIB / 8);
    /* a memtable without a limit leaves no sum too large */
    assert_true(debt_of_compaction(7, UINT64_MAX, 0, 0, UINT32_MAX).room > MIB);
}

/* Written a piece at a time, whatever the pieces, the work is done when the room is used up. */
static void debt_quotas_are_all_of_it(void **state)
{
    static const uint64_t pieces[] = {1, 100, 4096, 70000, 5 * MIB};

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct debt debt = {3 * MIB, MIB};
        while (debt.room && debt.work) {
            uint64_t bytes = pieces[i] < debt.room ? pieces[i] : debt.room;
            uint64_t quota = debt_quota(debt, bytes);
            assert_true(quota >= 1 && quota <= debt.work + 1);
            assert_true(quota <= 3 * bytes + 4);
            debt.work -= quota < debt.work ? quota : debt.work;
            debt.room -= bytes;
        }
        assert_int_equal(debt.work, 0);
    }
    assert_int_equal(debt_quota((struct debt){1000, 0}, 1), 1001);
}

static void debt_is_looked_at_before_a_quota_is_large(void **state)
{
    struct debt none = {0, 0}, some = {16 * MIB, MIB};

    (void)state;
    assert_int_equal(debt_next_look(none, none), DEBT_LOOK);
    for (int i = 0; i < 3; i++) {
        uint64_t bytes = debt_next_look(i == 1 ? none : some, i == 0 ? none : some);
        uint64_t quota = debt_quota(some, bytes);
        assert_true(bytes > 0 && bytes < DEBT_LOOK);
        assert_true((i == 2 ? 2 : 1) * quota <= DEBT_PIECE + DEBT_PIECE / 16); /* rounded */
    }
    assert_int_equal(debt_next_look((struct debt){(uint64_t)1 << 50, 0}, none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(debt_flush_is_done_when_the_memtable_is_half_full),
        cmocka_unit_test(debt_of_compactions_is_done_at_the_slowdown_trigger),
        cmocka_unit_test(debt_quotas_are_all_of_it),
        cmocka_unit_test(debt_is_looked_at_before_a_quota_is_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
