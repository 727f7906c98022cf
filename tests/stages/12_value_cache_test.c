/* 12_value_cache_test.c: values in the block cache, values that are borrowed, and scans of values
 * that lie side by side. */
#include "large_values.h"

enum { KEYS = 200 };

#define CACHE ((size_t)4 << 20)

static uint64_t reads(const struct strata_fs *fs)
{
    return fs->calls[FS_CALL_READ];
}

/* In value files. */
static struct strata *filled(struct strata_fs *fs, size_t cache_bytes, size_t size)
{
    struct strata *db = large_open(fs, cache_bytes, true);
    struct strata_error err;

    for (unsigned i = 0; i < KEYS; i++)
        large_put(db, i, 0, size);
    assert_ok(strata_compact(db, NULL, &err), &err);
    return db;
}

static void overwrite_all(struct strata *db)
{
    struct strata_error err;

    for (unsigned i = 0; i < KEYS; i++)
        large_put(db, i, 1, LARGE);
    assert_ok(strata_compact(db, NULL, &err), &err);
}

static struct pointer pointer_of(struct strata *db, struct strata_slice key)
{
    const struct value_set *set = large_set(db);
    struct strata_slice coded;
    struct pointer pointer;

    assert_int_equal(
        memtable_get(((struct tree *)db->self)->path.memtable, key, UINT64_MAX, &coded),
        SSTABLE_CODED);
    pointer_decode(coded, &pointer);
    assert_true(set->count > 0);
    return pointer;
}

/* ---- The cache ------------------------------------------------------------------------------- */

static void value_that_was_read_is_in_the_cache(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = filled(fs, CACHE, 2 * LARGE);
    uint64_t before;

    (void)state;
    for (unsigned i = 0; i < KEYS; i++)
        large_expect(db, i, 0, 2 * LARGE);
    before = reads(fs);
    for (unsigned i = 0; i < KEYS; i++)
        large_expect(db, i, 0, 2 * LARGE);
    assert_int_equal(reads(fs), before);
    large_close(db);
    fs_free(fs);
}

/* With few slots and frames, or none, most values meet others. */
static void value_in_a_small_cache_is_never_another(void **state)
{
    (void)state;
    for (size_t cache = 0; cache <= 256 << 10; cache = cache ? 4 * cache : 16 << 10) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = filled(fs, cache, LARGE);
        for (unsigned i = 0; i < 3 * KEYS; i++)
            large_expect(db, i * 7 % KEYS, 0, LARGE);
        assert_true(clock_cache_check(large_set(db)->blocks));
        large_close(db);
        fs_free(fs);
    }
}

/* 12.I11. */
static void value_in_the_cache_is_that_of_its_pointer(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = large_open(fs, CACHE, true);
    struct strata_slice key = strata_string("key00001"), other = strata_string("key00002");
    struct value_set *set = large_set(db);
    struct value_pin pin = {0};
    struct strata_error err;
    struct pointer pointer;

    (void)state;
    large_put(db, 1, 0, 2 * LARGE);
    large_expect(db, 1, 0, 2 * LARGE);
    pointer = pointer_of(db, key);
    assert_ok(value_set_pin(set, &pointer, key, NULL, &pin, &err), &err);
    large_is(pin.value, 1, 0, 2 * LARGE);
    value_set_unpin(set, &pin);
    assert_code(value_set_pin(set, &pointer, other, NULL, &pin, &err), STRATA_ERR_CORRUPT, &err);
    pointer.check ^= 1;
    assert_code(value_set_pin(set, &pointer, key, NULL, &pin, &err), STRATA_ERR_CORRUPT, &err);
    pointer.check ^= 1;
    pointer.size--;
    assert_code(value_set_pin(set, &pointer, key, NULL, &pin, &err), STRATA_ERR_CORRUPT, &err);
    assert_null(pin.frame);
    large_close(db);
    fs_free(fs);
}

static void value_damaged_does_not_enter_the_cache(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = filled(fs, CACHE, 2 * LARGE);
    struct strata_buffer got = {0}, bytes = {0};
    struct strata_error err;
    char *path = strdup(large_set(db)->files[0]->path);
    unsigned bad = 0;

    (void)state;
    large_close(db);
    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    for (size_t i = 600; i < bytes.size; i += LARGE)
        bytes.data[i] ^= 4;
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    db = large_open(fs, CACHE, false);
    for (unsigned i = 0; i < 2 * KEYS; i++) {
        char name[16];
        int rc = strata_get(db, large_key(i % KEYS, name), &got, &err);
        bad += rc == STRATA_ERR_CORRUPT;
        if (rc == 0)
            large_is(strata_buffer_slice(&got), i % KEYS, 0, 2 * LARGE);
    }
    assert_true(bad >= 2 && bad % 2 == 0);
    assert_true(clock_cache_check(large_set(db)->blocks));
    large_close(db);
    strata_buffer_free(&got);
    strata_buffer_free(&bytes);
    free(path);
    fs_free(fs);
}

/* ---- Borrowed -------------------------------------------------------------------------------- */

static void borrowed_value_is_not_copied_and_outlives_its_file(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = filled(fs, (size_t)64 << 10, LARGE);
    struct strata_view views[8] = {{{0}}};
    struct strata_error err;
    char name[16];

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        assert_ok(strata_get_borrowed(db, large_key(i, name), &views[i], &err), &err);
        assert_true(views[i].value.data != views[i].copy.data);
    }
    overwrite_all(db);
    for (unsigned i = 0; i < 3 * KEYS; i++) /* more than the cache has */
        large_expect(db, i % KEYS, 1, LARGE);
    for (unsigned i = 0; i < 8; i++) {
        large_is(views[i].value, i, 0, LARGE);
        strata_view_free(&views[i]);
    }
    assert_true(clock_cache_check(large_set(db)->blocks));
    large_close(db);
    fs_free(fs);
}

/* ---- Scans ----------------------------------------------------------------------------------- */

static void iterators_value_stays_until_it_moves(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = filled(fs, (size_t)64 << 10, LARGE);
    struct strata_slice found;
    struct strata_iter *iter;
    struct strata_error err;

    (void)state;
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_ok(strata_iter_first(iter, &err), &err);
    assert_ok(strata_iter_value(iter, &found, &err), &err);
    overwrite_all(db);
    for (unsigned i = 0; i < 3 * KEYS; i++)
        large_expect(db, i % KEYS, 1, LARGE);
    large_is(found, 0, 0, LARGE);
    strata_iter_free(iter);
    large_close(db);
    fs_free(fs);
}

/* Returns how many calls to read it took. */
static uint64_t scan(struct strata_fs *fs, struct strata *db, bool back, size_t size)
{
    uint64_t before = reads(fs);
    struct strata_slice found;
    struct strata_iter *iter;
    struct strata_error err;
    unsigned seen = 0;
    int rc;

    assert_ok(strata_iter_new(db, &iter, &err), &err);
    rc = back ? strata_iter_last(iter, &err) : strata_iter_first(iter, &err);
    for (; rc == 0; rc = back ? strata_iter_prev(iter, &err) : strata_iter_next(iter, &err)) {
        unsigned key = back ? KEYS - 1 - seen : seen;
        assert_ok(strata_iter_value(iter, &found, &err), &err);
        large_is(found, key, 0, size);
        seen++;
    }
    assert_int_equal(seen, KEYS);
    strata_iter_free(iter);
    return reads(fs) - before;
}

static void scan_reads_neighbours_with_one_call(void **state)
{
    (void)state;
    for (int back = 0; back < 2; back++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = filled(fs, 0, 2 * LARGE);
        uint64_t calls;
        large_close(db);
        db = large_open(fs, 0, false);
        calls = scan(fs, db, back, 2 * LARGE);
        assert_true(calls < KEYS);
        large_close(db);
        fs_free(fs);
    }
}

/* What cannot be read ahead may be where no value is asked for. */
static void scan_reads_by_itself_what_could_not_be_read_ahead(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = filled(fs, 0, 2 * LARGE);

    (void)state;
    for (uint64_t at = 1; at < 40; at++) {
        struct fs_sim_fault fault = {FS_SIM_EIO, at, false, 1u << FS_CALL_READ};
        struct strata_slice found;
        struct strata_iter *iter;
        struct strata_error err;
        unsigned seen = 0, failed = 0;
        int rc;

        assert_ok(strata_iter_new(db, &iter, &err), &err);
        assert_ok(strata_iter_first(iter, &err), &err);
        fs_sim_fail(fs, &fault);
        do {
            rc = strata_iter_value(iter, &found, &err);
            failed += rc < 0;
            if (rc == 0)
                large_is(found, seen, 0, 2 * LARGE);
        } while (++seen < 20 && strata_iter_next(iter, &err) == 0);
        assert_true(failed <= 1);
        fs_sim_fail(fs, NULL);
        strata_iter_free(iter);
    }
    large_close(db);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_that_was_read_is_in_the_cache),
        cmocka_unit_test(value_in_a_small_cache_is_never_another),
        cmocka_unit_test(value_in_the_cache_is_that_of_its_pointer),
        cmocka_unit_test(value_damaged_does_not_enter_the_cache),
        cmocka_unit_test(borrowed_value_is_not_copied_and_outlives_its_file),
        cmocka_unit_test(iterators_value_stays_until_it_moves),
        cmocka_unit_test(scan_reads_neighbours_with_one_call),
        cmocka_unit_test(scan_reads_by_itself_what_could_not_be_read_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
