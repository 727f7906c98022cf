/* 05_table_test.c: tables of blocks: written, read, damaged in every bit and at every cut; what a
 * get costs; what stage 5 cannot do yet. */
#include "test.h"

#include "05_blocks_bloom/block/stored_block.h"
#include "05_blocks_bloom/table/table_inside.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/cost.h"
#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"
#include "rng.h"
#include "table_7.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

/* A row: some deleted, some with a value larger than any block. */
static void row(size_t n, bool large, char key[40], struct strata_buffer *value, unsigned *type)
{
    sprintf(key, "key %05zu%.*s", 2 * n, (int)(n % 7), "abcdefg");
    *type = n % 5 == 3 ? STRATA_OP_DELETE : STRATA_OP_PUT;
    strata_buffer_clear(value);
    for (size_t i = 0; *type == STRATA_OP_PUT && i < (large && n % 90 == 4 ? 300000 : n % 40); i++)
        strata_buffer_append(value, &(uint8_t){(uint8_t)(i * n >> 3)}, 1);
}

static void write_table(struct table_7 *t, size_t rows, bool large)
{
    struct sstable_writer *writer = table_7_writer(t);
    struct strata_buffer value = {0};

    for (size_t n = 0; n < rows; n++) {
        char key[40];
        unsigned type;
        row(n, large, key, &value, &type);
        table_7_add(writer, type, S(key), strata_buffer_slice(&value));
    }
    table_7_finish(writer, 11, 99);
    strata_buffer_free(&value);
}

/* ---- What was written ---------------------------------------------------------------------- */

static void assert_at(struct cursor *cursor, size_t n, bool large, struct strata_buffer *value)
{
    struct strata_slice got;
    char key[40];
    unsigned type;

    row(n, large, key, value, &type);
    assert_bytes(cursor->iter.key, S(key));
    assert_int_equal(cursor->type, type);
    assert_int_equal(cursor->sequence, 99);
    assert_int_equal(cursor_value(cursor, &got, NULL), 0);
    assert_bytes(got, strata_buffer_slice(value));
}

static void check_scans(struct sstable *table, size_t rows, bool large, bool once)
{
    struct cursor *cursor = table_kind.cursor(table, once);
    struct strata_buffer value = {0};
    size_t n = 0;
    int rc;

    for (rc = cursor_first(cursor, NULL); rc == 0; rc = cursor_next(cursor, NULL))
        assert_at(cursor, n++, large, &value);
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(n, rows);
    for (rc = cursor_last(cursor, NULL); rc == 0; rc = cursor_prev(cursor, NULL))
        assert_at(cursor, --n, large, &value);
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(n, 0);
    cursor_free(cursor);
    strata_buffer_free(&value);
}

/* Seeks to keys that are there and that are not, then steps at random. */
static void check_seeks(struct sstable *table, size_t rows, bool large, struct rng *rng)
{
    struct cursor *cursor = table_kind.cursor(table, false);
    struct strata_buffer value = {0};

    for (int i = 0; i < 40; i++) {
        size_t n = (size_t)rng_below(rng, rows + 1);
        char key[40] = "", between[40];
        unsigned type;
        int rc;
        if (n < rows)
            row(n, large, key, &value, &type);
        sprintf(between, "key %05zu", 2 * n > 0 ? 2 * n - 1 : 0);
        rc = cursor_seek(cursor, i % 2 && n < rows ? S(key) : S(between), NULL);
        for (int step = 0; rc == 0 && step < 20; step++) {
            bool back = rng_below(rng, 2);
            assert_at(cursor, n, large, &value);
            rc = back ? cursor_prev(cursor, NULL) : cursor_next(cursor, NULL);
            n += back ? (size_t)-1 : 1;
        }
        assert_true(rc >= 0);
        assert_true((rc == STRATA_NOT_FOUND) == (n == rows || n == (size_t)-1));
    }
    cursor_free(cursor);
    strata_buffer_free(&value);
}

static void check_gets(struct sstable *table, size_t rows, bool large)
{
    struct strata_buffer value = {0}, want = {0};
    struct strata_error err;

    for (size_t n = 0; n < rows; n++) {
        char key[40];
        unsigned type, got;
        row(n, large, key, &want, &type);
        assert_ok(table_7_get(table, S(key), &got, &value, &err), &err);
        assert_int_equal(got, type);
        assert_bytes(strata_buffer_slice(&value), strata_buffer_slice(&want));
        sprintf(key, "key %05zu", 2 * n + 1);
        assert_code(table_7_get(table, S(key), &got, &value, &err), STRATA_NOT_FOUND, &err);
    }
    strata_buffer_free(&value);
    strata_buffer_free(&want);
}

static void table_gives_back_what_was_written(void **state)
{
    static const size_t sizes[] = {1, 2, 40, 1000};
    static const struct table_7_setting settings[] = {
        {4096, 1 << 20, 10, false}, {256, 1 << 20, 10, true}, {256, 5000, 1, false},
        {1000, 0, 0, false},        {256, 0, 20, true},
    };
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "table");
    for (size_t i = 0; i < 40; i++) {
        size_t rows = sizes[i / 10];
        bool large = i % 2;
        struct strata_error err;
        struct sstable *table;
        struct table_7 t;

        table_7_init(&t, settings[i / 2 % 5]);
        write_table(&t, rows, large);
        assert_ok(table_7_open(&t, &table, &err), &err);
        assert_int_equal(table->sum.records, rows);
        assert_int_equal(table->sum.tombstones, (rows + 1) / 5);
        assert_int_equal(table->sum.first, 11);
        assert_int_equal(table->sum.last, 99);
        check_gets(table, rows, large);
        check_scans(table, rows, large, false);
        check_scans(table, rows, large, true);
        check_seeks(table, rows, large, &rng);
        assert_ok(table_kind.verify(table, &err), &err);
        sstable_unref(table);
        table_7_free(&t);
    }
}

static void table_of_the_empty_key_alone_is_a_table(void **state)
{
    struct strata_buffer value = {0};
    struct sstable_writer *writer;
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;
    unsigned type;

    (void)state;
    table_7_init(&t, (struct table_7_setting){4096, 0, 10, false});
    writer = table_7_writer(&t);
    table_7_add(writer, STRATA_OP_PUT, S(""), S(""));
    table_7_finish(writer, 1, 1);
    assert_ok(table_7_open(&t, &table, &err), &err);
    assert_ok(table_7_get(table, S(""), &type, &value, &err), &err);
    assert_int_equal(type, STRATA_OP_PUT);
    assert_code(table_7_get(table, S("a"), &type, &value, &err), STRATA_NOT_FOUND, &err);
    assert_ok(table_kind.verify(table, &err), &err);
    sstable_unref(table);
    strata_buffer_free(&value);
    table_7_free(&t);
}

static void table_writer_that_ends_early_leaves_no_file(void **state)
{
    struct sstable_writer *writer;
    struct fs_names names;
    struct table_7 t;

    (void)state;
    table_7_init(&t, (struct table_7_setting){4096, 0, 10, false});
    table_kind.writer_del(table_7_writer(&t), false);
    writer = table_7_writer(&t);
    table_7_add(writer, STRATA_OP_PUT, S("a"), S("b"));
    assert_int_equal(table_kind.writer_finish(writer, 1, 1, NULL), 0);
    table_kind.writer_del(writer, false);
    assert_int_equal(fs_list(t.fs, TABLE_7_DIR, &names, NULL), 0);
    assert_int_equal(names.count, 0);
    fs_names_free(&names);
    table_7_free(&t);
}

static void table_blocks_are_as_large_as_asked_for(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;

    (void)state;
    table_7_init(&t, (struct table_7_setting){512, 0, 10, true});
    write_table(&t, 1000, false);
    assert_ok(table_7_open(&t, &table, &err), &err);
    const struct table_index *index = &((struct table *)table)->index;
    for (uint32_t n = 0; n < index->count; n++) {
        uint64_t size = table_index_at(index, n).size;
        assert_true(size <= 512 + STORED_BLOCK_TRAILER);
        assert_true(size > 400 || n + 1 == index->count);
    }
    sstable_unref(table);
    table_7_free(&t);
}

static void table_keeps_user_properties(void **state)
{
    struct sstable_writer *writer;
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;

    (void)state;
    table_7_init(&t, (struct table_7_setting){4096, 0, 10, false});
    writer = table_7_writer(&t);
    table_7_add(writer, STRATA_OP_PUT, S("a"), S("b"));
    strata_buffer_append(&writer->user, "made by a test", 14);
    table_7_finish(writer, 1, 1);
    assert_ok(table_7_open(&t, &table, &err), &err);
    assert_bytes(strata_buffer_slice(&table->user), S("made by a test"));
    sstable_unref(table);
    table_7_free(&t);
}

static void table_offset_is_where_the_keys_block_begins(void **state)
{
    uint64_t offset, before = 0, whole = 0, half = 0, loaded = cost_so_far.blocks_loaded;
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;
    char key[40];

    (void)state;
    table_7_init(&t, (struct table_7_setting){256, 0, 10, true});
    write_table(&t, 1000, false);
    assert_ok(table_7_open(&t, &table, &err), &err);
    for (size_t n = 0; n < 1000; n++) {
        sprintf(key, "key %05zu", 2 * n);
        if (n % 7) /* such keys are not there */
            continue;
        assert_ok(table_kind.offset(table, S(key), &offset, &err), &err);
        assert_true(offset >= before && offset < table->bytes);
        before = offset;
    }
    assert_int_equal(cost_so_far.blocks_loaded, loaded);
    assert_ok(sstable_add_sizes(&table, 1, S(""), S(""), &whole, &err), &err);
    assert_ok(sstable_add_sizes(&table, 1, S("key 01000"), S(""), &half, &err), &err);
    assert_true(half > whole * 2 / 5 && half < whole * 3 / 5);
    sstable_unref(table);
    table_7_free(&t);
}

/* ---- The index ------------------------------------------------------------------------------- */

static void index_separator_is_short_and_between_two_keys(void **state)
{
    static const char *const cases[][3] = {
        {"banana", "cherry", "c"},
        {"chestnut", "chive", "chi"},
        {"chive", "d", "chive"},
        {"key 00099", "key 00100", "key 001"},
        {"a", "ab", "a"},
        {"a", "abc", "ab"},
        {"", "b", ""},
        {"", "bc", "b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        struct strata_slice got = table_index_separator(S(cases[i][0]), S(cases[i][1]));
        assert_bytes(got, S(cases[i][2]));
        assert_true(strata_compare(got, S(cases[i][0])) >= 0);
        assert_true(strata_compare(got, S(cases[i][1])) < 0);
    }
}

/* A key between a block's last one and its separator: the next block begins with what is sought. */
static void table_seek_between_two_blocks_finds_the_next(void **state)
{
    struct sstable_writer *writer;
    struct strata_error err;
    struct cursor *cursor;
    struct sstable *table;
    struct table_7 t;
    char value[300];

    (void)state;
    memset(value, 'v', sizeof value);
    table_7_init(&t, (struct table_7_setting){256, 0, 10, true});
    writer = table_7_writer(&t);
    table_7_add(writer, STRATA_OP_PUT, S("banana"), strata_bytes(value, 300));
    table_7_add(writer, STRATA_OP_PUT, S("cherry"), strata_bytes(value, 300));
    table_7_finish(writer, 1, 2);
    assert_ok(table_7_open(&t, &table, &err), &err);
    assert_int_equal(((struct table *)table)->index.count, 2);
    cursor = table_kind.cursor(table, false);
    assert_ok(cursor_seek(cursor, S("blueberry"), &err), &err);
    assert_bytes(cursor->iter.key, S("cherry"));
    assert_ok(cursor_prev(cursor, &err), &err);
    assert_bytes(cursor->iter.key, S("banana"));
    assert_code(cursor_seek(cursor, S("cherrz"), &err), STRATA_NOT_FOUND, &err);
    cursor_free(cursor);
    sstable_unref(table);
    table_7_free(&t);
}

/* ---- Damage -------------------------------------------------------------------------------- */

/* Whatever is answered is right; and reading all of it finds the damage. */
static void assert_damage_is_found(struct table_7 *t, size_t rows)
{
    struct strata_buffer value = {0}, want = {0};
    struct strata_error err = {0};
    struct sstable *table;

    if (table_7_open(t, &table, &err) == 0) {
        for (size_t n = 0; n < rows; n++) {
            char key[40];
            unsigned type, got = 0;
            int rc;
            row(n, false, key, &want, &type);
            rc = table_7_get(table, S(key), &got, &value, &err);
            assert_true(rc == STRATA_ERR_CORRUPT || rc == 0);
            if (rc == 0) {
                assert_int_equal(got, type);
                assert_bytes(strata_buffer_slice(&value), strata_buffer_slice(&want));
            }
        }
        assert_code(table_kind.verify(table, &err), STRATA_ERR_CORRUPT, &err);
        sstable_unref(table);
    }
    assert_int_equal(err.code, STRATA_ERR_CORRUPT);
    assert_err_file(&err, TABLE_7_PATH);
    assert_true(table_7_inspect_sees_damage(t));
    strata_buffer_free(&value);
    strata_buffer_free(&want);
}

static void table_damaged_in_any_bit_is_never_believed(void **state)
{
    struct strata_buffer bytes = {0};
    size_t rows = 30, step = check_quick() ? 5 : 1;
    struct table_7 t;

    (void)state;
    table_7_init(&t, (struct table_7_setting){256, 1 << 20, 10, false});
    write_table(&t, rows, false);
    assert_int_equal(fs_sim_get(t.fs, TABLE_7_PATH, &bytes), 0);
    for (size_t bit = 0; bit < 8 * bytes.size; bit += step) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(fs_sim_put(t.fs, TABLE_7_PATH, strata_buffer_slice(&bytes)), 0);
        assert_damage_is_found(&t, rows);
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    strata_buffer_free(&bytes);
    table_7_free(&t);
}

static void table_cut_or_made_longer_is_not_opened(void **state)
{
    struct strata_buffer bytes = {0};
    struct table_7 t;

    (void)state;
    table_7_init(&t, (struct table_7_setting){256, 0, 10, false});
    write_table(&t, 30, false);
    assert_int_equal(fs_sim_get(t.fs, TABLE_7_PATH, &bytes), 0);
    strata_buffer_append(&bytes, "", 1);
    for (size_t size = 0; size <= bytes.size; size++) {
        struct strata_error err;
        struct sstable *table;
        if (size + 1 == bytes.size)
            continue;
        assert_int_equal(fs_sim_put(t.fs, TABLE_7_PATH, strata_bytes(bytes.data, size)), 0);
        assert_code(table_7_open(&t, &table, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, TABLE_7_PATH);
        assert_null(table);
    }
    strata_buffer_free(&bytes);
    table_7_free(&t);
}

/* Copies a block over its neighbour of the same size; `valid`: with a checksum that is right there.
 */
static void exchange_blocks(struct table_7 *t, bool forwards, bool valid)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *table;
    struct table_index_entry a = {0}, b = {0};

    assert_int_equal(fs_sim_get(t->fs, TABLE_7_PATH, &bytes), 0);
    assert_ok(table_7_open(t, &table, &err), &err);
    const struct table_index *index = &((struct table *)table)->index;
    for (uint32_t n = 1; n + 2 < index->count && (n == 1 || a.size != b.size); n++) {
        a = table_index_at(index, n);
        b = table_index_at(index, n + 1);
    }
    assert_int_equal(a.size, b.size);
    uint64_t from = forwards ? a.offset : b.offset, to = forwards ? b.offset : a.offset;
    memcpy(bytes.data + to, bytes.data + from, a.size);
    if (valid)
        put_u32(bytes.data + to + a.size - 4,
                checksum(checksum_seed(7, to), strata_bytes(bytes.data + to, a.size - 4)));
    sstable_unref(table);
    assert_int_equal(fs_sim_put(t->fs, TABLE_7_PATH, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

/* Its checksum says where it belongs; and if that were forged, its keys do. */
static void table_block_in_the_place_of_another_is_damage(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct strata_error err;
        struct sstable *table;
        struct table_7 t;
        bool valid = i % 2;
        table_7_init(&t, (struct table_7_setting){256, 0, 10, true});
        write_table(&t, 400, false);
        exchange_blocks(&t, i / 2, valid);
        assert_ok(table_7_open(&t, &table, &err), &err);
        assert_code(table_kind.verify(table, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, valid ? "that the index has elsewhere" : "block checksum");
        sstable_unref(table);
        assert_damage_is_found(&t, 400);
        table_7_free(&t);
    }
}

static void table_verify_reads_the_file_and_not_the_cache(void **state)
{
    struct strata_buffer bytes = {0}, value = {0};
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;
    char key[40];
    unsigned type;

    (void)state;
    table_7_init(&t, (struct table_7_setting){4096, 1 << 20, 10, true});
    write_table(&t, 30, false);
    assert_ok(table_7_open(&t, &table, &err), &err);
    row(2, false, key, &value, &type);
    assert_ok(table_7_get(table, S(key), &type, &value, &err), &err);
    assert_int_equal(fs_sim_get(t.fs, TABLE_7_PATH, &bytes), 0);
    bytes.data[60] ^= 1;
    assert_int_equal(fs_sim_put(t.fs, TABLE_7_PATH, strata_buffer_slice(&bytes)), 0);
    assert_ok(table_7_get(table, S(key), &type, &value, &err), &err);
    assert_code(table_kind.verify(table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, 24);
    sstable_unref(table);
    strata_buffer_free(&bytes);
    strata_buffer_free(&value);
    table_7_free(&t);
}

/* ---- What it costs ------------------------------------------------------------------------- */

static void table_get_counts_what_it_costs(void **state)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;
    struct strata_counters before;
    char key[40];
    unsigned type;

    (void)state;
    table_7_init(&t, (struct table_7_setting){4096, 1 << 20, 10, false});
    write_table(&t, 2000, false);
    assert_ok(table_7_open(&t, &table, &err), &err);
    row(1000, false, key, &value, &type);
    for (uint64_t again = 0; again < 2; again++) {
        before = cost_so_far;
        assert_ok(table_7_get(table, S(key), &type, &value, &err), &err);
        assert_int_equal(cost_so_far.filter_probes - before.filter_probes, 1);
        assert_int_equal(cost_so_far.blocks - before.blocks, 1);
        assert_int_equal(cost_so_far.blocks_loaded - before.blocks_loaded, 1 - again);
        assert_in_range(cost_so_far.comparisons - before.comparisons, 5, 30);
    }
    sstable_unref(table);
    strata_buffer_free(&value);
    table_7_free(&t);
}

static struct strata *open_db(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    options.stage = 5;
    options.create = true;
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open(TABLE_7_DIR, &options, &db, &err), &err);
    return db;
}

static uint64_t blocks_used(struct strata *db)
{
    return check_stat(db, "cache_hits") + check_stat(db, "cache_misses");
}

static void number_key(char key[40], size_t n)
{
    sprintf(key, "%016zu", n);
}

static void fill_with_even_numbers(struct strata *db, size_t count)
{
    char key[40], value[100];

    for (size_t n = 0; n < count; n++) {
        number_key(key, 2 * n);
        memset(value, (int)n, sizeof value);
        assert_int_equal(strata_put(db, S(key), strata_bytes(value, 40), NULL), 0);
        if (n == count / 2)
            assert_int_equal(strata_flush(db, NULL), 0);
    }
}

static void table_hit_uses_one_block_and_a_miss_hardly_any(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs);
    size_t count = 20000;
    uint64_t before;
    char key[40];

    (void)state;
    fill_with_even_numbers(db, count);
    assert_int_equal(strata_compact(db, NULL, NULL), 0);
    assert_int_equal(check_stat(db, "merges"), 1);
    assert_int_equal(blocks_used(db), 0); /* a merge does not use the cache */
    for (size_t n = 0; n < count; n++) {
        number_key(key, 2 * n);
        before = blocks_used(db);
        assert_int_equal(strata_get(db, S(key), NULL, NULL), 0);
        assert_int_equal(blocks_used(db) - before, 1);
    }
    assert_int_equal(check_stat(db, "cache_misses"), check_stat(db, "cache_blocks"));
    before = blocks_used(db);
    for (size_t n = 0; n + 1 < count; n++) {
        number_key(key, 2 * n + 1);
        assert_int_equal(strata_get(db, S(key), NULL, NULL), STRATA_NOT_FOUND);
    }
    assert_true(blocks_used(db) - before <= count / 50);
    assert_int_equal(check_stat(db, "bloom_filtered") + check_stat(db, "bloom_false_positives"),
                     count - 1);
    assert_int_equal(check_stat(db, "bloom_false_positives"), blocks_used(db) - before);
    assert_int_equal(strata_close(db, NULL), 0);
    fs_free(fs);
}

static void table_clean_close_leaves_no_log_to_be_read(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs);
    uint64_t empty = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        char key[40];
        number_key(key, (size_t)i);
        assert_int_equal(strata_put(db, S(key), S("value"), NULL), 0);
        assert_int_equal(strata_close(db, NULL), 0);
        db = open_db(fs);
        if (i == 0)
            empty = check_stat(db, "open_replayed"); /* the first frame, which holds nothing */
        assert_true(empty < 100);
        assert_int_equal(check_stat(db, "open_replayed"), empty);
        assert_int_equal(check_stat(db, "run_records"), i + 1);
    }
    assert_int_equal(strata_close(db, NULL), 0);
    fs_free(fs);
}

/* What stage 5 still cannot do: a merge writes all of a table again, whatever little of it has
 * changed. Stage 6 merges a part at a time. */
static void weak_one_new_key_rewrites_the_whole_table(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs);
    uint64_t merged, whole;

    (void)state;
    fill_with_even_numbers(db, 20000);
    assert_int_equal(strata_compact(db, NULL, NULL), 0);
    merged = check_stat(db, "merged_bytes");
    whole = check_stat(db, "run_bytes");
    assert_int_equal(strata_put(db, S("one more"), S("key"), NULL), 0);
    assert_int_equal(strata_compact(db, NULL, NULL), 0);
    assert_true(check_stat(db, "merged_bytes") - merged >= whole);
    assert_int_equal(strata_close(db, NULL), 0);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_gives_back_what_was_written),
        cmocka_unit_test(table_of_the_empty_key_alone_is_a_table),
        cmocka_unit_test(table_writer_that_ends_early_leaves_no_file),
        cmocka_unit_test(table_blocks_are_as_large_as_asked_for),
        cmocka_unit_test(table_keeps_user_properties),
        cmocka_unit_test(table_offset_is_where_the_keys_block_begins),
        cmocka_unit_test(index_separator_is_short_and_between_two_keys),
        cmocka_unit_test(table_seek_between_two_blocks_finds_the_next),
        cmocka_unit_test(table_damaged_in_any_bit_is_never_believed),
        cmocka_unit_test(table_cut_or_made_longer_is_not_opened),
        cmocka_unit_test(table_block_in_the_place_of_another_is_damage),
        cmocka_unit_test(table_verify_reads_the_file_and_not_the_cache),
        cmocka_unit_test(table_get_counts_what_it_costs),
        cmocka_unit_test(table_hit_uses_one_block_and_a_miss_hardly_any),
        cmocka_unit_test(table_clean_close_leaves_no_log_to_be_read),
        cmocka_unit_test(weak_one_new_key_rewrites_the_whole_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
