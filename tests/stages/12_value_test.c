/* 12_value_test.c: the value log: pointers, value files, what is live in them, and what is
 * collected. */
#include "12_value_log/value_tree.h"
#include "12_value_log/values/live.h"
#include "base/prng.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "db/db.h"
#include "place.h"
#include "rng.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

enum { LARGE = 1000, KEYS = 200 };

static struct strata *open_db(struct strata_fs *fs, size_t value_bytes, bool create)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, create);
    options.sync = STRATA_SYNC_NEVER;
    options.memtable_bytes = 4096;
    options.level_bytes = options.table_bytes = 16384;
    options.value_bytes = value_bytes;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    return db;
}

static struct tree *tree_of(struct strata *db)
{
    return db->self;
}

static struct value_set *set_of(struct strata *db)
{
    return value_set_of(tree_of(db)->common);
}

/* A value that tells its key and round, and is of about `size` bytes. */
static void make_value(char *to, size_t size, unsigned key, unsigned round)
{
    size_t at = (size_t)snprintf(to, size, "%u.%u.", key, round);
    memset(to + at, 'a' + (int)(key + round) % 26, size - at);
}

static void put(struct strata *db, unsigned key, unsigned round, size_t size)
{
    struct strata_error err;
    char name[16], *value = malloc(size);

    assert_non_null(value);
    snprintf(name, sizeof name, "key%05u", key);
    make_value(value, size, key, round);
    assert_ok(strata_put(db, S(name), strata_bytes(value, size), &err), &err);
    free(value);
}

static void expect(struct strata *db, unsigned key, unsigned round, size_t size)
{
    struct strata_buffer got = {0};
    struct strata_error err;
    char name[16], *value = malloc(size);

    assert_non_null(value);
    snprintf(name, sizeof name, "key%05u", key);
    make_value(value, size, key, round);
    assert_ok(strata_get(db, S(name), &got, &err), &err);
    assert_int_equal(got.size, size);
    assert_memory_equal(got.data, value, size);
    strata_buffer_free(&got);
    free(value);
}

static void close_db(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

static size_t count_files(struct strata_fs *fs, const char *suffix)
{
    struct fs_names names;
    size_t count = 0;

    assert_int_equal(fs_list(fs, "db", &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++)
        count += strstr(names.names[i], suffix) != NULL;
    fs_names_free(&names);
    return count;
}

static uint64_t bytes_in(struct strata_fs *fs)
{
    struct fs_names names;
    uint64_t bytes = 0;

    assert_int_equal(fs_list(fs, "db", &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        char *path = fs_join("db", names.names[i]);
        struct strata_buffer content = {0};
        assert_int_equal(fs_sim_get(fs, path, &content), 0);
        bytes += content.size;
        strata_buffer_free(&content);
        free(path);
    }
    fs_names_free(&names);
    return bytes;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void pointer_is_read_as_written(void **state)
{
    const struct pointer p = {7, 24, 1000, 0xdeadbeef};
    uint8_t bytes[POINTER_BYTES];
    struct pointer q;

    (void)state;
    pointer_encode(&p, bytes);
    assert_null(pointer_check(strata_bytes(bytes, sizeof bytes)));
    pointer_decode(strata_bytes(bytes, sizeof bytes), &q);
    assert_true(q.number == p.number && q.offset == p.offset && q.size == p.size &&
                q.check == p.check);
}

static void pointer_that_cannot_be_is_refused(void **state)
{
    struct pointer bad[] = {{0, 24, 1, 0},
                            {1, 23, 1, 0},
                            {1, 24, UINT32_MAX, 0},
                            {UINT64_MAX, 24, 1, 0},
                            {1, UINT64_MAX, 1, 0}};
    uint8_t bytes[POINTER_BYTES + 1] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pointer_encode(&bad[i], bytes);
        assert_non_null(pointer_check(strata_bytes(bytes, POINTER_BYTES)));
    }
    pointer_encode(&(struct pointer){1, 24, 1, 0}, bytes);
    assert_non_null(pointer_check(strata_bytes(bytes, POINTER_BYTES + 1)));
    assert_non_null(pointer_check(strata_bytes(bytes, POINTER_BYTES - 1)));
    assert_non_null(pointer_check(strata_bytes(bytes, 0)));
    bytes[0] = 1;
    assert_non_null(pointer_check(strata_bytes(bytes, POINTER_BYTES)));
}

static void live_list_is_in_order_whatever_is_added(void **state)
{
    struct strata_buffer notes = {0};
    struct strata_error err;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        assert_ok(live_add(&notes, 1 + i * 37 % 50, 100, &err), &err);
    assert_int_equal(live_count(&notes), 50);
    assert_null(live_check(&notes));
    for (unsigned i = 0; i < 50; i++) {
        struct live live = live_at(&notes, i);
        assert_true(live.number == i + 1 && live.values == 20 && live.bytes == 2000);
    }
    assert_int_equal(live_of(&notes, 51).values, 0);
    notes.data[5] = 9; /* the first number */
    assert_non_null(live_check(&notes));
    notes.size -= 1;
    assert_non_null(live_check(&notes));
    strata_buffer_free(&notes);
}

static void live_list_that_cannot_be_is_refused(void **state)
{
    struct strata_buffer notes = {0};
    struct strata_error err;

    (void)state;
    assert_ok(live_add(&notes, 3, 100, &err), &err);
    assert_ok(live_add(&notes, 4, 100, &err), &err);
    assert_null(live_check(&notes));
    notes.data[1] = 72; /* three files, and there is room for two */
    assert_non_null(live_check(&notes));
    notes.data[1] = 47;
    assert_non_null(live_check(&notes));
    notes.data[1] = 48;
    notes.data[5 + 8] = 16; /* bytes of a value: less than a record's head */
    assert_non_null(live_check(&notes));
    strata_buffer_free(&notes);
}

/* ---- Writing and reading --------------------------------------------------------------------- */

static void value_large_is_written_once(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    uint64_t before = fs->bytes_written;
    struct strata_error err;

    (void)state;
    for (unsigned i = 0; i < KEYS; i++)
        put(db, i, 0, 20 * LARGE);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_true(fs->bytes_written - before < KEYS * 20 * LARGE * 105 / 100);
    for (unsigned i = 0; i < KEYS; i++)
        expect(db, i, 0, 20 * LARGE);
    assert_true(count_files(fs, VALUES_SUFFIX) > 0);
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_db(db);
    db = open_db(fs, 0, false); /* the option says nothing of what is there */
    for (unsigned i = 0; i < KEYS; i++)
        expect(db, i, 0, 20 * LARGE);
    close_db(db);
    fs_free(fs);
}

static void value_below_the_threshold_is_in_tables(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);

    (void)state;
    for (unsigned i = 0; i < KEYS; i++)
        put(db, i, 0, LARGE - 1);
    close_db(db);
    assert_int_equal(count_files(fs, VALUES_SUFFIX), 0);
    fs_free(fs);
}

static void value_small_is_recovered_as_it_was(void **state)
{
    struct strata_fs *fs = fs_sim_new(), *left;
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_slice found;

    (void)state;
    put(db, 1, 0, LARGE);
    put(db, 2, 0, LARGE - 1);
    left = fs_sim_copy(fs); /* killed */
    close_db(db);
    fs_free(fs);
    db = open_db(left, LARGE, false);
    assert_int_equal(memtable_get(tree_of(db)->path.memtable, S("key00001"), UINT64_MAX, &found),
                     SSTABLE_CODED);
    assert_int_equal(memtable_get(tree_of(db)->path.memtable, S("key00002"), UINT64_MAX, &found),
                     STRATA_OP_PUT);
    expect(db, 1, 0, LARGE);
    expect(db, 2, 0, LARGE - 1);
    close_db(db);
    fs_free(left);
}

static void value_of_a_snapshot_stays(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_snapshot *snapshot;
    struct strata_buffer got = {0};
    struct strata_error err;
    char value[2 * LARGE];

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        put(db, i, 0, sizeof value);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    for (unsigned round = 1; round < 8; round++)
        for (unsigned i = 0; i < 20; i++)
            put(db, i, round, sizeof value);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_ok(strata_verify(db, NULL, &err), &err);
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "key%05u", i);
        make_value(value, sizeof value, i, 0);
        assert_ok(strata_snapshot_get(snapshot, S(name), &got, &err), &err);
        assert_true(got.size == sizeof value && memcmp(got.data, value, sizeof value) == 0);
        expect(db, i, 7, sizeof value);
    }
    strata_buffer_free(&got);
    strata_snapshot_free(snapshot);
    close_db(db);
    fs_free(fs);
}

/* An iterator has its memtable, and the log, when both have gone. */
static void value_of_an_iterator_outlives_its_file(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_slice found;
    struct strata_iter *iter;
    struct strata_error err;
    char value[2 * LARGE];
    unsigned i = 0;

    (void)state;
    for (unsigned k = 0; k < 5; k++)
        put(db, k, 0, sizeof value);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    for (unsigned round = 1; round < 5; round++) {
        for (unsigned k = 0; k < 5; k++)
            put(db, k, round, sizeof value);
        assert_ok(strata_compact(db, NULL, &err), &err);
    }
    for (int rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        make_value(value, sizeof value, i++, 0);
        assert_ok(strata_iter_value(iter, &found, &err), &err);
        assert_true(found.size == sizeof value && memcmp(found.data, value, sizeof value) == 0);
    }
    assert_int_equal(i, 5);
    strata_iter_free(iter);
    close_db(db);
    fs_free(fs);
}

static void value_damaged_is_never_given_out(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_buffer got = {0}, bytes = {0};
    struct strata_error err;
    struct value_file *file;
    char *path;

    (void)state;
    put(db, 1, 0, 2 * LARGE);
    assert_ok(strata_flush(db, &err), &err);
    file = set_of(db)->files[0];
    path = strdup(file->path);
    close_db(db);
    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    bytes.data[bytes.size - 7] ^= 4;
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    db = open_db(fs, LARGE, false);
    assert_code(strata_get(db, S("key00001"), &got, &err), STRATA_ERR_CORRUPT, &err);
    assert_int_equal(got.size, 0);
    assert_string_equal(err.file, path);
    assert_code(strata_verify(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    close_db(db);
    strata_buffer_free(&got);
    strata_buffer_free(&bytes);
    free(path);
    fs_free(fs);
}

static void value_of_another_pointer_is_refused(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct pointer pointer = {1, RECORD_FILE_HEADER, 2 * LARGE, 0};
    struct strata_buffer got = {0};
    struct strata_slice coded;
    struct strata_error err;

    (void)state;
    put(db, 1, 0, 2 * LARGE);
    assert_int_equal(memtable_get(tree_of(db)->path.memtable, S("key00001"), UINT64_MAX, &coded),
                     SSTABLE_CODED);
    pointer_decode(coded, &pointer);
    assert_ok(value_set_read(set_of(db), &pointer, S("key00001"), &got, &err), &err);
    assert_int_equal(got.size, 2 * LARGE);
    pointer.check ^= 1;
    assert_code(value_set_read(set_of(db), &pointer, S("key00001"), &got, &err), STRATA_ERR_CORRUPT,
                &err);
    pointer.check ^= 1;
    assert_code(value_set_read(set_of(db), &pointer, S("key00002"), &got, &err), STRATA_ERR_CORRUPT,
                &err);
    pointer.size++;
    assert_code(value_set_read(set_of(db), &pointer, S("key00001"), &got, &err), STRATA_ERR_CORRUPT,
                &err);
    pointer.offset += (uint64_t)1 << 40;
    assert_code(value_set_read(set_of(db), &pointer, S("key00001"), &got, &err), STRATA_ERR_CORRUPT,
                &err);
    strata_buffer_free(&got);
    close_db(db);
    fs_free(fs);
}

static void value_file_missing_is_reported_by_open(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_options options;
    struct strata_error err;
    char *path;

    (void)state;
    put(db, 1, 0, 2 * LARGE);
    assert_ok(strata_flush(db, &err), &err);
    path = strdup(set_of(db)->files[0]->path);
    close_db(db);
    assert_int_equal(fs_remove(fs, path, &err), 0);
    subject_options(&options, fs, false);
    assert_code(strata_open("db", &options, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_string_equal(err.file, path);
    free(path);
    fs_free(fs);
}

/* ---- What is live, and collection ------------------------------------------------------------ */

static void settle(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_flush(db, &err), &err);
}

/* Ten times everything, and nobody asks for anything: what is live takes half at least. */
static void space_comes_back_by_itself(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    uint64_t data = (uint64_t)KEYS * 10 * LARGE;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "space");
    for (unsigned round = 0; round < 10; round++)
        for (unsigned i = 0; i < KEYS; i++)
            put(db, (i * 77 + round * 13) % KEYS, round, 10 * LARGE);
    settle(db);
    assert_true(bytes_in(fs) < data * 21 / 10);
    for (unsigned i = 0; i < KEYS; i++)
        expect(db, i, 9, 10 * LARGE);
    close_db(db);
    fs_free(fs);
}

static void collection_keeps_every_version(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_snapshot *snapshot;
    struct strata_buffer got = {0};
    struct strata_error err;
    char value[3 * LARGE];

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        put(db, i, 0, sizeof value);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    for (unsigned i = 0; i < 10; i++) /* chains of two pointers */
        put(db, i, 1, sizeof value);
    settle(db);
    strata_snapshot_free(snapshot);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    for (unsigned i = 10; i < 100; i++)
        put(db, i, 2, sizeof value);
    settle(db);
    for (unsigned i = 0; i < 10; i++)
        put(db, i, 3, sizeof value);
    settle(db);
    assert_ok(strata_compact(db, NULL, &err), &err);
    for (unsigned i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "key%05u", i);
        make_value(value, sizeof value, i, i < 10 ? 1 : 0);
        assert_ok(strata_snapshot_get(snapshot, S(name), &got, &err), &err);
        assert_true(got.size == sizeof value && memcmp(got.data, value, sizeof value) == 0);
        expect(db, i, i < 10 ? 3 : 2, sizeof value);
    }
    assert_ok(strata_verify(db, NULL, &err), &err);
    strata_buffer_free(&got);
    strata_snapshot_free(snapshot);
    close_db(db);
    fs_free(fs);
}

static void expect_no_garbage(struct strata *db)
{
    const struct value_set *set = set_of(db);

    for (size_t i = 0; i < set->count; i++)
        if (set->files[i]->named && !set->files[i]->gone)
            assert_true(set->files[i]->live * 100 > set->files[i]->bytes * 50);
}

/* The compaction that makes a file garbage has not known of it: its table is picked again. */
static void collection_picks_tables_that_rest(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_error err;

    (void)state;
    for (unsigned i = 0; i < 30; i++)
        put(db, i, 0, 2 * LARGE);
    close_db(db);
    db = open_db(fs, LARGE, false);
    for (unsigned i = 0; i < 20; i++)
        put(db, i, 1, 2 * LARGE);
    assert_ok(strata_compact(db, NULL, &err), &err);
    expect_no_garbage(db);
    assert_true(set_of(db)->relocated > 0);
    for (unsigned i = 0; i < 30; i++)
        expect(db, i, i < 20, 2 * LARGE);
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_db(db);
    fs_free(fs);
}

static void collection_relocates_chains(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_snapshot *snapshot;
    struct strata_buffer got = {0};
    struct strata_error err;
    char value[2 * LARGE];

    (void)state;
    for (unsigned i = 0; i < 30; i++)
        put(db, i, 0, sizeof value);
    close_db(db);
    db = open_db(fs, LARGE, false);
    for (unsigned i = 5; i < 30; i++)
        put(db, i, 1, sizeof value);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    for (unsigned i = 0; i < 5; i++)
        put(db, i, 2, sizeof value);
    assert_ok(strata_compact(db, NULL, &err), &err);
    expect_no_garbage(db);
    assert_true(set_of(db)->relocated > 0);
    for (unsigned i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "key%05u", i);
        make_value(value, sizeof value, i, 0);
        assert_ok(strata_snapshot_get(snapshot, S(name), &got, &err), &err);
        assert_true(got.size == sizeof value && memcmp(got.data, value, sizeof value) == 0);
        expect(db, i, 2, sizeof value);
    }
    assert_ok(strata_verify(db, NULL, &err), &err);
    strata_buffer_free(&got);
    strata_snapshot_free(snapshot);
    close_db(db);
    fs_free(fs);
}

static void collection_leaves_no_file_without_values(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true);
    struct strata_error err;
    char name[16];

    (void)state;
    for (unsigned i = 0; i < KEYS; i++)
        put(db, i, 0, 10 * LARGE);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(name, sizeof name, "key%05u", i);
        assert_ok(strata_delete(db, S(name), &err), &err);
    }
    assert_ok(strata_compact(db, NULL, &err), &err);
    close_db(db);
    assert_int_equal(count_files(fs, VALUES_SUFFIX), 0);
    fs_free(fs);
}

/* What the set says is the sum over all tables, which `verify` adds up from their entries. */
static void live_is_exact_after_anything(void **state)
{
    enum { ROUNDS = 12, OPERATIONS = 300 };
    struct strata_fs *fs = fs_sim_new();
    unsigned rounds[KEYS] = {0};
    struct strata_error err;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "live");
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct strata *db = open_db(fs, LARGE, round == 0);
        for (unsigned i = 0; i < OPERATIONS; i++) {
            unsigned key = (unsigned)rng_below(&rng, KEYS);
            put(db, key, rounds[key] = round * OPERATIONS + i + 1, LARGE / 2 + key * 20);
        }
        if (rng_below(&rng, 2))
            assert_ok(strata_compact(db, NULL, &err), &err);
        assert_ok(strata_verify(db, NULL, &err), &err);
        if (rng_below(&rng, 2)) { /* killed: the files as they are, without a close */
            struct strata_fs *left = fs_sim_copy(fs);
            close_db(db);
            fs_free(fs);
            fs = left;
        } else
            close_db(db);
    }
    struct strata *db = open_db(fs, LARGE, false);
    for (unsigned key = 0; key < KEYS; key++)
        if (rounds[key])
            expect(db, key, rounds[key], LARGE / 2 + key * 20);
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_db(db);
    fs_free(fs);
}

/* ---- Backup ---------------------------------------------------------------------------------- */

static void backup_has_the_value_files(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, LARGE, true), *copy;
    struct strata_options options;
    struct strata_error err;

    (void)state;
    for (unsigned i = 0; i < KEYS; i++)
        put(db, i, 0, 3 * LARGE);
    assert_ok(strata_backup(db, "copy", NULL, &err), &err);
    for (unsigned i = 0; i < KEYS; i++)
        put(db, i, 1, 3 * LARGE);
    assert_ok(strata_compact(db, NULL, &err), &err);
    subject_options(&options, fs, false);
    assert_ok(strata_open("copy", &options, &copy, &err), &err);
    for (unsigned i = 0; i < KEYS; i++)
        expect(copy, i, 0, 3 * LARGE);
    assert_ok(strata_verify(copy, NULL, &err), &err);
    close_db(copy);
    close_db(db);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointer_is_read_as_written),
        cmocka_unit_test(pointer_that_cannot_be_is_refused),
        cmocka_unit_test(live_list_is_in_order_whatever_is_added),
        cmocka_unit_test(value_large_is_written_once),
        cmocka_unit_test(value_below_the_threshold_is_in_tables),
        cmocka_unit_test(value_small_is_recovered_as_it_was),
        cmocka_unit_test(value_of_a_snapshot_stays),
        cmocka_unit_test(value_of_an_iterator_outlives_its_file),
        cmocka_unit_test(value_damaged_is_never_given_out),
        cmocka_unit_test(value_file_missing_is_reported_by_open),
        cmocka_unit_test(space_comes_back_by_itself),
        cmocka_unit_test(collection_keeps_every_version),
        cmocka_unit_test(live_list_that_cannot_be_is_refused),
        cmocka_unit_test(value_of_another_pointer_is_refused),
        cmocka_unit_test(collection_picks_tables_that_rest),
        cmocka_unit_test(collection_relocates_chains),
        cmocka_unit_test(collection_leaves_no_file_without_values),
        cmocka_unit_test(live_is_exact_after_anything),
        cmocka_unit_test(backup_has_the_value_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
