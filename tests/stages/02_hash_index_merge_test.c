/* 02_hash_index_merge_test.c: merges of chosen runs, hash collisions and tombstones in them, what
 * merging costs, and hints that are whole and wrong. */
#include "test.h"

#include "02_hash_index/hint.h"
#include "02_hash_index/merge.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "keydir_bench.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR KEYDIR_BENCH_DIR

/* ---- Segments made by hand -------------------------------------------------------------- */

/* Puts, or deletes when `value` is NULL, in a segment of its own. */
static void write_segment(struct keydir_bench *b, struct strata_slice key, const char *value)
{
    enum strata_op_type type = value ? STRATA_OP_PUT : STRATA_OP_DELETE;
    struct segment *active = segments_active(&b->keydir.segments);
    struct keydir_match match;
    struct strata_error err;
    uint64_t offset;

    assert_ok(index_reserve(&b->keydir.index, 1, &err), &err);
    assert_true(keydir_find(&b->keydir, key, &match, NULL, NULL, &err) >= 0);
    assert_ok(segment_append(active, keydir_type(&match, type), key, S(value), &offset, &err),
              &err);
    if (value)
        keydir_put(&b->keydir, &match, position_make(active->last, offset));
    else
        keydir_remove(&b->keydir, &match);
    assert_ok(segment_seal(active, &err), &err);
    assert_ok(segments_start(&b->keydir.segments, &err), &err);
}

static void merge_one(struct keydir_bench *b, size_t at)
{
    struct strata_error err;
    assert_ok(merge_run(&b->keydir, at, 1, &(bool){false}, &err), &err);
}

static void expect(struct keydir_bench *b, struct strata_slice key, const char *value)
{
    struct strata_buffer body = {0};
    struct keydir_match match;
    struct record record;
    struct strata_error err;
    int rc = keydir_find(&b->keydir, key, &match, &body, &record, &err);

    assert_int_equal(rc, value ? 0 : STRATA_NOT_FOUND);
    if (rc == 0) {
        record_keep_value(&record, &body);
        assert_bytes(strata_buffer_slice(&body), S(value));
    }
    strata_buffer_free(&body);
}

/* ---- Chosen runs ----------------------------------------------------------------------- */

static struct strata_slice colliding(char to[32], int which)
{
    memcpy(to, "\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe", 8);
    snprintf(to + 8, 24, "%08d", which);
    memset(to + 16, 'x', 16);
    return strata_bytes(to, 32);
}

/* A put that was marked as a collision stays so when it is merged, though the other key is deleted
 * by then: replay still meets that key's dead put before it. `second`: which of the two stays. */
static void mark_outlives_the_other_key(int second)
{
    struct keydir_bench b;
    char x[32], y[32];
    struct strata_slice stays = colliding(x, 1), goes = colliding(y, 2);

    keydir_bench_begin(&b);
    write_segment(&b, second ? goes : stays, "old");
    write_segment(&b, second ? stays : goes, "old");
    write_segment(&b, stays, "new");
    write_segment(&b, goes, NULL);
    merge_one(&b, 2);
    keydir_bench_unload(&b);
    keydir_bench_load(&b, false);
    assert_int_equal(b.keydir.index.count, 1);
    expect(&b, stays, "new");
    expect(&b, goes, NULL);
    keydir_bench_end(&b);
}

static void merge_mark_of_a_collision_outlives_the_other_key(void **state)
{
    (void)state;
    mark_outlives_the_other_key(0);
    mark_outlives_the_other_key(1);
}

/* No writer makes such a log. Were the hash trusted here, one key would be there twice and the
 * other be gone. */
static void replay_record_of_two_keys_hash_that_is_not_marked_is_damage(void **state)
{
    struct keydir_bench b;
    char x[32], y[32];
    struct strata_error err;
    uint64_t offset;

    (void)state;
    keydir_bench_begin(&b);
    write_segment(&b, colliding(x, 1), "one");
    write_segment(&b, colliding(y, 2), "two");
    assert_ok(segment_append(segments_active(&b.keydir.segments), STRATA_OP_PUT, colliding(y, 2),
                             S("forged"), &offset, &err),
              &err);
    keydir_bench_unload(&b);
    b.env.is_new = false;
    b.keydir = (struct keydir){.segments = {.magic = SEGMENT_MAGIC, .max_type = 5}};
    assert_code(load_keydir(&b.keydir, &b.env, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "not marked as a collision");
    assert_int_equal(err.offset, offset);
    keydir_bench_end(&b);
}

static void merge_tombstone_stays_while_an_older_segment_has_its_put(void **state)
{
    struct keydir_bench b;
    size_t at, count;

    (void)state;
    keydir_bench_begin(&b);
    write_segment(&b, S("key"), "dead");
    write_segment(&b, S("other"), "alive");
    write_segment(&b, S("key"), NULL);
    merge_one(&b, 2);
    keydir_bench_unload(&b);
    keydir_bench_load(&b, false);
    expect(&b, S("key"), NULL);
    expect(&b, S("other"), "alive");
    merge_one(&b, 0); /* the put goes; then the tombstone is dead space */
    assert_true(merge_worst_run(&b.keydir, &at, &count));
    assert_int_equal(at, 2);
    assert_int_equal(count, 1);
    merge_one(&b, 2);
    assert_int_equal(b.keydir.segments.list[2]->tombstones, 0);
    keydir_bench_unload(&b);
    keydir_bench_load(&b, false);
    expect(&b, S("key"), NULL);
    keydir_bench_end(&b);
}

static ssize_t read_short_of_memory(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    (void)file, (void)offset, (void)to, (void)size;
    return -ENOMEM;
}

static ssize_t read_without_descriptor(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    (void)file, (void)offset, (void)to, (void)size;
    return -EMFILE; /* as the pool would say when it opens the file to read it */
}

static int no_descriptor(struct strata_fs *fs, const char *path, unsigned flags,
                         struct fs_file **out)
{
    (void)fs, (void)path, (void)flags, (void)out;
    return -EMFILE;
}

/* A merge that fails with `code` while the file layer answers so says nothing of the segment: it is
 * chosen again. `tolerates`: writing could go on meanwhile. */
static void merge_fails_and_is_tried_again(const struct fs_ops *instead, int code, bool tolerates)
{
    struct strata_error err;
    struct keydir_bench b;
    struct fs_ops failing;
    const struct fs_ops *ops;
    bool tolerable = !tolerates;
    size_t at, count;

    keydir_bench_begin(&b);
    write_segment(&b, S("key"), "dead");
    write_segment(&b, S("key"), "alive");
    ops = b.fs->ops;
    failing = *ops;
    if (instead->read_at)
        failing.read_at = instead->read_at;
    if (instead->open)
        failing.open = instead->open;
    b.fs->ops = &failing;
    assert_code(merge_run(&b.keydir, 0, 1, &tolerable, &err), code, &err);
    b.fs->ops = ops;
    assert_int_equal(tolerable, tolerates);
    assert_true(merge_worst_run(&b.keydir, &at, &count));
    assert_int_equal(at, 0);
    assert_ok(merge_run(&b.keydir, at, count, &tolerable, &err), &err);
    expect(&b, S("key"), "alive");
    keydir_bench_end(&b);
}

static void merge_short_of_memory_is_tried_again(void **state)
{
    const struct fs_ops instead = {.read_at = read_short_of_memory};

    (void)state;
    merge_fails_and_is_tried_again(&instead, STRATA_ERR_NO_MEMORY, false);
}

static void merge_without_descriptors_is_tried_again(void **state)
{
    const struct fs_ops reading = {.read_at = read_without_descriptor};
    const struct fs_ops opening = {.open = no_descriptor};

    (void)state;
    merge_fails_and_is_tried_again(&reading, STRATA_ERR_IO, true);
    merge_fails_and_is_tried_again(&opening, STRATA_ERR_IO, true);
}

/* What was overwritten as a whole leaves an empty segment. The next merge takes it along. */
static void merge_takes_empty_segments_along(void **state)
{
    struct strata_error err;
    struct keydir_bench b;
    size_t at, count;

    (void)state;
    keydir_bench_begin(&b);
    write_segment(&b, S("key"), "1");
    write_segment(&b, S("key"), "2");
    merge_one(&b, 0);
    assert_int_equal(b.keydir.segments.list[0]->sum.records, 0);
    write_segment(&b, S("key"), "3");
    assert_true(merge_worst_run(&b.keydir, &at, &count));
    assert_int_equal(at, 0);
    assert_int_equal(count, 3);
    assert_ok(merge_run(&b.keydir, at, count, &(bool){false}, &err), &err);
    expect(&b, S("key"), "3");
    keydir_bench_end(&b);
}

/* ---- What merging costs ---------------------------------------------------------------- */

/* Tombstones that older puts still need are not copied again and again: what they hide is
 * merged instead, when there is enough of it. */
static void merge_deletes_cost_the_puts_after_them_little(void **state)
{
    enum { KEYS = 6000, VALUE = 100 };
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    char key[32], value[VALUE];
    uint64_t before = 0, written;

    (void)state;
    memset(value, 'v', sizeof value);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    subject_options(&options, fs, true);
    options.segment_bytes = 1 << 15;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    for (int i = 0; i < 3 * KEYS; i++) { /* put all, delete 60 % of them, put as many others */
        snprintf(key, sizeof key, "key%09d", i < 2 * KEYS ? i % KEYS : i);
        if (i == 2 * KEYS)
            before = check_stat(db, "fs_bytes_written");
        if (i < KEYS || i >= 2 * KEYS)
            assert_ok(strata_put(db, S(key), strata_bytes(value, VALUE), &err), &err);
        else if (i % 5 < 3)
            assert_ok(strata_delete(db, S(key), &err), &err);
    }
    written = check_stat(db, "fs_bytes_written") - before;
    printf("# %d bytes put after the deletes, %d written; %d dead records left\n",
           KEYS * (VALUE + 12), (int)written, (int)check_stat(db, "dead_records"));
    assert_true(written < 3 * KEYS * (VALUE + 12));
    assert_true(check_stat(db, "dead_records") < KEYS / 4);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* ---- Hints ----------------------------------------------------------------------------- */

#define HINT DIR "/000001.hint"

/* Computes a hint's check anew. */
static void repair(struct strata_buffer *hint, uint64_t id)
{
    struct checksum c;
    checksum_begin(&c, checksum_seed(id, 0));
    checksum_add(&c, strata_bytes(hint->data, 44));
    checksum_add(&c, strata_bytes(hint->data + 48, hint->size - 48));
    put_u32(hint->data + 44, checksum_end(&c));
}

/* Its check holds, its segment and the segment's length fit, its header says what the seal says:
 * only its entries are others. The seal's digest tells. */
static void hint_with_a_right_check_and_other_entries_is_ignored(void **state)
{
    static const size_t places[] = {48, 56, 63}; /* hash, offset, type of the first entry */
    struct strata_buffer right = {0};
    struct strata_error err;
    struct keydir_bench b;

    (void)state;
    keydir_bench_begin(&b);
    write_segment(&b, S("key"), "value");
    assert_ok(hint_write(&b.keydir.segments, b.keydir.segments.list[0], &err), &err);
    keydir_bench_unload(&b);
    assert_int_equal(fs_sim_get(b.fs, HINT, &right), 0);
    repair(&right, (uint64_t)1 << 32 | 1);
    assert_int_equal(fs_sim_put(b.fs, HINT, strata_buffer_slice(&right)), 0);
    keydir_bench_load(&b, false);
    assert_int_equal(b.keydir.hints_used, 1); /* repaired, not changed: the check is that one */
    keydir_bench_unload(&b);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        check_case(i);
        right.data[places[i]] ^= 4;
        repair(&right, (uint64_t)1 << 32 | 1);
        assert_int_equal(fs_sim_put(b.fs, HINT, strata_buffer_slice(&right)), 0);
        right.data[places[i]] ^= 4;
        keydir_bench_load(&b, false);
        assert_int_equal(b.keydir.hints_used, 0);
        expect(&b, S("key"), "value");
        keydir_bench_unload(&b);
    }
    keydir_bench_load(&b, false);
    strata_buffer_free(&right);
    keydir_bench_end(&b);
}

/* What does not open is left as it was found: its files are what a search for the cause has. */
static void hint_is_not_written_where_a_later_segment_is_refused(void **state)
{
    struct strata_buffer second = {0};
    struct fs_sim_hash before, after;
    struct strata_error err;
    struct keydir_bench b;

    (void)state;
    keydir_bench_begin(&b);
    write_segment(&b, S("key"), "value");
    write_segment(&b, S("other"), "value");
    keydir_bench_unload(&b);
    assert_int_equal(fs_sim_get(b.fs, DIR "/000002.log", &second), 0);
    second.data[RECORD_FILE_HEADER + RECORD_HEAD] ^= 1;
    assert_int_equal(fs_sim_put(b.fs, DIR "/000002.log", strata_buffer_slice(&second)), 0);
    b.env.is_new = false;
    before = fs_sim_hash_of(b.fs);
    b.keydir = (struct keydir){.segments = {.magic = SEGMENT_MAGIC, .max_type = 5}};
    assert_code(load_keydir(&b.keydir, &b.env, &err), STRATA_ERR_CORRUPT, &err);
    after = fs_sim_hash_of(b.fs);
    assert_true(before.low == after.low && before.high == after.high);
    strata_buffer_free(&second);
    keydir_bench_end(&b);
}

/* ---- Names ----------------------------------------------------------------------------- */

static void put_file(struct keydir_bench *b, const char *name)
{
    char path[80];
    snprintf(path, sizeof path, DIR "/%s", name);
    assert_int_equal(fs_sim_put(b->fs, path, S("anything")), 0);
}

static void expect_names(struct keydir_bench *b, const char *want)
{
    struct fs_names names;
    char found[400] = "";

    assert_int_equal(fs_list(b->fs, DIR, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        strcat(found, names.names[i]);
        strcat(found, " ");
    }
    fs_names_free(&names);
    assert_string_equal(found, want);
}

/* A hint that stays would stand beside another segment once its number comes again, or for ever. */
static void merge_leaves_no_hint_of_what_it_replaced(void **state)
{
    struct strata_error err;
    struct keydir_bench b;

    (void)state;
    keydir_bench_begin(&b);
    write_segment(&b, S("key"), "1");
    write_segment(&b, S("key"), "2");
    for (size_t i = 0; i < 2; i++)
        assert_ok(hint_write(&b.keydir.segments, b.keydir.segments.list[i], &err), &err);
    assert_ok(merge_run(&b.keydir, 0, 2, &(bool){false}, &err), &err);
    expect_names(&b, "000001-000002.log 000003.log TAIL ");
    expect(&b, S("key"), "2");
    keydir_bench_end(&b);
}

static void begin_merged(struct keydir_bench *b)
{
    struct strata_error err;
    char key[8];

    keydir_bench_begin(b);
    for (int i = 0; i < 5; i++) {
        snprintf(key, sizeof key, "key%d", i);
        write_segment(b, S(key), "value");
    }
    assert_ok(merge_run(&b->keydir, 0, 5, &(bool){false}, &err), &err);
    keydir_bench_unload(b);
}

/* Whatever cut merges left, in every overlap that they can have; none of them is ever read. */
static void segments_within_others_are_removed(void **state)
{
    static const char *const left[] = {
        "000001.log",        "000002.log",        "000003.log",        "000004.log",
        "000005.log",        "000001-000002.log", "000001-000004.log", "000003-000005.log",
        "000004-000005.log", "000003.hint",       "000004-000005.hint"};
    struct keydir_bench b;

    (void)state;
    begin_merged(&b);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        put_file(&b, left[i]);
    keydir_bench_load(&b, false);
    expect_names(&b, "000001-000005.hint 000001-000005.log 000006.log TAIL ");
    expect(&b, S("key4"), "value");
    keydir_bench_end(&b);
}

/* What no segment is called is somebody else's: not read, not removed. */
static void files_with_names_of_others_are_left_alone(void **state)
{
    static const char *const others[] = {"notes.log",         "notes.log.tmp", "notes.hint",
                                         "notes.hint.tmp",    "1.log",         "0000007.log",
                                         "000007.log.bak",    "+00007.log",    "000009-000008.log",
                                         "000003-000003.log", "16777216.log",  "000000.log"};
    struct keydir_bench b;

    (void)state;
    begin_merged(&b);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        put_file(&b, others[i]);
    put_file(&b, "000007.log.tmp");
    put_file(&b, "000007.hint.tmp");
    put_file(&b, "000003.log.old");
    keydir_bench_load(&b, false);
    expect_names(&b, "+00007.log 000000.log 0000007.log 000001-000005.hint 000001-000005.log "
                     "000003-000003.log 000006.log 000007.log.bak 000009-000008.log 1.log "
                     "16777216.log TAIL notes.hint notes.hint.tmp notes.log notes.log.tmp ");
    keydir_bench_end(&b);
}

/* ---- Descriptors ----------------------------------------------------------------------- */

enum { MANY = 40 }; /* segments; fs_sim's limit lets a database have 8 of them open */

static void begin_many(struct keydir_bench *b)
{
    char key[8];
    keydir_bench_begin(b);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "key%02d", i);
        write_segment(b, S(key), "old");
    }
}

static void expect_open_at_most(struct keydir_bench *b, size_t files)
{
    size_t open = fs_sim_open_files(b->fs);
    if (open > files)
        fail_msg("%zu files are open; at most %zu", open, files);
}

static void files_of_few_segments_are_open_at_once(void **state)
{
    struct strata_error err;
    struct keydir_bench b;
    char key[8];

    (void)state;
    begin_many(&b);
    for (int i = 0; i < 3 * MANY; i++) {
        snprintf(key, sizeof key, "key%02d", i * 7 % MANY);
        expect(&b, S(key), "old");
        expect_open_at_most(&b, 8 + 1);
    }
    assert_ok(merge_run(&b.keydir, 0, MANY, &(bool){false}, &err), &err);
    assert_int_equal(b.keydir.segments.count, 2);
    expect_open_at_most(&b, 1);
    expect(&b, S("key07"), "old");
    keydir_bench_unload(&b);
    keydir_bench_load(&b, false);
    expect(&b, S("key39"), "old");
    keydir_bench_end(&b);
}

/* What was read lately stays open: the hand spares it. */
static void files_that_are_read_again_and_again_stay_open(void **state)
{
    struct keydir_bench b;
    uint64_t opens;
    char key[8];

    (void)state;
    begin_many(&b);
    opens = atomic_load(&b.fs->calls[FS_CALL_OPEN]);
    for (int i = 1; i < MANY; i++) {
        snprintf(key, sizeof key, "key%02d", i);
        expect(&b, S("key00"), "old");
        expect(&b, S(key), "old");
    }
    opens = atomic_load(&b.fs->calls[FS_CALL_OPEN]) - opens;
    assert_true(opens <= MANY + 1); /* in the first round nobody is spared more than others */
    keydir_bench_end(&b);
}

/* Counts the keys that have `value`, which all must have. */
static void expect_scan(struct strata_iter *iter, const char *value)
{
    struct strata_error err;
    int count = 0, rc = iter->ops->seek(iter, S(""), &err);

    for (; rc == 0; rc = iter->ops->next(iter, &err), count++) {
        iter->has_value = false;
        assert_ok(iter->ops->value(iter, &err), &err);
        assert_bytes(iter->value, S(value));
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(count, MANY);
}

static int no_links(struct strata_fs *fs, const char *from, const char *to)
{
    (void)fs;
    (void)from;
    (void)to;
    return -EPERM;
}

/* Segments are merged under the eyes of iterators, each by itself and twice; the first time with
 * an iterator, the second time with two; and then all of them into one. */
static void read_what_is_merged_away(bool links)
{
    struct strata_iter *iters[3];
    struct strata_error err;
    struct fs_ops ops;
    struct keydir_bench b;

    begin_many(&b);
    ops = *b.fs->ops;
    if (!links)
        ops.link = no_links;
    b.fs->ops = &ops;
    for (int round = 0; round < 2; round++) {
        assert_ok(keydir_iter(&b.keydir, &iters[round], &err), &err);
        for (size_t i = 0; i < MANY; i++)
            merge_one(&b, i);
        expect_open_at_most(&b, links && round == 0 ? 8 + 1 : 2 * MANY + 8 + 1);
    }
    assert_ok(keydir_iter(&b.keydir, &iters[2], &err), &err);
    assert_ok(merge_run(&b.keydir, 0, MANY, &(bool){false}, &err), &err);
    write_segment(&b, S("key00"), "new");
    merge_one(&b, 0);
    for (int i = 0; i < 3; i++)
        expect_scan(iters[i], "old");
    for (int i = 0; i < 3; i++)
        iters[i]->ops->free(iters[i]);
    expect(&b, S("key01"), "old");
    expect(&b, S("key00"), "new");
    expect_names(&b, "000001-000040.log 000041.log 000042.log TAIL ");
    keydir_bench_end(&b);
}

/* ... by no name under which the next open would believe it, were the merged one lost: a tombstone
 * that hid what it holds may be gone by then. */
static void files_that_are_merged_away_have_other_names(void **state)
{
    struct strata_iter *iter;
    struct strata_error err;
    struct keydir_bench b;

    (void)state;
    keydir_bench_begin(&b);
    for (int i = 0; i < 3; i++)
        write_segment(&b, S("key"), "old");
    assert_ok(keydir_iter(&b.keydir, &iter, &err), &err);
    assert_ok(merge_run(&b.keydir, 0, 3, &(bool){false}, &err), &err);
    expect_names(&b,
                 "000001-000003.log 000001.log.old 000002.log.old 000003.log.old 000004.log TAIL ");
    assert_ok(iter->ops->seek(iter, S("key"), &err), &err);
    assert_ok(iter->ops->value(iter, &err), &err);
    assert_bytes(iter->value, S("old"));
    iter->ops->free(iter);
    expect_names(&b, "000001-000003.log 000004.log TAIL ");
    keydir_bench_end(&b);
}

static void files_of_segments_that_are_merged_away_can_be_read(void **state)
{
    (void)state;
    read_what_is_merged_away(true);
    read_what_is_merged_away(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_mark_of_a_collision_outlives_the_other_key),
        cmocka_unit_test(replay_record_of_two_keys_hash_that_is_not_marked_is_damage),
        cmocka_unit_test(merge_tombstone_stays_while_an_older_segment_has_its_put),
        cmocka_unit_test(merge_short_of_memory_is_tried_again),
        cmocka_unit_test(merge_without_descriptors_is_tried_again),
        cmocka_unit_test(merge_takes_empty_segments_along),
        cmocka_unit_test(merge_deletes_cost_the_puts_after_them_little),
        cmocka_unit_test(hint_with_a_right_check_and_other_entries_is_ignored),
        cmocka_unit_test(merge_leaves_no_hint_of_what_it_replaced),
        cmocka_unit_test(segments_within_others_are_removed),
        cmocka_unit_test(files_with_names_of_others_are_left_alone),
        cmocka_unit_test(files_of_few_segments_are_open_at_once),
        cmocka_unit_test(files_that_are_read_again_and_again_stay_open),
        cmocka_unit_test(files_of_segments_that_are_merged_away_can_be_read),
        cmocka_unit_test(files_that_are_merged_away_have_other_names),
        cmocka_unit_test(hint_is_not_written_where_a_later_segment_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
