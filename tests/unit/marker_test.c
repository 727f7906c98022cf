/* marker_test.c: the 32 bytes that make a directory a database: every field kept, every flipped bit
 * and every other length told, with the offset. */
#include "test.h"

#include "base/checksum.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"
#include "db/marker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 32
#define PATH "/db/" MARKER_NAME

static int setup(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    if (!fs || fs_sim_put_directory(fs, "/db") != 0)
        return -1;
    *state = fs;
    return 0;
}

static int teardown(void **state)
{
    struct strata_fs *fs = *state;
    size_t open = fs_sim_open_files(fs);
    fs_free(fs);
    return open ? -1 : 0;
}

static const struct marker sample = {3, 7, MARKER_READY};

static void write_sample(struct strata_fs *fs, uint8_t bytes[BYTES])
{
    struct strata_buffer raw = {0};
    struct strata_error err;
    assert_ok(marker_write(fs, "/db", &sample, true, &err), &err);
    assert_int_equal(fs_sim_get(fs, PATH, &raw), 0);
    assert_int_equal(raw.size, BYTES);
    memcpy(bytes, raw.data, BYTES);
    strata_buffer_free(&raw);
}

/* A marker of these bytes must be refused there. */
static void expect_bad(struct strata_fs *fs, const uint8_t *bytes, size_t size, uint64_t offset,
                       const char *words)
{
    struct strata_error err;
    struct marker marker;
    assert_int_equal(fs_sim_put(fs, PATH, strata_bytes(bytes, size)), 0);
    assert_code(marker_read(fs, "/db", &marker, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_offset(&err, offset);
    assert_err_says(&err, words);
}

static void set_check(uint8_t bytes[BYTES])
{
    put_u32(bytes + 28, checksum(checksum_seed(0, 0), strata_bytes(bytes, 28)));
}

static void marker_bytes_are_as_drawn(void **state)
{
    static const uint8_t front[28] = {'S', 'T', 'R', 'A', 'T', 'A', 'D', 'B', 1, 0, 3, 0, 7, 0, 2};
    uint8_t bytes[BYTES], check[4];

    write_sample(*state, bytes);
    assert_memory_equal(bytes, front, 28);
    put_u32(check, checksum(checksum_seed(0, 0), strata_bytes(front, 28)));
    assert_memory_equal(bytes + 28, check, 4);
}

static void marker_every_field_round_trips(void **state)
{
    static const struct marker markers[] = {{1, 1, MARKER_CREATING},
                                            {14, 2, MARKER_READY},
                                            {2, 300, MARKER_FILLING},
                                            {65535, 65535, MARKER_READY},
                                            {0, 0, MARKER_CREATING}};
    struct strata_error err;

    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++)
        for (int durable = 0; durable < 2; durable++) {
            struct marker got = {99, 99, (enum marker_state)99};
            assert_ok(marker_write(*state, "/db", &markers[i], durable, &err), &err);
            assert_ok(marker_read(*state, "/db", &got, &err), &err);
            assert_int_equal(got.stage, markers[i].stage);
            assert_int_equal(got.format, markers[i].format);
            assert_int_equal(got.state, markers[i].state);
        }
}

static void marker_missing_is_not_found(void **state)
{
    struct marker marker;
    struct strata_error err;
    assert_code(marker_read(*state, "/db", &marker, &err), STRATA_NOT_FOUND, &err);
    assert_code(marker_read(*state, "/nowhere", &marker, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(marker_read(*state, "/db", &marker, NULL), STRATA_NOT_FOUND);
}

static void marker_every_flipped_bit_is_told(void **state)
{
    uint8_t bytes[BYTES];

    write_sample(*state, bytes);
    for (unsigned bit = 0; bit < 8 * BYTES; bit++) {
        bool magic = bit < 64;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_bad(*state, bytes, BYTES, magic ? 0 : 28, magic ? "STRATADB" : "marker check");
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void marker_of_every_other_length_is_told(void **state)
{
    uint8_t bytes[BYTES + 10] = {0};

    write_sample(*state, bytes);
    for (size_t size = 0; size <= BYTES + 10; size++)
        if (size < 8)
            expect_bad(*state, bytes, size, 0, "not a Strata marker");
        else if (size < BYTES)
            expect_bad(*state, bytes, size, size, "bytes instead of 32");
        else if (size > BYTES)
            expect_bad(*state, bytes, size, BYTES, "goes on after 32 bytes");
}

/* What only a newer or a wrong writer can have written: the check holds. */
static void marker_fields_out_of_range_are_told(void **state)
{
    static const unsigned states[] = {0, 4, 255};
    uint8_t bytes[BYTES];

    write_sample(*state, bytes);
    bytes[8] = 2;
    set_check(bytes);
    expect_bad(*state, bytes, BYTES, 8, "marker version 2; this build reads version 1");
    bytes[8] = 1;
    bytes[9] = 1;
    set_check(bytes);
    expect_bad(*state, bytes, BYTES, 8, "marker version 257");
    bytes[9] = 0;
    for (size_t i = 0; i < 3; i++) {
        bytes[14] = (uint8_t)states[i];
        set_check(bytes);
        expect_bad(*state, bytes, BYTES, 14, "state");
    }
    bytes[14] = MARKER_READY;
    for (size_t at = 15; at < 28; at++) {
        bytes[at] = 1;
        set_check(bytes);
        expect_bad(*state, bytes, BYTES, at, "reserved");
        bytes[at] = 0;
    }
}

static void marker_that_cannot_be_read_is_told_by_the_system(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_READ};
    uint8_t bytes[BYTES];
    struct marker marker;
    struct strata_error err;

    write_sample(*state, bytes);
    fs_sim_fail(*state, &fault);
    assert_code(marker_read(*state, "/db", &marker, &err), STRATA_ERR_IO, &err);
    assert_err_file(&err, PATH);
    fs_sim_fail(*state, &fault);
    assert_int_equal(marker_read(*state, "/db", &marker, NULL), STRATA_ERR_IO);
}

/* ---- The annotated dump ----------------------------------------------------------------- */

/* The dump of a marker of these bytes; the caller frees it. */
static char *dump(struct strata_fs *fs, const uint8_t *bytes, size_t size, struct inspect *in)
{
    struct strata_error err;
    struct fs_file *file;
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);

    assert_non_null(to);
    assert_int_equal(fs_sim_put(fs, PATH, strata_bytes(bytes, size)), 0);
    assert_ok(fs_open(fs, PATH, FS_READ, &file, &err), &err);
    inspect_init(in, to);
    assert_ok(marker_format.inspect(file, in, &err), &err);
    assert_ok(fs_close(file, &err), &err);
    fclose(to);
    return text;
}

static void marker_dump_says_what_each_field_means(void **state)
{
    static const char *const meanings[] = {
        "magic",    "version", "3 wrote the directory", "7, of the stage's files", "ready",
        "reserved", "check",   "valid: 32 of 32 bytes"};
    uint8_t bytes[BYTES];
    struct inspect in;
    char *text;

    write_sample(*state, bytes);
    text = dump(*state, bytes, BYTES, &in);
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        assert_non_null(strstr(text, meanings[i]));
    assert_false(in.damaged);
    free(text);
}

static void marker_dump_names_the_damage(void **state)
{
    uint8_t bytes[BYTES + 1] = {0};
    struct inspect in;
    char *text;

    write_sample(*state, bytes);
    for (size_t size = 0; size <= BYTES + 1; size++) {
        text = dump(*state, bytes, size, &in);
        assert_true(in.damaged == (size != BYTES));
        assert_true((strstr(text, "DAMAGE") != NULL) == (size != BYTES));
        free(text);
    }
    bytes[10] ^= 0x40;
    text = dump(*state, bytes, BYTES, &in);
    assert_true(in.damaged);
    assert_non_null(strstr(text, "DAMAGE @28: marker check"));
    assert_non_null(strstr(text, "valid: 0 of 32 bytes"));
    free(text);
}

static void marker_dump_that_cannot_read_says_so(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_READ};
    uint8_t bytes[BYTES];
    struct inspect in;
    struct strata_error err;
    struct fs_file *file;

    write_sample(*state, bytes);
    assert_ok(fs_open(*state, PATH, FS_READ, &file, &err), &err);
    inspect_init(&in, stdout);
    in.quiet = true;
    fs_sim_fail(*state, &fault);
    assert_code(marker_format.inspect(file, &in, &err), STRATA_ERR_IO, &err);
    assert_err_file(&err, PATH);
    assert_false(in.damaged); /* that is not known */
    assert_ok(fs_close(file, &err), &err);
}

static void marker_dump_names_every_state(void **state)
{
    static const struct {
        uint8_t value;
        const char *words;
    } states[] = {{1, "creating"}, {2, "ready"}, {3, "filling"}, {9, "no such state"}};
    uint8_t bytes[BYTES];
    struct inspect in;

    write_sample(*state, bytes);
    for (size_t i = 0; i < 4; i++) {
        char *text;
        bytes[14] = states[i].value;
        set_check(bytes);
        text = dump(*state, bytes, BYTES, &in);
        assert_non_null(strstr(text, states[i].words));
        assert_true(in.damaged == (states[i].value == 9));
        free(text);
    }
}

#define marker_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        marker_test(marker_bytes_are_as_drawn),
        marker_test(marker_every_field_round_trips),
        marker_test(marker_missing_is_not_found),
        marker_test(marker_every_flipped_bit_is_told),
        marker_test(marker_of_every_other_length_is_told),
        marker_test(marker_fields_out_of_range_are_told),
        marker_test(marker_that_cannot_be_read_is_told_by_the_system),
        marker_test(marker_dump_says_what_each_field_means),
        marker_test(marker_dump_names_the_damage),
        marker_test(marker_dump_that_cannot_read_says_so),
        marker_test(marker_dump_names_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
