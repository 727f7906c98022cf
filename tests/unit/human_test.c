/* human_test.c: numbers as people read them. (Bytes: progress_test.c, whose line shows them.) */
#include "test.h"

#include "cli/output/human.h"

static void human_count_is_in_groups_of_three(void **state)
{
    char text[HUMAN_TEXT];

    (void)state;
    assert_string_equal(human_count(0, text, sizeof text), "0");
    assert_string_equal(human_count(999, text, sizeof text), "999");
    assert_string_equal(human_count(1000, text, sizeof text), "1,000");
    assert_string_equal(human_count(123456, text, sizeof text), "123,456");
    assert_string_equal(human_count(UINT64_MAX, text, sizeof text), "18,446,744,073,709,551,615");
}

static void human_plural_of_one_has_no_s(void **state)
{
    char text[HUMAN_TEXT + 16];

    (void)state;
    assert_string_equal(human_plural(0, "record", text, sizeof text), "0 records");
    assert_string_equal(human_plural(1, "record", text, sizeof text), "1 record");
    assert_string_equal(human_plural(25001, "record", text, sizeof text), "25,001 records");
}

static void human_text_is_cut_where_the_room_ends(void **state)
{
    char text[4];

    (void)state;
    assert_string_equal(human_plural(1, "record", text, sizeof text), "1 r");
    assert_string_equal(human_count(1000, text, sizeof text), "1,0");
    assert_string_equal(human_bytes(2640060, text, sizeof text), "2.6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(human_count_is_in_groups_of_three),
        cmocka_unit_test(human_plural_of_one_has_no_s),
        cmocka_unit_test(human_text_is_cut_where_the_room_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
