/* error_test.c: the error record: what it keeps, where it cuts, how it reads. */
#include "test.h"

#include "strata_engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void error_every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = STRATA_ERR_BUSY; a <= STRATA_TIMEOUT; a++) {
        assert_string_not_equal(strata_code_name(a), "unknown code");
        for (int b = STRATA_ERR_BUSY; b < a; b++)
            assert_string_not_equal(strata_code_name(a), strata_code_name(b));
    }
    assert_string_equal(strata_code_name(STRATA_ERR_BUSY - 1), "unknown code");
    assert_string_equal(strata_code_name(STRATA_TIMEOUT + 1), "unknown code");
}

static void error_fail_fills_every_field(void **state)
{
    struct strata_error err;
    (void)state;
    memset(&err, 0xee, sizeof err);
    assert_int_equal(strata_fail(&err, STRATA_ERR_CORRUPT, "db/1.log", 4096, "check %d", 5),
                     STRATA_ERR_CORRUPT);
    assert_int_equal(err.code, STRATA_ERR_CORRUPT);
    assert_int_equal(err.sys, 0);
    assert_true(err.offset == 4096);
    assert_string_equal(err.file, "db/1.log");
    assert_string_equal(err.message, "check 5");
}

static void error_fail_without_a_file_has_none(void **state)
{
    struct strata_error err;
    (void)state;
    memset(&err, 0xee, sizeof err);
    strata_fail(&err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "no");
    assert_string_equal(err.file, "");
    assert_true(err.offset == STRATA_NO_OFFSET);
}

static void error_fail_sys_keeps_errno_and_says_its_text(void **state)
{
    struct strata_error err;
    (void)state;
    assert_int_equal(strata_fail_sys(&err, ENOSPC, "db/1.log", 17, "append"), STRATA_ERR_IO);
    assert_int_equal(err.code, STRATA_ERR_IO);
    assert_int_equal(err.sys, ENOSPC);
    assert_true(err.offset == 17);
    assert_string_equal(err.message, "append: No space left on device");
    strata_fail_sys(&err, 98765, "f", 0, "read"); /* no such errno, but no crash */
    assert_int_equal(err.sys, 98765);
    assert_non_null(strstr(err.message, "98765"));
}

static void error_fail_memory_says_how_much(void **state)
{
    struct strata_error err;
    (void)state;
    assert_int_equal(strata_fail_memory(&err, 12345), STRATA_ERR_NO_MEMORY);
    assert_non_null(strstr(err.message, "12345"));
}

static void error_without_a_record_only_the_code_is_returned(void **state)
{
    (void)state;
    assert_int_equal(strata_fail(NULL, STRATA_ERR_LOCKED, "f", 1, "x"), STRATA_ERR_LOCKED);
    assert_int_equal(strata_fail_sys(NULL, EIO, "f", 1, "x"), STRATA_ERR_IO);
    assert_int_equal(strata_fail_memory(NULL, 1), STRATA_ERR_NO_MEMORY);
    strata_error_prefix(NULL, "nothing to %s", "do");
}

/* A path is cut at its front: its end says more. Every length around the field's is tried. */
static void error_long_path_keeps_its_end(void **state)
{
    struct strata_error err;
    const size_t capacity = sizeof err.file;
    char path[sizeof err.file + 20];

    (void)state;
    for (size_t size = capacity - 5; size < sizeof path; size++) {
        for (size_t i = 0; i < size; i++)
            path[i] = (char)('a' + i % 26);
        path[size] = '\0';
        strata_fail(&err, STRATA_ERR_IO, path, 0, "x");
        if (size < capacity) {
            assert_string_equal(err.file, path);
            continue;
        }
        assert_int_equal(strlen(err.file), capacity - 1);
        assert_memory_equal(err.file, "...", 3);
        assert_string_equal(err.file + 3, path + size - (capacity - 4));
    }
}

static void error_long_message_is_cut_at_its_end(void **state)
{
    struct strata_error err;
    char text[1000];

    (void)state;
    memset(text, 'm', sizeof text);
    for (size_t size = sizeof err.message - 2; size < sizeof err.message + 3; size++) {
        size_t kept = size < sizeof err.message ? size : sizeof err.message - 1;
        memset(&err, 0xee, sizeof err);
        strata_fail(&err, STRATA_ERR_IO, "f", 0, "%.*s", (int)size, text);
        assert_int_equal(strlen(err.message), kept);
    }
    memset(&err, 0xee, sizeof err);
    text[999] = '\0';
    strata_fail_sys(&err, EIO, "f", 0, text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void error_prefix_stands_before_the_message(void **state)
{
    struct strata_error err;
    (void)state;
    strata_fail_sys(&err, EIO, "db/1.log", 17, "read");
    strata_error_prefix(&err, "while merging %d files: ", 3);
    assert_string_equal(err.message, "while merging 3 files: read: Input/output error");
    assert_int_equal(err.code, STRATA_ERR_IO); /* the rest stays */
    assert_int_equal(err.sys, EIO);
    assert_true(err.offset == 17);
    assert_string_equal(err.file, "db/1.log");
}

static void error_prefix_on_a_full_message_cuts_its_end(void **state)
{
    struct strata_error err;
    char text[sizeof err.message];

    (void)state;
    memset(text, 'm', sizeof text);
    text[sizeof text - 1] = '\0';
    for (size_t size = 1; size < sizeof err.message; size += 7) {
        strata_fail(&err, STRATA_ERR_IO, "f", 0, "%s", text);
        strata_error_prefix(&err, "%.*s", (int)size,
                            "pppppppppppppppppppppppppppppppppppppppppp"
                            "pppppppppppppppppppppppppppppppppppppppp");
        assert_int_equal(strlen(err.message), sizeof err.message - 1);
        assert_int_equal(err.message[0], 'p');
        assert_int_equal(err.message[sizeof err.message - 2], 'm');
    }
}

static void error_prefix_that_leaves_no_room_is_dropped(void **state)
{
    struct strata_error err;
    char text[1000];

    (void)state;
    memset(text, 'p', sizeof text);
    text[999] = '\0';
    strata_fail(&err, STRATA_ERR_IO, "f", 0, "the cause");
    strata_error_prefix(&err, "%s", text);
    assert_string_equal(err.message, "the cause");
}

static void error_text_says_code_file_offset_and_cause(void **state)
{
    struct strata_error err;
    char text[600];

    (void)state;
    strata_fail(&err, STRATA_ERR_CORRUPT, "db/1.log", 4096, "check 5f");
    assert_ptr_equal(strata_error_text(&err, text, sizeof text), text);
    assert_string_equal(text, "corrupt: db/1.log @4096: check 5f");
    strata_fail(&err, STRATA_ERR_LOCKED, "db/LOCK", STRATA_NO_OFFSET, "held");
    assert_string_equal(strata_error_text(&err, text, sizeof text), "locked: db/LOCK: held");
    strata_fail(&err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "no key");
    assert_string_equal(strata_error_text(&err, text, sizeof text), "invalid argument: no key");
    strata_fail(&err, STRATA_ERR_CORRUPT, "f", 0, "x"); /* offset 0 is an offset */
    assert_string_equal(strata_error_text(&err, text, sizeof text), "corrupt: f @0: x");
    strata_fail(&err, STRATA_ERR_CORRUPT, NULL, 9, "x");
    assert_string_equal(strata_error_text(&err, text, sizeof text), "corrupt: @9: x");
}

static void error_text_stays_within_its_capacity(void **state)
{
    static const char whole[] = "corrupt: db/1.log @4096: check 5f";
    struct strata_error err;

    (void)state;
    strata_fail(&err, STRATA_ERR_CORRUPT, "db/1.log", 4096, "check 5f");
    for (size_t capacity = 0; capacity <= sizeof whole; capacity++) {
        char text[sizeof whole + 2];
        memset(text, '#', sizeof text);
        strata_error_text(&err, text, capacity);
        for (size_t i = capacity; i < sizeof text; i++)
            assert_int_equal(text[i], '#');
        if (capacity) {
            assert_int_equal(strlen(text),
                             capacity - 1 < sizeof whole - 1 ? capacity - 1 : sizeof whole - 1);
            assert_memory_equal(text, whole, strlen(text));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_every_code_has_a_name_of_its_own),
        cmocka_unit_test(error_fail_fills_every_field),
        cmocka_unit_test(error_fail_without_a_file_has_none),
        cmocka_unit_test(error_fail_sys_keeps_errno_and_says_its_text),
        cmocka_unit_test(error_fail_memory_says_how_much),
        cmocka_unit_test(error_without_a_record_only_the_code_is_returned),
        cmocka_unit_test(error_long_path_keeps_its_end),
        cmocka_unit_test(error_long_message_is_cut_at_its_end),
        cmocka_unit_test(error_prefix_stands_before_the_message),
        cmocka_unit_test(error_prefix_on_a_full_message_cuts_its_end),
        cmocka_unit_test(error_prefix_that_leaves_no_room_is_dropped),
        cmocka_unit_test(error_text_says_code_file_offset_and_cause),
        cmocka_unit_test(error_text_stays_within_its_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
