/* 08_salvage_test.c: what is read of a damaged table of stage 5's kind: every entry of the blocks
 * that are whole, with and without an index; and whatever the bytes are, searching for blocks ends
 * soon. */
#include "test.h"

#include "../crash/allocations.h"
#include "05_blocks_bloom/block/block.h"
#include "05_blocks_bloom/table/table.h"
#include "05_blocks_bloom/table/table_format.h"
#include "08_backup_repair/salvage/find_blocks.h"
#include "08_backup_repair/salvage/table_salvage.h"
#include "crash/sim/fs_sim.h"
#include "harm.h"
#include "rng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define NUMBER 7
#define PATH "db/000007.sst"
#define ENTRIES 3000
#define HEADER 24

static const char *key_of(int i)
{
    static char text[20];
    snprintf(text, sizeof text, "key %08d", i);
    return text;
}

static const char *value_of(int i)
{
    static char text[60];
    snprintf(text, sizeof text, "value %d of some length", i * 7919);
    return text;
}

/* A table with many blocks, in a file system of its own. */
static struct strata_fs *make_table(bool plain)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = "db", .options = &options};
    struct sstable_writer *writer;
    struct strata_error err;

    strata_options_init(&options);
    options.block_bytes = 512;
    options.plain_blocks = plain;
    assert_int_equal(fs_sim_put_directory(fs, "db"), 0);
    assert_ok(table_kind.writer_new(&env, NUMBER, &writer, &err), &err);
    for (int i = 0; i < ENTRIES; i++)
        assert_ok(table_kind.writer_add(writer, STRATA_OP_PUT, S(key_of(i)), S(value_of(i)), &err),
                  &err);
    assert_ok(table_kind.writer_finish(writer, 1, ENTRIES, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    table_kind.writer_del(writer, true);
    return fs;
}

static size_t read_table(struct strata_fs *fs, struct strata_buffer *bytes)
{
    assert_int_equal(fs_sim_get(fs, PATH, bytes), 0);
    return bytes->size;
}

static struct table_footer footer_of(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    struct table_footer footer;
    size_t end = read_table(fs, &bytes) - TABLE_FOOTER;

    assert_null(table_footer_get(bytes.data + end, NUMBER, end, &footer));
    strata_buffer_free(&bytes);
    return footer;
}

/* ---- The search ------------------------------------------------------------------------------ */

struct found {
    unsigned blocks, entries, gaps;
    uint64_t work, most;
};

/* Blocks of entries have more entries than restart points. */
static int classify(void *arg, struct strata_slice bytes, uint64_t offset, struct strata_error *err)
{
    uint8_t *memory = malloc(bytes.size + 1);
    struct block_facts facts = {0};
    struct found *found = arg;
    bool is;

    (void)offset;
    (void)err;
    assert_non_null(memory);
    is = !block_check(bytes, memory, &facts) && facts.entries > block_of(bytes).restarts;
    free(memory);
    found->entries += is ? facts.entries : 0;
    return is ? BLOCK_ENTRIES : BLOCK_OTHER;
}

static struct found find_all(struct strata_slice bytes)
{
    struct found found = {0};
    struct block_finder finder = {
        .file = bytes, .number = NUMBER, .classify = classify, .arg = &found};
    struct strata_buffer block = {0};
    struct strata_error err;
    bool gap;
    int rc;

    assert_ok(block_finder_init(&finder, &err), &err);
    while ((rc = block_finder_next(&finder, &block, &gap, &err)) == 0) {
        found.blocks++;
        found.gaps += gap;
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    found.work = finder.work;
    found.most = block_finder_work_max(&finder);
    block_finder_free(&finder);
    strata_buffer_free(&block);
    return found;
}

/* Up to the index: that is found, too, and is a gap to this test. */
static struct strata_slice data_blocks(struct strata_fs *fs, struct strata_buffer *bytes)
{
    read_table(fs, bytes);
    return strata_bytes(bytes->data, (size_t)footer_of(fs).index);
}

static void salvage_finds_all_blocks(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        struct strata_fs *fs = make_table(plain);
        struct strata_buffer bytes = {0};
        struct found found = find_all(data_blocks(fs, &bytes));
        assert_true(found.blocks > 50);
        assert_int_equal(found.entries, ENTRIES);
        assert_int_equal(found.gaps, 0);
        strata_buffer_free(&bytes);
        fs_free(fs);
    }
}

/* One block is lost, or two, where the damage hits the end of one. */
static void salvage_finds_the_blocks_around_damage(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "salvage");
    for (int plain = 0; plain < 2; plain++) {
        struct strata_fs *fs = make_table(plain);
        struct strata_buffer bytes = {0};
        struct strata_slice blocks = data_blocks(fs, &bytes);
        struct found whole = find_all(blocks), found;
        for (int i = 0; i < 40; i++) {
            size_t at = HEADER + rng_below(&rng, (uint32_t)blocks.size / 2);
            uint8_t kept = bytes.data[at];
            bytes.data[at] ^= (uint8_t)(1 + rng_below(&rng, 255));
            found = find_all(blocks);
            assert_in_range(found.blocks, whole.blocks - 2, whole.blocks - 1);
            assert_int_equal(found.gaps, 1);
            assert_true(found.work < found.most / 16);
            bytes.data[at] = kept;
        }
        strata_buffer_free(&bytes);
        fs_free(fs);
    }
}

static void salvage_of_no_blocks_ends_soon(void **state)
{
    enum { SIZE = 300 << 10 };
    struct strata_slice bytes = {malloc(SIZE), SIZE};
    uint8_t *to = (uint8_t *)(uintptr_t)bytes.data;
    struct found found;
    struct rng rng;

    (void)state;
    assert_non_null(to);
    rng_init_env(&rng, "salvage");
    for (int byte = 0; byte < 3; byte++) {
        memset(to, byte, SIZE);
        found = find_all(bytes);
        assert_int_equal(found.blocks, 0);
        assert_true(byte == 1 || found.work == 0); /* no end is one */
        assert_true(found.work < found.most + ((uint64_t)1 << 20));
    }
    for (uint64_t below = 2; below <= 256; below *= 2) {
        for (size_t i = 0; i < SIZE; i++)
            to[i] = (uint8_t)rng_below(&rng, below);
        found = find_all(bytes);
        assert_int_equal(found.blocks, 0);
        assert_true(found.work < found.most + ((uint64_t)1 << 20));
    }
    free(to);
}

static void salvage_of_few_bytes_finds_nothing(void **state)
{
    static const uint8_t zeros[64];

    (void)state;
    for (size_t size = 0; size <= sizeof zeros; size++)
        assert_int_equal(find_all(strata_bytes(zeros, size)).blocks, 0);
}

/* ---- Salvage --------------------------------------------------------------------------------- */

struct taken {
    int next; /* entry that should come next, if none is missing */
    unsigned entries, gaps;
    bool knew; /* its properties could be read */
};

static int take_entry(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                      struct strata_error *err)
{
    struct taken *t = arg;
    char text[20] = "";

    (void)err;
    assert_int_equal(type, STRATA_OP_PUT);
    assert_int_equal(key.size, 12);
    memcpy(text, key.data, 12);
    t->next = atoi(text + 4);
    assert_string_equal(text, key_of(t->next));
    assert_bytes(value, S(value_of(t->next)));
    t->next++;
    t->entries++;
    return 0;
}

static void take_gap(void *arg, struct strata_slice after, struct strata_slice before)
{
    struct taken *t = arg;

    assert_true(strata_compare(after, before) <= 0);
    if (t->entries)
        assert_bytes(after, S(key_of(t->next - 1)));
    t->gaps++;
}

static int try_salvage(struct strata_fs *fs, struct taken *taken, struct strata_error *err)
{
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = "db", .options = &options};
    const struct salvage_sink sink = {take_entry, take_gap, taken};
    char largest[20];
    struct salvage *salvage;
    struct strata_error why;
    int rc;

    strata_options_init(&options);
    *taken = (struct taken){0};
    rc = salvage_open(&table_salvage, &env, NUMBER, &salvage, &why, err);
    if (rc < 0)
        return rc;
    snprintf(largest, sizeof largest, "%s", key_of(ENTRIES - 1));
    taken->knew = salvage->knows_properties;
    if (taken->knew)
        assert_int_equal(salvage->table->sum.records, ENTRIES);
    rc = salvage_read(salvage, S(key_of(0)), S(largest), &sink, err);
    salvage_close(salvage);
    return rc;
}

static struct taken salvage(struct strata_fs *fs)
{
    struct strata_error err;
    struct taken taken = {0};

    assert_ok(try_salvage(fs, &taken, &err), &err);
    assert_int_equal(fs_sim_open_files(fs), 0);
    return taken;
}

static void salvage_of_a_flipped_block_has_the_others(void **state)
{
    struct strata_fs *fs = make_table(false), *copy;
    uint64_t end = footer_of(fs).index;
    struct taken taken = {0};

    (void)state;
    for (uint64_t at = HEADER; at < end; at += 97) {
        copy = fs_sim_copy(fs);
        harm_flip(copy, PATH, (size_t)at);
        taken = salvage(copy);
        assert_true(taken.knew);
        assert_int_equal(taken.gaps, 1);
        assert_in_range(taken.entries, ENTRIES - 60, ENTRIES - 1);
        fs_free(copy);
    }
    fs_free(fs);
}

/* Header, index, filter, properties, footer: all entries are found without them. */
static void salvage_of_flipped_parts_has_everything(void **state)
{
    struct strata_fs *fs = make_table(false), *copy;
    struct table_footer footer = footer_of(fs);
    struct strata_buffer bytes = {0};
    size_t size = read_table(fs, &bytes);
    struct taken taken = {0};

    (void)state;
    for (size_t at = 0; at < size; at += at < HEADER ? 1 : 31) {
        if (at >= HEADER && at < footer.index)
            at = (size_t)footer.index;
        copy = fs_sim_copy(fs);
        harm_flip(copy, PATH, at);
        taken = salvage(copy);
        assert_int_equal(taken.knew, at < footer.properties);
        assert_int_equal(taken.entries, ENTRIES);
        assert_int_equal(taken.gaps, 0);
        fs_free(copy);
    }
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* The index is a block, too: its entries are none of the database, whatever else is damaged. */
static void salvage_takes_no_entry_of_the_index(void **state)
{
    struct strata_fs *fs = make_table(false);
    struct table_footer footer = footer_of(fs);
    struct strata_buffer bytes = {0};
    size_t size = read_table(fs, &bytes);
    struct taken taken = {0};

    (void)state;
    harm_flip(fs, PATH, (size_t)footer.index - 20); /* the last block */
    harm_cut(fs, PATH, size - TABLE_FOOTER);
    taken = salvage(fs);
    assert_false(taken.knew);
    assert_in_range(taken.entries, ENTRIES - 60, ENTRIES - 1);
    assert_int_equal(taken.entries, taken.next);
    assert_int_equal(taken.gaps, 1);
    harm_flip(fs, PATH, (size_t)footer.index + 5);
    assert_int_equal(salvage(fs).entries, taken.entries);
    strata_buffer_free(&bytes);
    fs_free(fs);
}

static void salvage_of_a_cut_table_has_what_is_there(void **state)
{
    struct strata_fs *fs = make_table(true), *copy;
    unsigned last = ENTRIES;

    (void)state;
    for (size_t size = (size_t)footer_of(fs).index; size > 0; size -= size < 1000 ? size : 997) {
        struct taken taken = {0};
        copy = fs_sim_copy(fs);
        harm_cut(copy, PATH, size);
        taken = salvage(copy);
        assert_true(!taken.knew && taken.entries <= last);
        assert_int_equal(taken.next, taken.entries); /* a beginning of it */
        assert_int_equal(taken.gaps, taken.entries < ENTRIES);
        last = taken.entries;
        fs_free(copy);
    }
    assert_true(last < 100);
    fs_free(fs);
}

static void salvage_of_no_file_says_so(void **state)
{
    struct strata_fs *fs = make_table(false);
    struct strata_error err;
    struct taken taken = {0};

    (void)state;
    harm_remove(fs, PATH);
    assert_code(try_salvage(fs, &taken, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "missing");
    fs_free(fs);
}

/* With the index, and without. */
static void salvage_without_memory_says_so(void **state)
{
    (void)state;
    for (int damaged = 0; damaged < 2; damaged++) {
        struct strata_fs *fs = make_table(false);
        struct strata_error err;
        struct taken taken = {0};
        int rc = -1;
        if (damaged)
            harm_flip(fs, PATH, (size_t)footer_of(fs).index + 1);
        for (uint64_t k = 1; rc < 0; k += k < 40 ? 1 : 7) {
            int64_t living = allocations.living;
            allocations.failed = 0;
            allocations.at = k;
            allocations.on = true;
            rc = try_salvage(fs, &taken, &err);
            allocations.on = false;
            assert_int_equal(rc<0, allocations.failed> 0);
            assert_true(rc == 0 || err.code == STRATA_ERR_NO_MEMORY || err.sys == ENOMEM);
            assert_int_equal(allocations.living, living);
        }
        allocations.at = 0;
        assert_int_equal(taken.entries, ENTRIES);
        fs_free(fs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(salvage_finds_all_blocks),
        cmocka_unit_test(salvage_finds_the_blocks_around_damage),
        cmocka_unit_test(salvage_of_no_blocks_ends_soon),
        cmocka_unit_test(salvage_of_few_bytes_finds_nothing),
        cmocka_unit_test(salvage_of_a_flipped_block_has_the_others),
        cmocka_unit_test(salvage_of_flipped_parts_has_everything),
        cmocka_unit_test(salvage_takes_no_entry_of_the_index),
        cmocka_unit_test(salvage_of_a_cut_table_has_what_is_there),
        cmocka_unit_test(salvage_of_no_file_says_so),
        cmocka_unit_test(salvage_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
