/* 08_salvage_test.c: blocks of a table whose index is lost: those that are whole are found, and
 * whatever the bytes are, looking for them ends soon. */
#include "test.h"

#include "../crash/allocations.h"
#include "08_backup_repair/salvage_find.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define NUMBER 7
#define ENTRIES 3000

/* The bytes of a table with many blocks. */
static void make_table(struct strata_buffer *bytes, bool plain)
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
    assert_ok(pax_table_kind.writer_new(&env, NUMBER, &writer, &err), &err);
    for (int i = 0; i < ENTRIES; i++) {
        char key[20], value[40];
        snprintf(key, sizeof key, "key %08d", i);
        snprintf(value, sizeof value, "value %d of some length", i * 7919);
        assert_ok(pax_table_kind.writer_add(writer, STRATA_OP_PUT, S(key), S(value), &err), &err);
    }
    assert_ok(pax_table_kind.writer_finish(writer, 1, ENTRIES, &err), &err);
    assert_ok(sstable_writer_publish(writer, &err), &err);
    pax_table_kind.writer_del(writer, true);
    assert_int_equal(fs_sim_get(fs, "db/000007.table", bytes), 0);
    fs_free(fs);
}

struct found {
    unsigned blocks, entries, gaps;
    uint64_t work, most;
};

static struct found find_all(struct strata_slice bytes)
{
    struct pax_table_block block = {.check = 0};
    struct strata_error err;
    struct found found = {0};
    struct finder finder;
    bool gap;
    int rc;

    assert_ok(finder_init(&finder, bytes, NUMBER, &err), &err);
    while ((rc = finder_next(&finder, &block, &gap, &err)) == 0) {
        found.blocks++;
        found.entries += block.block.count;
        found.gaps += gap;
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    found.work = finder.work;
    found.most = finder_most(&finder);
    finder_free(&finder);
    pax_table_block_free(&block);
    return found;
}

static void salvage_finds_all_blocks(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        struct strata_buffer bytes = {0};
        struct found found;
        make_table(&bytes, plain);
        found = find_all(strata_buffer_slice(&bytes));
        assert_true(found.blocks > 50);
        assert_int_equal(found.entries, ENTRIES);
        assert_int_equal(found.gaps, 0);
        strata_buffer_free(&bytes);
    }
}

/* One block is lost, or two, where the damage hits the end of one. */
static void salvage_finds_the_blocks_around_damage(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "salvage");
    for (int plain = 0; plain < 2; plain++) {
        struct strata_buffer bytes = {0};
        struct found whole, found;
        make_table(&bytes, plain);
        whole = find_all(strata_buffer_slice(&bytes));
        for (int i = 0; i < 40; i++) {
            size_t at = 24 + rng_below(&rng, bytes.size / 2);
            uint8_t kept = bytes.data[at];
            bytes.data[at] ^= (uint8_t)(1 + rng_below(&rng, 255));
            found = find_all(strata_buffer_slice(&bytes));
            assert_in_range(found.blocks, whole.blocks - 2, whole.blocks - 1);
            assert_int_equal(found.gaps, 1);
            assert_true(found.work < found.most / 16);
            bytes.data[at] = kept;
        }
        strata_buffer_free(&bytes);
    }
}

/* Bytes of which each may belong to a section's end, to another's size, to none. */
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

static void salvage_without_memory_says_so(void **state)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    int rc = -1;

    (void)state;
    make_table(&bytes, false);
    for (uint64_t k = 1; rc < 0; k++) {
        struct pax_table_block block = {.check = 0};
        int64_t living = allocations.living;
        struct finder finder;
        bool gap;
        allocations.failed = 0;
        allocations.at = k;
        allocations.on = true;
        rc = finder_init(&finder, strata_buffer_slice(&bytes), NUMBER, &err);
        if (rc == 0)
            rc = finder_next(&finder, &block, &gap, &err);
        allocations.on = false;
        finder_free(&finder);
        pax_table_block_free(&block);
        assert_int_equal(rc, allocations.failed ? STRATA_ERR_NO_MEMORY : 0);
        assert_int_equal(allocations.living, living);
    }
    allocations.at = 0;
    strata_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(salvage_finds_all_blocks),
        cmocka_unit_test(salvage_finds_the_blocks_around_damage),
        cmocka_unit_test(salvage_of_no_blocks_ends_soon),
        cmocka_unit_test(salvage_of_few_bytes_finds_nothing),
        cmocka_unit_test(salvage_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
