/* progress_test.c: the progress line as text; what a terminal shows is tested in tests/cli. */
#include "test.h"

#include "cli/output/progress.h"

#include <string.h>

static void expect(struct progress_state now, unsigned columns, const char *wanted)
{
    char line[256];

    progress_line("load", &now, columns, line, sizeof line);
    assert_string_equal(line, wanted);
    assert_true(strlen(line) <= columns);
}

static void progress_line_says_share_speed_and_time_left(void **state)
{
    struct progress_state quarter = {500000, 2000000, 1000, 1};
    struct progress_state none = {0, 2000000, 0, 0};
    struct progress_state all = {2000000, 2000000, 0, 7384};
    struct progress_state beyond = {3000000, 2000000, 0, 1}; /* the file grew */

    (void)state;
    expect(quarter, 72, "load [=====>                 ]  25%  500 kB/s  1000 records/s  0:03 left");
    expect(beyond, 40, "load 100%  3.0 MB/s  0:00 left"); /* no room for a bar */
    expect(none, 40, "load [>            ]   0%  0 B/s  ? left");
    expect(all, 40, "load [========] 100%  271 B/s  0:00 left");
    expect(beyond, 41, "load [========] 100%  3.0 MB/s  0:00 left");
}

static void progress_line_of_unknown_size_says_amount_and_time(void **state)
{
    struct progress_state start = {0, 0, 0, 0};
    struct progress_state later = {1234567, 0, 99, 3725};

    (void)state;
    expect(start, 79, "load  0 B  0 B/s  0:00 elapsed");
    expect(later, 79, "load  1.2 MB  331 B/s  0 records/s  1:02:05 elapsed");
}

static void progress_line_of_other_things_has_no_bytes(void **state)
{
    struct progress_state half = {500, 1000, 42, 2, .unit = "states"};

    (void)state;
    expect(half, 48, "load [======>     ]  50%  21 states/s  0:02 left");
    expect(half, 40, "load  50%  21 states/s  0:02 left");
}

static void progress_units_never_show_four_digits(void **state)
{
    (void)state;
    expect((struct progress_state){999, 0, 0, 1}, 79, "load  999 B  999 B/s  0:01 elapsed");
    expect((struct progress_state){1000, 0, 0, 1}, 79, "load  1.0 kB  1.0 kB/s  0:01 elapsed");
    expect((struct progress_state){99949, 0, 0, 1}, 79, "load  99.9 kB  99.9 kB/s  0:01 elapsed");
    expect((struct progress_state){99950, 0, 0, 1}, 79, "load  100 kB  100 kB/s  0:01 elapsed");
    expect((struct progress_state){999499, 0, 0, 1}, 79, "load  999 kB  999 kB/s  0:01 elapsed");
    expect((struct progress_state){999500, 0, 0, 1}, 79, "load  1.0 MB  1.0 MB/s  0:01 elapsed");
    expect((struct progress_state){UINT64_MAX, 0, 0, 1}, 79,
           "load  18446744 TB  18446744 TB/s  0:01 elapsed");
}

static void progress_line_fits_every_screen(void **state)
{
    struct progress_state half = {1 << 30, (uint64_t)2 << 30, 123456789, 59.6};
    char line[256];

    (void)state;
    for (unsigned columns = 0; columns < 200; columns++) {
        progress_line("verify", &half, columns, line, sizeof line);
        assert_true(strlen(line) <= columns);
    }
    for (size_t capacity = 1; capacity < 100; capacity++) {
        progress_line("verify", &half, 200, line, capacity);
        assert_true(strlen(line) < capacity);
    }
}

/* To a file nothing is shown, whatever is asked. */
static void progress_without_terminal_is_silent(void **state)
{
    struct progress_state now = {1, 2, 3, 0};
    struct progress p;
    FILE *to = tmpfile();

    (void)state;
    assert_non_null(to);
    progress_init(&p, to, "load");
    assert_false(p.shown);
    p.begun_ns -= 1000000000;
    progress_tick(&p, &now);
    progress_clear(&p);
    assert_true(progress_seconds(&p) >= 1);
    assert_int_equal(ftell(to), 0);
    fclose(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_line_says_share_speed_and_time_left),
        cmocka_unit_test(progress_line_of_unknown_size_says_amount_and_time),
        cmocka_unit_test(progress_line_of_other_things_has_no_bytes),
        cmocka_unit_test(progress_units_never_show_four_digits),
        cmocka_unit_test(progress_line_fits_every_screen),
        cmocka_unit_test(progress_without_terminal_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
