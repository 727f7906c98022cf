/* 07_events_line_test.c: lines of the event log whose check holds and which no writer of this
 * version wrote: what is not known is passed over, what cannot be is no event. */
#include "test.h"

#include "../crash/allocations.h"
#include "events/events.h"
#include "base/checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Decodes `body`, a line without its check, with one that holds. */
static int decode(const char *body, size_t size, struct strata_event *event,
                  struct strata_buffer *keys)
{
    struct strata_buffer line = {0};
    char check[40];
    int rc;

    snprintf(check, sizeof check, ",\"check\":\"%08" PRIx32 "\"}",
             checksum(0, strata_bytes(body, size)));
    strata_buffer_append(&line, body, size);
    strata_buffer_append(&line, check, strlen(check));
    rc = events_decode(strata_buffer_slice(&line), event, keys);
    strata_buffer_free(&line);
    return rc;
}

#define NONE(bytes)                                                                                \
    {                                                                                              \
        bytes, sizeof(bytes) - 1                                                                   \
    }

static void line_that_cannot_be_is_no_event(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } bodies[] = {
        NONE(""),
        NONE("{"),
        NONE("{\"event\":"),
        NONE("{\"event\":\""),
        NONE("{\"event\":\"seal"), /* no end of a word, or nothing more */
        NONE("{\"event\":\"unreadable\""),
        NONE("{\"event\":\"sealed\""), /* of a later version */
        NONE("{\"event\":\"\""),
        NONE("{\"event\":\"seal\"x"),
        NONE("{\"event\":\"seal\","),
        NONE("{\"event\":\"seal\",\""),
        NONE("{\"event\":\"seal\",\"ns"),
        NONE("{\"event\":\"seal\",\"ns\""),
        NONE("{\"event\":\"seal\",\"ns\"1"),
        NONE("{\"event\":\"seal\",\"ns\":"),
        NONE("{\"event\":\"seal\",\"ns\":x"),
        NONE("{\"event\":\"seal\",\"ns\":-1"),
        NONE("{\"event\":\"seal\",\"ns\":1x"),
        NONE("{\"event\":\"seal\",\"ns\":1 "),
        NONE("{\"event\":\"seal\",\"ns\":9223372036854775808"),
        NONE("{\"event\":\"seal\",\"ns\":18446744073709551616"),
        NONE("{\"event\":\"seal\",\"ns\":99999999999999999999"),
        NONE("{\"event\":\"seal\",\"ns\":100000000000000000000"),
        NONE("{\"event\":\"made\",\"smallest\":1"),
        NONE("{\"event\":\"made\",\"smallest\":"),
        NONE("{\"event\":\"made\",\"smallest\":\""),
        NONE("{\"event\":\"made\",\"smallest\":\"k"),
        NONE("{\"event\":\"made\",\"smallest\":\"\\\""),
        NONE("{\"event\":\"made\",\"smallest\":\"\\n\""),
        NONE("{\"event\":\"made\",\"smallest\":\"\\u0100\""),
        NONE("{\"event\":\"made\",\"smallest\":\"\\u00\""),
        NONE("{\"event\":\"made\",\"smallest\":\"\\u001\""),
        NONE("{\"event\":\"made\",\"smallest\":\"\\u00g0\""),
        NONE("{\"event\":\"made\",\"smallest\":\"\\u000g\""),
        NONE("{\"event\":\"made\",\"smallest\":\"\\u00A0\""),
        NONE("{\"event\":\"made\",\"largest\":\"\\u0000"),
        NONE("{\"event\":\"made\",\"largest\":\"\\u00\0000\""),
    };
    struct strata_buffer keys = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct strata_event event;
        if (decode(bodies[i].bytes, bodies[i].size, &event, &keys) != STRATA_NOT_FOUND)
            fail_msg("taken: %s", bodies[i].bytes);
        assert_int_equal(event.type, STRATA_EVENT_UNREADABLE);
        assert_string_equal(event.name, "unreadable");
        assert_true(event.ns == 0 && event.smallest.size == 0 && event.largest.size == 0);
    }
    strata_buffer_free(&keys);
}

static void line_of_a_later_version_is_read(void **state)
{
    static const char body[] = "{\"event\":\"made\",\"colour\":7,\"ns\":9223372036854775807,"
                               "\"table\":09,\"smallest\":\"a\\u0000z\",\"largest\":\"\\u00ff\"";
    struct strata_buffer keys = {0};
    struct strata_event event;

    (void)state;
    assert_int_equal(decode(body, sizeof body - 1, &event, &keys), 0);
    assert_int_equal(event.type, STRATA_EVENT_MADE);
    assert_true(event.ns == UINT64_MAX / 2 && event.table == 9 && event.bytes == 0);
    assert_bytes(event.smallest, strata_bytes("a\0z", 3));
    assert_bytes(event.largest, strata_bytes("\xff", 1));
    assert_int_equal(decode("{\"event\":\"seal\"", 15, &event, &keys), 0);
    assert_int_equal(event.type, STRATA_EVENT_SEAL);
    strata_buffer_free(&keys);
}

/* Empty ones are none; the last may have no end. */
static void lines_are_cut_where_they_end(void **state)
{
    struct strata_slice rest = strata_string("\n\none\n\ntwo\nthree"), line;

    (void)state;
    assert_true(events_next_line(&rest, &line));
    assert_bytes(line, strata_string("one"));
    assert_true(events_next_line(&rest, &line));
    assert_bytes(line, strata_string("two"));
    assert_true(events_next_line(&rest, &line));
    assert_bytes(line, strata_string("three"));
    assert_false(events_next_line(&rest, &line));
    rest = strata_string("\n");
    assert_false(events_next_line(&rest, &line));
}

static void line_without_memory_is_none(void **state)
{
    struct strata_event event = {.type = STRATA_EVENT_MADE, .smallest = strata_string("k")};
    struct strata_buffer line = {0}, keys = {0};

    (void)state;
    events_encode(&event, &line);
    allocations.at = 1;
    allocations.on = true;
    assert_int_equal(events_decode(strata_bytes(line.data, line.size - 1), &event, &keys),
                     STRATA_ERR_NO_MEMORY);
    allocations.on = false;
    assert_int_equal(event.type, STRATA_EVENT_UNREADABLE);
    assert_int_equal(events_decode(strata_bytes(line.data, line.size - 1), &event, &keys), 0);
    strata_buffer_free(&line);
    line = (struct strata_buffer){0};
    allocations.at = 1;
    allocations.on = true;
    events_encode(&event, &line); /* the buffer tells */
    allocations.on = false;
    assert_true(line.out_of_memory);
    strata_buffer_free(&line);
    strata_buffer_free(&keys);
}

/* The room for both is made at once: a second allocation would move the first key's bytes. */
static void line_keys_stay_where_they_are(void **state)
{
    static const char long_key[] = "forty-eight bytes of a key, told as they are ...";
    struct strata_event event = {.type = STRATA_EVENT_MADE,
                                 .smallest = strata_string(long_key),
                                 .largest = strata_string(long_key)};
    struct strata_buffer line = {0}, keys = {0};

    (void)state;
    events_encode(&event, &line);
    allocations.at = 2;
    allocations.on = true;
    assert_int_equal(events_decode(strata_bytes(line.data, line.size - 1), &event, &keys), 0);
    allocations.on = false;
    allocations.at = 0;
    assert_bytes(event.smallest, strata_string(long_key));
    assert_bytes(event.largest, strata_string(long_key));
    strata_buffer_free(&line);
    strata_buffer_free(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_that_cannot_be_is_no_event),
        cmocka_unit_test(line_of_a_later_version_is_read),
        cmocka_unit_test(lines_are_cut_where_they_end),
        cmocka_unit_test(line_without_memory_is_none),
        cmocka_unit_test(line_keys_stay_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
