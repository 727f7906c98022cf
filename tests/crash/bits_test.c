/* bits_test.c: a database written and closed cleanly, and then damaged: every bit of every file
 * flipped, every file cut at every byte, taken away, every sector zeroed, exchanged or put back
 * in time, every record exchanged. Each time it is asked everything (tests/support/judge.h), and
 * may answer with an error that says where, or rightly; of a log cut short it may know less. */
#include "test.h"

#include "judge.h"
#include "marker.h"
#include "rng.h"
#include "specimen.h"
#include "subject.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR ((size_t)512)

/* Every type of record; and a file of several sectors, with records of one size. */
static void fill_script(struct script *script)
{
    char key[16], value[300];

    script_builtin(1, script);
    for (int i = 0; i < 12; i++) {
        snprintf(key, sizeof key, "key %02d", i);
        snprintf(value, sizeof value, "%02d %0*d", i, i < 6 ? 250 : 100, i * 12345);
        script_put(script, key, value);
    }
    script_delete(script, "key 03");
    script_delete(script, "key 07");
    script_put(script, "key 07", "again");
}

/* ---- Counting -------------------------------------------------------------------------- */

/* What came of one kind of damage to one file. */
struct tally {
    const char *what;
    uint64_t outcomes[OUTCOMES];
    uint64_t total;
};

static void print_tally(const struct part *part, const struct tally *tally)
{
    if (tally->total == 0)
        return;
    printf("# stage %u, %-12s %6zu bytes, %-18s %6" PRIu64 " tried:", subject_info()->stage,
           part->name, part->bytes.size, tally->what, tally->total);
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %6" PRIu64 " %s", tally->outcomes[i], outcome_name((enum outcome)i));
    printf("\n");
    fflush(stdout);
}

/* Asks a copy of the database in which `part` has these bytes. */
static void judge_bytes(const struct specimen *s, const struct part *part,
                        struct strata_slice bytes, struct tally *tally, struct judgement *j)
{
    struct strata_fs *copy = specimen_with(s, part, bytes);

    judge_dir(copy, SPECIMEN_DIR, &s->script->history, j);
    assert_int_equal(fs_sim_open_files(copy), 0);
    tally->outcomes[j->outcome]++;
    tally->total++;
    fs_free(copy);
}

/* cmocka's own assertions do not say which damage it was. */
static void refuse(const struct part *part, const char *damage, size_t at,
                   const struct judgement *j)
{
    fail_msg("%s, %s at %zu: %s, n %zu: %s", part->path, damage, at, outcome_name(j->outcome), j->n,
             j->outcome == OUTCOME_DETECTED ? j->answers.first_error.message
                                            : j->answers.first_wrong);
}

/* An error about the byte at `at` names the file and an offset that is not behind its record. */
static void check_place(const struct part *part, size_t at, const struct strata_error *err)
{
    if (err->code != STRATA_ERR_CORRUPT || strcmp(err->file, part->path) != 0 ||
        err->offset >= part_section_end(part, at))
        fail_msg("%s, byte %zu: the error does not say where: %s: %s @%" PRIu64 ": %s", part->path,
                 at, strata_code_name(err->code), err->file, err->offset, err->message);
}

/* ---- Bits ------------------------------------------------------------------------------ */

static void flip_and_judge(const struct specimen *s, struct part *part, size_t bit,
                           struct tally *tally)
{
    struct strata_slice bytes = strata_buffer_slice(&part->bytes);
    uint8_t *byte = &part->bytes.data[bit / 8], mask = (uint8_t)(1 << bit % 8);
    struct strata_fs *copy;
    struct judgement j;

    *byte ^= mask;
    judge_bytes(s, part, bytes, tally, &j);
    copy = specimen_with(s, part, bytes);
    if (j.outcome == OUTCOME_DETECTED && !part_is_damaged(part, copy))
        fail_msg("%s, bit %zu: the engine sees the damage, and inspect does not", part->path, bit);
    fs_free(copy);
    *byte ^= mask;
    if (j.outcome == OUTCOME_WRONG || j.outcome == OUTCOME_PREFIX)
        refuse(part, "bit flipped in byte", bit / 8, &j);
    if (j.outcome == OUTCOME_DETECTED)
        check_place(part, bit / 8, &j.answers.first_error);
}

/* Is less than all a right answer of this file, cut short? */
static bool is_log(const struct part *part)
{
    return fnmatch("*.log", part->name, 0) == 0;
}

/* A file that can be made anew from others (a hint file) may be damaged without harm; these
 * cannot be. */
static bool is_needed(const struct part *part)
{
    return is_log(part) || strcmp(part->name, MARKER_NAME) == 0;
}

/* Every bit; where time is dear one in so many, and still each of the eight of a byte. */
static size_t bit_step(void)
{
    return check_quick() ? 7 : 1;
}

static void bits_flipped_one_by_one_are_detected_where_they_are(void **state)
{
    struct specimen *s = *state;
    uint64_t total = 0;

    for (size_t i = 0; i < s->count; i++) {
        struct tally tally = {.what = "bits flipped"};
        for (size_t bit = 0; bit < 8 * s->parts[i].bytes.size; bit += bit_step())
            flip_and_judge(s, &s->parts[i], bit, &tally);
        print_tally(&s->parts[i], &tally);
        assert_int_equal(tally.total, (8 * s->parts[i].bytes.size + bit_step() - 1) / bit_step());
        if (is_needed(&s->parts[i]))
            assert_int_equal(tally.outcomes[OUTCOME_DETECTED], tally.total);
        total += tally.total;
    }
    assert_true(total >= 8 * 2500 / bit_step());
}

/* Some bits of a file whose largest record is read in pieces: all of the first 64 bytes of each
 * record, and others at random. */
static void bits_flipped_in_a_large_value_are_detected_where_they_are(void **state)
{
    struct script script = {0};
    struct specimen s;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "bits, large value");
    assert_string_equal(script_builtin(3, &script), "large");
    specimen_init(&s, &script);
    for (size_t i = 0; i < s.count; i++) {
        struct part *part = &s.parts[i];
        struct tally tally = {.what = "bits, some"};
        if (part->bytes.size < 100000)
            continue;
        for (size_t at = 0; at < part->bytes.size; at++)
            if (rng_below(&rng, part->bytes.size / 200) == 0)
                flip_and_judge(&s, part, 8 * at + at % 8, &tally);
        for (size_t j = 0; j < part->section_count; j++)
            for (size_t bit = 0; bit < 40 * 8; bit += 7)
                if (part->sections[j] + bit / 8 < part->bytes.size)
                    flip_and_judge(&s, part, 8 * (size_t)part->sections[j] + bit, &tally);
        print_tally(part, &tally);
        assert_true(tally.outcomes[OUTCOME_DETECTED] >= 200);
        assert_int_equal(tally.outcomes[OUTCOME_DETECTED], tally.total);
    }
    specimen_free(&s);
    script_free(&script);
}

/* ---- Bits under an open database ------------------------------------------------------- */

static void flip_in_place(struct strata_fs *fs, const struct part *part, size_t bit)
{
    uint8_t byte = (uint8_t)(part->bytes.data[bit / 8] ^ 1 << bit % 8);
    struct strata_error err;
    struct fs_file *file;
    assert_ok(fs_open(fs, part->path, FS_WRITE, &file, &err), &err);
    assert_ok(fs_write_at(file, bit / 8, &byte, 1, &err), &err);
    assert_ok(fs_close(file, &err), &err);
}

/* Rows of an iterator made before the damage: right, or an error. */
static void judge_old_iterator(struct strata_iter *iter, const struct model *model,
                               struct answers *answers)
{
    struct strata_slice value;
    struct strata_error err;
    size_t row = 0;
    int rc = strata_iter_first(iter, &err);

    for (; rc == 0 && row < model->count; row++) {
        const struct model_entry *want = &model->entries[row];
        answers->wrong += strata_compare(strata_iter_key(iter), want->key) != 0;
        rc = strata_iter_value(iter, &value, &err);
        if (rc == 0)
            answers->wrong += strata_compare(value, want->value) != 0;
        else
            judge_call(rc, &err, answers);
        rc = strata_iter_next(iter, &err);
    }
    if (rc < 0)
        judge_call(rc, &err, answers);
    else
        answers->wrong += rc == 0 || row != model->count;
}

static void flip_while_open(const struct specimen *s, const struct part *part, size_t bit,
                            const struct model *model, struct answers *answers)
{
    struct strata_fs *copy = fs_sim_copy(s->fs);
    struct answers verified = {0};
    struct strata_iter *iter;
    struct strata_error err;
    struct strata *db;

    assert_ok(subject_open(copy, SPECIMEN_DIR, false, &db, &err), &err);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    flip_in_place(copy, part, bit);
    judge_old_iterator(iter, model, answers);
    judge_all(db, &s->script->history, model, answers);
    judge_verify(db, &verified);
    strata_iter_free(iter);
    strata_close(db, NULL);
    assert_int_equal(fs_sim_open_files(copy), 0);
    fs_free(copy);
    if (answers->wrong)
        fail_msg("%s, bit %zu flipped while open: %s", part->path, bit, answers->first_wrong);
    if (answers->errors)
        check_place(part, bit / 8, &answers->first_error);
    if (is_log(part) && !verified.errors)
        fail_msg("%s, bit %zu flipped while open: verify does not see it", part->path, bit);
}

static void bits_flipped_while_it_is_open_are_never_served(void **state)
{
    struct specimen *s = *state;
    struct model model = {0};

    history_model(&s->script->history, s->script->history.count, &model);
    for (size_t i = 0; i < s->count; i++) {
        struct part *part = &s->parts[i];
        struct tally tally = {.what = "bits, while open"};
        for (size_t bit = 0; bit < 8 * part->bytes.size; bit += bit_step()) {
            struct answers answers = {0};
            flip_while_open(s, part, bit, &model, &answers);
            tally.outcomes[answers.errors ? OUTCOME_DETECTED : OUTCOME_HARMLESS]++;
            tally.total++;
        }
        print_tally(part, &tally);
        if (is_log(part)) /* the marker, and what helps at open, is read then, and never again */
            assert_true(tally.outcomes[OUTCOME_DETECTED] > 0);
    }
    model_free(&model);
}

/* ---- Cuts ------------------------------------------------------------------------------ */

static void bits_cut_at_every_byte_leave_a_prefix_or_an_error(void **state)
{
    struct specimen *s = *state;

    for (size_t i = 0; i < s->count; i++) {
        struct part *part = &s->parts[i];
        struct tally tally = {.what = "cut at each byte"};
        size_t before = 0; /* n of a shorter cut */
        for (size_t size = 0; size < part->bytes.size; size++) {
            struct judgement j;
            judge_bytes(s, part, strata_bytes(part->bytes.data, size), &tally, &j);
            if (j.outcome == OUTCOME_WRONG || (j.outcome == OUTCOME_PREFIX && !is_log(part)))
                refuse(part, "cut", size, &j);
            if (j.outcome == OUTCOME_PREFIX && j.n < before)
                refuse(part, "less than of a shorter file; cut", size, &j);
            before = j.outcome == OUTCOME_PREFIX ? j.n : before;
        }
        print_tally(part, &tally);
        assert_int_equal(tally.total, part->bytes.size);
    }
}

static void bits_missing_file_is_detected(void **state)
{
    struct specimen *s = *state;

    assert_true(s->count >= 2); /* the marker, and data */
    for (size_t i = 0; i < s->count; i++) {
        struct strata_fs *copy = fs_sim_copy(s->fs);
        struct strata_error err;
        struct judgement j;
        assert_ok(fs_remove(copy, s->parts[i].path, &err), &err);
        judge_dir(copy, SPECIMEN_DIR, &s->script->history, &j);
        fs_free(copy);
        if (j.outcome == OUTCOME_HARMLESS && !is_needed(&s->parts[i]))
            continue;
        /* the newest log file may be cut off whole, as its tail may: before the power cut is
         * promised nothing tells how far the log reached */
        if (j.outcome == OUTCOME_PREFIX && is_log(&s->parts[i]) &&
            !subject_promises(STRATA_PROMISE_POWER_CUT))
            continue;
        if (j.outcome != OUTCOME_DETECTED || j.answers.first_error.code != STRATA_ERR_CORRUPT)
            refuse(&s->parts[i], "removed", 0, &j);
    }
}

/* ---- Sectors --------------------------------------------------------------------------- */

/* Judges the file with these bytes, which are others than its own from `at` on, up to `end`. It
 * may be taken for a shorter one only when that is its tail. */
static void judge_changed(const struct specimen *s, const struct part *part,
                          const struct strata_buffer *bytes, size_t at, size_t end,
                          struct tally *tally)
{
    struct strata_slice slice = strata_buffer_slice(bytes);
    bool same = memcmp(bytes->data, part->bytes.data, bytes->size) == 0;
    struct judgement j;

    judge_bytes(s, part, slice, tally, &j);
    if (j.outcome == OUTCOME_WRONG || (same && j.outcome != OUTCOME_HARMLESS) ||
        (!same && j.outcome == OUTCOME_HARMLESS && is_needed(part)) ||
        (j.outcome == OUTCOME_PREFIX && (!is_log(part) || end < bytes->size)))
        refuse(part, tally->what, at, &j);
}

static void copy_bytes(struct strata_buffer *to, const struct part *part)
{
    strata_buffer_clear(to);
    assert_int_equal(strata_buffer_append(to, part->bytes.data, part->bytes.size), 0);
}

/* Puts other bytes at [at, at + size) of the file and judges. */
static void overwrite(const struct specimen *s, const struct part *part, size_t at,
                      const uint8_t *with, size_t size, struct tally *tally)
{
    struct strata_buffer bytes = {0};

    copy_bytes(&bytes, part);
    assert_true(size <= bytes.size && at <= bytes.size - size);
    memcpy(bytes.data + at, with, size);
    judge_changed(s, part, &bytes, at, at + size, tally);
    strata_buffer_free(&bytes);
}

static void swap(const struct specimen *s, const struct part *part, size_t a, size_t b, size_t size,
                 struct tally *tally)
{
    struct strata_buffer bytes = {0};

    copy_bytes(&bytes, part);
    memcpy(bytes.data + a, part->bytes.data + b, size);
    memcpy(bytes.data + b, part->bytes.data + a, size);
    judge_changed(s, part, &bytes, a, b + size, tally);
    strata_buffer_free(&bytes);
}

static size_t sector_size(const struct part *part, size_t at)
{
    size_t left = part->bytes.size - at;
    return left < SECTOR ? left : SECTOR;
}

static void bits_sector_zeroed_is_detected(void **state)
{
    static const uint8_t zeros[SECTOR];
    struct specimen *s = *state;

    for (size_t i = 0; i < s->count; i++) {
        struct part *part = &s->parts[i];
        struct tally tally = {.what = "sectors zeroed"};
        for (size_t at = 0; at < part->bytes.size; at += SECTOR)
            overwrite(s, part, at, zeros, sector_size(part, at), &tally);
        print_tally(part, &tally);
        assert_int_equal(tally.total, (part->bytes.size + SECTOR - 1) / SECTOR);
    }
}

static void bits_sector_in_the_wrong_place_is_detected(void **state)
{
    struct specimen *s = *state;
    uint64_t total = 0;

    for (size_t i = 0; i < s->count; i++) {
        struct part *part = &s->parts[i];
        struct tally copied = {.what = "sectors misplaced"}, swapped = {.what = "sectors swapped"};
        for (size_t a = 0; a + SECTOR <= part->bytes.size; a += SECTOR)
            for (size_t b = a + SECTOR; b + SECTOR <= part->bytes.size; b += SECTOR) {
                overwrite(s, part, a, part->bytes.data + b, SECTOR, &copied);
                overwrite(s, part, b, part->bytes.data + a, SECTOR, &copied);
                swap(s, part, a, b, SECTOR, &swapped);
            }
        print_tally(part, &copied);
        print_tally(part, &swapped);
        total += swapped.total;
    }
    assert_true(total >= 4);
}

/* A write that the device took and never made: the sector is as it was in the middle of the
 * script, zeros where there was nothing yet. */
static void bits_sector_of_an_earlier_time_is_detected(void **state)
{
    struct specimen *s = *state;
    uint64_t total = 0;

    for (size_t i = 0; i < s->count; i++) {
        struct part *part = &s->parts[i];
        struct tally tally = {.what = "sectors reverted"};
        for (size_t at = 0; at < part->bytes.size; at += SECTOR) {
            uint8_t sector[SECTOR] = {0};
            size_t size = sector_size(part, at), old = 0;
            if (at < part->older.size)
                old = part->older.size - at < size ? part->older.size - at : size;
            if (old)
                memcpy(sector, part->older.data + at, old);
            if (memcmp(sector, part->bytes.data + at, size) != 0)
                overwrite(s, part, at, sector, size, &tally);
        }
        print_tally(part, &tally);
        total += tally.total;
    }
    assert_true(total > 0);
}

/* ---- Records --------------------------------------------------------------------------- */

/* A whole record, valid as it is, in the place of another of the same size. */
static void bits_record_in_the_wrong_place_is_detected(void **state)
{
    struct specimen *s = *state;
    uint64_t total = 0;

    for (size_t i = 0; i < s->count; i++) {
        struct part *part = &s->parts[i];
        const uint64_t *at = part->sections;
        struct tally tally = {.what = "records misplaced"};
        for (size_t to = 0; to < part->section_count; to++)
            for (size_t from = 0; from < part->section_count; from++)
                if (from != to && at[from + 1] - at[from] == at[to + 1] - at[to])
                    overwrite(s, part, (size_t)at[to], part->bytes.data + at[from],
                              (size_t)(at[to + 1] - at[to]), &tally);
        print_tally(part, &tally);
        assert_int_equal(tally.outcomes[OUTCOME_PREFIX], 0);
        total += tally.total;
    }
    assert_true(total >= 30);
}

/* ---------------------------------------------------------------------------------------- */

static struct script script;

static int set_up(void **state)
{
    static struct specimen specimen;
    fill_script(&script);
    specimen_init(&specimen, &script);
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
        cmocka_unit_test(bits_flipped_one_by_one_are_detected_where_they_are),
        cmocka_unit_test(bits_flipped_in_a_large_value_are_detected_where_they_are),
        cmocka_unit_test(bits_flipped_while_it_is_open_are_never_served),
        cmocka_unit_test(bits_cut_at_every_byte_leave_a_prefix_or_an_error),
        cmocka_unit_test(bits_missing_file_is_detected),
        cmocka_unit_test(bits_sector_zeroed_is_detected),
        cmocka_unit_test(bits_sector_in_the_wrong_place_is_detected),
        cmocka_unit_test(bits_sector_of_an_earlier_time_is_detected),
        cmocka_unit_test(bits_record_in_the_wrong_place_is_detected),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
