/* 02_hash_index_forged_test.c: seals and hints whose own checks hold and that say what cannot be,
 * and calls that fail beside them. */
#include "test.h"

#include "02_hash_index/hint.h"
#include "02_hash_index/segment_inspect.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "keydir_bench.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR KEYDIR_BENCH_DIR
#define HINT DIR "/000001.hint"
#define ID ((uint64_t)1 << 32 | 1) /* of the first segment */

/* ---- A seal by itself ------------------------------------------------------------------ */

struct seal {
    struct strata_fs *fs;
    struct segment segment;
};

/* A segment's file of one put and what stands behind it: a record of `type` and more bytes. */
static void make_seal(struct seal *seal, unsigned type, size_t value_size, size_t more)
{
    uint8_t bytes[RECORD_HEAD + 64] = {0};
    struct strata_slice part;
    struct fs_file *file;

    *seal = (struct seal){.fs = fs_sim_new(), .segment = {.first = 1, .last = 1}};
    seal->segment.path = "log";
    assert_int_equal(fs_open(seal->fs, "log", FS_WRITE | FS_CREATE, &file, NULL), 0);
    assert_int_equal(record_start_kind(file, SEGMENT_MAGIC, ID, NULL), 0);
    record_head(ID, file->end, STRATA_OP_PUT, S(""), S(""), bytes);
    part = strata_bytes(bytes, RECORD_HEAD);
    assert_int_equal(fs_append(file, &part, 1, NULL), 0);
    record_head(ID, file->end, type, S(""), strata_bytes(bytes + RECORD_HEAD, value_size), bytes);
    part = strata_bytes(bytes, RECORD_HEAD + value_size + more);
    assert_int_equal(fs_append(file, &part, 1, NULL), 0);
    seal->segment.at.file = file;
    seal->segment.end = file->end;
}

static void free_seal(struct seal *seal)
{
    fs_close(seal->segment.at.file, NULL);
    fs_free(seal->fs);
}

static void seal_of_another_shape_is_none(void **state)
{
    static const struct {
        unsigned type;
        size_t value, more;
        bool sealed;
    } cases[] = {
        {SEGMENT_SEAL, 16, 0, true},
        {SEGMENT_SEAL, 8, 8, false},
        {SEGMENT_SEAL, 0, 16, false},
        {STRATA_OP_PUT, 16, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        struct strata_error err;
        struct seal seal;
        make_seal(&seal, cases[i].type, cases[i].value, cases[i].more);
        assert_ok(segment_look_for_seal(&seal.segment, SEGMENT_DELETE_COLLIDING, &err), &err);
        assert_int_equal(seal.segment.sealed, cases[i].sealed);
        free_seal(&seal);
    }
}

static void seal_with_another_value_is_damage(void **state)
{
    static const size_t sizes[] = {0, 15, 17, 24};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t at = RECORD_FILE_HEADER + RECORD_HEAD;
        struct strata_error err;
        struct record record;
        struct seal seal;
        make_seal(&seal, SEGMENT_SEAL, sizes[i], 0);
        assert_code(segment_read_seal(&seal.segment, at, SEGMENT_DELETE_COLLIDING, &record, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, "log");
        assert_err_offset(&err, at);
        free_seal(&seal);
    }
}

static void seal_that_cannot_be_read_is_an_error(void **state)
{
    const struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1};
    struct strata_error err;
    struct seal seal;

    (void)state;
    make_seal(&seal, SEGMENT_SEAL, 16, 0);
    fs_sim_fail(seal.fs, &fault);
    assert_code(segment_look_for_seal(&seal.segment, SEGMENT_DELETE_COLLIDING, &err), STRATA_ERR_IO,
                &err);
    fs_sim_fail(seal.fs, &fault);
    assert_int_equal(segment_look_for_seal(&seal.segment, SEGMENT_DELETE_COLLIDING, NULL),
                     STRATA_ERR_IO);
    assert_false(seal.segment.sealed);
    free_seal(&seal);
}

static void sum_that_differs_in_one_of_two_is_damage(void **state)
{
    const struct segment segment = {.path = "log", .sum = {3, 1000}};
    const struct segment_sum same = {3, 1000}, others[] = {{4, 1000}, {3, 1001}};
    struct strata_error err;

    (void)state;
    assert_ok(segment_check(&segment, &same, 77, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        assert_code(segment_check(&segment, &others[i], 77, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, "log");
    }
}

/* ---- Hints ----------------------------------------------------------------------------- */

/* Two closed segments and the open one, with their keydir. */
static void begin(struct keydir_bench *b)
{
    struct strata_error err;

    keydir_bench_begin(b);
    for (int i = 0; i < 2; i++) {
        uint64_t offset;
        struct segment *active = segments_active(&b->keydir.segments);
        assert_ok(segment_append(active, STRATA_OP_PUT, S("key"), S("value"), &offset, &err), &err);
        assert_ok(segment_seal(active, &err), &err);
        assert_ok(hint_write(&b->keydir.segments, active, &err), &err);
        assert_ok(segments_start(&b->keydir.segments, &err), &err);
    }
}

static struct segment *first(struct keydir_bench *b)
{
    return b->keydir.segments.list[0];
}

static void hint_of_records_that_do_not_add_up_is_not_written(void **state)
{
    struct strata_error err;
    struct keydir_bench b;

    (void)state;
    begin(&b);
    for (int i = 0; i < 2; i++) {
        struct segment_sum sum = first(&b)->sum;
        *(i ? &first(&b)->sum.digest : &first(&b)->sum.records) += 1;
        assert_code(hint_write(&b.keydir.segments, first(&b), &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, DIR "/000001.log");
        first(&b)->sum = sum;
    }
    keydir_bench_end(&b);
}

/* Computes a hint's check anew. */
static void repair(uint8_t *hint, size_t size)
{
    struct checksum c;
    checksum_begin(&c, checksum_seed(ID, 0));
    checksum_add(&c, strata_bytes(hint, 44));
    checksum_add(&c, strata_bytes(hint + 48, size - 48));
    put_u32(hint + 44, checksum_end(&c));
}

/* Each byte of the header is another one, the check holds; and so with fewer bytes, or more. */
static void hint_with_a_right_check_that_does_not_fit_is_ignored(void **state)
{
    static const size_t sizes[] = {48, 56, 63, 64, 67, 80};
    uint8_t bytes[80] = {0};
    struct strata_buffer hint = {0};
    struct keydir_bench b;

    (void)state;
    begin(&b);
    keydir_bench_unload(&b);
    assert_int_equal(fs_sim_get(b.fs, HINT, &hint), 0);
    assert_int_equal(hint.size, 64);
    memcpy(bytes, hint.data, hint.size);
    for (size_t at = 0; at < 44; at++) {
        bytes[at] ^= 1;
        repair(bytes, 64);
        assert_int_equal(fs_sim_put(b.fs, HINT, strata_bytes(bytes, 64)), 0);
        bytes[at] ^= 1;
        keydir_bench_load(&b, false);
        assert_int_equal(b.keydir.hints_used, 1); /* of the second segment */
        keydir_bench_unload(&b);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        repair(bytes, sizes[i]);
        assert_int_equal(fs_sim_put(b.fs, HINT, strata_bytes(bytes, sizes[i])), 0);
        keydir_bench_load(&b, false);
        assert_int_equal(b.keydir.hints_used, sizes[i] == 64 ? 2 : 1);
        keydir_bench_unload(&b);
    }
    keydir_bench_load(&b, false);
    strata_buffer_free(&hint);
    keydir_bench_end(&b);
}

/* What no memory can hold is not asked for. */
static void hint_of_more_bytes_than_there_can_be_is_out_of_memory(void **state)
{
    struct strata_error err;
    struct fs_file *file;
    struct keydir_bench b;
    uint64_t size;

    (void)state;
    begin(&b);
    assert_int_equal(fs_open(b.fs, HINT, FS_READ, &file, NULL), 0);
    size = file->end;
    assert_ok(hint_check(file, &err), &err);
    file->end = UINT64_MAX;
    assert_code(hint_check(file, &err), STRATA_ERR_NO_MEMORY, &err);
    file->end = SIZE_MAX / 2 - 1;
    assert_code(hint_check(file, &err), STRATA_ERR_NO_MEMORY, &err);
    file->end = size;
    fs_close(file, NULL);
    keydir_bench_end(&b);
}

static void hint_that_cannot_be_removed_is_an_error(void **state)
{
    const struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_REMOVE};
    struct strata_error err;
    struct keydir_bench b;

    (void)state;
    begin(&b);
    for (int i = 0; i < 2; i++) {
        fs_sim_fail(b.fs, &fault);
        assert_int_equal(
            segment_remove_file(&b.keydir.segments, first(&b), ".hint", i ? &err : NULL),
            STRATA_ERR_IO);
    }
    assert_err_file(&err, HINT);
    fs_sim_fail(b.fs, NULL);
    assert_ok(segment_remove_file(&b.keydir.segments, first(&b), ".hint", &err), &err);
    keydir_bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal_of_another_shape_is_none),
        cmocka_unit_test(seal_with_another_value_is_damage),
        cmocka_unit_test(seal_that_cannot_be_read_is_an_error),
        cmocka_unit_test(sum_that_differs_in_one_of_two_is_damage),
        cmocka_unit_test(hint_of_records_that_do_not_add_up_is_not_written),
        cmocka_unit_test(hint_with_a_right_check_that_does_not_fit_is_ignored),
        cmocka_unit_test(hint_of_more_bytes_than_there_can_be_is_out_of_memory),
        cmocka_unit_test(hint_that_cannot_be_removed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
