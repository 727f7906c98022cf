/* 03_wal_test.c: the write-ahead log and its modules: frames, what recovery makes of an end, sync
 * policies, group commit, the checkpoint, threads. */
#include "test.h"

#include "02_hash_index/merge.h"
#include "03_wal/replay.h"
#include "03_wal/commit.h"
#include "02_hash_index/tail.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "fs/fs_posix.h"
#include "crash/sim/fs_sim.h"
#include "place.h"
#include "rng.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern const struct strata_engine strata_stage_03_wal;

#define S(text) strata_string(text)
#define LOG "db/000001.log"

static struct strata *open_with(struct strata_fs *fs, const char *dir, uint64_t segment_bytes,
                                enum strata_sync sync)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    subject_options(&options, fs, true);
    options.segment_bytes = segment_bytes;
    options.sync = sync;
    assert_ok(strata_open(dir, &options, &db, &err), &err);
    return db;
}

static struct strata *open_big(struct place *place)
{
    return open_with(place->fs, place->dir, 1 << 20, STRATA_SYNC_DEFAULT);
}

static void put_numbers(struct strata *db, int from, int to)
{
    struct strata_error err;
    for (int i = from; i < to; i++) {
        char key[16], value[32];
        snprintf(key, sizeof key, "key%d", i);
        snprintf(value, sizeof value, "value%d", i);
        assert_ok(strata_put(db, S(key), S(value), &err), &err);
    }
}

static void expect_numbers(struct strata *db, int count)
{
    for (int i = 0; i <= count; i++) {
        char key[16], value[32];
        snprintf(key, sizeof key, "key%d", i);
        snprintf(value, sizeof value, "value%d", i);
        assert_get(db, key, i < count ? value : NULL);
    }
}

/* ---- Frames ---------------------------------------------------------------------------- */

static struct fs_file *new_file(struct strata_fs *fs)
{
    struct fs_file *file;
    assert_int_equal(fs_open(fs, "log", FS_WRITE | FS_CREATE | FS_TRUNCATE, &file, NULL), 0);
    assert_int_equal(record_start_kind(file, WAL_MAGIC, 7, NULL), 0);
    return file;
}

static void add_frame(struct wal_group *group, uint64_t sequence, uint64_t synced, int count)
{
    wal_frame_begin(group, sequence, synced);
    for (int i = 0; i < count; i++)
        wal_frame_add(group, STRATA_OP_PUT, S("key"), S("value"), false);
    wal_frame_end(group);
}

static void frame_read(struct fs_file *file, struct record_reader *reader)
{
    record_reader_init(reader, file, 7, file->end);
    reader->max_type = WAL_FRAME;
}

static void wal_frames_of_a_group_are_one_append_and_read_back(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_file *file = new_file(fs);
    struct wal_group group = {0};
    struct record_reader reader;
    struct wal_frame frame = {0};
    uint64_t calls = atomic_load(&fs->calls[FS_CALL_APPEND]);

    (void)state;
    wal_group_begin(&group, 7, 99, file->end);
    add_frame(&group, 1, 0, 3);
    add_frame(&group, 4, 24, 0);
    add_frame(&group, 4, 24, 1);
    assert_int_equal(wal_group_write(&group, file, NULL), 0);
    assert_int_equal(atomic_load(&fs->calls[FS_CALL_APPEND]) - calls, 1);
    frame_read(file, &reader);
    assert_int_equal(wal_next(&reader, NULL, &frame, NULL), 0);
    assert_int_equal(frame.sequence, 1);
    assert_int_equal(frame.count, 3);
    assert_int_equal(frame.first, 24 + 17 + 36);
    assert_int_equal(frame.end, frame.first + 3 * (17 + 8));
    assert_int_equal(wal_next(&reader, NULL, &frame, NULL), 0);
    assert_int_equal(frame.count, 0);
    assert_int_equal(frame.synced, 24);
    assert_int_equal(wal_next(&reader, NULL, &frame, NULL), 0);
    assert_int_equal(frame.sequence, 4);
    assert_int_equal(wal_next(&reader, NULL, &frame, NULL), STRATA_NOT_FOUND);
    record_reader_free(&reader);
    wal_group_free(&group);
    fs_close(file, NULL);
    fs_free(fs);
}

/* A frame cut at any byte is torn, and no part of it is told. */
static void wal_frame_cut_at_any_byte_is_torn(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_file *file = new_file(fs);
    struct wal_group group = {0};
    uint64_t whole;

    (void)state;
    wal_group_begin(&group, 7, 99, file->end);
    add_frame(&group, 1, 0, 2);
    assert_int_equal(wal_group_write(&group, file, NULL), 0);
    whole = file->end;
    for (uint64_t cut = whole - 1; cut > 24; cut--) {
        struct record_reader reader;
        struct wal_frame frame = {0};
        assert_int_equal(fs_truncate(file, cut, NULL), 0);
        frame_read(file, &reader);
        assert_int_equal(wal_next(&reader, NULL, &frame, NULL), RECORD_TORN);
        assert_int_equal(reader.at, 24);
        record_reader_free(&reader);
    }
    wal_group_free(&group);
    fs_close(file, NULL);
    fs_free(fs);
}

/* A head that tells of other records than follow, though each check holds. */
static void wal_frame_with_another_count_of_records_is_damage(void **state)
{
    static const int wrong[] = {1, 3};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct fs_file *file = new_file(fs);
        struct wal_group group = {0};
        struct record_reader reader;
        struct strata_error err;
        struct wal_frame frame = {0};

        wal_group_begin(&group, 7, 99, file->end);
        wal_frame_begin(&group, 1, 0);
        wal_frame_add(&group, STRATA_OP_PUT, S("a"), S("1"), false);
        wal_frame_add(&group, STRATA_OP_PUT, S("b"), S("2"), false);
        group.frame.count = (uint32_t)wrong[i];
        wal_frame_end(&group);
        assert_int_equal(wal_group_write(&group, file, NULL), 0);
        frame_read(file, &reader);
        assert_code(wal_next(&reader, NULL, &frame, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_offset(&err, 24);
        record_reader_free(&reader);
        wal_group_free(&group);
        fs_close(file, NULL);
        fs_free(fs);
    }
}

static int take_any(void *arg, const struct wal_frame *frame, struct record_reader *reader,
                    struct strata_error *err)
{
    (void)frame;
    (void)reader;
    (void)err;
    ++*(int *)arg;
    return 0;
}

/* What follows on it could not be numbered: stage 6's manifest refuses such numbers, too. */
static void replay_of_a_number_near_2_to_63_is_damage(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct strata_fs *fs = fs_sim_new();
        struct fs_file *file = new_file(fs);
        struct wal_group group = {0};
        struct strata_error err;
        int frames = 0;
        struct replay replay = {.file = file, .number = 7, .apply = take_any, .arg = &frames};
        uint64_t second;

        wal_group_begin(&group, 7, 99, file->end);
        add_frame(&group, CODING_NUMBER_MAX - 3, 0, 1);
        second = file->end + group.bytes.size;
        add_frame(&group, CODING_NUMBER_MAX - 2, 0, 2 + more);
        assert_int_equal(wal_group_write(&group, file, NULL), 0);
        assert_code(replay_log(&replay, &err), more ? STRATA_ERR_CORRUPT : 0, &err);
        assert_int_equal(frames, more ? 1 : 2);
        if (more) {
            assert_err_file(&err, "log");
            assert_err_offset(&err, second);
            assert_err_says(&err, "so large a number");
        }
        wal_group_free(&group);
        fs_close(file, NULL);
        fs_free(fs);
    }
}

static void wal_evidence_is_found_anywhere_behind_and_only_if_valid(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_file *file = new_file(fs);
    struct wal_group group = {0};
    char junk[70000];
    struct strata_slice part = {(const uint8_t *)junk, sizeof junk};
    uint64_t at, synced;

    (void)state;
    memset(junk, WAL_FRAME, sizeof junk);
    assert_int_equal(fs_append(file, &part, 1, NULL), 0);
    assert_int_equal(wal_evidence(file, 7, 99, 24, &synced, NULL), 0);
    assert_int_equal(synced, 0);
    at = file->end;
    wal_group_begin(&group, 7, 99, file->end);
    add_frame(&group, 9, 65000, 1);
    assert_int_equal(wal_group_write(&group, file, NULL), 0);
    for (uint64_t from = at - 200; from <= at; from++) { /* whatever the windows' borders */
        assert_int_equal(wal_evidence(file, 7, 99, from, &synced, NULL), 0);
        assert_int_equal(synced, 65000);
    }
    for (uint64_t from = 4400; from < 4700; from++) {
        assert_int_equal(wal_evidence(file, 7, 99, from, &synced, NULL), 0);
        assert_int_equal(synced, 65000);
    }
    assert_int_equal(wal_evidence(file, 7, 99, at + 1, &synced, NULL), 0);
    assert_int_equal(synced, 0);
    assert_int_equal(wal_evidence(file, 8, 99, 24, &synced, NULL), 0); /* another file's */
    assert_int_equal(synced, 0);
    wal_group_free(&group);
    fs_close(file, NULL);
    fs_free(fs);
}

/* ---- What is made of the log's end ----------------------------------------------------- */

/* The last record ends with a value that does not end with a zero. */
static void cut_room(struct strata_buffer *log)
{
    while (log->size && log->data[log->size - 1] == 0)
        log->size--;
}

static void remove_file(const struct place *place, const char *name)
{
    char *path = fs_join(place->dir, name);
    assert_non_null(path);
    remove(path);
    free(path);
}

/* What a clean close leaves besides the first log. */
static void forget_the_close(const struct place *place)
{
    remove_file(place, "TAIL");
    remove_file(place, "INDEX");
    remove_file(place, "000002.log");
}

/* Leaves the log as a kill would, but for the room behind it: every put is there, no clean close.
 * Returns its bytes. */
static struct strata_buffer killed_log(struct place *place, int puts)
{
    struct strata *db = open_big(place);
    struct strata_buffer log;

    put_numbers(db, 0, puts);
    log = place_read(place, LOG);
    cut_room(&log);
    place_close(db);
    forget_the_close(place);
    place_write(place, LOG, strata_buffer_slice(&log));
    return log;
}

static void expect_damage(struct place *place, const char *words)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    subject_options(&options, place->fs, false);
    assert_code(strata_open(place->dir, &options, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, words);
}

/* The last frame was acknowledged, but nothing says so: a flip there drops it, as a torn tail
 * would be. In each frame before it a flip is damage: the next frame's head says what was synced.
 */
static void recover_flip_before_the_last_frame_is_damage(void **state)
{
    struct place *place = *state;
    struct strata_buffer log = killed_log(place, 5);
    size_t frame = 53 + 17 + 4 + 6, last = log.size - frame; /* "key0" "value0" */

    for (size_t at = 24; at < last; at++) {
        log.data[at] ^= 0x10;
        place_write(place, LOG, strata_buffer_slice(&log));
        log.data[at] ^= 0x10;
        expect_damage(place, "000001.log @");
    }
    for (size_t at = last; at < log.size; at++) {
        struct strata *db;
        log.data[at] ^= 0x10;
        place_write(place, LOG, strata_buffer_slice(&log));
        log.data[at] ^= 0x10;
        db = open_big(place);
        expect_numbers(db, 4);
        assert_int_equal(check_stat(db, "open_dropped"), frame);
        assert_int_equal(check_stat(db, "segments"), 2); /* nothing is appended behind it */
        place_close(db);
        forget_the_close(place);
    }
    strata_buffer_free(&log);
}

static void recover_cut_of_the_last_frame_is_dropped_and_a_new_segment_started(void **state)
{
    struct place *place = *state;
    struct strata_buffer log = killed_log(place, 3);
    struct strata_error err;
    struct strata *db;

    place_write(place, LOG, strata_bytes(log.data, log.size - 1));
    db = open_big(place);
    expect_numbers(db, 2);
    put_numbers(db, 2, 4);
    assert_int_equal(check_stat(db, "segments"), 2);
    place_close(db);
    db = open_big(place);
    expect_numbers(db, 4);
    assert_int_equal(check_stat(db, "open_dropped"), 0);
    assert_ok(strata_verify(db, NULL, &err), &err); /* also what the checkpoint spared reading */
    place_close(db);
    strata_buffer_free(&log);
}

static uint64_t size_of(struct place *place, const char *name)
{
    struct strata_buffer bytes = place_read(place, name);
    uint64_t size = bytes.size;
    strata_buffer_free(&bytes);
    return size;
}

/* Zeros behind the last frame are room that was made ahead: nothing is dropped, and the log is
 * written on where they began. With anything else in them they are a torn tail. */
static void recover_room_behind_the_log_is_written_on(void **state)
{
    struct place *place = *state;
    struct strata_buffer log = killed_log(place, 3);
    size_t end = log.size;
    struct strata_error err;
    struct strata *db;

    for (size_t room = 1; room <= 4096; room += room < 80 ? 1 : 803) {
        for (size_t i = 0; i < room; i++)
            assert_int_equal(strata_buffer_append(&log, "", 1), 0);
        place_write(place, LOG, strata_buffer_slice(&log));
        db = open_big(place);
        expect_numbers(db, 3);
        assert_int_equal(check_stat(db, "open_dropped"), 0);
        put_numbers(db, 3, 4);
        assert_int_equal(check_stat(db, "segments"), 1);
        place_close(db);
        assert_int_equal(size_of(place, LOG), end + 53 + 17 + 4 + 6); /* all room is given back */
        db = open_big(place);
        expect_numbers(db, 4);
        assert_ok(strata_verify(db, NULL, &err), &err);
        place_close(db);
        forget_the_close(place);
        log.data[log.size - 1] = 1;
        place_write(place, LOG, strata_buffer_slice(&log));
        db = open_big(place);
        expect_numbers(db, 3);
        assert_int_equal(check_stat(db, "open_dropped"), room);
        assert_int_equal(check_stat(db, "segments"), 2);
        place_close(db);
        forget_the_close(place);
        log.size = end;
    }
    strata_buffer_free(&log);
}

/* A seal, and the cut that gave the room behind it back did not reach the device. */
static void recover_room_behind_a_seal_is_cut_off(void **state)
{
    struct place *place = *state;
    struct strata_buffer log;
    struct strata_error err;
    struct strata *db = open_big(place);
    uint64_t end;

    put_numbers(db, 0, 3);
    assert_ok(strata_compact(db, NULL, &err), &err);
    place_close(db);
    forget_the_close(place);
    log = place_read(place, LOG);
    end = log.size;
    for (int i = 0; i < 700; i++)
        assert_int_equal(strata_buffer_append(&log, "", 1), 0);
    place_write(place, LOG, strata_buffer_slice(&log));
    db = open_big(place);
    expect_numbers(db, 3);
    put_numbers(db, 3, 4);
    assert_int_equal(check_stat(db, "segments"), 2);
    assert_int_equal(size_of(place, LOG), end);
    place_close(db);
    strata_buffer_free(&log);
}

/* What is no zero behind a seal is no room. */
static void recover_bytes_behind_a_seal_are_damage(void **state)
{
    struct place *place = *state;
    char *path = tmpdir_path(place->root, LOG);
    struct strata_buffer log;
    struct strata_error err;
    struct strata *db = open_big(place);

    put_numbers(db, 0, 3);
    assert_ok(strata_compact(db, NULL, &err), &err);
    place_close(db);
    forget_the_close(place);
    log = place_read(place, LOG);
    for (int i = 0; i < 700; i++)
        assert_int_equal(strata_buffer_append(&log, i == 600 ? "x" : "", 1), 0);
    place_write(place, LOG, strata_buffer_slice(&log));
    place_refused_as(place, false, STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, path);
    free(path);
    strata_buffer_free(&log);
}

/* A handle that wrote nothing, and one whose log is merged, leave no room behind either. */
static void close_gives_room_back(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata *db = open_big(place);
    uint64_t size;

    put_numbers(db, 0, 3);
    assert_true(size_of(place, LOG) > 4000);
    place_close(db);
    size = size_of(place, LOG);
    assert_true(size < 400);
    db = open_big(place);
    put_numbers(db, 0, 3);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_true(size_of(place, LOG) < 400); /* merged */
    assert_true(size_of(place, "db/000002.log") > 4000);
    place_close(db);
    db = open_big(place);
    place_close(db);
    assert_int_equal(size_of(place, "db/000002.log"), 24 + 53);
}

/* Nor does the segment that is begun by closing, as the one before it is full. */
static void close_that_begins_a_segment_gives_its_room_back(void **state)
{
    static const uint8_t bytes[5000];
    struct place *place = *state;
    struct strata *db = open_with(place->fs, place->dir, 4096, STRATA_SYNC_DEFAULT);
    struct strata_error err;

    assert_ok(strata_put(db, S("k"), strata_bytes(bytes, sizeof bytes), &err), &err);
    place_close(db);
    assert_int_equal(size_of(place, "db/000002.log"), 24 + 53);
}

/* The cut is on the device before the seal takes its place: of two changes that no sync parts, a
 * power cut may leave the later one alone, and a seal with old bytes behind it is damage. */
static void recover_cut_of_a_torn_tail_is_synced_before_the_seal(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, "db", 1 << 20, STRATA_SYNC_DEFAULT);
    struct strata_buffer log = {0};
    enum fs_call last = FS_CALL_COUNT;
    struct fs_sim_call call;

    (void)state;
    put_numbers(db, 0, 3);
    assert_int_equal(fs_sim_get(fs, LOG, &log), 0);
    cut_room(&log);
    place_close(db);
    assert_int_equal(fs_remove(fs, "db/TAIL", NULL), 0);
    assert_int_equal(fs_remove(fs, "db/INDEX", NULL), 0);
    assert_int_equal(fs_sim_put(fs, LOG, strata_bytes(log.data, log.size - 1)), 0);
    assert_int_equal(fs_sim_record(fs), 0);
    db = open_with(fs, "db", 1 << 20, STRATA_SYNC_DEFAULT);
    fs_sim_record_stop(fs);
    for (uint64_t n = 1; fs_sim_trace_call(fs, n, &call) == 0; n++) {
        if (strcmp(call.path, LOG) != 0 ||
            (call.kind != FS_CALL_TRUNCATE && call.kind != FS_CALL_SYNC &&
             call.kind != FS_CALL_APPEND))
            continue;
        if (call.kind == FS_CALL_APPEND)
            assert_int_equal(last, FS_CALL_SYNC);
        last = call.kind;
    }
    assert_int_equal(last, FS_CALL_SYNC);
    expect_numbers(db, 2);
    place_close(db);
    strata_buffer_free(&log);
    fs_free(fs);
}

/* Opening tells of damage; or, where the checkpoint spared reading it, the reads do. */
static void expect_told(struct place *place)
{
    struct strata_options options;
    struct strata_iter *iter;
    struct strata_error err;
    struct strata *db;
    int rc;

    subject_options(&options, place->fs, false);
    rc = strata_open(place->dir, &options, &db, &err);
    if (rc == 0) {
        assert_code(strata_iter_new(db, &iter, &err), STRATA_ERR_CORRUPT, &err);
        assert_code(strata_verify(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
        place_close(db);
    } else {
        assert_int_equal(rc, STRATA_ERR_CORRUPT);
    }
}

/* After a clean close nothing may be missing: any flip, and any cut, even between frames. */
static void recover_after_a_clean_close_flips_and_cuts_are_damage(void **state)
{
    struct place *place = *state;
    struct strata *db = open_big(place);
    struct strata_buffer log;

    put_numbers(db, 0, 4);
    place_close(db);
    log = place_read(place, LOG);
    for (size_t at = 0; at < log.size; at++) {
        log.data[at] ^= 0x40;
        place_write(place, LOG, strata_buffer_slice(&log));
        log.data[at] ^= 0x40;
        expect_told(place);
    }
    for (size_t cut = 0; cut < log.size; cut++) {
        place_write(place, LOG, strata_bytes(log.data, cut));
        expect_damage(place, "000001.log");
    }
    strata_buffer_free(&log);
}

/* Killed, opened, not written to, and closed: that close was a clean one too. */
static void recover_after_a_clean_close_without_writes_a_flip_is_damage(void **state)
{
    struct place *place = *state;
    struct strata_buffer log = killed_log(place, 4);

    place_close(open_big(place));
    log.data[log.size - 1] ^= 1;
    place_write(place, LOG, strata_buffer_slice(&log));
    expect_told(place);
    strata_buffer_free(&log);
}

static void recover_missing_last_segment_is_damage(void **state)
{
    struct place *place = *state;
    struct strata *db = open_with(place->fs, place->dir, 300, STRATA_SYNC_DEFAULT);
    char command[700];

    put_numbers(db, 0, 10);
    place_close(db);
    snprintf(command, sizeof command, "cd %s && rm $(ls *.log | tail -n 1)", place->dir);
    assert_int_equal(system(command), 0);
    expect_damage(place, "is missing: it was the last one");
}

/* The salt in the log's first frame: behind the file's header, the record's and 28 bytes. */
static uint64_t salt_of(const struct strata_buffer *log)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(log->data + 24 + 17 + 28, 8));
    return get_u64(&d);
}

static void recover_sequence_that_jumps_is_damage(void **state)
{
    struct place *place = *state;
    struct strata_buffer log = killed_log(place, 2);
    struct wal_group group = {0};
    struct strata_buffer more = {0};

    wal_group_begin(&group, (uint64_t)1 << 32 | 1, salt_of(&log), log.size);
    wal_frame_begin(&group, 9, log.size); /* 3 is next; it also tells that all before is synced */
    wal_frame_add(&group, STRATA_OP_PUT, S("key2"), S("value2"), false);
    wal_frame_end(&group);
    strata_buffer_append(&more, log.data, log.size);
    strata_buffer_append(&more, group.bytes.data, group.bytes.size);
    place_write(place, LOG, strata_buffer_slice(&more));
    {
        /* nobody was told that the jumping frame itself is safe: it is dropped, never applied */
        struct strata *db = open_big(place);
        expect_numbers(db, 2);
        place_close(db);
    }
    wal_group_free(&group);
    strata_buffer_free(&more);
    strata_buffer_free(&log);
}

static struct strata_slice colliding(char to[32], int which);

/* A frame whose every check holds is no torn tail, whoever made it: where it cannot be applied
 * nothing is dropped, and nothing that stands in it is seen. */
static void recover_whole_frame_that_cannot_be_applied_is_damage(void **state)
{
    struct place *place = *state;
    struct strata_buffer log = killed_log(place, 2);
    struct wal_group group = {0};
    char x[32], y[32];

    wal_group_begin(&group, (uint64_t)1 << 32 | 1, salt_of(&log), log.size);
    wal_frame_begin(&group, 3, 0);
    wal_frame_add(&group, STRATA_OP_PUT, colliding(x, 1), S("one"), false);
    wal_frame_add(&group, SEGMENT_PUT_COLLIDING, colliding(y, 2), S("two"), false);
    wal_frame_add(&group, STRATA_OP_PUT, colliding(y, 2), S("two, not marked"), false);
    wal_frame_end(&group);
    strata_buffer_append(&log, group.bytes.data, group.bytes.size);
    place_write(place, LOG, strata_buffer_slice(&log));
    expect_damage(place, "not marked as a collision");
    wal_group_free(&group);
    strata_buffer_free(&log);
}

/* A value may hold bytes that look like a frame's head at just that place, which says that all
 * before it was synced. `key_size`: of the forged head; a frame's is 0. The tail is torn. */
static void expect_no_evidence(struct place *place, bool knows_salt, uint32_t key_size)
{
    struct strata_buffer log = killed_log(place, 1), torn;
    struct wal_group forged = {0};
    struct strata_error err;
    struct strata *db = open_big(place);
    uint64_t number = (uint64_t)1 << 32 | 1;
    uint64_t value_at = log.size + 53 + 17 + 1; /* frame's head, record's head, key "k" */
    uint8_t *head;

    wal_group_begin(&forged, number, knows_salt ? salt_of(&log) : 12345, value_at);
    wal_frame_begin(&forged, 7, value_at);
    wal_frame_end(&forged);
    head = forged.bytes.data;
    put_u32(head + 5, key_size);
    put_u32(head,
            checksum(checksum_seed(number, value_at), strata_bytes(head + 4, RECORD_HEAD - 4)));
    strata_buffer_append(&forged.bytes, "some more", 9);
    assert_ok(strata_put(db, S("k"), strata_buffer_slice(&forged.bytes), &err), &err);
    torn = place_read(place, LOG);
    cut_room(&torn);
    place_close(db);
    place_write(place, LOG, strata_bytes(torn.data, torn.size - 1));
    forget_the_close(place);
    db = open_big(place);
    expect_numbers(db, 1);
    assert_get(db, "k", NULL);
    place_close(db);
    wal_group_free(&forged);
    strata_buffer_free(&torn);
    strata_buffer_free(&log);
}

static void recover_forged_frame_in_a_value_is_no_evidence(void **state)
{
    expect_no_evidence(*state, false, 0);
}

/* Not even with the salt: such a head no writer has made. */
static void recover_head_with_other_lengths_is_no_evidence(void **state)
{
    expect_no_evidence(*state, true, 1);
}

/* ---- Sync policies --------------------------------------------------------------------- */

static uint64_t syncs(struct strata_fs *fs)
{
    return atomic_load(&fs->calls[FS_CALL_SYNC]);
}

static void sync_always_is_one_fsync_a_put(void **state)
{
    struct place *place = *state;
    struct strata *db = open_big(place);
    uint64_t before = syncs(place->fs);
    put_numbers(db, 0, 20);
    assert_int_equal(syncs(place->fs) - before, 20);
    place_close(db);
}

static void sync_never_is_none_until_close_or_asked_for(void **state)
{
    struct place *place = *state;
    struct strata *db = open_with(place->fs, place->dir, 1 << 20, STRATA_SYNC_NEVER);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    uint64_t before = syncs(place->fs);

    put_numbers(db, 0, 20);
    assert_int_equal(syncs(place->fs) - before, 0);
    assert_ok(strata_sync(db, &err), &err);
    assert_int_equal(syncs(place->fs) - before, 1);
    assert_ok(strata_sync(db, &err), &err); /* nothing new */
    assert_int_equal(syncs(place->fs) - before, 1);
    assert_ok(strata_batch_put(batch, S("a"), S("b"), &err), &err);
    assert_ok(strata_write(db, batch, STRATA_WRITE_SYNC, &err), &err);
    assert_int_equal(syncs(place->fs) - before, 2);
    put_numbers(db, 20, 21);
    before = syncs(place->fs);
    place_close(db);
    assert_true(syncs(place->fs) > before);
    strata_batch_free(batch);
}

static void sync_interval_comes_by_bytes_and_by_time(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    uint64_t before;

    (void)state;
    subject_options(&options, fs, true);
    options.segment_bytes = 1 << 20;
    options.sync = STRATA_SYNC_INTERVAL;
    options.sync_interval_bytes = 10 * (53 + 17 + 10);
    options.sync_interval_ms = 1000000;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    before = syncs(fs);
    put_numbers(db, 0, 10); /* the last one reaches ten records */
    assert_int_equal(syncs(fs) - before, 1);
    put_numbers(db, 0, 9);
    assert_int_equal(syncs(fs) - before, 1);
    fs_sim_advance(fs, (uint64_t)1000000 * 1000000);
    put_numbers(db, 0, 1); /* checked at the next write */
    assert_int_equal(syncs(fs) - before, 2);
    place_close(db);
    assert_int_equal(fs_sim_open_files(fs), 0);
    fs_free(fs);
}

/* fsync fails and the kernel drops the pages: nothing is acknowledged after it, what readers see
 * is what was acknowledged before, and reopening finds exactly that. */
static void sync_that_fails_poisons_the_handle_and_is_not_tried_again(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_fault fault = {.kind = FS_SIM_SYNC_DROPS, .at = 1};
    struct strata_error err;
    struct strata *db = open_with(fs, "db", 1 << 20, STRATA_SYNC_DEFAULT);
    uint64_t after;

    (void)state;
    put_numbers(db, 0, 3);
    fs_sim_fail(fs, &fault);
    assert_code(strata_put(db, S("key3"), S("value3"), &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EIO);
    assert_err_says(&err, "000001.log");
    after = syncs(fs);
    for (int i = 0; i < 3; i++) {
        assert_code(strata_put(db, S("more"), S("of it"), &err), STRATA_ERR_IO, &err);
        assert_err_says(&err, "open it again");
        assert_code(strata_sync(db, &err), STRATA_ERR_IO, &err);
        assert_code(strata_compact(db, NULL, &err), STRATA_ERR_IO, &err);
    }
    assert_int_equal(syncs(fs), after);
    expect_numbers(db, 3);
    place_close(db);
    db = open_with(fs, "db", 1 << 20, STRATA_SYNC_DEFAULT);
    assert_get(db, "key2", "value2");
    assert_get(db, "more", NULL);
    place_close(db);
    assert_int_equal(fs_sim_open_files(fs), 0);
    fs_free(fs);
}

/* A new segment's file has its name, and whether that is durable is not known: no lack of memory
 * that changed nothing, but the end of writing. */
static int no_memory_for_sync_dir(struct strata_fs *fs, const char *path)
{
    (void)fs;
    (void)path;
    return -ENOMEM;
}

static void sync_of_the_directory_that_fails_poisons_the_handle(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, "db", 400, STRATA_SYNC_DEFAULT);
    const struct fs_ops *right = fs->ops;
    struct fs_ops failing = *right;
    struct strata_error err = {.code = 0};
    char key[16];
    int done = 0;

    (void)state;
    failing.sync_dir = no_memory_for_sync_dir;
    fs->ops = &failing;
    for (; err.code == 0 && done < 100; done += err.code == 0) {
        snprintf(key, sizeof key, "key%d", done);
        strata_put(db, S(key), S("value"), &err);
    }
    fs->ops = right;
    assert_int_equal(err.code, STRATA_ERR_IO);
    assert_int_equal(err.sys, ENOMEM);
    assert_code(strata_put(db, S("more"), S("of it"), &err), STRATA_ERR_IO, &err);
    assert_err_says(&err, "open it again");
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_IO, &err);
    place_close(db);
    db = open_with(fs, "db", 400, STRATA_SYNC_DEFAULT);
    for (int i = 0; i <= done; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_get(db, key, i < done ? "value" : NULL);
    }
    place_close(db);
    fs_free(fs);
}

/* ---- Group commit ---------------------------------------------------------------------- */

static struct wal_store *store_of(struct strata_fs *fs, struct strata_env *env,
                                  struct strata_options *options)
{
    struct strata_error err;
    void *self;
    subject_options(options, fs, true);
    options->segment_bytes = 1 << 20;
    options->sync = STRATA_SYNC_ALWAYS;
    *env = (struct strata_env){fs, "db", options, true};
    assert_int_equal(fs_mkdir(fs, "db", NULL), 0);
    assert_ok((&strata_stage_03_wal)->open(env, &self, &err), &err);
    return self;
}

/* Numbers from 2^63 on could not be read again: a batch that would get one is refused. */
static void group_without_sequence_numbers_takes_no_batch(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_op ops[2] = {{STRATA_OP_PUT, S("a"), S("1")}, {STRATA_OP_PUT, S("b"), S("1")}};
    struct group_commit list[2] = {{.ops = ops, .count = 1, .next = &list[1]},
                                   {.ops = ops, .count = 2}};
    struct strata_options options;
    struct strata_env env;
    struct wal_store *store = store_of(fs, &env, &options);

    (void)state;
    store->sequence = CODING_NUMBER_MAX - 2;
    sync_lock(&store->group.mutex);
    commit_list(store, list);
    sync_unlock(&store->group.mutex);
    assert_int_equal(list[0].rc, 0);
    assert_int_equal(list[1].rc, STRATA_ERR_NOT_SUPPORTED);
    assert_err_says(&list[1].err, "go beyond 2^63 - 1");
    assert_int_equal(store->sequence, CODING_NUMBER_MAX - 1);
    (&strata_stage_03_wal)->close(store, NULL);
    fs_free(fs);
}

static void group_of_many_batches_is_one_append_and_one_sync(void **state)
{
    enum { BATCHES = 8 };
    struct strata_fs *fs = fs_sim_new();
    struct strata_op ops[BATCHES][2];
    struct group_commit list[BATCHES];
    char keys[BATCHES][2][8];
    struct strata_options options;
    struct strata_env env;
    struct wal_store *store = store_of(fs, &env, &options);
    struct strata_buffer value = {0};
    uint64_t appends, before;

    (void)state;
    for (int i = 0; i < BATCHES; i++) {
        snprintf(keys[i][0], 8, "a%d", i);
        snprintf(keys[i][1], 8, "b%d", i / 2);
        ops[i][0] = (struct strata_op){STRATA_OP_PUT, S(keys[i][0]), S("one")};
        ops[i][1] = (struct strata_op){i % 2 ? STRATA_OP_DELETE : STRATA_OP_PUT, S(keys[i][1]),
                                       i % 2 ? S(NULL) : S("two")};
        list[i] = (struct group_commit){.ops = ops[i], .count = 2, .sync = i == 3};
        list[i].next = i + 1 < BATCHES ? &list[i + 1] : NULL;
    }
    appends = atomic_load(&fs->calls[FS_CALL_APPEND]);
    before = syncs(fs);
    sync_lock(&store->group.mutex);
    commit_list(store, list);
    sync_unlock(&store->group.mutex);
    assert_int_equal(atomic_load(&fs->calls[FS_CALL_APPEND]) - appends, 1);
    assert_int_equal(syncs(fs) - before, 1);
    for (int i = 0; i < BATCHES; i++) {
        assert_int_equal(list[i].rc, 0);
        assert_int_equal((&strata_stage_03_wal)->get(store, S(keys[i][0]), &value, NULL), 0);
        assert_int_equal((&strata_stage_03_wal)->get(store, S(keys[i][1]), &value, NULL),
                         STRATA_NOT_FOUND); /* deleted by the next batch of the group */
    }
    assert_int_equal(store->sequence, 1 + 2 * BATCHES);
    strata_buffer_free(&value);
    assert_int_equal((&strata_stage_03_wal)->close(store, NULL), 0);
    fs_free(fs);
}

/* A sync, or a delete of what is not there, writes nothing; the put before it in the group stays.
 */
static void group_of_a_put_and_a_sync_keeps_the_put(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_op put = {STRATA_OP_PUT, S("key"), S("value")};
    struct group_commit sync = {.sync = true}, first = {.ops = &put, .count = 1, .next = &sync};
    struct strata_options options;
    struct strata_env env;
    struct wal_store *store = store_of(fs, &env, &options);
    struct strata_buffer value = {0};

    (void)state;
    sync_lock(&store->group.mutex);
    commit_list(store, &first);
    sync_unlock(&store->group.mutex);
    assert_int_equal(first.rc, 0);
    assert_int_equal(sync.rc, 0);
    assert_int_equal((&strata_stage_03_wal)->get(store, S("key"), &value, NULL), 0);
    assert_int_equal(store->sequence, 2);
    strata_buffer_free(&value);
    assert_int_equal((&strata_stage_03_wal)->close(store, NULL), 0);
    fs_free(fs);
}

/* The first leader is held up, its mutex free as during a sync, until four more wait. */
enum { WAITERS = 5 };

struct queue {
    struct group group;
    struct group_commit commits[WAITERS];
    pthread_t threads[WAITERS];
    int order[WAITERS], count, lists;
    bool leading, two_led;
    bool answered; /* a batch, whoever led */
};

struct waiter {
    struct queue *queue;
    struct group_commit *commit;
};

static void wait_for_queue(struct queue *queue, int wanted)
{
    for (int tries = 0; tries < 10000; tries++) {
        const struct timespec a_moment = {0, 1000000};
        int queued = 0;
        for (struct group_commit *c = queue->group.first; c; c = c->next)
            queued++;
        if (queued == wanted || queue->two_led || queue->answered)
            return;
        sync_unlock(&queue->group.mutex);
        nanosleep(&a_moment, NULL);
        sync_lock(&queue->group.mutex);
    }
}

static void lead(void *arg, struct group_commit *list)
{
    struct queue *queue = arg;
    queue->two_led |= queue->leading;
    queue->leading = true;
    if (queue->lists++ == 0)
        wait_for_queue(queue, WAITERS - 1);
    for (struct group_commit *c = list; c; c = c->next) {
        queue->order[queue->count++] = (int)(c - queue->commits);
        c->rc = 0;
    }
    queue->leading = false;
}

static void *submit_one(void *arg)
{
    struct waiter *waiter = arg;
    group_submit(&waiter->queue->group, waiter->commit, 2, lead, waiter->queue);
    sync_lock(&waiter->queue->group.mutex);
    waiter->queue->answered = true;
    sync_unlock(&waiter->queue->group.mutex);
    return NULL;
}

static void group_has_one_leader_and_keeps_the_order_of_the_queue(void **state)
{
    static const struct strata_op op = {STRATA_OP_PUT, {(const uint8_t *)"k", 1}, {NULL, 0}};
    struct queue queue = {0};
    struct waiter waiters[WAITERS];

    (void)state;
    assert_int_equal(group_init(&queue.group, NULL), 0);
    for (int i = 0; i < WAITERS; i++) {
        queue.commits[i] = (struct group_commit){.ops = &op, .count = 1};
        waiters[i] = (struct waiter){&queue, &queue.commits[i]};
        assert_int_equal(pthread_create(&queue.threads[i], NULL, submit_one, &waiters[i]), 0);
        sync_lock(&queue.group.mutex);
        while (queue.lists == 0 && !queue.answered) { /* the first one leads */
            sync_unlock(&queue.group.mutex);
            sched_yield();
            sync_lock(&queue.group.mutex);
        }
        if (i < WAITERS - 1)
            wait_for_queue(&queue, i);
        sync_unlock(&queue.group.mutex);
    }
    for (int i = 0; i < WAITERS; i++)
        pthread_join(queue.threads[i], NULL);
    assert_false(queue.two_led);
    assert_int_equal(queue.lists, 3); /* one, and two by two: as much as the limit allows */
    assert_int_equal(queue.count, WAITERS);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(queue.order[i], i);
    group_free(&queue.group);
}

static const struct strata_op crowd_op = {STRATA_OP_PUT, {(const uint8_t *)"k", 1}, {NULL, 0}};

/* Threads that write, synced and not, and some that want to be alone. */
enum { CROWD = 6, CROWD_BATCHES = 30 };

struct crowd {
    struct group group;
    bool alone; /* somebody is */
    bool two;   /* were, at once */
    size_t led; /* batches */
};

static void begin_alone(struct crowd *crowd)
{
    crowd->two |= crowd->alone;
    crowd->alone = true;
}

/* As a sync does: the mutex is free meanwhile. */
static void lead_crowd(void *arg, struct group_commit *list)
{
    struct crowd *crowd = arg;
    bool sync = false;

    begin_alone(crowd);
    for (struct group_commit *c = list; c; c = c->next) {
        sync |= c->sync;
        c->rc = 0;
        crowd->led++;
    }
    if (sync) {
        const struct timespec a_moment = {0, 20000};
        sync_unlock(&crowd->group.mutex);
        nanosleep(&a_moment, NULL);
        sync_lock(&crowd->group.mutex);
    }
    crowd->alone = false;
}

static void *submit_many(void *arg)
{
    struct crowd *crowd = arg;

    for (size_t i = 0; i < CROWD_BATCHES; i++) {
        struct group_commit commit = {.ops = &crowd_op, .count = 1, .sync = i % 8 != 0, .rc = 1};
        if (i % 16 == 0) {
            group_enter(&crowd->group);
            begin_alone(crowd);
            crowd->alone = false;
            group_leave(&crowd->group);
        }
        if (group_submit(&crowd->group, &commit, 4, lead_crowd, crowd) != 0)
            crowd->two = true;
    }
    return NULL;
}

/* Each batch is led once, by one leader at a time, and nobody sleeps for ever, not even of those
 * who come last. */
static void group_of_a_crowd_forgets_nobody(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct crowd crowd = {0};
        pthread_t threads[CROWD];

        assert_int_equal(group_init(&crowd.group, NULL), 0);
        for (size_t i = 0; i < CROWD; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &crowd), 0);
        for (size_t i = 0; i < CROWD; i++)
            pthread_join(threads[i], NULL);
        assert_false(crowd.two);
        assert_int_equal(crowd.led, CROWD * CROWD_BATCHES);
        assert_int_equal(crowd.group.commits, CROWD * CROWD_BATCHES);
        assert_null(crowd.group.first);
        group_free(&crowd.group);
    }
}

/* Whether the append fails or the sync: each of the batches is told, and none is seen. */
static void group_that_fails_is_an_error_for_each_of_its_batches(void **state)
{
    enum { BATCHES = 3 };
    static const enum fs_call calls[] = {FS_CALL_APPEND, FS_CALL_SYNC};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << calls[i]};
        struct strata_fs *fs = fs_sim_new();
        struct strata_options options;
        struct strata_env env;
        struct wal_store *store = store_of(fs, &env, &options);
        const struct strata_engine *engine = &strata_stage_03_wal;
        static const char *const keys[BATCHES] = {"a", "b", "c"};
        struct strata_op ops[BATCHES];
        struct group_commit list[BATCHES];
        struct strata_buffer value = {0};

        for (int n = 0; n < BATCHES; n++) {
            ops[n] = (struct strata_op){STRATA_OP_PUT, S(keys[n]), S("value")};
            list[n] = (struct group_commit){.ops = &ops[n], .count = 1, .sync = true};
            list[n].next = n + 1 < BATCHES ? &list[n + 1] : NULL;
        }
        fs_sim_fail(fs, &fault);
        sync_lock(&store->group.mutex);
        commit_list(store, list);
        sync_unlock(&store->group.mutex);
        assert_int_equal(fs_sim_failed(fs), 1);
        fs_sim_fail(fs, NULL);
        for (int n = 0; n < BATCHES; n++) {
            assert_int_equal(list[n].rc, STRATA_ERR_IO);
            assert_int_equal(list[n].err.sys, EIO);
            assert_int_equal(engine->get(store, ops[n].key, &value, NULL), STRATA_NOT_FOUND);
        }
        engine->close(store, NULL);
        strata_buffer_free(&value);
        fs_free(fs);
    }
}

/* A rotation that ran out of memory when it had made the new file, and before the first frame: the
 * next write takes it up there. */
static void rotation_that_got_as_far_as_the_file_is_taken_up_again(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env;
    struct wal_store *store = store_of(fs, &env, &options);
    const struct strata_engine *engine = &strata_stage_03_wal;
    struct segments *set = &store->keydir.segments;
    struct strata_op put = {STRATA_OP_PUT, S("key"), S("value")};
    struct strata_error err;
    struct strata_fs *cut;
    struct strata_buffer value = {0};
    void *again;

    (void)state;
    assert_ok(engine->write(store, &put, 1, true, &err), &err);
    assert_ok(segment_seal(segments_active(set), &err), &err);
    assert_ok(fs_sync(set->list[0]->at.file, &err), &err);
    assert_ok(segments_start(set, &err), &err);
    put.key = S("acknowledged");
    assert_ok(engine->write(store, &put, 1, true, &err), &err);
    cut = fs_sim_copy(fs); /* with no clean close */
    assert_int_equal(engine->close(store, NULL), 0);
    env.fs = cut;
    env.is_new = false;
    assert_ok(engine->open(&env, &again, &err), &err);
    assert_int_equal(engine->get(again, put.key, &value, &err), 0);
    assert_int_equal(engine->get(again, S("key"), &value, &err), 0);
    assert_int_equal(engine->close(again, NULL), 0);
    strata_buffer_free(&value);
    fs_free(cut);
    fs_free(fs);
}

/* ---- Batches --------------------------------------------------------------------------- */

/* Keys with one hash, made by hand (see the hash index's tests), within one batch. */
static struct strata_slice colliding(char to[32], int which)
{
    static const uint8_t secret[8] = {0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe};
    memcpy(to, secret, 8);
    snprintf(to + 8, 24, "%08d", which);
    memset(to + 16, 'x', 16);
    return strata_bytes(to, 32);
}

static void batch_random_ones_with_collisions_match_the_model(void **state)
{
    struct place *place = *state;
    struct model model = {0};
    struct strata_error err;
    struct rng rng;
    struct strata *db = open_with(place->fs, place->dir, 900, STRATA_SYNC_NEVER);
    struct strata_batch *batch = strata_batch_new();

    rng_init_env(&rng, "batches");
    for (int round = 0; round < 1500; round++) {
        uint64_t dice = rng_below(&rng, 100);
        if (dice < 6) {
            place_close(db);
            db = open_with(place->fs, place->dir, 900, STRATA_SYNC_NEVER);
            continue;
        }
        if (dice < 8) {
            assert_ok(strata_compact(db, NULL, &err), &err);
            continue;
        }
        strata_batch_clear(batch);
        for (uint64_t n = rng_below(&rng, 6); n > 0; n--) {
            char text[32], value[24];
            struct strata_slice key = colliding(text, (int)rng_below(&rng, 4));
            snprintf(value, sizeof value, "round %d", round);
            if (rng_below(&rng, 3) == 0)
                key = strata_bytes(text + 8, 1 + rng_below(&rng, 3));
            if (rng_below(&rng, 3)) {
                assert_ok(strata_batch_put(batch, key, S(value), &err), &err);
                model_put(&model, key, S(value));
            } else {
                assert_ok(strata_batch_delete(batch, key, &err), &err);
                model_delete(&model, key);
            }
        }
        assert_ok(strata_write(db, batch, 0, &err), &err);
        if (round % 20 == 0)
            assert_model(&model, db);
    }
    assert_model(&model, db);
    assert_ok(strata_verify(db, NULL, &err), &err);
    place_close(db);
    strata_batch_free(batch);
    model_free(&model);
}

static void batch_cut_at_any_byte_is_all_or_nothing(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, "db", 1 << 20, STRATA_SYNC_NEVER);
    struct strata_batch *batch = strata_batch_new();
    struct strata_buffer before = {0}, after = {0};
    struct strata_error err;

    (void)state;
    assert_put(db, "b", "old");
    assert_int_equal(fs_sim_get(fs, LOG, &before), 0);
    cut_room(&before);
    assert_ok(strata_batch_put(batch, S("a"), S("new"), &err), &err);
    assert_ok(strata_batch_delete(batch, S("b"), &err), &err);
    assert_ok(strata_batch_put(batch, S("c"), S("new"), &err), &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    assert_int_equal(fs_sim_get(fs, LOG, &after), 0);
    cut_room(&after);
    assert_true(after.size > before.size + 100);
    for (size_t cut = before.size; cut <= after.size; cut++) {
        struct strata_fs *killed = fs_sim_copy(fs);
        struct strata *again;
        bool all = cut == after.size;
        assert_int_equal(fs_sim_put(killed, LOG, strata_bytes(after.data, cut)), 0);
        again = open_with(killed, "db", 1 << 20, STRATA_SYNC_NEVER);
        assert_get(again, "a", all ? "new" : NULL);
        assert_get(again, "b", all ? NULL : "old");
        assert_get(again, "c", all ? "new" : NULL);
        place_close(again);
        fs_free(killed);
    }
    place_close(db);
    strata_batch_free(batch);
    strata_buffer_free(&before);
    strata_buffer_free(&after);
    fs_free(fs);
}

/* After the append nothing may fail but the sync: a batch of which readers see a part would be
 * neither all nor nothing. */
static void batch_with_collisions_is_all_or_nothing_when_a_read_fails(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_READ};
    char a[32], b[32];
    bool struck = true;

    (void)state;
    for (; struck; fault.at++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_with(fs, "db", 1 << 20, STRATA_SYNC_DEFAULT);
        struct strata_batch *batch = strata_batch_new();
        struct strata_error err;
        bool plain, first;

        assert_ok(strata_put(db, colliding(a, 1), S("old"), &err), &err);
        assert_ok(strata_batch_put(batch, S("plain"), S("new"), &err), &err);
        assert_ok(strata_batch_put(batch, colliding(b, 2), S("new"), &err), &err);
        assert_ok(strata_batch_delete(batch, colliding(a, 1), &err), &err);
        fs_sim_fail(fs, &fault);
        strata_write(db, batch, 0, NULL);
        struck = fs_sim_failed(fs) > 0;
        fs_sim_fail(fs, NULL);
        plain = strata_get(db, S("plain"), NULL, &err) == 0;
        first = strata_get(db, colliding(a, 1), NULL, &err) == 0;
        assert_int_equal(plain, !first);
        assert_int_equal(plain, strata_get(db, colliding(b, 2), NULL, &err) == 0);
        strata_batch_free(batch);
        place_close(db);
        fs_free(fs);
    }
    assert_true(fault.at > 2);
}

/* ---- Checkpoint ------------------------------------------------------------------------ */

static void checkpoint_open_reads_what_came_after_it(void **state)
{
    struct place *place = *state;
    struct strata *db = open_with(place->fs, place->dir, 1 << 20, STRATA_SYNC_NEVER);
    uint64_t bytes;

    for (int i = 0; i < 10; i++)
        put_numbers(db, 0, 300);
    bytes = check_stat(db, "segment_bytes");
    place_close(db);
    db = open_big(place);
    assert_int_equal(check_stat(db, "open_checkpoint"), 1);
    assert_true(check_stat(db, "open_replayed") < bytes / 20);
    expect_numbers(db, 300);
    put_numbers(db, 300, 301);
    place_close(db);
    db = open_big(place);
    expect_numbers(db, 301);
    assert_ok(strata_verify(db, NULL, NULL), &(struct strata_error){0});
    place_close(db);
}

static const struct fs_ops *right_ops;

/* Everything else works. */
static int no_checkpoint(struct strata_fs *fs, const char *path, unsigned flags,
                         struct fs_file **out)
{
    if (strstr(path, "INDEX.tmp"))
        return -EIO;
    return right_ops->open(fs, path, flags, out);
}

/* While data is put, segments are merged, and at the close: all data is in the log and synced. So
 * nothing is refused and nothing lost, but it is told, and the next open reads more. */
static void checkpoint_that_cannot_be_written_is_logged_and_no_failure(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, "db", 2000, STRATA_SYNC_DEFAULT);
    unsigned long told = subject_warnings();
    struct strata_buffer tail = {0};
    struct strata_error err;
    struct fs_ops ops = *fs->ops;

    (void)state;
    right_ops = fs->ops;
    ops.open = no_checkpoint;
    fs->ops = &ops;
    for (int i = 0; i < 10; i++)
        put_numbers(db, 0, 30);
    assert_int_equal(check_stat(db, "checkpoints"), 0);
    assert_ok(strata_compact(db, NULL, &err), &err);
    put_numbers(db, 30, 60);
    assert_true(subject_warnings() > told);
    told = subject_warnings();
    place_close(db);
    assert_true(subject_warnings() > told);
    assert_int_equal(fs_sim_get(fs, "db/TAIL", &tail), 0);
    strata_buffer_free(&tail);
    fs->ops = right_ops;
    db = open_with(fs, "db", 2000, STRATA_SYNC_DEFAULT);
    expect_numbers(db, 60);
    assert_int_equal(check_stat(db, "open_checkpoint"), 0);
    put_numbers(db, 0, 60);
    place_close(db);
    db = open_with(fs, "db", 2000, STRATA_SYNC_DEFAULT);
    assert_int_equal(check_stat(db, "open_checkpoint"), 1);
    place_close(db);
    fs_free(fs);
}

static const char *unreadable; /* the end of a path */

static ssize_t read_at_others(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    size_t path = strlen(file->path), end = strlen(unreadable);
    if (path >= end && strcmp(file->path + path - end, unreadable) == 0)
        return -EIO;
    return right_ops->read_at(file, offset, to, size);
}

/* The index can be had from the log, so it is ignored. Where the log ended can be had from nowhere
 * else: opening is refused until the file can be read, or somebody decides to do without. */
static void checkpoint_that_cannot_be_read_is_ignored_and_a_tail_refused(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, "db", 1 << 20, STRATA_SYNC_DEFAULT);
    unsigned long told = subject_warnings();
    struct strata_options options;
    struct strata_error err;
    struct fs_ops ops = *fs->ops;

    (void)state;
    put_numbers(db, 0, 100);
    place_close(db);
    right_ops = fs->ops;
    ops.read_at = read_at_others;
    fs->ops = &ops;
    unreadable = "/INDEX";
    db = open_with(fs, "db", 1 << 20, STRATA_SYNC_DEFAULT);
    expect_numbers(db, 100);
    assert_int_equal(check_stat(db, "open_checkpoint"), 0);
    assert_int_equal(subject_warnings(), told + 1);
    place_close(db);
    unreadable = "/TAIL";
    subject_options(&options, fs, false);
    assert_code(strata_open("db", &options, &db, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EIO);
    assert_err_file(&err, "db/TAIL");
    assert_err_says(&err, "remove it to open without");
    assert_int_equal(fs_remove(fs, "db/TAIL", NULL), 0);
    db = open_with(fs, "db", 1 << 20, STRATA_SYNC_DEFAULT);
    expect_numbers(db, 100);
    place_close(db);
    fs->ops = right_ops;
    fs_free(fs);
}

static void checkpoint_any_flipped_bit_is_ignored(void **state)
{
    struct place *place = *state;
    struct strata *db = open_big(place);
    struct strata_buffer index;

    put_numbers(db, 0, 3);
    place_close(db);
    index = place_read(place, "db/INDEX");
    for (size_t bit = 0; bit < index.size * 8; bit++) {
        index.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        place_write(place, "db/INDEX", strata_buffer_slice(&index));
        index.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        db = open_big(place);
        assert_int_equal(check_stat(db, "open_checkpoint"), 0);
        expect_numbers(db, 3);
        place_close(db);
    }
    strata_buffer_free(&index);
}

/* More than the log could fill is no checkpoint, and nothing is allocated for it. */
static void checkpoint_that_is_too_large_is_ignored(void **state)
{
    struct place *place = *state;
    struct strata *db = open_big(place);
    char path[600];

    put_numbers(db, 0, 3);
    place_close(db);
    snprintf(path, sizeof path, "%s/INDEX", place->dir);
    assert_int_equal(truncate(path, (off_t)1 << 42), 0);
    db = open_big(place);
    assert_int_equal(check_stat(db, "open_checkpoint"), 0);
    expect_numbers(db, 3);
    place_close(db);
}

/* A merge rewrites a segment under its own name; a checkpoint from before it must not fit: one that
 * was true up to the first `few` puts. */
static void check_from_before_a_merge(struct place *place, int few)
{
    struct strata *db = open_big(place);
    struct strata_buffer index;
    struct strata_error err;

    put_numbers(db, 0, few);
    place_close(db);
    index = place_read(place, "db/INDEX");
    db = open_big(place);
    put_numbers(db, 0, 20);
    assert_ok(strata_compact(db, NULL, &err), &err); /* 000001.log is written anew */
    place_close(db);
    place_write(place, "db/INDEX", strata_buffer_slice(&index));
    db = open_big(place);
    assert_int_equal(check_stat(db, "open_checkpoint"), 0);
    expect_numbers(db, 20);
    assert_ok(strata_verify(db, NULL, &err), &err);
    place_close(db);
    strata_buffer_free(&index);
}

static void checkpoint_from_before_a_merge_is_not_believed(void **state)
{
    check_from_before_a_merge(*state, 20); /* the merged file is shorter than it says */
}

static void checkpoint_of_a_few_from_before_a_merge_is_not_believed(void **state)
{
    check_from_before_a_merge(*state, 3); /* ... is longer */
}

/* The same where reading would begin behind the segment: killed between the merge's rename and
 * the checkpoint that is written then. Its segments have other seals than the checkpoint says. */
static void checkpoint_from_before_a_merge_of_an_older_segment_is_not_believed(void **state)
{
    struct strata_fs *fs = fs_sim_new(), *killed;
    struct strata_options options;
    struct strata_env env;
    struct wal_store *store = store_of(fs, &env, &options);
    const struct strata_engine *engine = &strata_stage_03_wal;
    struct strata_op ops[] = {{STRATA_OP_PUT, S("overwritten"), S("old")},
                              {STRATA_OP_PUT, S("first"), S("of segment 1")},
                              {STRATA_OP_PUT, S("overwritten"), S("new")}};
    struct strata_buffer value = {0};
    struct strata_error err;
    void *again;

    (void)state;
    assert_ok(engine->write(store, &ops[0], 1, true, &err), &err);
    assert_ok(engine->write(store, &ops[1], 1, true, &err), &err);
    group_enter(&store->group);
    assert_ok(commit_rotate(store, &err), &err);
    assert_ok(commit_checkpoint(store, &err), &err);
    group_leave(&store->group);
    assert_ok(engine->write(store, &ops[2], 1, true, &err), &err);
    group_enter(&store->group);
    assert_ok(merge_run(&store->keydir, 0, 1, &(bool){false}, &err), &err);
    group_leave(&store->group);
    killed = fs_sim_copy(fs);
    assert_int_equal(engine->close(store, NULL), 0);
    env.fs = killed;
    env.is_new = false;
    assert_ok(engine->open(&env, &again, &err), &err);
    assert_int_equal(((struct wal_store *)again)->opened.checkpoint, 0);
    assert_ok(engine->get(again, S("first"), &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), S("of segment 1"));
    assert_ok(engine->get(again, S("overwritten"), &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), S("new"));
    assert_ok(engine->verify(again, NULL, &err), &err);
    assert_int_equal(engine->close(again, NULL), 0);
    strata_buffer_free(&value);
    fs_free(killed);
    fs_free(fs);
}

/* ---- Merging --------------------------------------------------------------------------- */

/* A tombstone must stay while an older segment holds a put that it hides, even dead: replaying
 * would bring the key back. */
static void merge_of_a_later_run_keeps_tombstones_that_older_puts_need(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env;
    struct wal_store *store = store_of(fs, &env, &options);
    const struct strata_engine *engine = (&strata_stage_03_wal);
    struct strata_op put = {STRATA_OP_PUT, S("back"), S("from the dead")};
    struct strata_op keep = {STRATA_OP_PUT, S("keep"), S("segment 1 from merging")};
    struct strata_op gone = {STRATA_OP_DELETE, S("back"), S(NULL)};
    struct strata_buffer value = {0};
    struct strata_error err;
    void *again;

    (void)state;
    assert_ok(engine->write(store, &put, 1, true, &err), &err);
    assert_ok(engine->write(store, &keep, 1, true, &err), &err);
    group_enter(&store->group);
    assert_ok(commit_rotate(store, &err), &err);
    group_leave(&store->group);
    assert_ok(engine->write(store, &gone, 1, true, &err), &err);
    group_enter(&store->group);
    assert_ok(commit_rotate(store, &err), &err);
    assert_ok(merge_run(&store->keydir, 1, 1, &(bool){false}, &err),
              &err); /* the run is segment 2 alone */
    group_leave(&store->group);
    assert_int_equal(engine->close(store, NULL), 0);
    env.is_new = false;
    fs_remove(fs, "db/INDEX", NULL); /* as a crash before it was written leaves it */
    assert_ok(engine->open(&env, &again, &err), &err);
    assert_int_equal(engine->get(again, S("back"), &value, &err), STRATA_NOT_FOUND);
    assert_int_equal(engine->get(again, S("keep"), &value, &err), 0);
    strata_buffer_free(&value);
    assert_int_equal(engine->close(again, NULL), 0);
    fs_free(fs);
}

/* A put that was marked as a collision must stay so when it is merged, though the other key is
 * deleted by then: replay still meets that key's dead put before it. `second`: whether the key that
 * stays is the second of the two in the log, and so in a search of the index. */
static void merge_colliding(int second)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env;
    struct wal_store *store = store_of(fs, &env, &options);
    const struct strata_engine *engine = &strata_stage_03_wal;
    char a[32], b[32];
    struct strata_slice stays = colliding(a, 1), goes = colliding(b, 2);
    const struct strata_op ops[] = {
        {STRATA_OP_PUT, second ? goes : stays, S("old")},
        {STRATA_OP_PUT, second ? stays : goes, S("old")},
        {STRATA_OP_PUT, stays, S("new")},
        {STRATA_OP_DELETE, goes, S(NULL)},
    };
    struct strata_buffer value = {0};
    struct strata_error err;
    void *again;

    for (size_t i = 0; i < 4; i++) {
        assert_ok(engine->write(store, &ops[i], 1, true, &err), &err);
        group_enter(&store->group);
        if (i > 0)
            assert_ok(commit_rotate(store, &err), &err);
        if (i == 3)
            assert_ok(merge_run(&store->keydir, 1, 1, &(bool){false}, &err), &err);
        group_leave(&store->group);
    }
    assert_int_equal(engine->close(store, NULL), 0);
    env.is_new = false;
    fs_remove(fs, "db/INDEX", NULL);
    assert_ok(engine->open(&env, &again, &err), &err);
    assert_int_equal(((struct wal_store *)again)->keydir.index.count, 1);
    assert_int_equal(engine->get(again, stays, &value, &err), 0);
    assert_bytes(strata_buffer_slice(&value), S("new"));
    assert_int_equal(engine->get(again, goes, &value, &err), STRATA_NOT_FOUND);
    strata_buffer_free(&value);
    assert_int_equal(engine->close(again, NULL), 0);
    fs_free(fs);
}

static void merge_keeps_the_mark_of_a_collision_whose_other_key_is_gone(void **state)
{
    (void)state;
    merge_colliding(0);
    merge_colliding(1);
}

/* ---- Threads --------------------------------------------------------------------------- */

enum { THREADS = 8 };

struct worker {
    struct strata *db;
    int id, rounds;
    int failures;
};

/* Each thread owns its keys, and reads back what it wrote. */
static void *write_and_read(void *arg)
{
    struct worker *worker = arg;
    struct strata_buffer value = {0};
    for (int i = 0; i < worker->rounds; i++) {
        char key[24], text[24];
        snprintf(key, sizeof key, "t%d key%d", worker->id, i % 20);
        snprintf(text, sizeof text, "round %d", i);
        worker->failures += strata_put(worker->db, S(key), S(text), NULL) != 0;
        worker->failures += strata_get(worker->db, S(key), &value, NULL) != 0 ||
                            strata_compare(strata_buffer_slice(&value), S(text)) != 0;
    }
    strata_buffer_free(&value);
    return NULL;
}

/* Scans are consistent: each thread's key0 was written before its key1 of the same round. */
static void *scan_and_compact(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < worker->rounds; i++) {
        struct strata_iter *iter;
        int rc = strata_iter_new(worker->db, &iter, NULL);
        worker->failures += rc != 0;
        if (rc == 0) {
            struct strata_slice value;
            for (rc = strata_iter_first(iter, NULL); rc == 0; rc = strata_iter_next(iter, NULL))
                worker->failures += strata_iter_value(iter, &value, NULL) != 0;
            worker->failures += rc != STRATA_NOT_FOUND;
            strata_iter_free(iter);
        }
        worker->failures += strata_compact(worker->db, NULL, NULL) != 0;
        worker->failures += strata_verify(worker->db, NULL, NULL) != 0;
    }
    return NULL;
}

static void threads_writing_reading_scanning_and_compacting_agree(void **state)
{
    struct place *place = *state;
    struct strata *db = open_with(place->fs, place->dir, 4000, STRATA_SYNC_NEVER);
    struct worker workers[THREADS + 1];
    pthread_t threads[THREADS + 1];

    for (int i = 0; i <= THREADS; i++) {
        workers[i] = (struct worker){db, i, i < THREADS ? 200 : 10, 0};
        assert_int_equal(pthread_create(&threads[i], NULL,
                                        i < THREADS ? write_and_read : scan_and_compact,
                                        &workers[i]),
                         0);
    }
    for (int i = 0; i <= THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    place_close(db);
    db = open_big(place);
    for (int i = 0; i < THREADS; i++)
        for (int k = 0; k < 20; k++) {
            char key[24], text[24];
            snprintf(key, sizeof key, "t%d key%d", i, k);
            snprintf(text, sizeof text, "round %d", 180 + k);
            assert_get(db, key, text);
        }
    place_close(db);
}

/* Eight writers share fsyncs. How many depends on the disk; that some are shared does not. */
static void threads_share_fsyncs(void **state)
{
    struct place *place = *state;
    struct strata *db = open_big(place);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    uint64_t before = syncs(place->fs), made;

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){db, i, 100, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_read, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    made = syncs(place->fs) - before;
    printf("# %d threads, %d puts, %d fsyncs\n", THREADS, THREADS * 100, (int)made);
    assert_true(made < THREADS * 100);
    place_close(db);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

/* The chapter's sittings: all of them, or the one that is named. */
int main(int argc, char **argv)
{
    const struct CMUnitTest log[] = {
        cmocka_unit_test(wal_frames_of_a_group_are_one_append_and_read_back),
        cmocka_unit_test(wal_frame_cut_at_any_byte_is_torn),
        cmocka_unit_test(wal_frame_with_another_count_of_records_is_damage),
        cmocka_unit_test(replay_of_a_number_near_2_to_63_is_damage),
        cmocka_unit_test(wal_evidence_is_found_anywhere_behind_and_only_if_valid),
        PLACED(batch_random_ones_with_collisions_match_the_model),
        cmocka_unit_test(batch_cut_at_any_byte_is_all_or_nothing),
        cmocka_unit_test(batch_with_collisions_is_all_or_nothing_when_a_read_fails),
    };
    const struct CMUnitTest fsyncs[] = {
        PLACED(sync_always_is_one_fsync_a_put),
        PLACED(sync_never_is_none_until_close_or_asked_for),
        cmocka_unit_test(sync_interval_comes_by_bytes_and_by_time),
        cmocka_unit_test(sync_that_fails_poisons_the_handle_and_is_not_tried_again),
        cmocka_unit_test(sync_of_the_directory_that_fails_poisons_the_handle),
        cmocka_unit_test(group_without_sequence_numbers_takes_no_batch),
        cmocka_unit_test(group_of_many_batches_is_one_append_and_one_sync),
        cmocka_unit_test(group_of_a_put_and_a_sync_keeps_the_put),
        cmocka_unit_test(group_has_one_leader_and_keeps_the_order_of_the_queue),
        cmocka_unit_test(group_of_a_crowd_forgets_nobody),
        cmocka_unit_test(group_that_fails_is_an_error_for_each_of_its_batches),
        cmocka_unit_test(rotation_that_got_as_far_as_the_file_is_taken_up_again),
        PLACED(threads_writing_reading_scanning_and_compacting_agree),
        PLACED(threads_share_fsyncs),
    };
    const struct CMUnitTest checkpoint[] = {
        PLACED(recover_flip_before_the_last_frame_is_damage),
        PLACED(recover_cut_of_the_last_frame_is_dropped_and_a_new_segment_started),
        PLACED(recover_room_behind_the_log_is_written_on),
        PLACED(recover_room_behind_a_seal_is_cut_off),
        PLACED(recover_bytes_behind_a_seal_are_damage),
        PLACED(close_gives_room_back),
        PLACED(close_that_begins_a_segment_gives_its_room_back),
        cmocka_unit_test(recover_cut_of_a_torn_tail_is_synced_before_the_seal),
        PLACED(recover_after_a_clean_close_flips_and_cuts_are_damage),
        PLACED(recover_after_a_clean_close_without_writes_a_flip_is_damage),
        PLACED(recover_missing_last_segment_is_damage),
        PLACED(recover_sequence_that_jumps_is_damage),
        PLACED(recover_whole_frame_that_cannot_be_applied_is_damage),
        PLACED(recover_forged_frame_in_a_value_is_no_evidence),
        PLACED(recover_head_with_other_lengths_is_no_evidence),
        cmocka_unit_test(checkpoint_that_cannot_be_read_is_ignored_and_a_tail_refused),
        cmocka_unit_test(checkpoint_that_cannot_be_written_is_logged_and_no_failure),
        PLACED(checkpoint_open_reads_what_came_after_it),
        PLACED(checkpoint_any_flipped_bit_is_ignored),
        PLACED(checkpoint_that_is_too_large_is_ignored),
        PLACED(checkpoint_from_before_a_merge_is_not_believed),
        PLACED(checkpoint_of_a_few_from_before_a_merge_is_not_believed),
        cmocka_unit_test(checkpoint_from_before_a_merge_of_an_older_segment_is_not_believed),
        cmocka_unit_test(merge_of_a_later_run_keeps_tombstones_that_older_puts_need),
        cmocka_unit_test(merge_keeps_the_mark_of_a_collision_whose_other_key_is_gone),
    };
    const char *only = argc > 1 ? argv[1] : NULL;
    int failed = 0;

    if (only && strcmp(only, "3a") != 0 && strcmp(only, "3b") != 0 && strcmp(only, "3c") != 0)
        return fprintf(stderr, "usage: 03_wal_test [3a|3b|3c]\n"), 2;
    setenv("STRATA_STAGE", "3", 0); /* whoever types its name means this stage */
    if (!only || strcmp(only, "3a") == 0)
        failed += cmocka_run_group_tests_name("3a, log", log, NULL, NULL);
    if (!only || strcmp(only, "3b") == 0)
        failed += cmocka_run_group_tests_name("3b, fsync", fsyncs, NULL, NULL);
    if (!only || strcmp(only, "3c") == 0)
        failed += cmocka_run_group_tests_name("3c, checkpoint", checkpoint, NULL, NULL);
    return failed;
}
