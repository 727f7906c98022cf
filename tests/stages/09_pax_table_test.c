/* 09_pax_table_test.c: tables of blocks: written, read, and damaged in every bit and at every cut;
 * what a get costs; the sparse index. */
#include "test.h"

#include "02_hash_index/index.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"
#include "rng.h"
#include "base/cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"
#define PATH "db/000007.table"

static const struct sstable_kind *const kind = &pax_table_kind;

struct setting {
    size_t block_bytes, cache_bytes;
    unsigned bits;
    bool plain, mapped;
};

/* A place for table 7, with what tables have in common. */
struct ground {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    void *common;
};

static void ground_init(struct ground *g, struct setting setting)
{
    struct strata_error err;

    g->fs = fs_sim_new();
    strata_options_init(&g->options);
    g->options.block_bytes = setting.block_bytes;
    g->options.cache_bytes = setting.cache_bytes;
    g->options.bloom_bits_per_key = setting.bits;
    g->options.plain_blocks = setting.plain;
    g->options.mapped_reads = setting.mapped;
    assert_int_equal(fs_sim_put_directory(g->fs, DIR), 0);
    g->env = (struct strata_env){.fs = g->fs, .dir = DIR, .options = &g->options};
    assert_ok(kind->common_new(&g->env, &g->common, &err), &err);
}

static void ground_free(struct ground *g)
{
    kind->common_del(g->common);
    assert_int_equal(fs_sim_open_files(g->fs), 0);
    fs_free(g->fs);
}

static int open_table_7(struct ground *g, struct sstable **out, struct strata_error *err)
{
    return kind->open(&g->env, g->common, 7, out, err);
}

/* A row: some deleted, some with a value larger than any block. */
static void row(size_t n, bool large, char key[40], struct strata_buffer *value, unsigned *type)
{
    sprintf(key, "key %05zu%.*s", 2 * n, (int)(n % 7), "abcdefg");
    *type = n % 5 == 3 ? STRATA_OP_DELETE : STRATA_OP_PUT;
    strata_buffer_clear(value);
    for (size_t i = 0; *type == STRATA_OP_PUT && i < (large && n % 90 == 4 ? 300000 : n % 40); i++)
        strata_buffer_append(value, &(uint8_t){(uint8_t)(i * n >> 3)}, 1);
}

static void write_table(struct ground *g, size_t rows, bool large)
{
    struct strata_buffer value = {0};
    struct sstable_writer *writer;
    struct strata_error err;

    assert_ok(kind->writer_new(&g->env, 7, &writer, &err), &err);
    for (size_t n = 0; n < rows; n++) {
        char key[40];
        unsigned type;
        row(n, large, key, &value, &type);
        assert_ok(kind->writer_add(writer, type, S(key), strata_buffer_slice(&value), &err), &err);
    }
    assert_ok(kind->writer_finish(writer, 11, 99, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    kind->writer_del(writer, true);
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
    struct cursor *cursor = kind->cursor(table, once);
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
    struct cursor *cursor = kind->cursor(table, false);
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

static int get(struct sstable *table, const char *key, unsigned *type, struct strata_buffer *value,
               struct strata_error *err)
{
    if (sstable_compare_key(table, S(key)) != 0)
        return STRATA_NOT_FOUND;
    return kind->get(table, S(key), type, value, err);
}

static void check_gets(struct sstable *table, size_t rows, bool large)
{
    struct strata_buffer value = {0}, want = {0};
    struct strata_error err;

    for (size_t n = 0; n < rows; n++) {
        char key[40];
        unsigned type, got;
        row(n, large, key, &want, &type);
        assert_ok(get(table, key, &got, &value, &err), &err);
        assert_int_equal(got, type);
        assert_bytes(strata_buffer_slice(&value), strata_buffer_slice(&want));
        sprintf(key, "key %05zu", 2 * n + 1);
        assert_code(get(table, key, &got, &value, &err), STRATA_NOT_FOUND, &err);
    }
    strata_buffer_free(&value);
    strata_buffer_free(&want);
}

static void table_gives_back_what_was_written(void **state)
{
    static const size_t sizes[] = {1, 2, 40, 1000};
    static const struct setting settings[] = {
        {4096, 1 << 20, 10, false, false}, {256, 1 << 20, 10, true, false},
        {256, 5000, 1, false, false},      {1000, 0, 0, false, false},
        {256, 5000, 10, false, true},      {1000, 0, 10, true, true}};
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "table");
    for (size_t i = 0; i < 48; i++) {
        struct strata_error err;
        struct sstable *table;
        struct ground g;
        size_t rows = sizes[i / 12];
        bool large = i % 2;

        ground_init(&g, settings[i / 2 % 6]);
        write_table(&g, rows, large);
        assert_ok(open_table_7(&g, &table, &err), &err);
        assert_true(!((struct pax_table *)table)->mapped == !g.options.mapped_reads);
        assert_int_equal(table->sum.records, rows);
        assert_int_equal(table->sum.first, 11);
        assert_int_equal(table->sum.last, 99);
        check_gets(table, rows, large);
        check_scans(table, rows, large, false);
        check_scans(table, rows, large, true);
        check_seeks(table, rows, large, &rng);
        assert_ok(kind->verify(table, &err), &err);
        sstable_unref(table);
        ground_free(&g);
    }
}

/* The simulated disk's, but it is noted where an append does not begin at a multiple of 64 KiB. */
static struct {
    const struct fs_ops *real;
    unsigned appends, elsewhere;
} noted;

static ssize_t append_noted(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    noted.appends++;
    noted.elsewhere += file->end % ((size_t)64 << 10) != 0;
    return noted.real->append(file, parts, count);
}

/* The page cache has large pages of what is written so. */
static void table_is_written_from_even_places_on(void **state)
{
    struct setting setting = {.block_bytes = 4096, .bits = 10, .plain = true};
    struct sstable *table;
    struct strata_error err;
    struct fs_ops own;
    struct ground g;

    (void)state;
    ground_init(&g, setting);
    noted.real = g.fs->ops;
    noted.appends = noted.elsewhere = 0;
    own = *noted.real;
    own.append = append_noted;
    g.fs->ops = &own;
    write_table(&g, 1000, true);
    g.fs->ops = noted.real;
    assert_in_range(noted.appends, 5, 60);
    assert_in_range(noted.elsewhere, 0, 1); /* the footer, maybe */
    assert_ok(open_table_7(&g, &table, &err), &err);
    check_scans(table, 1000, true, true);
    sstable_unref(table);
    ground_free(&g);
}

static void table_writer_that_ends_early_leaves_no_file(void **state)
{
    struct ground g;
    struct fs_names names;
    struct sstable_writer *writer;

    (void)state;
    ground_init(&g, (struct setting){4096, 0, 10, false, false});
    assert_int_equal(kind->writer_new(&g.env, 7, &writer, NULL), 0);
    kind->writer_del(writer, false);
    assert_int_equal(kind->writer_new(&g.env, 7, &writer, NULL), 0);
    assert_int_equal(kind->writer_add(writer, STRATA_OP_PUT, S("a"), S("b"), NULL), 0);
    assert_int_equal(kind->writer_finish(writer, 1, 1, NULL), 0);
    assert_int_equal(fs_output_publish(&writer->out, NULL), 0);
    kind->writer_del(writer, false);
    assert_int_equal(fs_list(g.fs, DIR, &names, NULL), 0);
    assert_int_equal(names.count, 0);
    fs_names_free(&names);
    ground_free(&g);
}

/* ---- Damage -------------------------------------------------------------------------------- */

static bool inspect_sees(struct strata_fs *fs)
{
    struct inspect in;
    struct fs_file *file;
    FILE *to = fopen("/dev/null", "w");

    assert_non_null(to);
    inspect_init(&in, to);
    assert_int_equal(fs_open(fs, PATH, FS_READ, &file, NULL), 0);
    assert_int_equal(pax_table_format.inspect(file, &in, NULL), 0);
    fs_close(file, NULL);
    fclose(to);
    return in.damaged || in.torn;
}

/* Whatever is answered is right; and reading all of it finds the damage. */
static void assert_damage_is_found(struct ground *g, size_t rows)
{
    struct strata_buffer value = {0}, want = {0};
    struct strata_error err = {0};
    struct sstable *table;

    if (open_table_7(g, &table, &err) == 0) {
        for (size_t n = 0; n < rows; n++) {
            char key[40];
            unsigned type, got = 0;
            int rc;
            row(n, false, key, &want, &type);
            rc = get(table, key, &got, &value, &err);
            assert_true(rc == STRATA_ERR_CORRUPT || rc == 0);
            if (rc == 0) {
                assert_int_equal(got, type);
                assert_bytes(strata_buffer_slice(&value), strata_buffer_slice(&want));
            }
        }
        assert_code(kind->verify(table, &err), STRATA_ERR_CORRUPT, &err);
        sstable_unref(table);
    }
    assert_int_equal(err.code, STRATA_ERR_CORRUPT);
    assert_err_file(&err, PATH);
    assert_true(inspect_sees(g->fs));
    strata_buffer_free(&value);
    strata_buffer_free(&want);
}

static void damage_any_bit(bool mapped, size_t step)
{
    struct strata_buffer bytes = {0};
    struct ground g;
    size_t rows = 30;

    ground_init(&g, (struct setting){256, 1 << 20, 10, false, mapped});
    write_table(&g, rows, false);
    assert_int_equal(fs_sim_get(g.fs, PATH, &bytes), 0);
    for (size_t bit = 0; bit < 8 * bytes.size; bit += step) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(fs_sim_put(g.fs, PATH, strata_buffer_slice(&bytes)), 0);
        assert_damage_is_found(&g, rows);
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    strata_buffer_free(&bytes);
    ground_free(&g);
}

static void table_damaged_in_any_bit_is_never_believed(void **state)
{
    (void)state;
    damage_any_bit(false, check_quick() ? 5 : 1);
    damage_any_bit(true, check_quick() ? 15 : 3);
}

/* By each that needs the index of a table that was opened to be read later, and each time. */
static void table_index_that_is_read_later_is_checked_by_each(void **state)
{
    struct strata_buffer bytes = {0}, value = {0};
    struct strata_error err;
    struct sstable *table;
    struct cursor *cursor;
    struct ground g;
    char key[40];
    unsigned type;

    (void)state;
    ground_init(&g, (struct setting){256, 0, 10, false, false});
    write_table(&g, 30, false);
    assert_ok(open_table_7(&g, &table, &err), &err);
    assert_int_equal(fs_sim_get(g.fs, PATH, &bytes), 0);
    bytes.data[((struct pax_table *)table)
                   ->fence.offsets[((struct pax_table *)table)->fence.count]] ^= 1;
    sstable_unref(table);
    assert_int_equal(fs_sim_put(g.fs, PATH, strata_buffer_slice(&bytes)), 0);
    assert_ok(pax_table_open_later(&g.env, g.common, 7, &table, &err), &err);
    row(11, false, key, &value, &type);
    for (int i = 0; i < 2; i++) {
        assert_code(get(table, key, &type, &value, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, PATH);
        cursor = kind->cursor(table, false);
        assert_non_null(cursor);
        assert_code(cursor_seek(cursor, S(key), &err), STRATA_ERR_CORRUPT, &err);
        assert_code(cursor_last(cursor, &err), STRATA_ERR_CORRUPT, &err);
        cursor_free(cursor);
    }
    sstable_unref(table);
    strata_buffer_free(&value);
    strata_buffer_free(&bytes);
    ground_free(&g);
}

static void cut_anywhere(bool mapped)
{
    struct strata_buffer bytes = {0};
    struct ground g;

    ground_init(&g, (struct setting){256, 0, 10, false, mapped});
    write_table(&g, 30, false);
    assert_int_equal(fs_sim_get(g.fs, PATH, &bytes), 0);
    strata_buffer_append(&bytes, "", 1);
    for (size_t size = 0; size <= bytes.size; size++) {
        struct strata_error err;
        struct sstable *table;
        if (size + 1 == bytes.size)
            continue;
        assert_int_equal(fs_sim_put(g.fs, PATH, strata_bytes(bytes.data, size)), 0);
        assert_code(open_table_7(&g, &table, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, PATH);
        assert_null(table);
    }
    strata_buffer_free(&bytes);
    ground_free(&g);
}

static void table_cut_or_made_longer_is_not_opened(void **state)
{
    (void)state;
    cut_anywhere(false);
    cut_anywhere(true);
}

/* Puts a block into the place of the one before it, or `behind` it; `sealed`: with a check that
 * holds there. */
static void exchange_block(struct ground *g, bool behind, bool sealed)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *table;
    uint64_t from = 0, to = 0, size = 0;

    assert_int_equal(fs_sim_get(g->fs, PATH, &bytes), 0);
    assert_ok(open_table_7(g, &table, &err), &err);
    const struct fence *fence = &((struct pax_table *)table)->fence;
    for (uint32_t n = 1; n + 1 < fence->count && !from; n++) {
        to = fence->offsets[n];
        size = fence->offsets[n + 1] - to;
        from = fence->offsets[n + 2] == to + 2 * size ? to + size : 0;
    }
    assert_int_not_equal(from, 0);
    if (behind) {
        from = to;
        to += size;
    }
    memcpy(bytes.data + to, bytes.data + from, size);
    if (sealed)
        put_u32(bytes.data + to + size - 4,
                checksum(checksum_seed(7, to), strata_bytes(bytes.data + to, size - 4)));
    sstable_unref(table);
    assert_int_equal(fs_sim_put(g->fs, PATH, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

/* A whole block that is another's: its check says where it belongs; and if that were forged, its
 * keys do. */
static void table_block_in_the_place_of_another_is_damage(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct strata_error err;
        struct sstable *table;
        struct ground g;
        bool sealed = i % 2;
        ground_init(&g, (struct setting){256, 0, 10, true, false});
        write_table(&g, 400, false);
        exchange_block(&g, i / 2, sealed);
        assert_ok(open_table_7(&g, &table, &err), &err);
        assert_code(kind->verify(table, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, sealed ? "that the index has elsewhere" : "block checksum");
        sstable_unref(table);
        assert_damage_is_found(&g, 400);
        ground_free(&g);
    }
}

/* Table 7 with a block for each of three keys: PREFIX1 to PREFIX3. Its bytes; where the second
 * block is. */
static void three_blocks(struct ground *g, const char *prefix, size_t value_size,
                         struct strata_buffer *bytes, uint64_t *from, uint64_t *size)
{
    struct sstable_writer *writer;
    char key[40], value[300] = "";
    struct strata_error err;
    struct sstable *table;

    ground_init(g, (struct setting){256, 0, 10, true, false});
    memset(value, 'v', value_size);
    assert_int_equal(kind->writer_new(&g->env, 7, &writer, NULL), 0);
    for (int i = 1; i <= 3; i++) {
        sprintf(key, "%s%d", prefix, i);
        assert_int_equal(kind->writer_add(writer, STRATA_OP_PUT, S(key), S(value), NULL), 0);
    }
    assert_int_equal(kind->writer_finish(writer, 1, 2, NULL), 0);
    assert_int_equal(fs_output_publish(&writer->out, NULL), 0);
    kind->writer_del(writer, true);
    assert_int_equal(fs_sim_get(g->fs, PATH, bytes), 0);
    assert_ok(open_table_7(g, &table, &err), &err);
    const struct fence *fence = &((struct pax_table *)table)->fence;
    assert_int_equal(fence->count, 3);
    *from = fence->offsets[1];
    *size = fence->offsets[2] - *from;
    sstable_unref(table);
}

/* A sealed block of keys that do not even begin as all keys of the table do. */
static void table_block_without_the_tables_prefix_is_damage(void **state)
{
    struct strata_buffer bytes = {0}, others = {0}, value = {0};
    uint64_t from, size, others_from, others_size;
    struct strata_error err;
    struct sstable *table;
    struct ground g, other;
    unsigned type;

    (void)state;
    three_blocks(&g, "key 0000", 200, &bytes, &from, &size);
    three_blocks(&other, "", 208, &others, &others_from, &others_size);
    assert_int_equal(size, others_size);
    memcpy(bytes.data + from, others.data + others_from, size);
    put_u32(bytes.data + from + size - 4,
            checksum(checksum_seed(7, from), strata_bytes(bytes.data + from, size - 4)));
    assert_int_equal(fs_sim_put(g.fs, PATH, strata_buffer_slice(&bytes)), 0);
    assert_ok(open_table_7(&g, &table, &err), &err);
    assert_code(get(table, "key 00002", &type, &value, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "that the index has elsewhere");
    sstable_unref(table);
    strata_buffer_free(&value);
    strata_buffer_free(&bytes);
    strata_buffer_free(&others);
    ground_free(&other);
    ground_free(&g);
}

/* In each block they are in order; the blocks are not. */
static void table_with_keys_out_of_order_is_damage(void **state)
{
    static const char *const keys[] = {"b", "d", "a", "e"};
    struct sstable_writer *writer;
    struct strata_error err;
    struct sstable *table;
    struct ground g;
    char value[200] = "";

    (void)state;
    ground_init(&g, (struct setting){256, 0, 10, true, false});
    memset(value, 'v', 150);
    assert_int_equal(kind->writer_new(&g.env, 7, &writer, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(kind->writer_add(writer, STRATA_OP_PUT, S(keys[i]), S(value), NULL), 0);
    assert_int_equal(kind->writer_finish(writer, 1, 2, NULL), 0);
    assert_int_equal(fs_output_publish(&writer->out, NULL), 0);
    kind->writer_del(writer, true);
    assert_code(open_table_7(&g, &table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_says(&err, "not in order");
    ground_free(&g);
}

/* The filter's bits are gone, and its check is right again. */
static void table_whose_filter_denies_a_key_is_damage(void **state)
{
    struct strata_buffer bytes = {0}, section = {0};
    struct strata_error err;
    struct sstable *table;
    struct ground g;
    uint64_t place, end;
    uint32_t check;
    uint8_t *empty;

    (void)state;
    ground_init(&g, (struct setting){4096, 0, 10, false, false});
    write_table(&g, 100, false);
    assert_int_equal(fs_sim_get(g.fs, PATH, &bytes), 0);
    assert_ok(open_table_7(&g, &table, &err), &err);
    place = ((struct pax_table *)table)->filter_offset;
    end = ((struct pax_table *)table)->properties;
    sstable_unref(table);
    empty = calloc(1, end - place);
    assert_non_null(empty);
    assert_int_equal(stored_block_put(&section, 7, place,
                                      strata_bytes(empty, end - place - STORED_BLOCK_TRAILER),
                                      false, &check, NULL),
                     0);
    memcpy(bytes.data + place, section.data, section.size);
    assert_int_equal(fs_sim_put(g.fs, PATH, strata_buffer_slice(&bytes)), 0);
    assert_ok(open_table_7(&g, &table, &err), &err);
    assert_code(kind->verify(table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "does not have a key");
    sstable_unref(table);
    free(empty);
    strata_buffer_free(&section);
    strata_buffer_free(&bytes);
    ground_free(&g);
}

/* Gives table 7 other properties, sealed as they should be. */
static void forge_block_bytes(struct ground *g, uint64_t less)
{
    struct strata_buffer bytes = {0}, section = {0}, properties = {0};
    struct pax_table_properties p;
    struct strata_error err;
    struct sstable *table;
    uint8_t footer[PAX_TABLE_FOOTER];
    uint64_t place;
    uint32_t check;

    assert_ok(open_table_7(g, &table, &err), &err);
    place = ((struct pax_table *)table)->properties;
    assert_ok(pax_table_read_section((struct pax_table *)table, place,
                                     table->bytes - PAX_TABLE_FOOTER, NULL, &section, &err),
              &err);
    assert_null(pax_table_get_properties(strata_buffer_slice(&section), place, false, &p));
    sstable_unref(table);
    assert_true(p.block_bytes > less);
    p.block_bytes -= less;
    assert_ok(pax_table_put_properties(&properties, &p, &err), &err);
    assert_int_equal(fs_sim_get(g->fs, PATH, &bytes), 0);
    bytes.size = place;
    assert_ok(
        stored_block_put(&bytes, 7, place, strata_buffer_slice(&properties), true, &check, &err),
        &err);
    pax_table_put_footer(7, bytes.size, place, false, footer);
    strata_buffer_append(&bytes, footer, sizeof footer);
    assert_int_equal(fs_sim_put(g->fs, PATH, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&properties);
    strata_buffer_free(&section);
    strata_buffer_free(&bytes);
}

/* Memory is taken for no more than the table says of all blocks. */
static void table_whose_blocks_are_larger_than_it_says_is_damage(void **state)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    struct sstable *table;
    struct ground g;
    unsigned type;

    (void)state;
    for (int large = 0; large < 2; large++) {
        ground_init(&g, (struct setting){4096, 0, 10, false, false});
        write_table(&g, 8, large); /* one of 300,000 bytes */
        forge_block_bytes(&g, large ? 1000 : 1);
        assert_ok(open_table_7(&g, &table, &err), &err);
        assert_code(kind->verify(table, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, PATH);
        sstable_unref(table);
        ground_free(&g);
    }
    ground_init(&g, (struct setting){4096, 0, 10, false, false});
    write_table(&g, 1, false);
    forge_block_bytes(&g, 1);
    assert_ok(open_table_7(&g, &table, &err), &err);
    assert_code(get(table, "key 00000", &type, &value, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "larger than");
    sstable_unref(table);
    ground_free(&g);
    strata_buffer_free(&value);
}

/* ---- What it costs -------------------------------------------------------------------------- */

/* Steps of one get, counted. */
static struct strata_counters cost_of_get(struct sstable *table, const char *key, int wanted)
{
    struct strata_buffer value = {0};
    struct strata_counters before = cost_so_far, after;
    struct strata_error err;
    unsigned type;
    int rc = kind->get(table, S(key), &type, &value, &err);

    after = cost_so_far;
    assert_int_equal(rc, wanted);
    strata_buffer_free(&value);
    return (struct strata_counters){.comparisons = after.comparisons - before.comparisons,
                                    .filter_probes = after.filter_probes - before.filter_probes,
                                    .blocks = after.blocks - before.blocks,
                                    .blocks_loaded = after.blocks_loaded - before.blocks_loaded};
}

static void assert_cost(struct strata_counters is, uint64_t comparisons, uint64_t probes,
                        uint64_t blocks, uint64_t loaded)
{
    assert_int_equal(is.comparisons, comparisons);
    assert_int_equal(is.filter_probes, probes);
    assert_int_equal(is.blocks, blocks);
    assert_int_equal(is.blocks_loaded, loaded);
}

/* A binary search in the index, and one key of the block; what
 * the filter denies takes no more than the question. */
static void table_get_counts_what_it_costs(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct ground g;
    uint64_t steps = 0;

    (void)state;
    ground_init(&g, (struct setting){256, 1 << 20, 20, false, false});
    write_table(&g, 1000, false);
    assert_ok(open_table_7(&g, &table, &err), &err);
    for (uint32_t blocks = ((struct pax_table *)table)->fence.count; blocks > 1;
         blocks -= blocks / 2)
        steps++;
    assert_true(steps > 3);
    assert_cost(cost_of_get(table, "key 00994", 0), steps + 3, 1, 1, 1); /* and the block's ends */
    assert_cost(cost_of_get(table, "key 00994", 0), steps + 1, 1, 1, 0);
    assert_cost(cost_of_get(table, "key 00995", STRATA_NOT_FOUND), 0, 1, 0, 0);
    sstable_unref(table);
    ground_free(&g);
}

/* A seek halves among the blocks and among a block's entries; a merge reads each block once. */
static void table_cursor_counts_what_it_costs(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct cursor *cursor;
    struct clock_cache_stats cached;
    struct ground g;
    struct strata_counters before;
    uint32_t blocks;
    int rc;

    (void)state;
    ground_init(&g, (struct setting){256, 1 << 20, 0, false, false});
    write_table(&g, 1000, false);
    assert_ok(open_table_7(&g, &table, &err), &err);
    blocks = ((struct pax_table *)table)->fence.count;
    cursor = kind->cursor(table, true);
    before = cost_so_far;
    for (rc = cursor_first(cursor, &err); rc == 0; rc = cursor_next(cursor, &err))
        ;
    assert_int_equal(cost_so_far.blocks - before.blocks, blocks);
    assert_int_equal(cost_so_far.blocks_loaded - before.blocks_loaded, blocks);
    assert_int_equal(cost_so_far.filter_probes, before.filter_probes);
    cursor_free(cursor);
    clock_cache_stats(((struct pax_table_common *)g.common)->cache, &cached);
    assert_int_equal(cached.blocks + cached.misses, 0); /* it passes the cache by */
    cursor = kind->cursor(table, false);
    before = cost_so_far;
    assert_ok(cursor_seek(cursor, S("key 01000"), &err), &err);
    assert_int_equal(cost_so_far.blocks - before.blocks, 1);
    assert_true(cost_so_far.comparisons - before.comparisons > 5);
    assert_true(cost_so_far.comparisons - before.comparisons < 20);
    cursor_free(cursor);
    sstable_unref(table);
    ground_free(&g);
}

/* ---- Mapped --------------------------------------------------------------------------------- */

/* Gets take nothing from the file but by the mapping; no descriptor is left. */
static void table_that_is_mapped_makes_no_call(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct ground g;
    uint64_t calls;

    (void)state;
    ground_init(&g, (struct setting){256, 0, 10, false, true});
    write_table(&g, 400, true);
    assert_ok(open_table_7(&g, &table, &err), &err);
    assert_int_equal(fs_sim_open_files(g.fs), 0);
    calls = fs_sim_calls(g.fs);
    check_gets(table, 400, true);
    check_scans(table, 400, true, true);
    assert_int_equal(fs_sim_calls(g.fs), calls);
    sstable_unref(table);
    ground_free(&g);
}

static void table_that_cannot_be_mapped_is_read_by_calls(void **state)
{
    struct fs_sim_fault fault = {
        .kind = FS_SIM_EIO, .at = 1, .for_ever = true, .calls = 1u << FS_CALL_MAP};
    struct strata_error err;
    struct sstable *table;
    struct ground g;

    (void)state;
    ground_init(&g, (struct setting){256, 5000, 10, false, true});
    write_table(&g, 400, true);
    fs_sim_fail(g.fs, &fault);
    assert_ok(open_table_7(&g, &table, &err), &err);
    assert_int_equal(fs_sim_failed(g.fs), 1);
    assert_null(((struct pax_table *)table)->mapped);
    check_gets(table, 400, true);
    check_scans(table, 400, true, true);
    sstable_unref(table);
    ground_free(&g);
}

/* What was mapped is good still (fs_sim maps a copy); verify looks at the file. */
static void table_that_is_mapped_is_verified_by_calls(void **state)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *table;
    struct ground g;

    (void)state;
    ground_init(&g, (struct setting){256, 0, 10, false, true});
    write_table(&g, 400, false);
    assert_ok(open_table_7(&g, &table, &err), &err);
    assert_ok(kind->verify(table, &err), &err);
    assert_int_equal(fs_sim_get(g.fs, PATH, &bytes), 0);
    bytes.data[100] ^= 1;
    assert_int_equal(fs_sim_put(g.fs, PATH, strata_buffer_slice(&bytes)), 0);
    check_gets(table, 400, false);
    assert_int_equal(g.fs->calls[FS_CALL_MAP], 1);
    assert_code(kind->verify(table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    sstable_unref(table);
    strata_buffer_free(&bytes);
    ground_free(&g);
}

/* ---- Sections ------------------------------------------------------------------------------ */

static void section_that_tells_of_an_impossible_size_is_refused(void **state)
{
    static const struct {
        uint32_t size;
        uint8_t packing;
    } forged[] = {
        {5, STORED_BLOCK_PLAIN}, {7, STORED_BLOCK_PLAIN}, {UINT32_MAX, STORED_BLOCK_LZ4}, {6, 2}};
    uint8_t bytes[6 + STORED_BLOCK_TRAILER] = "stored";

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct strata_slice all = strata_bytes(bytes, sizeof bytes);
        struct stored_block section;
        struct strata_error err;
        put_u8(put_u32(bytes + 6, forged[i].size), forged[i].packing);
        put_u32(bytes + 11, checksum(checksum_seed(7, 99), strata_bytes(bytes, 11)));
        assert_code(stored_block_open(&section, all, 7, 99, &err), STRATA_ERR_CORRUPT, &err);
        assert_int_equal(err.offset, 99);
    }
}

static void section_that_does_not_unpack_to_its_size_is_refused(void **state)
{
    struct strata_buffer bytes = {0};
    struct stored_block section;
    struct strata_error err;
    uint8_t zeros[1000] = {0}, to[1001];
    uint32_t check;

    (void)state;
    assert_int_equal(
        stored_block_put(&bytes, 1, 0, strata_bytes(zeros, sizeof zeros), true, &check, NULL), 0);
    assert_true(bytes.size < 100);
    assert_ok(stored_block_open(&section, strata_buffer_slice(&bytes), 1, 0, &err), &err);
    assert_int_equal(section.check, check);
    assert_ok(stored_block_uncompress(&section, 0, to, &err), &err);
    assert_memory_equal(to, zeros, sizeof zeros);
    section.size = 999;
    assert_code(stored_block_uncompress(&section, 0, to, &err), STRATA_ERR_CORRUPT, &err);
    section.size = 1001;
    assert_code(stored_block_uncompress(&section, 0, to, &err), STRATA_ERR_CORRUPT, &err);
    strata_buffer_free(&bytes);
}

/* ---- The sparse index ---------------------------------------------------------------------- */

/* Keys of which many agree in the eight bytes that are searched first. */
static void make_key(struct rng *rng, char key[40])
{
    static const char *const words[] = {"", "aaaaaaaaaaaa", "aaaaaaaabbbb", "b", "aaaaaaaa"};
    int size = sprintf(key, "%s", words[rng_below(rng, 5)]);
    for (uint64_t more = rng_below(rng, 4); more > 0; more--)
        key[size++] = (char)('a' + rng_below(rng, 3));
    key[size] = '\0';
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void fence_finds_the_block_whatever_the_keys(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "fence");
    for (int round = 0; round < 200; round++) {
        char keys[60][40];
        size_t count = 2 + (size_t)rng_below(&rng, 58), some = 1;
        struct strata_buffer bytes = {0};
        struct strata_error err;
        struct fence fence;

        for (size_t i = 0; i < count; i++)
            make_key(&rng, keys[i]);
        qsort(keys, count, sizeof *keys, compare_keys);
        for (size_t i = 1; i < count; i++)
            if (strcmp(keys[i], keys[some - 1]) != 0)
                memmove(keys[some++], keys[i], sizeof *keys);
        for (size_t i = 0; i < some; i++)
            assert_int_equal(fence_put(&bytes, 10,
                                       i ? fence_separator(S(keys[i - 1]), S(keys[i])) : S(""),
                                       NULL),
                             0);
        assert_ok(fence_open(&fence, &bytes, some, 24, 24 + 10 * some, S(keys[0]),
                             S(keys[some - 1]), &err),
                  &err);
        assert_int_equal(fence.count, some);
        for (int i = 0; i < 100; i++) {
            char key[40];
            size_t want = 0;
            make_key(&rng, key);
            if (strcmp(key, keys[0]) < 0 || strcmp(key, keys[some - 1]) > 0)
                continue;
            for (size_t n = 1; n < some; n++)
                if (strata_compare(fence_at(&fence, (uint32_t)n), S(key)) <= 0)
                    want = n;
            assert_int_equal(fence_find(&fence, S(key)), want);
        }
        for (size_t i = 0; i < some; i++)
            assert_int_equal(fence_find(&fence, S(keys[i])), i);
        fence_free(&fence);
    }
}

/* Equal key prefixes of keys that differ: one that ends with a zero, and one that is longer. */
static void fence_equal_prefixes_are_told_apart_by_the_keys(void **state)
{
    static const struct {
        struct strata_slice separator, key;
    } cases[] = {
        {{(const uint8_t *)"c\0", 2}, {(const uint8_t *)"c", 1}},
        {{(const uint8_t *)"ccccccccd", 9}, {(const uint8_t *)"cccccccc", 8}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        struct strata_buffer bytes = {0};
        struct strata_error err;
        struct fence fence;
        fence_put(&bytes, 10, S(""), NULL);
        fence_put(&bytes, 10, S("b"), NULL);
        fence_put(&bytes, 10, cases[i].separator, NULL);
        assert_ok(fence_open(&fence, &bytes, 3, 24, 54, S("a"), S("z"), &err), &err);
        assert_int_equal(fence_find(&fence, cases[i].key), 1);
        assert_int_equal(fence_find(&fence, cases[i].separator), 2);
        fence_free(&fence);
    }
}

static void fence_that_does_not_fit_is_refused(void **state)
{
    static const struct {
        uint64_t size;
        const char *separators[3];
    } wrong[] = {{10, {"", "c", "b"}}, {10, {"", "b", "b"}},  {10, {"a", "b", "c"}},
                 {10, {"", "a", "b"}}, {10, {"", "b", "zz"}}, {11, {"", "b", "c"}},
                 {9, {"", "b", "c"}},  {0, {"", "b", "c"}}};
    struct strata_error err;
    struct fence fence;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_case(i);
        struct strata_buffer bytes = {0};
        for (int n = 0; n < 3; n++)
            fence_put(&bytes, n == 1 ? wrong[i].size : 10, S(wrong[i].separators[n]), NULL);
        assert_code(fence_open(&fence, &bytes, 3, 24, 54, S("a"), S("z"), &err), STRATA_ERR_CORRUPT,
                    &err);
        fence_free(&fence);
    }
    for (size_t size = 0; size < 3; size++) { /* no entry; entries that end early */
        struct strata_buffer bytes = {0};
        strata_buffer_append(&bytes, "\x0a\x05\x61", size);
        assert_code(fence_open(&fence, &bytes, 1, 24, 34, S("a"), S("z"), &err), STRATA_ERR_CORRUPT,
                    &err);
        fence_free(&fence);
    }
    for (uint64_t count = 1; count < 4; count++) { /* bytes behind the entry; fewer than it says */
        struct strata_buffer bytes = {0};
        fence_put(&bytes, 10, S(""), NULL);
        strata_buffer_append(&bytes, "\x0a", 1);
        assert_code(fence_open(&fence, &bytes, count == 3 ? UINT64_MAX : count, 24, 34, S("a"),
                               S("z"), &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "another number of blocks");
        fence_free(&fence);
    }
}

/* ---- What it costs ------------------------------------------------------------------------- */

static struct strata *open_db(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    options.stage = 9;
    options.create = true;
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
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

static void table_hit_uses_one_block_and_a_miss_hardly_any(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs);
    size_t count = 20000;
    uint64_t before;
    char key[40], value[100];

    (void)state;
    for (size_t n = 0; n < count; n++) {
        number_key(key, 2 * n);
        memset(value, (int)n, sizeof value);
        assert_int_equal(strata_put(db, S(key), strata_bytes(value, 40), NULL), 0);
        if (n == count / 2)
            assert_int_equal(strata_flush(db, NULL), 0);
    }
    assert_int_equal(strata_compact(db, NULL, NULL), 0);
    assert_int_equal(blocks_used(db), 0); /* a merge takes no place there */
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
                     count - check_stat(db, "tables")); /* between two tables none is asked */
    assert_int_equal(check_stat(db, "bloom_false_positives"), blocks_used(db) - before);
    assert_int_equal(strata_close(db, NULL), 0);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_gives_back_what_was_written),
        cmocka_unit_test(table_is_written_from_even_places_on),
        cmocka_unit_test(table_writer_that_ends_early_leaves_no_file),
        cmocka_unit_test(table_damaged_in_any_bit_is_never_believed),
        cmocka_unit_test(table_index_that_is_read_later_is_checked_by_each),
        cmocka_unit_test(table_cut_or_made_longer_is_not_opened),
        cmocka_unit_test(table_block_in_the_place_of_another_is_damage),
        cmocka_unit_test(table_block_without_the_tables_prefix_is_damage),
        cmocka_unit_test(table_with_keys_out_of_order_is_damage),
        cmocka_unit_test(table_whose_filter_denies_a_key_is_damage),
        cmocka_unit_test(table_whose_blocks_are_larger_than_it_says_is_damage),
        cmocka_unit_test(table_get_counts_what_it_costs),
        cmocka_unit_test(table_cursor_counts_what_it_costs),
        cmocka_unit_test(table_that_is_mapped_makes_no_call),
        cmocka_unit_test(table_that_cannot_be_mapped_is_read_by_calls),
        cmocka_unit_test(table_that_is_mapped_is_verified_by_calls),
        cmocka_unit_test(section_that_tells_of_an_impossible_size_is_refused),
        cmocka_unit_test(section_that_does_not_unpack_to_its_size_is_refused),
        cmocka_unit_test(fence_finds_the_block_whatever_the_keys),
        cmocka_unit_test(fence_equal_prefixes_are_told_apart_by_the_keys),
        cmocka_unit_test(fence_that_does_not_fit_is_refused),
        cmocka_unit_test(table_hit_uses_one_block_and_a_miss_hardly_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
