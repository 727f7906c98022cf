/* 01_append_log_torn_test.c: what stage 1 does with the end of its log at open: a torn record is
 * dropped and told, a damaged one is an error; and how the annotated dump shows both. */
#include "test.h"

#include "01_append_log/record.h"
#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"
#include "place.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG "db/000001.log"
#define LAST 27 /* bytes of a put of two times five */

struct told {
    int count;
    enum strata_log_level level;
    char text[600];
};

static void keep(void *arg, enum strata_log_level level, const char *message)
{
    struct told *told = arg;
    told->count++;
    told->level = level;
    snprintf(told->text, sizeof told->text, "%s", message);
}

static int open_told(struct place *place, bool read_only, struct told *told, struct strata **db,
                     struct strata_error *err)
{
    struct strata_options options;
    *told = (struct told){0};
    subject_options(&options, place->fs, false);
    options.read_only = read_only;
    options.log = keep;
    options.log_arg = told;
    return strata_open(place->dir, &options, db, err);
}

/* A database of two puts, closed; its log's bytes. */
static struct strata_buffer two_puts(struct place *place)
{
    struct strata *db = place_open(place, true);
    assert_put(db, "first", "value");
    assert_put(db, "lasts", "value");
    place_close(db);
    return place_read(place, LOG);
}

static size_t log_size(struct place *place)
{
    struct strata_buffer bytes = place_read(place, LOG);
    size_t size = bytes.size;
    strata_buffer_free(&bytes);
    return size;
}

static void torn_record_of_every_length_is_dropped_and_logged(void **state)
{
    struct place *place = *state;
    struct strata_buffer bytes = two_puts(place);
    size_t whole = bytes.size - LAST;

    for (size_t left = 1; left < LAST; left++) {
        struct told told;
        struct strata_error err;
        struct strata *db;
        char words[80];
        place_write(place, LOG, strata_bytes(bytes.data, whole + left));
        assert_ok(open_told(place, false, &told, &db, &err), &err);
        assert_int_equal(told.count, 1);
        assert_int_equal(told.level, STRATA_LOG_WARNING);
        snprintf(words, sizeof words, "000001.log @%zu: dropped a torn record of %zu bytes", whole,
                 left);
        assert_says(told.text, words);
        assert_int_equal(log_size(place), whole);
        assert_get(db, "first", "value");
        assert_get(db, "lasts", NULL);
        assert_put(db, "later", "value"); /* in its place */
        place_close(db);
        assert_int_equal(log_size(place), bytes.size);
        assert_ok(open_told(place, false, &told, &db, &err), &err);
        assert_int_equal(told.count, 0); /* all is well again */
        assert_get(db, "later", "value");
        place_close(db);
    }
    strata_buffer_free(&bytes);
}

static void torn_record_is_left_alone_by_a_reader(void **state)
{
    struct place *place = *state;
    struct strata_buffer bytes = two_puts(place);

    for (size_t left = 1; left < LAST; left++) {
        struct strata_slice torn = strata_bytes(bytes.data, bytes.size - LAST + left);
        struct strata_buffer after;
        struct told told;
        struct strata_error err;
        struct strata *db;
        place_write(place, LOG, torn);
        assert_ok(open_told(place, true, &told, &db, &err), &err);
        assert_int_equal(told.count, 1);
        assert_says(told.text, ": ignored a torn record of ");
        assert_get(db, "first", "value");
        assert_get(db, "lasts", NULL);
        assert_ok(strata_verify(db, NULL, &err), &err);
        place_close(db);
        after = place_read(place, LOG);
        assert_bytes(strata_buffer_slice(&after), torn);
        strata_buffer_free(&after);
    }
    strata_buffer_free(&bytes);
}

/* The record before the last cannot be torn: what follows it was written later. */
static void torn_looking_record_in_the_middle_is_damage(void **state)
{
    struct place *place = *state;
    struct strata_buffer bytes = two_puts(place), after;
    struct told told;
    struct strata_error err;
    struct strata *db;

    bytes.data[RECORD_FILE_HEADER + 10] = 0x7f; /* its length would go beyond the file */
    place_write(place, LOG, strata_buffer_slice(&bytes));
    for (int read_only = 0; read_only < 2; read_only++) {
        assert_code(open_told(place, read_only, &told, &db, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_offset(&err, RECORD_FILE_HEADER);
        assert_err_says(&err, "000001.log");
        assert_int_equal(told.count, 0);
    }
    after = place_read(place, LOG);
    assert_bytes(strata_buffer_slice(&after), strata_buffer_slice(&bytes)); /* nothing dropped */
    strata_buffer_free(&after);
    strata_buffer_free(&bytes);
}

static void torn_tail_is_no_part_of_the_figures(void **state)
{
    struct place *place = *state;
    struct strata_buffer bytes = two_puts(place);
    struct told told;
    struct strata_error err;
    struct strata *db;

    place_write(place, LOG, strata_bytes(bytes.data, bytes.size - 1));
    assert_ok(open_told(place, true, &told, &db, &err), &err);
    assert_int_equal(check_stat(db, "log_records"), 1);
    assert_int_equal(check_stat(db, "log_bytes"), bytes.size - LAST);
    place_close(db);
    strata_buffer_free(&bytes);
}

/* ---- The annotated dump ----------------------------------------------------------------- */

static char *dump(struct place *place, struct inspect *in)
{
    struct strata_error err;
    struct fs_file *file;
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    assert_non_null(to);
    assert_ok(fs_open(place->fs, "/place/" LOG, FS_READ, &file, &err), &err);
    inspect_init(in, to);
    assert_ok(record_format.inspect(file, in, &err), &err);
    assert_ok(fs_close(file, &err), &err);
    fclose(to);
    return text;
}

static void expect_words(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(text, *words))
            fail_msg("the dump does not say \"%s\":\n%s", *words, text);
}

static void torn_dump_shows_every_field_of_a_sound_log(void **state)
{
    static const char *const words[] = {"append log: file header @0",
                                        "magic",
                                        "1, seeds every check",
                                        "record 1 @24",
                                        "record 2 @51",
                                        "head_check",
                                        "the key's bytes: 5",
                                        "the value's bytes: 5",
                                        "body_check",
                                        "\"first\"",
                                        "\"lasts\"",
                                        "valid: 78 of 78 bytes",
                                        NULL};
    struct place *place = *state;
    struct strata_buffer bytes = two_puts(place);
    struct inspect in;
    char *text = dump(place, &in);

    expect_words(text, words);
    assert_false(in.damaged || in.torn);
    assert_null(strstr(text, "DAMAGE"));
    free(text);
    strata_buffer_free(&bytes);
}

/* The dump agrees with the engine at every length: sound, torn, or damaged within the header. */
static void torn_dump_of_every_length_agrees_with_open(void **state)
{
    struct place *place = *state;
    struct strata_buffer bytes = two_puts(place);

    for (size_t size = 0; size <= bytes.size; size++) {
        bool boundary = size == 24 || size == 51 || size == 78;
        struct inspect in;
        char valid[60], *text;
        place_write(place, LOG, strata_bytes(bytes.data, size));
        text = dump(place, &in);
        assert_true(in.damaged == (size < 24));
        assert_true(in.torn == (size > 24 && !boundary));
        snprintf(valid, sizeof valid, "valid: %d of %zu bytes",
                 size < 24   ? 0
                 : size < 51 ? 24
                 : size < 78 ? 51
                             : 78,
                 size);
        assert_says(text, valid);
        free(text);
    }
    strata_buffer_free(&bytes);
}

/* Each read fails once: an error that names the file, whatever was printed before it. */
static void torn_dump_that_cannot_read_says_so(void **state)
{
    struct place *place = *state;
    struct strata_buffer bytes = two_puts(place);
    uint64_t at;
    bool clean = false;

    for (at = 1; !clean; at++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at, .calls = 1u << FS_CALL_READ};
        FILE *to = tmpfile();
        struct strata_error err = {0};
        struct fs_file *file;
        struct inspect in;
        int rc;
        assert_non_null(to);
        assert_ok(fs_open(place->fs, "/place/" LOG, FS_READ, &file, &err), &err);
        inspect_init(&in, to);
        fs_sim_fail(place->fs, &fault);
        rc = record_format.inspect(file, &in, at % 2 ? &err : NULL);
        clean = fs_sim_failed(place->fs) == 0;
        fs_sim_fail(place->fs, NULL);
        assert_int_equal(rc, clean ? 0 : STRATA_ERR_IO);
        assert_true(clean || at % 2 == 0 || (err.sys == EIO && strstr(err.file, LOG)));
        assert_false(in.damaged);
        assert_ok(fs_close(file, &err), &err);
        fclose(to);
    }
    assert_true(at > 9);
    strata_buffer_free(&bytes);
}

static void torn_dump_names_the_place_of_every_flipped_bit(void **state)
{
    struct place *place = *state;
    struct strata_buffer bytes = two_puts(place);

    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        size_t byte = bit / 8, record = byte < 51 ? 24 : 51;
        struct inspect in;
        char words[40], *text;
        bytes.data[byte] ^= (uint8_t)(1u << bit % 8);
        place_write(place, LOG, strata_buffer_slice(&bytes));
        text = dump(place, &in);
        snprintf(words, sizeof words, "DAMAGE @%zu:",
                 byte < 8                      ? 0
                 : byte < 24                   ? 20
                 : byte < record + RECORD_HEAD ? record
                                               : record + RECORD_HEAD);
        assert_true(in.damaged);
        assert_says(text, words);
        free(text);
        bytes.data[byte] ^= (uint8_t)(1u << bit % 8);
    }
    strata_buffer_free(&bytes);
}

#define torn_test(f) cmocka_unit_test_setup_teardown(f, place_setup_sim, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        torn_test(torn_record_of_every_length_is_dropped_and_logged),
        torn_test(torn_record_is_left_alone_by_a_reader),
        torn_test(torn_looking_record_in_the_middle_is_damage),
        torn_test(torn_tail_is_no_part_of_the_figures),
        torn_test(torn_dump_shows_every_field_of_a_sound_log),
        torn_test(torn_dump_of_every_length_agrees_with_open),
        torn_test(torn_dump_that_cannot_read_says_so),
        torn_test(torn_dump_names_the_place_of_every_flipped_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
