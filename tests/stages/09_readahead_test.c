/* 09_readahead_test.c: what a scan reads beyond the block that it has come to: how many calls that
 * takes, how many bytes, and what of it may fail without harm. Tables of plain blocks, on a
 * simulated disk. */
#include "test.h"

#include "base/cost.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS 20000 /* of some 150 bytes: 700 blocks */
#define BLOCK 4096
#define AHEAD (64 << 10) /* bytes that are read at once */

/* The simulated disk's, but a read of a table fails where it touches this byte. */
static struct {
    const struct fs_ops *real;
    uint64_t at; /* 0: none */
    bool struck;
} bad;

static ssize_t read_at(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    if (bad.at && strstr(file->path, ".table") && offset <= bad.at && bad.at - offset < size) {
        bad.struck = true;
        return -EIO;
    }
    return bad.real->read_at(file, offset, to, size);
}

struct ground {
    struct strata_fs *fs;
    struct fs_ops ops;
    struct strata_options options;
    struct strata *db;
};

static void reopen(struct ground *g, size_t cache_bytes)
{
    struct strata_error err;

    if (g->db)
        assert_ok(strata_close(g->db, &err), &err);
    g->options.cache_bytes = cache_bytes;
    assert_ok(strata_open("db", &g->options, &g->db, &err), &err);
    bad.at = 0;
    bad.struck = false;
}

static void make_key(char key[16], int i)
{
    sprintf(key, "key %06d", i);
}

static void make_value(char value[160], int i)
{
    memset(value, 'a' + i % 26, 140);
    sprintf(value + 140, "%d", i);
}

static void ground_init(struct ground *g, uint64_t table_bytes)
{
    struct strata_error err;

    memset(g, 0, sizeof *g);
    g->fs = fs_sim_new();
    assert_non_null(g->fs);
    bad.real = g->fs->ops;
    g->ops = *bad.real;
    g->ops.read_at = read_at;
    g->fs->ops = &g->ops;
    strata_options_init(&g->options);
    g->options.fs = g->fs;
    g->options.stage = 9;
    g->options.create = true;
    g->options.sync = STRATA_SYNC_NEVER;
    g->options.block_bytes = BLOCK;
    g->options.plain_blocks = true;
    g->options.table_bytes = table_bytes;
    reopen(g, 0);
    for (int i = 0; i < KEYS; i++) {
        char key[16], value[160];
        make_key(key, i);
        make_value(value, i);
        assert_put(g->db, key, value);
    }
    assert_ok(strata_compact(g->db, NULL, &err), &err);
}

static void ground_free(struct ground *g)
{
    struct strata_error err;

    assert_ok(strata_close(g->db, &err), &err);
    assert_int_equal(fs_sim_open_files(g->fs), 0);
    g->fs->ops = bad.real;
    fs_free(g->fs);
}

static struct strata_iter *begin(struct ground *g)
{
    struct strata_iter *iter;
    struct strata_error err;

    assert_ok(strata_iter_new(g->db, &iter, &err), &err);
    return iter;
}

static void expect(struct strata_iter *iter, int i)
{
    char key[16], want[160];
    struct strata_slice value;
    struct strata_error err;

    make_key(key, i);
    make_value(want, i);
    assert_bytes(strata_iter_key(iter), strata_string(key));
    assert_ok(strata_iter_value(iter, &value, &err), &err);
    assert_bytes(value, strata_string(want));
}

/* From one end to the other. Entries that were met until `*rc` told the end or an error. */
static int walk(struct ground *g, bool back, int *rc, struct strata_error *err)
{
    struct strata_iter *iter = begin(g);
    int met = 0;

    *rc = back ? strata_iter_last(iter, err) : strata_iter_first(iter, err);
    for (; *rc == 0; met++) {
        expect(iter, back ? KEYS - 1 - met : met);
        *rc = back ? strata_iter_prev(iter, err) : strata_iter_next(iter, err);
    }
    strata_iter_free(iter);
    return met;
}

static void expect_whole(struct ground *g, bool back)
{
    struct strata_error err;
    int rc;

    assert_int_equal(walk(g, back, &rc, &err), KEYS);
    assert_int_equal(rc, STRATA_NOT_FOUND);
}

struct counts {
    uint64_t calls, bytes, blocks;
};

static struct counts counts_of(const struct ground *g)
{
    return (struct counts){g->fs->calls[FS_CALL_READ], g->fs->bytes_read,
                           cost_so_far.blocks_loaded};
}

static struct counts since(const struct ground *g, struct counts was)
{
    struct counts is = counts_of(g);
    return (struct counts){is.calls - was.calls, is.bytes - was.bytes, is.blocks - was.blocks};
}

static void readahead_scan_asks_the_system_for_many_blocks_at_once(void **state)
{
    struct ground g;

    (void)state;
    ground_init(&g, 1 << 20);
    for (int back = 0; back < 2; back++) {
        struct counts was;
        reopen(&g, 64 << 20);
        was = counts_of(&g);
        expect_whole(&g, back);
        was = since(&g, was);
        assert_in_range(was.blocks, KEYS / 40, KEYS / 20);
        assert_in_range(was.calls, 1, was.blocks / 10);
        assert_in_range(was.bytes, 1, was.blocks * BLOCK); /* none is read twice */
        was = counts_of(&g);
        expect_whole(&g, back); /* they are in the cache now */
        assert_int_equal(since(&g, was).calls, 0);
    }
    ground_free(&g);
}

static void readahead_verify_asks_for_many_blocks_at_once(void **state)
{
    struct strata_error err;
    struct counts was;
    struct ground g;

    (void)state;
    ground_init(&g, 1 << 20);
    was = counts_of(&g);
    assert_ok(strata_verify(g.db, NULL, &err), &err);
    was = since(&g, was);
    assert_in_range(was.blocks, KEYS / 40, KEYS / 20);
    assert_in_range(was.calls, 1, was.blocks / 5);
    ground_free(&g);
}

/* Filters deny these keys, but each table's index is in memory then. */
static void read_indexes(struct ground *g)
{
    for (int i = 0; i < KEYS; i += KEYS / 20) {
        char key[16];
        make_key(key, i);
        key[9] = '+';
        assert_get(g->db, key, NULL);
    }
}

/* The block that is sought, and the one after it. */
static void readahead_few_entries_read_little(void **state)
{
    struct ground g;
    struct counts was;

    (void)state;
    ground_init(&g, 1 << 20);
    reopen(&g, 64 << 20);
    read_indexes(&g);
    was = counts_of(&g);
    for (int n = 0; n < 20; n++) {
        struct strata_iter *iter = begin(&g);
        struct strata_error err;
        char key[16];
        make_key(key, n * (KEYS / 20));
        assert_ok(strata_iter_seek(iter, strata_string(key), &err), &err);
        for (int i = 0; i < 20; i++)
            assert_ok(strata_iter_next(iter, &err), &err);
        strata_iter_free(iter);
    }
    was = since(&g, was);
    assert_in_range(was.blocks, 20, 40);
    assert_int_equal(was.calls, was.blocks);
    assert_in_range(was.bytes, 1, was.blocks * BLOCK);
    ground_free(&g);
}

/* What the cache has is not read along. */
static void readahead_leaves_out_what_the_cache_has(void **state)
{
    struct ground g;
    struct counts was;

    (void)state;
    ground_init(&g, 1 << 20);
    reopen(&g, 64 << 20);
    was = counts_of(&g);
    for (int i = 0; i < KEYS; i += 300) {
        char key[16], value[160];
        make_key(key, i);
        make_value(value, i);
        assert_get(g.db, key, value);
    }
    expect_whole(&g, false);
    was = since(&g, was);
    assert_in_range(was.bytes, 1, was.blocks * BLOCK);
    ground_free(&g);
}

/* Is a key's block readable by itself? */
static bool seek_finds(struct ground *g, int i)
{
    struct strata_iter *iter = begin(g);
    struct strata_error err;
    char key[16];
    int rc;

    make_key(key, i);
    rc = strata_iter_seek(iter, strata_string(key), &err);
    strata_iter_free(iter);
    return rc == 0;
}

/* A part of the disk cannot be read: the scan tells it when it comes there, or 64 KiB before. What
 * stands before it is found by a seek. */
static void readahead_unreadable_block_is_told(void **state)
{
    struct ground g;

    (void)state;
    ground_init(&g, 16 << 20);
    for (int back = 0; back < 2; back++) {
        struct strata_error err;
        int rc, met, most = 0, found = 0;
        for (uint64_t at = 1000000; at < 1200000; at += 10 * BLOCK) {
            reopen(&g, 1 << 20);
            bad.at = at;
            met = walk(&g, back, &rc, &err);
            assert_int_equal(rc, STRATA_ERR_IO);
            assert_true(bad.struck);
            assert_true(back ? !most || met <= most : met >= most);
            most = met;
            assert_in_range(back ? KEYS - met : met, (at - AHEAD) / 200, (at + AHEAD) / 130);
            found += seek_finds(&g, back ? KEYS - 1 - met : met);
        }
        assert_true(found > 0);
    }
    reopen(&g, 1 << 20);
    expect_whole(&g, false);
    ground_free(&g);
}

static void readahead_any_walk_shows_what_an_array_would(void **state)
{
    static const size_t caches[] = {0, 100000, 64 << 20};
    struct ground g;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "readahead");
    ground_init(&g, 100000);
    for (size_t c = 0; c < sizeof caches / sizeof *caches; c++) {
        struct strata_iter *iter;
        struct strata_error err;
        reopen(&g, caches[c]);
        iter = begin(&g);
        for (int n = 0; n < 60; n++) {
            int at = (int)rng_below(&rng, KEYS), steps = (int)rng_below(&rng, 600);
            int by = rng_below(&rng, 2) ? 1 : -1;
            char key[16];
            make_key(key, at);
            assert_ok(strata_iter_seek(iter, strata_string(key), &err), &err);
            for (; steps && at + by >= 0 && at + by < KEYS; steps--) {
                assert_ok(by < 0 ? strata_iter_prev(iter, &err) : strata_iter_next(iter, &err),
                          &err);
                at += by;
                if (rng_below(&rng, 200) == 0)
                    by = -by;
            }
            expect(iter, at);
        }
        strata_iter_free(iter);
    }
    ground_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readahead_scan_asks_the_system_for_many_blocks_at_once),
        cmocka_unit_test(readahead_verify_asks_for_many_blocks_at_once),
        cmocka_unit_test(readahead_few_entries_read_little),
        cmocka_unit_test(readahead_leaves_out_what_the_cache_has),
        cmocka_unit_test(readahead_unreadable_block_is_told),
        cmocka_unit_test(readahead_any_walk_shows_what_an_array_would),
    };
    return cmocka_run_group_tests_name("readahead", tests, NULL, NULL);
}
