/* 04_forged_test.c: bytes whose own checks all hold and that say what cannot be: runs, lists of
 * runs and logs of other shapes. Random damage never gets that far. */
#include "test.h"

#include "01_append_log/record.h"
#include "02_hash_index/index.h"
#include "02_hash_index/segment.h"
#include "04_memtable_sstable/log.h"
#include "04_memtable_sstable/run/run.h"
#include "04_memtable_sstable/tables.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"
#define PATH "db/000007.run"
#define NUMBER 7
#define RECORDS 3
#define RECORD_BYTES (RECORD_HEAD + 2) /* of a key and a value, a byte each */
#define PLACE(n) (RECORD_FILE_HEADER + (n) * (uint64_t)RECORD_BYTES)
#define END_VALUE 48

static struct strata_env env_on(struct strata_fs *fs)
{
    static struct strata_options options;
    strata_options_init(&options);
    assert_int_equal(fs_sim_put_directory(fs, DIR), 0);
    return (struct strata_env){.fs = fs, .dir = DIR, .options = &options};
}

/* ---- Runs -------------------------------------------------------------------------------- */

/* How a run differs from one of the records a, b, c; where 0, it does not. */
struct shape {
    unsigned types[RECORDS];
    uint64_t places[RECORDS]; /* as the index tells them */
    size_t stand;             /* so many records stand there */
    unsigned page_type, end_type;
    const char *page_key, *end_key;
    size_t page_size, end_size; /* of the values */
    uint64_t records, index;
    uint64_t tombstones, digest; /* more than there are */
    uint64_t last;
};

/* A record, and zeros where that leaves room. */
static void add(struct fs_file *file, unsigned type, struct strata_slice key,
                struct strata_slice value, size_t bytes)
{
    static const uint8_t zeros[100];
    uint8_t head[RECORD_HEAD];
    struct strata_slice parts[4] = {{head, sizeof head}, key, value, {zeros, 0}};

    record_head(NUMBER, file->end, type, key, value, head);
    parts[3].size = bytes - sizeof head - key.size - value.size;
    assert_true(parts[3].size < sizeof zeros);
    assert_int_equal(fs_append(file, parts, 4, NULL), 0);
}

static void add_page(struct fs_file *file, const struct shape *s)
{
    uint8_t page[8 * RECORDS], *at = page;

    for (int i = 0; i < RECORDS; i++)
        at = put_u64(at, s->places[i] ? s->places[i] : PLACE(i));
    add(file, s->page_type ? s->page_type : RUN_INDEX, S(s->page_key ? s->page_key : ""),
        strata_bytes(page, s->page_size ? s->page_size : sizeof page), RECORD_HEAD + sizeof page);
}

static void add_end(struct fs_file *file, const struct shape *s, uint64_t index, uint64_t digest)
{
    uint8_t end[END_VALUE], *at = end;

    at = put_u64(at, s->records ? s->records : RECORDS);
    at = put_u64(at, s->tombstones);
    at = put_u64(at, s->index ? s->index : index);
    at = put_u64(at, 1);
    at = put_u64(at, s->last ? s->last : 9);
    put_u64(at, digest + s->digest);
    add(file, s->end_type ? s->end_type : RUN_END, S(s->end_key ? s->end_key : ""),
        strata_bytes(end, s->end_size ? s->end_size : sizeof end), RECORD_HEAD + END_VALUE);
}

static void forge(const struct strata_env *env, const struct shape *s)
{
    size_t stand = s->stand ? s->stand : RECORDS;
    uint64_t digest = 0, index;
    struct fs_file *file;

    assert_int_equal(fs_open(env->fs, PATH, FS_WRITE | FS_CREATE | FS_TRUNCATE, &file, NULL), 0);
    assert_int_equal(record_start_kind(file, RUN_MAGIC, NUMBER, NULL), 0);
    for (size_t i = 0; i < stand; i++) {
        struct strata_slice key = strata_bytes(&"abcd"[i], 1);
        unsigned type = i < RECORDS && s->types[i] ? s->types[i] : STRATA_OP_PUT;
        if (i < RECORDS)
            digest += segment_digest(index_hash(key), file->end, type);
        add(file, type, key, S("v"), RECORD_BYTES);
    }
    index = file->end;
    add_page(file, s);
    add_end(file, s, index, digest);
    assert_int_equal(fs_close(file, NULL), 0);
}

/* Opens it; it must fail with these words, or open when they are NULL. */
static struct sstable *open_forged(const struct strata_env *env, const struct shape *s,
                                   const char *words)
{
    struct strata_error err;
    struct sstable *run;

    forge(env, s);
    assert_code(run_kind.open(env, NULL, NUMBER, &run, &err), words ? STRATA_ERR_CORRUPT : 0, &err);
    if (!words)
        return run;
    assert_null(run);
    assert_err_file(&err, PATH);
    assert_err_says(&err, words);
    assert_int_equal(fs_sim_open_files(env->fs), 0);
    return NULL;
}

static void verify_says(struct sstable *run, const char *words)
{
    struct strata_error err;

    assert_code(run_kind.verify(run, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_says(&err, words);
}

static void run_that_is_put_together_by_hand_is_whole(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct sstable *run = open_forged(&env, &(struct shape){0}, NULL);
    struct strata_error err;

    (void)state;
    assert_ok(run_kind.verify(run, &err), &err);
    sstable_unref(run);
    fs_free(fs);
}

static void run_of_another_shape_is_not_opened(void **state)
{
    static const struct {
        struct shape shape;
        const char *words;
    } cases[] = {
        {{.end_type = STRATA_OP_PUT}, "the run's end is none"},
        {{.end_key = "k", .end_size = END_VALUE - 1}, "the run's end is none"},
        {{.end_size = END_VALUE - 1}, "the run's end is none"},
        {{.last = CODING_NUMBER_MAX + 1}, "the run's end is none"},
        {{.page_type = STRATA_OP_PUT}, "no page of the index"},
        {{.page_key = "k", .page_size = 16}, "no page of the index"},
        {{.page_size = 16}, "no page of the index"},
        {{.types = {RUN_INDEX}}, "type 7 is none"},
        {{.types = {0, 0, RUN_END}}, "type 8 is none"},
    };
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        open_forged(&env, &cases[i].shape, cases[i].words);
    }
    fs_free(fs);
}

/* It reaches into what follows, and has the right bytes otherwise. */
static void run_whose_page_has_a_key_is_not_opened(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *run;
    uint8_t *page;

    (void)state;
    forge(&env, &(struct shape){0});
    assert_int_equal(fs_sim_get(fs, PATH, &bytes), 0);
    page = bytes.data + PLACE(RECORDS);
    record_head(NUMBER, PLACE(RECORDS), RUN_INDEX, strata_bytes(page + RECORD_HEAD, 1),
                strata_bytes(page + RECORD_HEAD + 1, 8 * RECORDS), page);
    assert_int_equal(fs_sim_put(fs, PATH, strata_buffer_slice(&bytes)), 0);
    assert_code(run_kind.open(&env, NULL, NUMBER, &run, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "no page of the index");
    assert_err_offset(&err, PLACE(RECORDS));
    strata_buffer_free(&bytes);
    fs_free(fs);
}

static void run_with_another_record_inside_is_damage(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct sstable *run = open_forged(&env, &(struct shape){.types = {0, RUN_INDEX}}, NULL);
    struct cursor *cursor = run_kind.cursor(run, false);
    struct strata_buffer value = {0};
    struct strata_error err;
    unsigned type;

    (void)state;
    assert_code(run_kind.get(run, S("b"), &type, &value, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, PLACE(1) + 4); /* the type */
    assert_int_equal(cursor_first(cursor, NULL), 0);
    assert_code(cursor_next(cursor, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, PLACE(1) + 4); /* the type */
    verify_says(run, "type 7 is none");
    cursor_free(cursor);
    strata_buffer_free(&value);
    sstable_unref(run);
    fs_free(fs);
}

/* Before the first record; behind the last one. */
static void run_whose_index_leads_outside_is_damage(void **state)
{
    static const uint64_t places[] = {RECORD_FILE_HEADER - 1, PLACE(RECORDS), UINT64_MAX};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct sstable *run = open_forged(&env, &(struct shape){.places = {0, places[i]}}, NULL);
        struct cursor *cursor = run_kind.cursor(run, false);
        struct strata_error err;
        assert_ok(cursor_last(cursor, &err), &err);
        assert_code(cursor_prev(cursor, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_offset(&err, PLACE(RECORDS)); /* of the page */
        assert_err_says(&err, "outside the records");
        cursor_free(cursor);
        sstable_unref(run);
    }
    fs_free(fs);
}

static void run_with_fewer_records_than_its_index_is_damage(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct shape shape = {.stand = 2, .places = {0, 0, PLACE(1)}};
    struct sstable *run = open_forged(&env, &shape, NULL);
    struct cursor *cursor = run_kind.cursor(run, false);
    struct strata_error err;

    (void)state;
    assert_int_equal(cursor_first(cursor, NULL), 0);
    assert_int_equal(cursor_next(cursor, NULL), 0);
    assert_code(cursor_next(cursor, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, PLACE(2));
    cursor_free(cursor);
    sstable_unref(run);
    fs_free(fs);
}

static void run_verify_sees_what_does_not_fit(void **state)
{
    static const struct {
        struct shape shape;
        const char *words;
    } cases[] = {
        {{.places = {0, PLACE(2)}}, "another offset"},
        {{.stand = RECORDS + 1}, "not those that the run's end"},
        {{.tombstones = 1}, "not those that the run's end"},
        {{.digest = 1}, "not those that the run's end"},
    };
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        struct sstable *run = open_forged(&env, &cases[i].shape, NULL);
        verify_says(run, cases[i].words);
        sstable_unref(run);
    }
    fs_free(fs);
}

/* What is there now counts, not what was there when it was opened. */
static void run_verify_sees_what_was_changed_since(void **state)
{
    static const struct {
        struct shape shape;
        const char *words;
    } cases[] = {
        {{.records = RECORDS + 1, .index = PLACE(RECORDS) - 8}, "record head check"},
        {{.last = CODING_NUMBER_MAX + 1}, "the run's end is none"},
        {{.page_type = STRATA_OP_PUT}, "no page of the index"},
    };
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        struct sstable *run = open_forged(&env, &(struct shape){0}, NULL);
        forge(&env, &cases[i].shape);
        verify_says(run, cases[i].words);
        sstable_unref(run);
    }
    fs_free(fs);
}

/* ---- The list of runs ---------------------------------------------------------------------- */

static struct tables_run some_runs[] = {{9, 1000, 77}, {3, 500, 88}};
static const struct tables some = {.next = 12, .log = {11, 100, 94, 105}, .runs = some_runs, 2};

static void tables_same_compares_every_field(void **state)
{
    struct tables other[6];
    struct tables_run runs[3][2];

    (void)state;
    for (int i = 0; i < 6; i++)
        other[i] = some;
    assert_true(tables_same(&some, &other[0]));
    other[0].next++; /* but for this */
    assert_true(tables_same(&some, &other[0]));
    other[1].log.number++;
    other[2].log.first++;
    other[3].log.end++;
    other[4].log.sequence++;
    other[5].count--;
    for (int i = 1; i < 6; i++)
        assert_false(tables_same(&some, &other[i]));
    for (int i = 0; i < 3; i++) {
        memcpy(runs[i], some_runs, sizeof some_runs);
        other[i] = some;
        other[i].runs = runs[i];
        assert_true(tables_same(&some, &other[i]));
    }
    runs[0][1].number++;
    runs[1][1].bytes++;
    runs[2][1].digest++;
    for (int i = 0; i < 3; i++)
        assert_false(tables_same(&some, &other[i]));
}

static void tables_that_name_no_file_or_the_log_are_refused(void **state)
{
    static const uint64_t numbers[] = {0, 11};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct tables got;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tables_run runs[] = {some_runs[0], {numbers[i], 500, 88}};
        struct tables wrong = some;
        wrong.runs = runs;
        assert_ok(tables_write(&env, &wrong, &err), &err);
        assert_code(tables_read(&env, &got, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "cannot be");
        assert_int_equal(tables_read(&env, &got, NULL), STRATA_ERR_CORRUPT);
        assert_null(got.runs);
    }
    fs_free(fs);
}

/* Another number at this offset of the list, and the check is right. */
static void forge_number(struct strata_fs *fs, size_t at, uint64_t number)
{
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(fs, DIR "/" TABLES_NAME, &bytes), 0);
    put_u64(bytes.data + at, number);
    put_u32(bytes.data + bytes.size - 4,
            checksum(checksum_seed(0, 0), strata_bytes(bytes.data, bytes.size - 4)));
    assert_int_equal(fs_sim_put(fs, DIR "/" TABLES_NAME, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

/* What is added to it would wrap. */
static void tables_with_a_huge_number_are_refused(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct tables got, most = some;

    (void)state;
    most.next = most.log.end = most.log.sequence = CODING_NUMBER_MAX;
    assert_ok(tables_write(&env, &most, &err), &err);
    assert_ok(tables_read(&env, &got, &err), &err);
    tables_free(&got);
    for (size_t i = 0; i < 5; i++) {
        struct tables wrong = some;
        uint64_t *numbers[] = {&wrong.next, &wrong.log.number, &wrong.log.first, &wrong.log.end,
                               &wrong.log.sequence};
        *numbers[i] = CODING_NUMBER_MAX + 1;
        assert_ok(tables_write(&env, &some, &err), &err);
        assert_code(tables_write(&env, &wrong, &err), STRATA_ERR_IO, &err);
        assert_int_equal(err.sys, EOVERFLOW);
        assert_ok(tables_read(&env, &got, &err), &err); /* the one before is still there */
        tables_free(&got);
        forge_number(fs, 12 + 8 * i, *numbers[i]);
        assert_code(tables_read(&env, &got, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, DIR "/" TABLES_NAME);
        assert_err_offset(&err, 12 + 8 * i);
    }
    fs_free(fs);
}

static void tables_of_another_version_are_refused(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct tables got;

    (void)state;
    assert_ok(tables_write(&env, &some, &err), &err);
    assert_int_equal(fs_sim_get(fs, DIR "/" TABLES_NAME, &bytes), 0);
    for (size_t at = 8; at < 12; at++) { /* the version and two reserved bytes */
        bytes.data[at] ^= 2;
        put_u32(bytes.data + bytes.size - 4,
                checksum(checksum_seed(0, 0), strata_bytes(bytes.data, bytes.size - 4)));
        assert_int_equal(fs_sim_put(fs, DIR "/" TABLES_NAME, strata_buffer_slice(&bytes)), 0);
        assert_code(tables_read(&env, &got, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "another version");
        assert_err_offset(&err, 8);
        bytes.data[at] ^= 2;
    }
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* ---- The log ------------------------------------------------------------------------------- */

static const struct live_log names_5 = {5, 1, 0, 1};

/* Log 5 with one operation in it. */
static void write_log(const struct strata_env *env, unsigned type, struct strata_slice value)
{
    struct strata_op op = {(enum strata_op_type)type, strata_bytes("key", 3), value};
    struct group_commit commit = {.ops = &op, .count = 1};
    struct strata_error err;
    struct log log;

    assert_ok(log_create(&log, env, NULL, 5, 1, true, &err), &err);
    assert_ok(log_append(&log, &commit, 1, &err), &err);
    assert_ok(log_close(&log, false, &err), &err);
}

static int open_log(const struct strata_env *env, struct log *log, struct memtable **memtable,
                    struct strata_error *err)
{
    struct replay replay;

    assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, memtable, NULL), 0);
    return log_open(log, env, NULL, &names_5, log_fill, *memtable, &replay, err);
}

static void close_log(struct log *log, struct memtable *memtable)
{
    log_close(log, false, NULL);
    memtable_unref(memtable);
}

/* What several threads write at a time is a frame each. */
static void log_of_a_group_gives_back_all_of_it(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_op ops[] = {{STRATA_OP_PUT, strata_bytes("a", 1), strata_bytes("1", 1)},
                              {STRATA_OP_PUT, strata_bytes("b", 1), strata_bytes("2", 1)},
                              {STRATA_OP_DELETE, strata_bytes("a", 1), {NULL, 0}}};
    struct group_commit last = {.ops = ops + 2, .count = 1};
    struct group_commit to_sync = {.sync = true, .next = &last};
    struct group_commit first = {.ops = ops, .count = 2, .next = &to_sync};
    struct strata_slice value;
    struct strata_error err;
    struct memtable *memtable;
    uint64_t appends;
    struct log log;

    (void)state;
    assert_ok(log_create(&log, &env, NULL, 5, 1, true, &err), &err);
    appends = fs->calls[FS_CALL_APPEND];
    assert_ok(log_append(&log, &first, 1, &err), &err);
    assert_int_equal(fs->calls[FS_CALL_APPEND], appends + 1);
    assert_ok(log_close(&log, false, &err), &err);
    assert_ok(open_log(&env, &log, &memtable, &err), &err);
    assert_int_equal(memtable_get(memtable, S("a"), 2, &value), STRATA_OP_PUT);
    assert_bytes(value, S("1"));
    assert_int_equal(memtable_get(memtable, S("a"), 3, &value), STRATA_OP_DELETE);
    assert_int_equal(memtable_get(memtable, S("b"), 3, &value), STRATA_OP_PUT);
    assert_bytes(value, S("2"));
    close_log(&log, memtable);
    fs_free(fs);
}

/* Stage 3's segments have such records in their frames. */
static void log_with_a_record_of_another_stage_is_damage(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct memtable *memtable;
    struct log log;

    (void)state;
    write_log(&env, SEGMENT_PUT_COLLIDING, S("value"));
    assert_code(open_log(&env, &log, &memtable, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, "db/000005.log");
    assert_err_says(&err, "not a put or delete");
    close_log(&log, memtable);
    fs_free(fs);
}

static void log_that_is_missing_is_damage(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct memtable *memtable;
    struct log log;

    (void)state;
    assert_code(open_log(&env, &log, &memtable, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "missing");
    close_log(&log, memtable);
    assert_int_equal(open_log(&env, &log, &memtable, NULL), STRATA_ERR_CORRUPT);
    close_log(&log, memtable);
    fs_free(fs);
}

/* A value that is larger than what is read at once is read a second time. */
static void log_that_cannot_be_read_is_an_error(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    size_t size = 300000, calls = 0;
    uint8_t *bytes = malloc(size);
    bool struck = true;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'v', size);
    write_log(&env, STRATA_OP_PUT, strata_bytes(bytes, size));
    for (uint64_t call = 1; struck; call++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = call, .calls = 1u << FS_CALL_READ};
        struct strata_slice value;
        struct strata_error err;
        struct memtable *memtable;
        struct log log;
        int rc;
        fs_sim_fail(fs, &fault);
        check_clear(&err);
        rc = open_log(&env, &log, &memtable, &err);
        struck = fs_sim_failed(fs) > 0;
        fs_sim_fail(fs, NULL);
        assert_int_equal(rc, struck ? STRATA_ERR_IO : 0);
        if (!struck) {
            assert_int_equal(memtable_get(memtable, S("key"), 9, &value), STRATA_OP_PUT);
            assert_bytes(value, strata_bytes(bytes, size));
        }
        close_log(&log, memtable);
        calls += struck;
    }
    assert_in_range(calls, 4, 40);
    free(bytes);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_that_is_put_together_by_hand_is_whole),
        cmocka_unit_test(run_of_another_shape_is_not_opened),
        cmocka_unit_test(run_whose_page_has_a_key_is_not_opened),
        cmocka_unit_test(run_with_another_record_inside_is_damage),
        cmocka_unit_test(run_whose_index_leads_outside_is_damage),
        cmocka_unit_test(run_with_fewer_records_than_its_index_is_damage),
        cmocka_unit_test(run_verify_sees_what_does_not_fit),
        cmocka_unit_test(run_verify_sees_what_was_changed_since),
        cmocka_unit_test(tables_same_compares_every_field),
        cmocka_unit_test(tables_that_name_no_file_or_the_log_are_refused),
        cmocka_unit_test(tables_with_a_huge_number_are_refused),
        cmocka_unit_test(tables_of_another_version_are_refused),
        cmocka_unit_test(log_of_a_group_gives_back_all_of_it),
        cmocka_unit_test(log_with_a_record_of_another_stage_is_damage),
        cmocka_unit_test(log_that_is_missing_is_damage),
        cmocka_unit_test(log_that_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
