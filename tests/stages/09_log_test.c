/* 09_log_test.c: single-operation batches in a log: where they may be, what the frame before them
 * says for them, and what becomes of a log with them that is damaged, torn or forged. */
#include "test.h"

#include "04_memtable_sstable/log.h"
#include "09_fast_paths/memtable/bptree.h"
#include "09_fast_paths/log/single_op_log.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"
#define PATH "db/000005.log"
#define NUMBER 5
#define HEAD 53                           /* bytes of a frame's */
#define FIRST (RECORD_FILE_HEADER + HEAD) /* where a new log ends */
#define SINGLE (RECORD_HEAD + 4)          /* bytes of a put of two and two, alone */

static struct strata_env env_on(struct strata_fs *fs)
{
    static struct strata_options options;
    strata_options_init(&options);
    assert_int_equal(fs_sim_put_directory(fs, DIR), 0);
    return (struct strata_env){.fs = fs, .dir = DIR, .options = &options};
}

/* A log that is written to; its operations are numbered from 1 on. */
struct written {
    struct strata_fs *fs;
    struct strata_env env;
    struct log log;
    uint64_t sequence;
};

static void begin(struct written *w, const struct wal_kind *kind)
{
    struct strata_error err;

    w->fs = fs_sim_new();
    assert_non_null(w->fs);
    w->env = env_on(w->fs);
    w->sequence = 1;
    assert_ok(log_create(&w->log, &w->env, kind, NUMBER, 1, true, &err), &err);
    assert_int_equal(w->log.end, FIRST);
}

static void end(struct written *w)
{
    assert_int_equal(log_close(&w->log, false, NULL), 0);
    fs_free(w->fs);
}

static struct strata_op put(const char *key, const char *value)
{
    return (struct strata_op){STRATA_OP_PUT, S(key), S(value)};
}

static void append(struct written *w, const struct strata_op *ops, size_t count)
{
    struct group_commit commit = {.ops = ops, .count = count};
    struct strata_error err;

    assert_ok(log_append(&w->log, &commit, w->sequence, &err), &err);
    w->sequence += count;
}

/* Each in a batch of its own: "k0" = "v0", "k1" = "v1" ... */
static void append_alone(struct written *w, int from, int to)
{
    for (int i = from; i < to; i++) {
        char key[] = {'k', (char)('0' + i), '\0'}, value[] = {'v', (char)('0' + i), '\0'};
        struct strata_op op = put(key, value);
        append(w, &op, 1);
    }
}

static void sync_it(struct written *w)
{
    struct sync_mutex mutex = SYNC_MUTEX_INIT;
    struct mark_writer marker = {.failed = true}; /* none */
    struct strata_error err;

    sync_lock(&mutex);
    assert_ok(log_sync(&w->log, &marker, &mutex, &err), &err);
    sync_unlock(&mutex);
}

/* Closes the log and opens it again; its operations go into a memtable, which is the caller's. */
static struct memtable *reopen(struct written *w, struct replay *replay)
{
    struct live_log names = {NUMBER, 1, 0, 1};
    struct memtable *memtable;
    struct strata_error err;

    assert_int_equal(log_close(&w->log, false, NULL), 0);
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    assert_ok(log_open(&w->log, &w->env, &single_op_log, &names, log_fill, memtable, replay, &err),
              &err);
    w->sequence = replay->sequence;
    return memtable;
}

/* The file as it is now, without the room behind its end. */
static struct strata_buffer bytes_of(const struct written *w)
{
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(w->fs, PATH, &bytes), 0);
    assert_true(bytes.size >= w->log.end);
    bytes.size = w->log.end;
    return bytes;
}

/* ---- What is in a file ----------------------------------------------------------------------- */

/* "frame 77" tells `synced`, "single" is a single-operation batch; up to what is none. */
static const char *frames_of(struct strata_slice bytes, const struct wal_kind *kind)
{
    static char text[2000];
    struct strata_fs *fs = fs_sim_new();
    struct record_reader reader;
    struct wal_frame frame = {0};
    struct fs_file *file;

    text[0] = '\0';
    assert_int_equal(fs_sim_put_directory(fs, DIR), 0);
    assert_int_equal(fs_sim_put(fs, PATH, bytes), 0);
    assert_int_equal(fs_open(fs, PATH, FS_READ, &file, NULL), 0);
    record_reader_init(&reader, file, NUMBER, file->end);
    reader.max_type = wal_max_type(kind);
    while (wal_next(&reader, kind, &frame, NULL) == 0) {
        bool single = frame.first == frame.offset;
        size_t at = strlen(text);
        assert_int_equal(frame.count, single ? 1 : frame.count);
        assert_int_equal(frame.first, frame.offset + (single ? 0 : HEAD));
        snprintf(text + at, sizeof text - at, single ? "single " : "frame %u ",
                 (unsigned)frame.synced);
    }
    record_reader_free(&reader);
    fs_close(file, NULL);
    fs_free(fs);
    return text;
}

/* What an open makes of these bytes: rc, and what it found, with the keys "k0", "k1" ... */
struct opened {
    int rc;
    struct strata_error err;
    struct replay replay;
    char keys[40]; /* "0123" */
};

static struct opened open_bytes(struct strata_slice bytes)
{
    struct live_log names = {NUMBER, 1, 0, 1};
    struct opened o = {.rc = 0};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct memtable *memtable;
    struct log log;
    size_t found = 0;

    assert_int_equal(fs_sim_put(fs, PATH, bytes), 0);
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    check_clear(&o.err);
    o.rc = log_open(&log, &env, &single_op_log, &names, log_fill, memtable, &o.replay, &o.err);
    for (int i = 0; i < 10; i++) {
        char key[] = {'k', (char)('0' + i), '\0'}, wanted[] = {'v', (char)('0' + i), '\0'};
        struct strata_slice value;
        if (memtable_get(memtable, S(key), UINT64_MAX, &value) != STRATA_OP_PUT)
            continue;
        assert_bytes(value, S(wanted));
        o.keys[found++] = key[1];
    }
    log_close(&log, false, NULL);
    memtable_unref(memtable);
    fs_free(fs);
    return o;
}

static void expect_keys(struct strata_slice bytes, const char *keys, uint64_t sequence)
{
    struct opened o = open_bytes(bytes);

    assert_string_equal(o.err.message, "");
    assert_int_equal(o.rc, 0);
    assert_string_equal(o.keys, keys);
    assert_int_equal(o.replay.sequence, sequence);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void log_of_one_operation_at_a_time_has_one_head(void **state)
{
    struct strata_op gone = {STRATA_OP_DELETE, strata_bytes("k1", 2), {NULL, 0}};
    struct strata_buffer bytes;
    struct written w;

    (void)state;
    begin(&w, &single_op_log);
    append_alone(&w, 0, 1);
    assert_int_equal(w.log.end, FIRST + HEAD + SINGLE);
    append_alone(&w, 1, 4);
    append(&w, &gone, 1);
    assert_int_equal(w.log.end, FIRST + HEAD + 4 * SINGLE + RECORD_HEAD + 2);
    bytes = bytes_of(&w);
    assert_memory_equal(bytes.data, SINGLE_OP_MAGIC, 8);
    assert_string_equal(frames_of(strata_buffer_slice(&bytes), &single_op_log),
                        "frame 0 frame 77 single single single single ");
    expect_keys(strata_buffer_slice(&bytes), "023", 6);
    strata_buffer_free(&bytes);
    end(&w);
}

/* I3 of log.c: nothing that was synced goes untold, and it is told but once. */
static void log_tells_each_sync_by_the_next_frame(void **state)
{
    struct strata_buffer bytes;
    struct written w;

    (void)state;
    begin(&w, &single_op_log);
    append_alone(&w, 0, 2);
    sync_it(&w); /* 77 + 53 + 2 * 21 */
    append_alone(&w, 2, 4);
    sync_it(&w);
    sync_it(&w); /* nothing new */
    append_alone(&w, 4, 6);
    bytes = bytes_of(&w);
    assert_string_equal(frames_of(strata_buffer_slice(&bytes), &single_op_log),
                        "frame 0 frame 77 single frame 172 single frame 267 single ");
    expect_keys(strata_buffer_slice(&bytes), "012345", 7);
    strata_buffer_free(&bytes);
    end(&w);
}

static void log_of_batches_has_a_head_for_each(void **state)
{
    struct strata_op ops[] = {put("k1", "v1"), put("k2", "v2")};
    struct strata_buffer bytes;
    struct written w;

    (void)state;
    begin(&w, &single_op_log);
    append_alone(&w, 0, 1);
    append(&w, ops, 2);
    append_alone(&w, 3, 4);
    bytes = bytes_of(&w);
    assert_string_equal(frames_of(strata_buffer_slice(&bytes), &single_op_log),
                        "frame 0 frame 77 frame 77 single ");
    expect_keys(strata_buffer_slice(&bytes), "0123", 5);
    strata_buffer_free(&bytes);
    end(&w);
}

/* Several threads' batches are one append; a large value is written from where it is. */
static void log_group_of_operations_is_one_append(void **state)
{
    static uint8_t large[100000];
    struct strata_op ops[] = {put("k1", "v1"),
                              put("k2", "v2"),
                              {STRATA_OP_PUT, strata_bytes("large", 5), {large, sizeof large}}};
    struct group_commit last = {.ops = ops + 2, .count = 1};
    struct group_commit to_sync = {.sync = true, .next = &last};
    struct group_commit second = {.ops = ops + 1, .count = 1, .next = &to_sync};
    struct group_commit first = {.ops = ops, .count = 1, .next = &second};
    struct strata_buffer bytes;
    struct strata_error err;
    struct written w;
    uint64_t appends;

    (void)state;
    memset(large, 'v', sizeof large);
    begin(&w, &single_op_log);
    append_alone(&w, 0, 1);
    appends = w.fs->calls[FS_CALL_APPEND];
    assert_ok(log_append(&w.log, &first, 2, &err), &err);
    assert_int_equal(w.fs->calls[FS_CALL_APPEND], appends + 1);
    assert_int_equal(w.log.group.large.size, sizeof large);
    bytes = bytes_of(&w);
    assert_string_equal(frames_of(strata_buffer_slice(&bytes), &single_op_log),
                        "frame 0 frame 77 single single single ");
    expect_keys(strata_buffer_slice(&bytes), "012", 5);
    strata_buffer_free(&bytes);
    end(&w);
}

/* So that a repair loses no more than this, and a reader knows again which operation it is at. */
static void log_without_syncs_has_a_head_now_and_then(void **state)
{
    uint64_t heads = 0, sequence = 1, last = 0;
    struct record_reader reader;
    struct wal_frame frame = {0};
    struct written w;

    (void)state;
    begin(&w, &single_op_log);
    for (int i = 0; i < 5000; i++)
        append_alone(&w, i % 10, i % 10 + 1);
    record_reader_init(&reader, w.log.file, NUMBER, w.log.end);
    reader.max_type = SINGLE_OP_DELETE;
    while (wal_next(&reader, &single_op_log, &frame, NULL) == 0) {
        if (frame.first > frame.offset) {
            assert_int_equal(frame.sequence, sequence);
            assert_in_range(frame.offset - last, 0, (32 << 10) + SINGLE);
            last = frame.offset;
            heads++;
        }
        sequence += frame.count;
    }
    record_reader_free(&reader);
    assert_int_equal(sequence, 5001);
    assert_int_equal(heads, 2 + 5000 * SINGLE / (32 << 10));
    end(&w);
}

/* What was to be told, and was not written for want of memory, is told by the next one. */
static void log_append_that_fails_has_told_nothing(void **state)
{
    struct strata_op small = put("k8", "v8");
    struct strata_op huge = {STRATA_OP_PUT, small.key, {small.value.data, SIZE_MAX / 2}};
    struct group_commit second = {.ops = &small, .count = 1};
    struct group_commit first = {.ops = &huge, .count = 1, .next = &second};
    struct strata_buffer bytes;
    struct strata_error err;
    struct written w;

    (void)state;
    begin(&w, &single_op_log);
    append_alone(&w, 0, 1);
    sync_it(&w);
    assert_code(log_append(&w.log, &first, 2, &err), STRATA_ERR_NO_MEMORY, &err);
    append_alone(&w, 1, 3);
    bytes = bytes_of(&w);
    assert_string_equal(frames_of(strata_buffer_slice(&bytes), &single_op_log),
                        "frame 0 frame 77 frame 151 single ");
    expect_keys(strata_buffer_slice(&bytes), "012", 4);
    strata_buffer_free(&bytes);
    end(&w);
}

/* A log that an earlier build has made: it says so, and is gone on with as it was begun. */
static void log_of_the_other_kind_has_heads_only(void **state)
{
    struct strata_buffer bytes;
    struct memtable *memtable;
    struct replay replay;
    struct written w;

    (void)state;
    begin(&w, NULL);
    append_alone(&w, 0, 2);
    assert_int_equal(fs_trim(w.log.file, NULL), 0);
    memtable = reopen(&w, &replay);
    append_alone(&w, 2, 4);
    bytes = bytes_of(&w);
    assert_memory_equal(bytes.data, WAL_MAGIC, 8);
    assert_int_equal(strncmp(frames_of(strata_buffer_slice(&bytes), NULL),
                             "frame 0 frame 77 frame 77 frame ", 32),
                     0);
    assert_null(strstr(frames_of(strata_buffer_slice(&bytes), &single_op_log), "single"));
    expect_keys(strata_buffer_slice(&bytes), "0123", 5);
    memtable_unref(memtable);
    strata_buffer_free(&bytes);
    end(&w);
}

/* The same of the kind that has them: the first frame after an open tells what is on the device. */
static void log_that_was_opened_begins_with_a_head(void **state)
{
    struct strata_buffer bytes;
    struct memtable *memtable;
    struct replay replay;
    struct written w;

    (void)state;
    begin(&w, &single_op_log);
    memtable = reopen(&w, &replay);
    assert_ptr_equal(w.log.kind, &single_op_log);
    append_alone(&w, 0, 2);
    bytes = bytes_of(&w);
    assert_string_equal(frames_of(strata_buffer_slice(&bytes), &single_op_log),
                        "frame 0 frame 77 single ");
    memtable_unref(memtable);
    strata_buffer_free(&bytes);
    end(&w);
}

#define MANY 4000

/* As it was before, about, 8 + 8 bytes each: in order at random, and nobody reads meanwhile. */
static void log_that_was_opened_takes_no_more_memory(void **state)
{
    struct memtable *memtable;
    struct replay replay;
    struct written w;

    (void)state;
    begin(&w, &single_op_log);
    for (unsigned i = 0; i < MANY; i++) {
        char key[16];
        struct strata_op op;
        sprintf(key, "%08u", i * 2654435761u % 100000000);
        op = put(key, "12345678");
        append(&w, &op, 1);
    }
    assert_int_equal(fs_trim(w.log.file, NULL), 0);
    memtable = reopen(&w, &replay);
    assert_int_equal(memtable_count(memtable), MANY);
    assert_true(memtable_bytes(memtable) < MANY * (32 + 30));
    memtable_unref(memtable);
    end(&w);
}

/* ---- Damage and torn tails ------------------------------------------------------------------- */

/* Operations 0 and 1, synced; 2, which tells it, 3 and 4. */
static struct strata_buffer synced_and_more(void)
{
    struct strata_buffer bytes;
    struct written w;

    begin(&w, &single_op_log);
    append_alone(&w, 0, 2);
    sync_it(&w);
    append_alone(&w, 2, 5);
    bytes = bytes_of(&w);
    end(&w);
    return bytes;
}

#define SYNCED (FIRST + HEAD + 2 * SINGLE)

static void log_flipped_bit_below_a_sync_is_damage(void **state)
{
    struct strata_buffer bytes = synced_and_more();

    (void)state;
    for (size_t bit = 8 * FIRST; bit < 8 * bytes.size; bit++) {
        struct opened o;
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        o = open_bytes(strata_buffer_slice(&bytes));
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (bit / 8 < SYNCED) {
            assert_int_equal(o.rc, STRATA_ERR_CORRUPT);
            assert_err_file(&o.err, PATH);
            assert_err_says(&o.err, "below 172 synced bytes");
            continue;
        }
        assert_string_equal(o.err.message, "");
        assert_int_equal(o.rc, 0); /* the tail is torn, for all that anybody was told */
        assert_int_equal(strncmp(o.keys, "01234", strlen(o.keys)), 0);
        assert_in_range(strlen(o.keys), 2, 4);
        assert_int_equal(o.replay.sequence, 1 + strlen(o.keys));
        assert_true(o.replay.dropped > 0);
    }
    strata_buffer_free(&bytes);
}

static void log_cut_anywhere_ends_with_a_whole_operation(void **state)
{
    struct strata_buffer bytes = synced_and_more();

    (void)state;
    for (size_t size = FIRST; size < bytes.size; size++) {
        struct opened o = open_bytes(strata_bytes(bytes.data, size));
        bool whole = size == FIRST || size == SYNCED - SINGLE || size == SYNCED ||
                     (size > SYNCED + HEAD && (size - SYNCED - HEAD) % SINGLE == 0);
        assert_string_equal(o.err.message, "");
        assert_int_equal(o.rc, 0); /* and nothing is left of what told that it was synced */
        assert_int_equal(o.replay.dropped > 0 || o.replay.room, !whole);
        assert_int_equal(strncmp(o.keys, "01234", strlen(o.keys)), 0);
        assert_int_equal(o.replay.sequence, 1 + strlen(o.keys));
    }
    strata_buffer_free(&bytes);
}

/* A power cut may leave any sectors of what was not synced: zeros in the place of `size` bytes. */
static void log_hole_ends_it_whatever_stands_behind(void **state)
{
    struct strata_op ops[] = {put("k3", "v3"), put("k4", "v4"), put("k5", "v5")};
    struct strata_buffer bytes;
    struct written w;
    uint64_t batch, behind;

    (void)state;
    begin(&w, &single_op_log);
    append_alone(&w, 0, 3);
    batch = w.log.end;
    append(&w, ops, 3);
    behind = w.log.end;
    append_alone(&w, 6, 9);
    bytes = bytes_of(&w);
    expect_keys(strata_buffer_slice(&bytes), "012345678", 10);
    memset(bytes.data + behind - 30, 0, 30); /* of the batch the last operation */
    expect_keys(strata_buffer_slice(&bytes), "012", 4);
    memset(bytes.data + batch, 0, behind - batch); /* all of it */
    expect_keys(strata_buffer_slice(&bytes), "012", 4);
    memset(bytes.data + batch - SINGLE, 0, SINGLE); /* the operation before */
    expect_keys(strata_buffer_slice(&bytes), "01", 3);
    memset(bytes.data + FIRST, 0, HEAD); /* the head, and it alone */
    expect_keys(strata_buffer_slice(&bytes), "", 1);
    strata_buffer_free(&bytes);
    end(&w);
}

/* ---- Forged ---------------------------------------------------------------------------------- */

/* A log of records that are put there by hand. */
struct forged {
    struct strata_fs *fs;
    struct fs_file *file;
    uint64_t salt;
};

static void forge(struct forged *f, const char *magic)
{
    f->fs = fs_sim_new();
    f->salt = 99;
    assert_int_equal(fs_sim_put_directory(f->fs, DIR), 0);
    assert_int_equal(fs_open(f->fs, PATH, FS_WRITE | FS_CREATE, &f->file, NULL), 0);
    assert_int_equal(record_start_kind(f->file, magic, NUMBER, NULL), 0);
}

static void add(struct forged *f, unsigned type, const char *key, const char *value)
{
    assert_int_equal(record_append_typed(f->file, NUMBER, type, S(key), S(value), NULL), 0);
}

static void add_head(struct forged *f, uint64_t sequence, uint64_t bytes, uint32_t count)
{
    uint8_t value[36] = {0}, *at = put_u64(put_u64(value, sequence), 0);

    put_u64(put_u32(put_u64(at, bytes), count), f->salt);
    assert_int_equal(record_append_typed(f->file, NUMBER, WAL_FRAME, S(""),
                                         strata_bytes(value, sizeof value), NULL),
                     0);
}

static int take_all(void *arg, const struct wal_frame *frame, struct record_reader *reader,
                    struct strata_error *err)
{
    (void)arg;
    (void)frame;
    (void)reader;
    (void)err;
    return 0;
}

/* Why reading stops. */
static void expect_stop(struct forged *f, uint64_t end, const char *why)
{
    struct replay replay = {
        .file = f->file, .number = NUMBER, .kind = &single_op_log, .apply = take_all};
    struct record_reader reader;
    struct strata_error err;
    int stop;

    assert_ok(log_check_header(f->file, NUMBER, &replay.kind, &err), &err);
    check_clear(&err);
    assert_int_equal(replay_frames(&replay, &reader, &stop, &err, NULL), 0);
    record_reader_free(&reader);
    assert_int_equal(replay.end, end);
    assert_int_equal(stop, STRATA_ERR_CORRUPT);
    assert_err_file(&err, PATH);
    assert_err_says(&err, why);
}

/* An open finds `keys`, and stops as `why` tells (NULL: at the end). */
static void expect_forged(struct forged *f, const char *keys, const char *why)
{
    struct strata_buffer bytes = {0};
    struct opened o;

    assert_int_equal(fs_sim_get(f->fs, PATH, &bytes), 0);
    o = open_bytes(strata_buffer_slice(&bytes));
    assert_string_equal(o.err.message, "");
    assert_int_equal(o.rc, 0);
    assert_string_equal(o.keys, keys);
    assert_int_equal(o.replay.sequence, 1 + strlen(keys));
    assert_int_equal(o.replay.dropped, bytes.size - o.replay.end);
    if (why)
        expect_stop(f, o.replay.end, why);
    else
        assert_int_equal(o.replay.end, bytes.size);
    strata_buffer_free(&bytes);
    fs_close(f->file, NULL);
    fs_free(f->fs);
}

/* It is not known which operation it is, and whose file. */
static void log_does_not_begin_with_an_operation(void **state)
{
    struct forged f;

    (void)state;
    forge(&f, SINGLE_OP_MAGIC);
    add(&f, SINGLE_OP_PUT, "k0", "v0");
    add_head(&f, 2, 0, 0);
    expect_forged(&f, "", "before the file's first frame");
}

static void log_operation_alone_is_none_inside_a_frame(void **state)
{
    struct forged f;

    (void)state;
    forge(&f, SINGLE_OP_MAGIC);
    add_head(&f, 1, 0, 0);
    add(&f, SINGLE_OP_PUT, "k0", "v0");
    add_head(&f, 2, 2 * SINGLE, 2);
    add(&f, STRATA_OP_PUT, "k1", "v1");
    add(&f, SINGLE_OP_PUT, "k2", "v2");
    expect_forged(&f, "0", "does not hold the 2 records");
}

static void log_frame_behind_operations_goes_on_with_their_numbers(void **state)
{
    static const uint64_t wrong[] = {1, 2, 4};
    struct forged f;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        forge(&f, SINGLE_OP_MAGIC);
        add_head(&f, 1, 0, 0);
        add(&f, SINGLE_OP_PUT, "k0", "v0");
        add(&f, SINGLE_OP_PUT, "k1", "v1");
        add_head(&f, wrong[i], SINGLE, 1);
        add(&f, STRATA_OP_PUT, "k2", "v2");
        expect_forged(&f, "01", ", expected 3");
    }
    forge(&f, SINGLE_OP_MAGIC);
    add_head(&f, 1, 0, 0);
    add(&f, SINGLE_OP_PUT, "k0", "v0");
    add(&f, SINGLE_OP_PUT, "k1", "v1");
    add_head(&f, 3, SINGLE, 1);
    add(&f, STRATA_OP_PUT, "k2", "v2");
    expect_forged(&f, "012", NULL);
}

static void log_delete_alone_has_no_value(void **state)
{
    struct forged f;

    (void)state;
    forge(&f, SINGLE_OP_MAGIC);
    add_head(&f, 1, 0, 0);
    add(&f, SINGLE_OP_PUT, "k0", "v0");
    add(&f, SINGLE_OP_DELETE, "k0", "v0");
    expect_forged(&f, "0", "a delete with a value of 2 bytes");
}

/* Stages 3 to 5 write no such records, and what has their magic has none. */
static void log_of_the_other_kind_with_an_operation_alone_ends_there(void **state)
{
    struct forged f;

    (void)state;
    forge(&f, WAL_MAGIC);
    add_head(&f, 1, SINGLE, 1);
    add(&f, STRATA_OP_PUT, "k0", "v0");
    add(&f, SINGLE_OP_PUT, "k1", "v1");
    expect_forged(&f, "0", "record type 10 is none");
}

/* Of the types that other files have, too. */
static void log_record_without_a_frame_is_damage(void **state)
{
    (void)state;
    for (unsigned type = 1; type < SINGLE_OP_PUT; type++) {
        struct strata_buffer bytes = {0};
        struct opened o;
        struct forged f;
        if (type == STRATA_OP_DELETE || type == WAL_FRAME)
            continue; /* those have no value, or one of their own */
        forge(&f, SINGLE_OP_MAGIC);
        add_head(&f, 1, 0, 0);
        add(&f, type, "k0", "v0");
        assert_int_equal(fs_sim_get(f.fs, PATH, &bytes), 0);
        o = open_bytes(strata_buffer_slice(&bytes));
        assert_int_equal(o.rc, STRATA_ERR_CORRUPT);
        assert_err_says(&o.err, "no frame's header");
        strata_buffer_free(&bytes);
        fs_close(f.file, NULL);
        fs_free(f.fs);
    }
}

static void log_header_is_read_or_refused(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_READ};
    struct strata_error err;
    struct fs_file *file;
    const struct wal_kind *kind = &single_op_log;

    (void)state;
    assert_int_equal(fs_sim_put(fs, "log", S("STRATWL2")), 0);
    assert_int_equal(fs_open(fs, "log", FS_READ, &file, NULL), 0);
    assert_code(log_check_header(file, NUMBER, &kind, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "ends inside its header");
    fs_sim_fail(fs, &fault);
    assert_code(log_check_header(file, NUMBER, &kind, &err), STRATA_ERR_IO, &err);
    fs_sim_fail(fs, NULL);
    fs_close(file, NULL);
    assert_int_equal(fs_sim_put(fs, "log", S("STRATLOG, and more than 24 bytes")), 0);
    assert_int_equal(fs_open(fs, "log", FS_READ, &file, NULL), 0);
    assert_code(log_check_header(file, NUMBER, &kind, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "does not begin with STRATWL2");
    fs_close(file, NULL);
    fs_free(fs);
}

/* ---- Whatever comes -------------------------------------------------------------------------- */

#define SECTOR 512
#define OPERATIONS 8

/* A group of batches: most are an operation alone, some to sync only. */
static void append_group(struct written *w, struct rng *rng)
{
    static const uint8_t bytes[70000];
    struct group_commit commits[4];
    struct strata_op ops[4][OPERATIONS];
    size_t count = 1 + rng_below(rng, 4), large = rng_below(rng, 20) ? 300 : 70000;
    uint64_t operations = 0;
    struct strata_error err;

    memset(commits, 0, sizeof commits);
    for (size_t i = 0; i < count; i++) {
        size_t some = rng_below(rng, 4) ? 1 : rng_below(rng, OPERATIONS);
        for (size_t j = 0; j < some; j++) {
            bool gone = rng_below(rng, 4) == 0;
            ops[i][j] = (struct strata_op){
                gone ? STRATA_OP_DELETE : STRATA_OP_PUT, strata_bytes(bytes, rng_below(rng, 40)),
                gone ? strata_bytes(NULL, 0) : strata_bytes(bytes, rng_below(rng, large))};
        }
        commits[i].ops = ops[i];
        commits[i].count = some;
        commits[i].next = i + 1 < count ? &commits[i + 1] : NULL;
        operations += some;
    }
    assert_ok(log_append(&w->log, commits, w->sequence, &err), &err);
    w->sequence += operations;
}

/* The number that comes next; 0: damage. */
static uint64_t next_of(struct strata_slice bytes)
{
    struct live_log names = {NUMBER, 1, 0, 1};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct memtable *memtable;
    struct strata_error err;
    struct replay replay;
    struct log log;
    int rc;

    assert_int_equal(fs_sim_put(fs, PATH, bytes), 0);
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    rc = log_open(&log, &env, &single_op_log, &names, log_fill, memtable, &replay, &err);
    if (rc == 0)
        assert_int_equal(memtable_count(memtable), replay.sequence - 1);
    else
        assert_int_equal(err.code, STRATA_ERR_CORRUPT);
    log_close(&log, false, NULL);
    memtable_unref(memtable);
    fs_free(fs);
    return rc == 0 ? replay.sequence : 0;
}

/* What was synced is there; of the rest each sector is as it was then, or as it is now. */
static void cut_power(struct strata_slice bytes, uint64_t synced, struct rng *rng, uint64_t least,
                      uint64_t most)
{
    struct strata_buffer cut = {0};
    uint64_t next, one_in = 1 + rng_below(rng, 8);

    assert_int_equal(strata_buffer_append(&cut, bytes.data, bytes.size), 0);
    for (size_t at = synced; at < cut.size;) {
        size_t end = (at / SECTOR + 1) * SECTOR;
        end = end < cut.size ? end : cut.size;
        if (rng_below(rng, one_in) == 0)
            memset(cut.data + at, 0, end - at);
        at = end;
    }
    if (rng_below(rng, 4) == 0)
        cut.size -= rng_below(rng, cut.size - synced + 1);
    next = next_of(strata_buffer_slice(&cut));
    assert_in_range(next, least, most);
    strata_buffer_free(&cut);
}

/* Of what a head has told to be on the device no bit may be another. */
static void flip_below(struct strata_slice bytes, uint64_t told, struct rng *rng)
{
    struct strata_buffer flipped = {0};

    assert_int_equal(strata_buffer_append(&flipped, bytes.data, bytes.size), 0);
    flipped.data[rng_below(rng, told)] ^= (uint8_t)(1u << rng_below(rng, 8));
    assert_int_equal(next_of(strata_buffer_slice(&flipped)), 0);
    strata_buffer_free(&flipped);
}

static void log_of_any_writes_survives_any_power_cut(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "log");
    for (int times = 0; times < 60; times++) {
        struct written w;
        struct strata_buffer bytes;
        uint64_t least = 1;
        begin(&w, rng_below(&rng, 8) > 0 ? &single_op_log : NULL);
        for (uint64_t left = rng_below(&rng, 60); left; left--) {
            append_group(&w, &rng);
            if (rng_below(&rng, 8))
                continue;
            sync_it(&w);
            least = w.sequence;
        }
        bytes = bytes_of(&w);
        for (int i = 0; i < 10; i++)
            cut_power(strata_buffer_slice(&bytes), w.log.synced, &rng, least, w.sequence);
        for (int i = 0; i < 10 && w.log.group.frame.synced == w.log.synced; i++)
            flip_below(strata_buffer_slice(&bytes), w.log.synced, &rng);
        strata_buffer_free(&bytes);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_of_one_operation_at_a_time_has_one_head),
        cmocka_unit_test(log_tells_each_sync_by_the_next_frame),
        cmocka_unit_test(log_of_batches_has_a_head_for_each),
        cmocka_unit_test(log_group_of_operations_is_one_append),
        cmocka_unit_test(log_without_syncs_has_a_head_now_and_then),
        cmocka_unit_test(log_append_that_fails_has_told_nothing),
        cmocka_unit_test(log_of_the_other_kind_has_heads_only),
        cmocka_unit_test(log_that_was_opened_begins_with_a_head),
        cmocka_unit_test(log_that_was_opened_takes_no_more_memory),
        cmocka_unit_test(log_flipped_bit_below_a_sync_is_damage),
        cmocka_unit_test(log_cut_anywhere_ends_with_a_whole_operation),
        cmocka_unit_test(log_hole_ends_it_whatever_stands_behind),
        cmocka_unit_test(log_does_not_begin_with_an_operation),
        cmocka_unit_test(log_operation_alone_is_none_inside_a_frame),
        cmocka_unit_test(log_frame_behind_operations_goes_on_with_their_numbers),
        cmocka_unit_test(log_delete_alone_has_no_value),
        cmocka_unit_test(log_of_the_other_kind_with_an_operation_alone_ends_there),
        cmocka_unit_test(log_record_without_a_frame_is_damage),
        cmocka_unit_test(log_header_is_read_or_refused),
        cmocka_unit_test(log_of_any_writes_survives_any_power_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
