/* 02_hash_index_test.c: the hash index and its modules: collisions made by hand, segments,
 * hints, merges, and what stage 2 costs. */
#define _GNU_SOURCE /* memmem */
#include "test.h"

#include "02_hash_index/hint.h"
#include "02_hash_index/index.h"
#include "02_hash_index/segment.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "fs/fs_posix.h"
#include "crash/sim/fs_sim.h"
#include "place.h"
#include "rng.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

/* ---- The index ------------------------------------------------------------------------- */

/* Few home slots, many removals: runs of slots form, wrap round the end and close again. The
 * hashes share their low bits on purpose. */
static void index_random_adds_and_removes_match_a_list(void **state)
{
    enum { KEYS = 300 };
    uint64_t positions[KEYS] = {0};
    struct index index = {0};
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "index");
    for (int round = 0; round < 20000; round++) {
        uint64_t k = rng_below(&rng, KEYS), hash = (k % 7) | k << 32;
        size_t slot = SIZE_MAX;
        bool found = index_find(&index, hash, &slot);
        assert_int_equal(found, positions[k] != 0);
        if (found)
            assert_true(index.slots[slot].position == positions[k]);
        if (found && rng_below(&rng, 2)) {
            index_remove(&index, slot);
            positions[k] = 0;
        } else if (!found) {
            assert_int_equal(index_reserve(&index, 1, NULL), 0);
            positions[k] = (uint64_t)round + 1;
            index_add(&index, hash, positions[k]);
        }
        assert_true(index.count <= index.capacity / 4 * 3);
    }
    index_free(&index);
}

static void index_entries_with_one_hash_are_all_found(void **state)
{
    struct index index = {0};
    size_t slot = SIZE_MAX, count = 0;

    (void)state;
    assert_int_equal(index_reserve(&index, 5, NULL), 0);
    for (uint64_t i = 1; i <= 5; i++)
        index_add(&index, 42, i);
    while (index_find(&index, 42, &slot))
        count++;
    assert_int_equal(count, 5);
    slot = SIZE_MAX;
    assert_false(index_find(&index, 43, &slot));
    index_free(&index);
}

static void index_memory_is_at_most_64_bytes_a_key(void **state)
{
    struct index index = {0};
    (void)state;
    for (uint64_t i = 1; i < 200000; i++) {
        assert_int_equal(index_reserve(&index, 1, NULL), 0);
        index_add(&index, index_hash(strata_bytes(&i, sizeof i)), i);
        if (i > 100)
            assert_true(index.capacity * sizeof(struct index_slot) <= 64 * i);
    }
    index_free(&index);
}

/* ---- Two keys, one hash ---------------------------------------------------------------- */

/* XXH3 multiplies the first eight bytes of a key of 17 to 32 bytes, combined with its secret,
 * with the next eight. When the former are the secret itself, the product is zero, whatever the
 * latter are: so keys with one hash are easily made. */
static struct strata_slice colliding(char to[32], int which)
{
    static const uint8_t secret[8] = {0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe};
    memcpy(to, secret, 8);
    snprintf(to + 8, 24, "%08d", which);
    memset(to + 16, 'x', 16);
    return strata_bytes(to, 32);
}

static void collisions_have_one_hash(void **state)
{
    char a[32], b[32];
    (void)state;
    assert_true(index_hash(colliding(a, 1)) == index_hash(colliding(b, 2)));
    assert_true(strata_compare(colliding(a, 1), colliding(b, 2)) != 0);
}

static struct strata *open_sized(struct place *place, uint64_t segment_bytes)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    subject_options(&options, place->fs, true);
    options.segment_bytes = segment_bytes;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    return db;
}

/* Random work on keys with one hash and others, with reopening (hints and no hints) and merging:
 * the store never mistakes one for another. */
static void collisions_random_work_matches_the_model(void **state)
{
    struct place *place = *state;
    struct model model = {0};
    struct strata_error err;
    struct rng rng;
    struct strata *db = open_sized(place, 700);

    rng_init_env(&rng, "collisions");
    for (int round = 0; round < 3000; round++) {
        char text[32], value[40];
        uint64_t action = rng_below(&rng, 100);
        struct strata_slice key = colliding(text, (int)rng_below(&rng, 4));
        if (rng_below(&rng, 3) == 0) {
            snprintf(text, sizeof text, "key%d", (int)rng_below(&rng, 10));
            key = S(text);
        }
        snprintf(value, sizeof value, "value of round %d", round);
        if (action < 60) {
            assert_ok(strata_put(db, key, S(value), &err), &err);
            model_put(&model, key, S(value));
        } else if (action < 90) {
            assert_ok(strata_delete(db, key, &err), &err);
            model_delete(&model, key);
        } else if (action < 96) {
            place_close(db);
            if (rng_below(&rng, 2)) { /* by the segments themselves */
                char command[600];
                snprintf(command, sizeof command, "rm -f %s/*.hint", place->dir);
                assert_int_equal(system(command), 0);
            }
            db = open_sized(place, 700);
        } else {
            assert_ok(strata_compact(db, NULL, &err), &err);
        }
        if (round % 50 == 0)
            assert_model(&model, db);
    }
    assert_model(&model, db);
    assert_ok(strata_verify(db, NULL, &err), &err);
    place_close(db);
    model_free(&model);
}

/* ---- Merging --------------------------------------------------------------------------- */

static void merge_dead_space_comes_back(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 2000);
    struct strata_error err;
    char value[200];
    uint64_t before;

    memset(value, 'v', sizeof value);
    for (int i = 0; i < 300; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i % 5);
        assert_ok(strata_put(db, S(key), strata_bytes(value, sizeof value), &err), &err);
    }
    /* it comes back by itself too: 300 records are 67,500 bytes */
    before = check_stat(db, "segment_bytes");
    assert_true(before < 30000);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_true(check_stat(db, "segment_bytes") < 2000);
    assert_int_equal(check_stat(db, "dead_records"), 0);
    assert_int_equal(check_stat(db, "index_keys"), 5);
    place_close(db);
}

static void merge_deleted_keys_stay_deleted_and_leave_no_tombstone(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 500);
    struct strata_error err;
    char key[16];

    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_ok(strata_put(db, S(key), S("some value"), &err), &err);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_ok(strata_delete(db, S(key), &err), &err);
    }
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_int_equal(check_stat(db, "tombstones"), 0);
    assert_int_equal(check_stat(db, "dead_records"), 0);
    place_close(db);
    db = open_sized(place, 500);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_get(db, key, NULL);
    }
    place_close(db);
}

/* The first segment is hardly dead and stays; the second one, almost all dead, is merged alone: its
 * tombstone hides a put in the first one, and opening replays both. */
static void merge_keeps_a_tombstone_that_an_older_put_needs(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 400);
    struct strata_error err;
    char key[16], command[600];

    assert_put(db, "back", "from the dead");
    for (int i = 0; check_stat(db, "segments") == 1; i++) {
        snprintf(key, sizeof key, "stays%d", i);
        assert_ok(strata_put(db, S(key), S("some value"), &err), &err);
    }
    assert_delete(db, "back");
    while (check_stat(db, "segments") == 2) /* the rotation that makes a third one merges too */
        assert_put(db, "again", "and again, some value");
    assert_int_equal(check_stat(db, "tombstones"), 1);
    assert_true(check_stat(db, "dead_records") < 5);
    place_close(db);
    snprintf(command, sizeof command, "rm -f %s/*.hint", place->dir);
    assert_int_equal(system(command), 0);
    db = open_sized(place, 400);
    assert_get(db, "back", NULL);
    assert_get(db, "stays0", "some value");
    place_close(db);
}

/* Tombstones that an older segment's dead puts still need are no dead space: merging them alone
 * gives nothing back, and would be done again at every rotation. */
static void merge_of_tombstones_that_are_needed_is_not_made_again_and_again(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 4000);
    struct strata_error err;
    uint64_t bytes, before;
    char key[16], value[100];

    memset(value, 'v', sizeof value);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "old%d", i);
        assert_ok(strata_put(db, S(key), strata_bytes(value, sizeof value), &err), &err);
    }
    for (int i = 0; i < 1000; i += 3) { /* a third of each segment dies */
        snprintf(key, sizeof key, "old%d", i);
        assert_ok(strata_delete(db, S(key), &err), &err);
    }
    before = check_stat(db, "fs_bytes_written");
    bytes = check_stat(db, "segment_bytes");
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "new%d", i);
        assert_ok(strata_put(db, S(key), strata_bytes(value, sizeof value), &err), &err);
    }
    bytes = check_stat(db, "segment_bytes") - bytes;
    before = check_stat(db, "fs_bytes_written") - before;
    printf("# %d bytes of records, %d bytes written\n", (int)bytes, (int)before);
    assert_true(before < bytes * 3 / 2);
    place_close(db);
}

static void merge_iterator_reads_on_from_segments_that_are_gone(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 500);
    struct strata_error err;
    struct strata_iter *iter;
    struct strata_slice value;
    char key[16];
    int seen = 0;

    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "key%02d", i);
        assert_ok(strata_put(db, S(key), S("old"), &err), &err);
    }
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "key%02d", i);
        assert_ok(strata_put(db, S(key), S("new"), &err), &err);
    }
    assert_ok(strata_compact(db, NULL, &err), &err);
    for (int rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        assert_bytes(value, S("old"));
        seen++;
    }
    assert_int_equal(seen, 50);
    strata_iter_free(iter);
    place_close(db);
}

/* ---- Hints ----------------------------------------------------------------------------- */

static void fill(struct strata *db, int count)
{
    struct strata_error err;
    char key[17], value[101];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%016d", i);
        snprintf(value, sizeof value, "%0100d", i);
        assert_ok(strata_put(db, S(key), S(value), &err), &err);
    }
}

static void hint_open_reads_less_than_a_third_of_the_bytes(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 100000);
    uint64_t with, without, bytes;
    char command[600];

    fill(db, 7000);
    bytes = check_stat(db, "segment_bytes");
    place_close(db);
    with = atomic_load(&place->fs->bytes_read);
    db = open_sized(place, 100000);
    with = atomic_load(&place->fs->bytes_read) - with;
    assert_true(check_stat(db, "open_hints_used") >= 9);
    place_close(db);
    snprintf(command, sizeof command, "rm %s/*.hint", place->dir);
    assert_int_equal(system(command), 0);
    without = atomic_load(&place->fs->bytes_read);
    db = open_sized(place, 100000);
    without = atomic_load(&place->fs->bytes_read) - without;
    assert_true(without >= bytes);
    assert_true(with < without / 3);
    place_close(db);
}

/* Closing seals the last segment when it is a quarter full, and then the next open reads its hint;
 * many short lives share a segment. */
static void hint_of_the_last_segment_is_made_by_a_close_that_is_worth_it(void **state)
{
    struct place *place = *state;
    const char *const value = "0123456789012345678901234567890123456789";
    struct strata_error err;

    for (int round = 0; round < 4; round++) { /* 24 and 4 times 58 bytes */
        struct strata *db = open_sized(place, 1024);
        char key[8];
        assert_int_equal(check_stat(db, "open_hints_used"), 0);
        assert_int_equal(check_stat(db, "segments"), 1);
        snprintf(key, sizeof key, "%d", round);
        assert_ok(strata_put(db, S(key), S(value), &err), &err);
        place_close(db);
    }
    for (int round = 0; round < 2; round++) {
        struct strata *db = open_sized(place, 1024);
        assert_int_equal(check_stat(db, "open_hints_used"), 1);
        assert_int_equal(check_stat(db, "segments"), 2);
        place_close(db); /* the second one is empty */
    }
}

static struct strata *open_in(struct strata_fs *fs, uint64_t segment_bytes)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    subject_options(&options, fs, true);
    options.segment_bytes = segment_bytes;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    return db;
}

/* The close tells that the seal could not be written; every put is there. */
static void close_that_cannot_write_the_seal_fails_and_loses_nothing(void **state)
{
    const struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_APPEND};
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_in(fs, 100);
    struct strata_error err;

    (void)state;
    assert_ok(strata_put(db, S("key"), S("value"), &err), &err);
    fs_sim_fail(fs, &fault);
    assert_code(strata_close(db, &err), STRATA_ERR_IO, &err);
    fs_sim_fail(fs, NULL);
    assert_int_equal(fs_sim_open_files(fs), 0);
    db = open_in(fs, 100);
    assert_get(db, "key", "value");
    place_close(db);
    fs_free(fs);
}

/* An idle descriptor is given back when the process has no other; when none is idle that helps, the
 * get fails, and only it. */
static void get_without_a_descriptor_takes_an_idle_one(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EMFILE, .at = 1, .calls = 1u << FS_CALL_OPEN};
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_in(fs, 100);
    struct strata_buffer value = {0};
    struct strata_error err;
    int failed = 0;
    char key[8];

    (void)state;
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "%03d", i);
        assert_ok(strata_put(db, S(key), S("0123456789012345678901234567890123456789"), &err),
                  &err);
    }
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "%03d", i);
        fault.for_ever = i >= 300;
        fs_sim_fail(fs, i < 20 ? NULL : &fault);
        if (strata_get(db, S(key), &value, &err) == 0)
            continue;
        assert_true(fault.for_ever);
        assert_int_equal(err.sys, EMFILE);
        failed++;
    }
    assert_true(failed > 50);
    fs_sim_fail(fs, NULL);
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "%03d", i);
        assert_ok(strata_get(db, S(key), &value, &err), &err);
    }
    strata_buffer_free(&value);
    place_close(db);
    fs_free(fs);
}

/* Every bit of a hint: ignored, made anew, and never believed. */
static void hint_any_flipped_bit_is_ignored_and_the_hint_made_anew(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 400);
    struct strata_buffer right;
    struct model model = {0};
    struct strata_error err;
    char path[64];

    fill(db, 5);
    assert_int_equal(model_read(&model, db, &err), 0);
    place_close(db);
    snprintf(path, sizeof path, "db/000001.hint");
    right = place_read(place, path);
    assert_true(right.size > 48);
    for (size_t bit = 0; bit < right.size * 8; bit++) {
        struct strata_buffer again;
        right.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        place_write(place, path, strata_buffer_slice(&right));
        right.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        db = open_sized(place, 400);
        assert_model(&model, db);
        assert_int_equal(check_stat(db, "open_segments_read"), bit ? 2 : 1); /* and the empty one */
        place_close(db);
        again = place_read(place, path);
        assert_bytes(strata_buffer_slice(&again), strata_buffer_slice(&right));
        strata_buffer_free(&again);
    }
    strata_buffer_free(&right);
    model_free(&model);
}

static void hint_of_another_segment_is_ignored(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 400);
    struct strata_buffer other;
    struct model model = {0};
    struct strata_error err;

    fill(db, 10);
    assert_int_equal(model_read(&model, db, &err), 0);
    place_close(db);
    other = place_read(place, "db/000002.hint");
    place_write(place, "db/000001.hint", strata_buffer_slice(&other));
    db = open_sized(place, 400);
    assert_model(&model, db);
    place_close(db);
    strata_buffer_free(&other);
    model_free(&model);
}

/* A hint whose own check holds, and whose entries add up: they stand in another order than the
 * records, which no sum tells, and of two puts of a key the older one comes last. */
static void hint_in_another_order_is_ignored(void **state)
{
    enum { CHECK = 44, FIRST = 48, ENTRY = 16 };
    struct place *place = *state;
    struct strata *db = open_sized(place, 400);
    struct strata_buffer hint;
    struct strata_error err;
    struct checksum check;
    uint8_t entry[ENTRY];

    assert_ok(strata_put(db, S("a"), S("old"), &err), &err);
    assert_ok(strata_put(db, S("a"), S("new"), &err), &err);
    fill(db, 5);
    place_close(db);
    hint = place_read(place, "db/000001.hint");
    assert_true(hint.size >= FIRST + 2 * ENTRY);
    assert_memory_equal(hint.data + FIRST, hint.data + FIRST + ENTRY, 8); /* one key's hash */
    memcpy(entry, hint.data + FIRST, ENTRY);
    memcpy(hint.data + FIRST, hint.data + FIRST + ENTRY, ENTRY);
    memcpy(hint.data + FIRST + ENTRY, entry, ENTRY);
    checksum_begin(&check, checksum_seed((uint64_t)1 << 32 | 1, 0));
    checksum_add(&check, strata_bytes(hint.data, CHECK));
    checksum_add(&check, strata_bytes(hint.data + FIRST, hint.size - FIRST));
    put_u32(hint.data + CHECK, checksum_end(&check));
    place_write(place, "db/000001.hint", strata_buffer_slice(&hint));
    db = open_sized(place, 400);
    assert_get(db, "a", "new");
    assert_int_equal(check_stat(db, "open_segments_read"), 1);
    place_close(db);
    strata_buffer_free(&hint);
}

/* ---- What it costs, and what it cannot do ---------------------------------------------- */

/* Replaying a collision from a hint reads its key, and no check of the record covers a key alone.
 */
static void hint_of_a_collision_whose_key_is_damaged_hides_no_key(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 200);
    struct strata_buffer log;
    struct strata_error err;
    char a[32], b[32];
    uint8_t *key;

    assert_ok(strata_put(db, colliding(a, 1), S("one"), &err), &err);
    assert_ok(strata_put(db, colliding(b, 2), S("two"), &err), &err);
    for (int i = 0; i < 10; i++)
        assert_ok(strata_put(db, S("other"), S("fills the segment"), &err), &err);
    place_close(db);
    log = place_read(place, "db/000001.log");
    key = memmem(log.data, log.size, b, sizeof b);
    assert_non_null(key);
    *key ^= 1;
    place_write(place, "db/000001.log", strata_buffer_slice(&log));
    if (subject_open(place->fs, place->dir, false, &db, &err) == 0) {
        assert_code(strata_get(db, colliding(b, 2), NULL, &err), STRATA_ERR_CORRUPT, &err);
        place_close(db);
    } else {
        assert_int_equal(err.code, STRATA_ERR_CORRUPT);
        assert_err_says(&err, "000001.log");
    }
    strata_buffer_free(&log);
}

static void get_reads_one_record(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 1 << 20);
    uint64_t before;

    fill(db, 1000);
    before = atomic_load(&place->fs->bytes_read);
    assert_get(db, "0000000000000500",
               "0000000000000000000000000000000000000000000000000000000000"
               "000000000000000000000000000000000000000500");
    assert_int_equal(atomic_load(&place->fs->bytes_read) - before, 17 + 16 + 100);
    before = atomic_load(&place->fs->bytes_read);
    assert_get(db, "not there", NULL);
    assert_int_equal(atomic_load(&place->fs->bytes_read) - before, 0);
    place_close(db);
}

static void segment_that_is_missing_is_damage(void **state)
{
    static const char *const names[] = {"db/000001.log", "db/000002.log"};
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct strata *db = open_sized(place, 400);

    fill(db, 10);
    place_close(db);
    for (size_t i = 0; i < 2; i++) {
        struct strata_buffer bytes = place_read(place, names[i]);
        char path[600];
        snprintf(path, sizeof path, "%s/%s", place->root, names[i]);
        assert_int_equal(remove(path), 0);
        subject_options(&options, place->fs, false);
        assert_code(strata_open(place->dir, &options, &db, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, i == 0 ? "segment 000001 is missing" : "segment 000002 is missing");
        place_write(place, names[i], strata_buffer_slice(&bytes));
        strata_buffer_free(&bytes);
    }
    db = place_open(place, false);
    place_close(db);
}

/* A value that looks like a seal at the end of the file must not close the segment. */
static void seal_forged_in_a_value_is_not_believed(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 1 << 20), *other;
    struct place elsewhere;
    struct strata_buffer bytes;
    struct strata_error err;
    char filler[60];

    /* in another database, bring a real seal to the offset that the value's bytes will have */
    place_init(&elsewhere);
    memset(filler, 'f', sizeof filler);
    other = open_sized(&elsewhere, 64);
    assert_ok(strata_put(other, S("k"), strata_bytes(filler, 60), &err), &err);
    assert_ok(strata_put(other, S("k2"), S("starts segment 2"), &err), &err);
    place_close(other);
    bytes = place_read(&elsewhere, "db/000001.log");
    assert_int_equal(bytes.size, 24 + 17 + 1 + 60 + 33);
    /* head 17 and key 1 at 24: the value begins at 42; put 60 bytes of filler, then the seal */
    assert_ok(strata_put(db, S("k"), strata_bytes(bytes.data + 42, 60 + 33), &err), &err);
    place_close(db);
    db = open_sized(place, 1 << 20);
    assert_ok(strata_put(db, S("after"), S("value"), &err), &err);
    place_close(db);
    db = open_sized(place, 1 << 20);
    assert_get(db, "after", "value");
    assert_int_equal(check_stat(db, "segments"), 1);
    place_close(db);
    strata_buffer_free(&bytes);
    place_free(&elsewhere);
}

static void weak_batch_is_not_supported(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    assert_ok(strata_batch_put(batch, S("a"), S("1"), &err), &err);
    assert_ok(strata_batch_put(batch, S("b"), S("2"), &err), &err);
    assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_get(db, "a", NULL);
    strata_batch_free(batch);
    place_close(db);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_random_adds_and_removes_match_a_list),
        cmocka_unit_test(index_entries_with_one_hash_are_all_found),
        cmocka_unit_test(index_memory_is_at_most_64_bytes_a_key),
        cmocka_unit_test(collisions_have_one_hash),
        PLACED(collisions_random_work_matches_the_model),
        PLACED(merge_dead_space_comes_back),
        PLACED(merge_deleted_keys_stay_deleted_and_leave_no_tombstone),
        PLACED(merge_keeps_a_tombstone_that_an_older_put_needs),
        PLACED(merge_of_tombstones_that_are_needed_is_not_made_again_and_again),
        PLACED(merge_iterator_reads_on_from_segments_that_are_gone),
        PLACED(hint_open_reads_less_than_a_third_of_the_bytes),
        PLACED(hint_of_the_last_segment_is_made_by_a_close_that_is_worth_it),
        cmocka_unit_test(close_that_cannot_write_the_seal_fails_and_loses_nothing),
        cmocka_unit_test(get_without_a_descriptor_takes_an_idle_one),
        PLACED(hint_any_flipped_bit_is_ignored_and_the_hint_made_anew),
        PLACED(hint_of_another_segment_is_ignored),
        PLACED(hint_in_another_order_is_ignored),
        PLACED(hint_of_a_collision_whose_key_is_damaged_hides_no_key),
        PLACED(get_reads_one_record),
        PLACED(segment_that_is_missing_is_damage),
        PLACED(seal_forged_in_a_value_is_not_believed),
        PLACED(weak_batch_is_not_supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
