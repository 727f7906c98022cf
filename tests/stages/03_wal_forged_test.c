/* 03_wal_forged_test.c: bytes whose own checks all hold and that say what cannot be: frames of
 * other shapes, a checkpoint that tells of another log. Random damage never gets that far. */
#include "test.h"

#include "02_hash_index/segment.h"
#include "03_wal/checkpoint.h"
#include "03_wal/mark.h"
#include "03_wal/wal_inspect.h"
#include "03_wal/wal.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#define S(text) strata_string(text)
#define NUMBER 7 /* of the file, in the seeds of its checks */
#define HEAD_VALUE 36

/* ---- Frames ---------------------------------------------------------------------------- */

static struct fs_file *new_file(struct strata_fs *fs)
{
    struct fs_file *file;
    assert_int_equal(fs_open(fs, "log", FS_WRITE | FS_CREATE | FS_TRUNCATE, &file, NULL), 0);
    assert_int_equal(record_start_kind(file, WAL_MAGIC, NUMBER, NULL), 0);
    return file;
}

static void add_record(struct fs_file *file, unsigned type, struct strata_slice key,
                       struct strata_slice value)
{
    uint8_t head[RECORD_HEAD];
    struct strata_slice parts[3] = {{head, sizeof head}, key, value};
    record_head(NUMBER, file->end, type, key, value, head);
    assert_int_equal(fs_append(file, parts, 3, NULL), 0);
}

struct head {
    uint64_t sequence; /* 0: 1 */
    uint64_t synced, bytes;
    uint32_t count;
    size_t size; /* of the value; 0: HEAD_VALUE */
    const char *key;
};

static void add_head(struct fs_file *file, const struct head *head)
{
    uint8_t value[HEAD_VALUE + 1] = {0}, *at = put_u64(value, head->sequence ? head->sequence : 1);
    at = put_u64(at, head->synced);
    at = put_u64(at, head->bytes);
    at = put_u32(at, head->count);
    put_u64(at, 99);
    add_record(file, WAL_FRAME, S(head->key ? head->key : ""),
               strata_bytes(value, head->size ? head->size : HEAD_VALUE));
}

#define PUT_BYTES (RECORD_HEAD + 8) /* of "key" and "value" */

static void add_put(struct fs_file *file)
{
    add_record(file, STRATA_OP_PUT, S("key"), S("value"));
}

/* What wal_next makes of the file's first frame; an error names `offset`. */
static void expect(struct fs_file *file, int rc, uint64_t offset)
{
    struct record_reader reader;
    struct strata_error err;
    struct wal_frame frame = {0};

    record_reader_init(&reader, file, NUMBER, file->end);
    reader.max_type = WAL_FRAME;
    if (rc == STRATA_ERR_CORRUPT) {
        assert_code(wal_next(&reader, NULL, &frame, &err), rc, &err);
        assert_err_file(&err, "log");
        assert_err_offset(&err, offset);
    } else {
        assert_int_equal(wal_next(&reader, NULL, &frame, &err), rc);
    }
    if (rc != 0)
        assert_int_equal(reader.at, RECORD_FILE_HEADER);
    record_reader_free(&reader);
}

static void frame_of_another_shape_is_no_frame(void **state)
{
    static const struct {
        struct head head;
        int rc;
        uint64_t offset; /* behind the file's header */
    } cases[] = {
        {{.bytes = PUT_BYTES, .count = 1}, 0, 0},
        {{.bytes = PUT_BYTES, .count = 1, .key = "k"}, WAL_OTHER, 0},
        {{.bytes = PUT_BYTES, .count = 1, .size = 35}, STRATA_ERR_CORRUPT, RECORD_HEAD},
        {{.bytes = PUT_BYTES, .count = 1, .size = 37}, STRATA_ERR_CORRUPT, RECORD_HEAD},
        {{.bytes = UINT64_MAX, .count = 1}, STRATA_ERR_CORRUPT, RECORD_HEAD},
        {{.bytes = CODING_NUMBER_MAX + 1, .count = 1}, STRATA_ERR_CORRUPT, RECORD_HEAD},
        {{.bytes = PUT_BYTES, .count = 1, .sequence = CODING_NUMBER_MAX}, 0, 0},
        {{.bytes = PUT_BYTES, .count = 1, .sequence = CODING_NUMBER_MAX + 1},
         STRATA_ERR_CORRUPT,
         RECORD_HEAD},
        {{.bytes = PUT_BYTES, .count = 1, .synced = 25}, STRATA_ERR_CORRUPT, RECORD_HEAD},
        {{.bytes = PUT_BYTES, .count = 1, .synced = 24}, 0, 0},
        {{.bytes = PUT_BYTES - 1, .count = 1}, STRATA_ERR_CORRUPT, 0},
        {{.bytes = PUT_BYTES - 1, .count = 0}, STRATA_ERR_CORRUPT, 0},
        {{.bytes = PUT_BYTES + 1, .count = 1}, RECORD_TORN, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        struct strata_fs *fs = fs_sim_new();
        struct fs_file *file = new_file(fs);
        add_head(file, &cases[i].head);
        add_put(file);
        expect(file, cases[i].rc, RECORD_FILE_HEADER + cases[i].offset);
        fs_close(file, NULL);
        fs_free(fs);
    }
}

/* A frame or a seal among the records that a frame counts. */
static void frame_with_others_inside_is_damage(void **state)
{
    static const unsigned types[] = {WAL_FRAME, SEGMENT_SEAL};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct fs_file *file = new_file(fs);
        struct head head = {.bytes = 2 * PUT_BYTES, .count = 2};
        add_head(file, &head);
        add_put(file);
        add_record(file, types[i], S("key"), S("value"));
        expect(file, STRATA_ERR_CORRUPT, RECORD_FILE_HEADER);
        fs_close(file, NULL);
        fs_free(fs);
    }
}

static void record_without_a_frame_is_no_frame(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_file *file = new_file(fs);
    (void)state;
    add_put(file);
    expect(file, WAL_OTHER, 0);
    fs_close(file, NULL);
    fs_free(fs);
}

static uint64_t evidence(struct fs_file *file, uint64_t salt)
{
    uint64_t synced;
    assert_int_equal(wal_evidence(file, NUMBER, salt, RECORD_FILE_HEADER, &synced, NULL), 0);
    return synced;
}

/* The most that any head says counts, if all of it holds. */
static void evidence_is_what_whole_heads_say(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_file *file = new_file(fs);
    const struct head most = {.synced = 24}, less = {.synced = 7}, above = {.synced = 5000};
    struct strata_buffer bytes = {0};

    (void)state;
    add_head(file, &most);
    add_head(file, &less);
    add_head(file, &above); /* beyond its own place: none */
    assert_int_equal(evidence(file, 99), 24);
    assert_int_equal(evidence(file, 0), 24);
    assert_int_equal(evidence(file, 98), 0);
    fs_close(file, NULL);
    assert_int_equal(fs_sim_get(fs, "log", &bytes), 0);
    bytes.data[RECORD_FILE_HEADER + RECORD_HEAD + 30] ^= 1; /* its value's check does not hold */
    assert_int_equal(fs_sim_put(fs, "log", strata_buffer_slice(&bytes)), 0);
    assert_int_equal(fs_open(fs, "log", FS_READ, &file, NULL), 0);
    assert_int_equal(evidence(file, 99), 7);
    strata_buffer_free(&bytes);
    fs_close(file, NULL);
    fs_free(fs);
}

static void evidence_that_cannot_be_read_is_an_error(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_file *file = new_file(fs);
    const struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1};
    const struct head head = {.synced = 24};
    struct strata_error err;
    uint64_t synced = 1;

    (void)state;
    add_head(file, &head);
    fs_sim_fail(fs, &fault);
    assert_code(wal_evidence(file, NUMBER, 99, 24, &synced, &err), STRATA_ERR_IO, &err);
    assert_int_equal(synced, 0);
    fs_close(file, NULL);
    fs_free(fs);
}

/* ---- The checkpoint -------------------------------------------------------------------- */

#define INDEX "db/INDEX"

static struct strata *open_it(struct strata_fs *fs)
{
    struct strata_error err;
    struct strata *db;
    assert_ok(subject_open(fs, "db", true, &db, &err), &err);
    return db;
}

static struct strata_fs *filled(void)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    for (int i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %02d", i);
        assert_put(db, key, "a value of some bytes, always as many as the others have");
    }
    assert_int_equal(strata_close(db, NULL), 0);
    return fs;
}

enum made_of_it { USED, IGNORED, IGNORED_OR_BELIEVED };

/* The check is made to hold; the database is opened without the checkpoint and has everything. Or
 * what it says of the log's end is believed, and the log found to be too short. */
static void expect_ignored(struct strata_fs *from, struct strata_slice index, enum made_of_it made)
{
    struct strata_fs *fs = fs_sim_copy(from);
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct strata *db;
    int rc;

    assert_non_null(fs);
    strata_buffer_append(&bytes, index.data, index.size);
    put_u64(bytes.data + bytes.size - 8, XXH3_64bits(bytes.data, bytes.size - 8));
    assert_int_equal(fs_sim_put(fs, INDEX, strata_buffer_slice(&bytes)), 0);
    rc = subject_open(fs, "db", false, &db, &err);
    if (rc < 0) {
        assert_int_equal(rc, STRATA_ERR_CORRUPT);
        assert_int_equal(made, IGNORED_OR_BELIEVED);
    } else {
        assert_int_equal(check_stat(db, "open_checkpoint"), made == USED);
        for (int i = 0; i < 40; i++) {
            char key[16];
            snprintf(key, sizeof key, "key %02d", i);
            assert_get(db, key, "a value of some bytes, always as many as the others have");
        }
        assert_int_equal(strata_close(db, NULL), 0);
    }
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* Each byte of the header and of the segments' entries is another one. Only the next operation's
 * number, and what is counted for merges (the last 16 bytes of a segment's entry; of the last
 * segment also the sum so far) can be held against nothing. */
static void checkpoint_of_another_log_is_ignored(void **state)
{
    struct strata_fs *fs = filled();
    struct strata_buffer index = {0};
    size_t segments;

    (void)state;
    assert_int_equal(fs_sim_get(fs, INDEX, &index), 0);
    segments = index.data[32];
    assert_in_range(segments, 2, 100);
    expect_ignored(fs, strata_buffer_slice(&index), USED);
    for (size_t at = 0; at < 44 + 48 * segments; at++) {
        size_t of_entry = at < 44 ? 0 : (at - 44) % 48, entry = at < 44 ? 0 : (at - 44) / 48;
        if ((at >= 24 && at < 32) || of_entry >= (entry + 1 == segments ? 16 : 32))
            continue;
        index.data[at] ^= 1;
        expect_ignored(fs, strata_buffer_slice(&index),
                       at >= 12 && at < 24 ? IGNORED_OR_BELIEVED : IGNORED);
        index.data[at] ^= 1;
    }
    strata_buffer_free(&index);
    fs_free(fs);
}

static void checkpoint_of_another_size_is_ignored(void **state)
{
    static const size_t cut[] = {1, 8, 16, 64};
    struct strata_fs *fs = filled();
    struct strata_buffer index = {0};

    (void)state;
    assert_int_equal(fs_sim_get(fs, INDEX, &index), 0);
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
        expect_ignored(fs, strata_bytes(index.data, index.size - cut[i]), IGNORED);
    expect_ignored(fs, strata_bytes(index.data, 52), IGNORED); /* a header, and no segment */
    strata_buffer_append(&index, "more", 4);
    expect_ignored(fs, strata_buffer_slice(&index), IGNORED);
    strata_buffer_free(&index);
    fs_free(fs);
}

/* The index takes position 0 for an empty slot. */
static void checkpoint_with_a_key_at_position_0_is_ignored(void **state)
{
    struct strata_fs *fs = filled();
    struct strata_buffer index = {0};

    (void)state;
    assert_int_equal(fs_sim_get(fs, INDEX, &index), 0);
    memset(index.data + index.size - 16, 0, 8); /* of the last key; behind it is the check */
    expect_ignored(fs, strata_buffer_slice(&index), IGNORED);
    strata_buffer_free(&index);
    fs_free(fs);
}

/* Sequence numbers go on from it, and would wrap. */
static void checkpoint_with_a_huge_sequence_is_ignored(void **state)
{
    struct strata_fs *fs = filled();
    struct strata_buffer index = {0};

    (void)state;
    assert_int_equal(fs_sim_get(fs, INDEX, &index), 0);
    put_u64(index.data + 24, CODING_NUMBER_MAX + 1);
    expect_ignored(fs, strata_buffer_slice(&index), IGNORED);
    strata_buffer_free(&index);
    fs_free(fs);
}

/* A header that tells of no segment at all, with as many bytes as that takes. */
static void checkpoint_of_no_segment_is_ignored(void **state)
{
    struct strata_fs *fs = filled();
    struct strata_buffer index = {0};

    (void)state;
    assert_int_equal(fs_sim_get(fs, INDEX, &index), 0);
    memset(index.data + 32, 0, 12);
    expect_ignored(fs, strata_bytes(index.data, 52), IGNORED);
    strata_buffer_free(&index);
    fs_free(fs);
}

/* More segments, and more keys, than are written at one go: whichever call fails, that is told, and
 * the checkpoint that was there stays. */
static void checkpoint_that_cannot_be_written_leaves_the_old_one(void **state)
{
    enum { SEGMENTS = 3000, KEYS = 9000 };
    static struct segment *list[SEGMENTS];
    struct segment one = {.first = 1, .last = 1};
    struct strata_options options = {0};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = {fs, "db", &options, false};
    struct keydir keydir = {.segments = {.env = &env, .list = list, .count = SEGMENTS}};
    const struct checkpoint at = {1, 24, 1};
    struct strata_error err;
    uint64_t failed = 1, errors = 0;

    (void)state;
    for (size_t i = 0; i < SEGMENTS; i++)
        list[i] = &one;
    assert_int_equal(index_reserve(&keydir.index, KEYS, NULL), 0);
    for (uint64_t i = 1; i <= KEYS; i++)
        index_add(&keydir.index, i * 0x9e3779b97f4a7c15u, i);
    assert_int_equal(fs_sim_put(fs, INDEX, S("the old one")), 0);
    for (uint64_t n = 1; failed; n++) {
        const struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = n};
        struct strata_buffer bytes = {0};
        int rc;
        fs_sim_fail(fs, &fault);
        rc = checkpoint_write(&keydir, &at, &err);
        failed = fs_sim_failed(fs);
        fs_sim_fail(fs, NULL);
        assert_int_equal(rc, failed ? STRATA_ERR_IO : 0);
        assert_int_equal(fs_sim_open_files(fs), 0);
        assert_int_equal(fs_sim_get(fs, INDEX, &bytes), 0);
        if (bytes.size == 11)
            errors++;
        else /* it was renamed; of that no sync is told */
            assert_int_equal(bytes.size, checkpoint_bytes(&keydir));
        strata_buffer_free(&bytes);
    }
    assert_true(errors >= 5);
    index_free(&keydir.index);
    fs_free(fs);
}

/* The file becomes shorter while it is looked at. */
static void checkpoint_that_is_cut_while_it_is_read_does_not_hold(void **state)
{
    struct strata_fs *fs = filled();
    struct strata_error err;
    struct fs_file *file;

    (void)state;
    assert_int_equal(fs_open(fs, INDEX, FS_READ, &file, NULL), 0);
    assert_ok(checkpoint_check(file, &err), &err);
    file->end += 70000;
    assert_int_equal(checkpoint_check(file, &err), STRATA_NOT_FOUND);
    file->end -= 70000;
    fs_close(file, NULL);
    fs_free(fs);
}

/* ---- The tail file --------------------------------------------------------------------- */

static void tail_that_cannot_be_read_is_an_error(void **state)
{
    const struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_READ};
    struct strata_fs *fs = filled();
    struct strata_options options = {0};
    struct strata_env env = {fs, "db", &options, false};
    struct strata_error err;
    struct tail tail;

    (void)state;
    assert_ok(tail_read(&env, MARK_VERSION, &tail, &err), &err);
    fs_sim_fail(fs, &fault);
    assert_code(tail_read(&env, MARK_VERSION, &tail, &err), STRATA_ERR_IO, &err);
    assert_err_file(&err, "db/TAIL");
    fs_sim_fail(fs, &fault);
    assert_int_equal(tail_read(&env, MARK_VERSION, &tail, NULL), STRATA_ERR_IO);
    fs_free(fs);
}

static void tail_with_a_huge_number_is_damage(void **state)
{
    static const struct {
        struct tail tail;
        int rc;
    } cases[] = {
        {{CODING_NUMBER_MAX, CODING_NUMBER_MAX, CODING_NUMBER_MAX, TAIL_VERSION}, 0},
        {{CODING_NUMBER_MAX + 1, 1, 1, TAIL_VERSION}, STRATA_ERR_CORRUPT},
        {{1, CODING_NUMBER_MAX + 1, 1, TAIL_VERSION}, STRATA_ERR_CORRUPT},
        {{1, 1, CODING_NUMBER_MAX + 1, TAIL_VERSION}, STRATA_ERR_CORRUPT},
        {{1, 1, UINT64_MAX, MARK_VERSION}, 0}, /* it identifies a boot */
        {{1, UINT64_MAX, 1, MARK_VERSION}, STRATA_ERR_CORRUPT},
    };
    struct strata_fs *fs = filled();
    struct strata_options options = {0};
    struct strata_env env = {fs, "db", &options, false};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        struct strata_error err = {0};
        struct tail tail;
        assert_ok(tail_write(&env, &cases[i].tail, false, &err), &err);
        assert_int_equal(tail_read(&env, MARK_VERSION, &tail, &err), cases[i].rc);
        if (cases[i].rc == 0)
            continue;
        assert_err_file(&err, "db/TAIL");
        assert_err_offset(&err, 12);
        assert_int_equal(tail.segment, 0);
    }
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_of_another_shape_is_no_frame),
        cmocka_unit_test(frame_with_others_inside_is_damage),
        cmocka_unit_test(record_without_a_frame_is_no_frame),
        cmocka_unit_test(evidence_is_what_whole_heads_say),
        cmocka_unit_test(evidence_that_cannot_be_read_is_an_error),
        cmocka_unit_test(checkpoint_of_another_log_is_ignored),
        cmocka_unit_test(checkpoint_of_another_size_is_ignored),
        cmocka_unit_test(checkpoint_of_no_segment_is_ignored),
        cmocka_unit_test(checkpoint_with_a_key_at_position_0_is_ignored),
        cmocka_unit_test(checkpoint_with_a_huge_sequence_is_ignored),
        cmocka_unit_test(checkpoint_that_cannot_be_written_leaves_the_old_one),
        cmocka_unit_test(checkpoint_that_is_cut_while_it_is_read_does_not_hold),
        cmocka_unit_test(tail_that_cannot_be_read_is_an_error),
        cmocka_unit_test(tail_with_a_huge_number_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
