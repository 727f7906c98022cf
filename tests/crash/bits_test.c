/* bits_test.c: a database is written, and then damaged: every bit of every file flipped, every file
 * cut at every byte, taken away, every sector zeroed, exchanged or put back in time, every record
 * exchanged: see bits_loop.h. Each time it is asked everything, and may answer with an error that
 * says where, or rightly; of a log cut short it may know less. */
#include "test.h"

#include "bits_loop.h"
#include "inspect/inspect.h"
#include "rng.h"
#include "crash/subject.h"
#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Counting -------------------------------------------------------------------------- */

static void print_row(const struct specimen *s, const struct part *part, const char *what,
                      const struct bits_row *row)
{
    if (row->tried == 0)
        return;
    printf("# stage %u, %-8s %-17s %6zu bytes, %-17s %6" PRIu64 " tried:", subject_info()->stage,
           bits_end_name(s->end), part->name, part->bytes.size, what, row->tried);
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %6" PRIu64 " %s", row->outcomes[i], outcome_name((enum outcome)i));
    printf("\n");
    fflush(stdout);
}

/* Every bit; where time is dear one in so many, and still each of the eight of a byte. */
static unsigned bit_step(void)
{
    return check_sanitized() ? 15 : check_quick() ? 7 : 1;
}

/* How much there is to try at least: what the script writes is packed from stage 5 on, and the log,
 * which is not, is gone after a clean close. */
static uint64_t least(uint64_t usual, uint64_t packed)
{
    return subject_info()->stage < 5 ? usual : packed;
}

/* All of one kind, to all files; returns how many in all. */
static uint64_t run_kind(const struct specimen *s, enum bits_kind kind, unsigned step)
{
    struct bits_loop loop = {.step = step};

    for (size_t i = 0; i < s->count; i++) {
        struct part *part = &s->parts[i];
        struct bits_row row;
        bits_run(&loop, s, part, kind, &row);
        print_row(s, part, bits_kind_name(kind), &row);
        if (row.bad)
            fail_msg("%s", loop.what);
        if (kind == BITS_FLIPPED && s->end == SPECIMEN_CLOSED && bits_is_needed(part))
            assert_int_equal(row.outcomes[OUTCOME_DETECTED], row.tried);
        if (kind == BITS_WHILE_OPEN && bits_is_log(part)) /* the others are read at open alone */
            assert_enough(row.outcomes[OUTCOME_DETECTED], 1);
    }
    assert_int_equal(loop.totals.outcomes[OUTCOME_WRONG], 0);
    return loop.totals.tried;
}

static uint64_t all_bytes(const struct specimen *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->count; i++)
        bytes += s->parts[i].bytes.size;
    return bytes;
}

/* ---- What there is --------------------------------------------------------------------- */

/* Words of the annotated dumps, and the stages whose files must show them. */
static const struct {
    const char *word;
    unsigned first, last;
} types[] = {
    {"  put", 1, 3},
    {"  delete", 1, 3},
    {"seal: ", 2, 3},
    {"put with a hash collision", 2, 3},
    {"delete with a hash collision", 2, 3},
    {"frame: ", 3, 3},
    {"block 0", 5, 5},
    {"filter", 5, 5},
};

static char *dumps_of(const struct specimen *s)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    assert_non_null(to);
    for (size_t i = 0; i < s->count; i++) {
        struct strata_error err;
        struct fs_file *file;
        struct inspect in;
        inspect_init(&in, to);
        assert_ok(fs_open(s->fs, s->parts[i].path, FS_READ, &file, &err), &err);
        assert_ok(s->parts[i].format->inspect(file, &in, &err), &err);
        assert_ok(fs_close(file, &err), &err);
    }
    fclose(to);
    return text;
}

static void bits_specimen_has_every_type_of_record(void **state)
{
    char *text;
    unsigned stage = subject_info()->stage;

    if (subject_engine()) {
        check_skipping("the records of our own formats");
        skip();
    }
    text = dumps_of(*state);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (stage >= types[i].first && stage <= types[i].last && !strstr(text, types[i].word))
            fail_msg("no record says \"%s\"", types[i].word);
    free(text);
}

/* ---- Bits ------------------------------------------------------------------------------ */

static void bits_flipped_one_by_one_are_detected_where_they_are(void **state)
{
    uint64_t total = run_kind(*state, BITS_FLIPPED, bit_step());
    assert_true(total >= 8 * all_bytes(*state) / bit_step());
    assert_enough(total, 8 * least(2500, 1100) / bit_step());
}

/* Some bits of a file whose largest record is read in pieces: all of the first 40 bytes of each
 * record, and others at random. */
static void bits_flipped_in_a_large_value_are_detected_where_they_are(void **state)
{
    struct script script = {0};
    struct bits_loop loop = {0};
    struct specimen s;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "bits, large value");
    assert_string_equal(script_builtin(3, &script), "large");
    specimen_init(&s, &script, SPECIMEN_CLOSED);
    for (size_t i = 0; i < s.count; i++) {
        struct part *part = &s.parts[i];
        struct bits_row row = {0};
        if (part->bytes.size < 100000)
            continue;
        for (size_t at = 0; at < part->bytes.size; at++)
            if (rng_below(&rng, part->bytes.size / 200) == 0)
                bits_flip(&loop, &s, part, 8 * at + at % 8, &row);
        for (size_t j = 0; j < part->section_count; j++)
            for (size_t bit = 0; bit < 40 * 8; bit += 7)
                if (part->sections[j] + bit / 8 < part->bytes.size)
                    bits_flip(&loop, &s, part, 8 * (size_t)part->sections[j] + bit, &row);
        print_row(&s, part, "bits, some", &row);
        if (row.bad)
            fail_msg("%s", loop.what);
        if (strstr(part->name,
                   ".values")) { /* values that were overwritten stay in it: verify warns */
            assert_int_equal(row.outcomes[OUTCOME_DETECTED] + row.outcomes[OUTCOME_HARMLESS],
                             row.tried);
            continue;
        }
        assert_enough(row.outcomes[OUTCOME_DETECTED], 200);
        assert_int_equal(row.outcomes[OUTCOME_DETECTED], row.tried);
    }
    specimen_free(&s);
    script_free(&script);
}

static void bits_flipped_while_it_is_open_are_never_served(void **state)
{
    unsigned step = 7 * bit_step();
    assert_true(run_kind(*state, BITS_WHILE_OPEN, step) >= 8 * all_bytes(*state) / step);
}

/* ---- Cuts, whole files, sectors, records ----------------------------------------------- */

static void bits_cut_at_every_byte_leave_a_prefix_or_an_error(void **state)
{
    assert_int_equal(run_kind(*state, BITS_CUT, 1), all_bytes(*state));
}

static void bits_missing_file_is_detected(void **state)
{
    assert_true(run_kind(*state, BITS_REMOVED, 1) >= 2); /* the marker, and data */
}

static void bits_file_of_an_earlier_time_is_detected(void **state)
{
    assert_enough(run_kind(*state, BITS_OLD_FILE, 1), least(10, 2));
}

static void bits_bytes_behind_the_end_change_no_answer(void **state)
{
    assert_enough(run_kind(*state, BITS_APPENDED, 1), 20);
}

static void bits_sector_zeroed_is_detected(void **state)
{
    assert_true(run_kind(*state, BITS_ZEROED, 1) >= all_bytes(*state) / 512);
}

static void bits_sector_in_the_wrong_place_is_detected(void **state)
{
    uint64_t copied = run_kind(*state, BITS_COPIED, 1);
    assert_enough(copied, least(8, 0));
    assert_int_equal(run_kind(*state, BITS_SWAPPED, 1), copied / 2);
}

/* A write that the device took and never made: the sector is as it was after an earlier step of
 * the script, zeros where there was nothing yet. */
static void bits_sector_of_an_earlier_time_is_detected(void **state)
{
    assert_enough(run_kind(*state, BITS_OLD_SECTOR, 1), least(30, 8));
}

static void bits_record_in_the_wrong_place_is_detected(void **state)
{
    assert_enough(run_kind(*state, BITS_RECORDS, 1), least(30, 6));
}

/* ---- Without a clean close ------------------------------------------------------------- */

static void run_all_kinds(enum specimen_end end)
{
    struct script script = {0};
    struct specimen s;

    work_records(&script);
    specimen_init(&s, &script, end);
    for (int kind = 0; kind < BITS_KINDS; kind++)
        if (kind != BITS_WHILE_OPEN) /* opening changes the files */
            assert_enough(run_kind(&s, (enum bits_kind)kind, 29 * bit_step()), 1);
    specimen_free(&s);
    script_free(&script);
}

static void bits_of_a_killed_database_lose_nothing_recorded_as_synced(void **state)
{
    (void)state;
    run_all_kinds(SPECIMEN_KILLED);
}

static void bits_of_an_unsynced_database_leave_a_prefix_from_its_sync_on(void **state)
{
    (void)state;
    if (!subject_promises(STRATA_PROMISE_POWER_CUT)) {
        check_skipping("the stage does not sync");
        skip();
    }
    run_all_kinds(SPECIMEN_UNSYNCED);
}

/* ---------------------------------------------------------------------------------------- */

static struct script script;

static int set_up(void **state)
{
    static struct specimen specimen;
    work_records(&script);
    specimen_init(&specimen, &script, SPECIMEN_CLOSED);
    *state = &specimen;
    return 0;
}

static int tear_down(void **state)
{
    specimen_free(*state);
    script_free(&script);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_specimen_has_every_type_of_record),
        cmocka_unit_test(bits_flipped_one_by_one_are_detected_where_they_are),
        cmocka_unit_test(bits_flipped_in_a_large_value_are_detected_where_they_are),
        cmocka_unit_test(bits_flipped_while_it_is_open_are_never_served),
        cmocka_unit_test(bits_cut_at_every_byte_leave_a_prefix_or_an_error),
        cmocka_unit_test(bits_missing_file_is_detected),
        cmocka_unit_test(bits_file_of_an_earlier_time_is_detected),
        cmocka_unit_test(bits_bytes_behind_the_end_change_no_answer),
        cmocka_unit_test(bits_sector_zeroed_is_detected),
        cmocka_unit_test(bits_sector_in_the_wrong_place_is_detected),
        cmocka_unit_test(bits_sector_of_an_earlier_time_is_detected),
        cmocka_unit_test(bits_record_in_the_wrong_place_is_detected),
        cmocka_unit_test(bits_of_a_killed_database_lose_nothing_recorded_as_synced),
        cmocka_unit_test(bits_of_an_unsynced_database_leave_a_prefix_from_its_sync_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
