/* 09_merge_runs_test.c: runs of real tables, and memtables above them, merged: every walk, with
 * steps in both directions, against a sorted array of what they hold together; keys that
 * key_prefixes tell apart, and keys that they do not; reads that fail anywhere. */
#include "test.h"

#include "04_memtable_sstable/memtable/memtable.h"
#include "09_fast_paths/table/pax_table.h"
#include "09_fast_paths/memtable/bptree.h"
#include "09_fast_paths/read/merge_runs.h"
#include "base/cost.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "db"
#define KEYS 120
#define RUNS 6
#define TABLES 40
#define NONE (-1)

static const struct sstable_kind *const kind = &pax_table_kind;

/* What all sources hold together. Sources are counted from the newest. */
struct world {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    void *common;

    struct strata_buffer keys[KEYS]; /* in order */
    size_t key_count;
    int newest[KEYS]; /* the newest source that has the key, or NONE */
    bool deleted[KEYS];
    unsigned has[KEYS], deletes[KEYS]; /* a bit for each source: it has the key; a delete of it */

    struct memtable *newer[2];
    size_t newer_count;
    struct sstable *tables[TABLES];
    uint64_t key_prefixes[TABLES];
    size_t table_count;
    struct fast_run runs[RUNS];
    size_t run_count;
    struct strata_slice prefix;
};

/* ---- Keys ------------------------------------------------------------------------------------ */

enum shape { DIGITS, PATHS, BYTES, LONG, SHAPES };

static void make_key(enum shape shape, int n, struct rng *rng, struct strata_buffer *to)
{
    static const char dots[] = "..................................................."
                               "....................................................";
    static const uint8_t few[] = {0, 1, 'a', 0xff};
    char text[400];
    int size = 0;

    if (shape == DIGITS)
        size = sprintf(text, "%010d", 3 * n);
    else if (shape == PATHS) /* key_prefixes do not tell neighbours apart */
        size = sprintf(text, "user/%d/the same long path/%04d", n / 9, n);
    else if (shape == LONG)
        size = sprintf(text, "%.90s%03d%.*s", dots, n, n % 3 * 50, dots);
    else
        for (size = 1 + (int)rng_below(rng, 11); to->size < (size_t)size;)
            strata_buffer_append(to, &few[rng_below(rng, sizeof few)], 1);
    if (shape != BYTES)
        strata_buffer_append(to, text, (size_t)size);
}

static int by_key(const void *a, const void *b)
{
    return strata_compare(strata_buffer_slice(a), strata_buffer_slice(b));
}

static void make_keys(struct world *w, enum shape shape, struct rng *rng)
{
    size_t kept = 0;

    for (int n = 0; n < KEYS; n++)
        make_key(shape, n, rng, &w->keys[n]);
    qsort(w->keys, KEYS, sizeof *w->keys, by_key);
    for (size_t n = 0; n < KEYS; n++) {
        struct strata_buffer key = w->keys[n];
        w->keys[n] = (struct strata_buffer){0};
        if (kept && by_key(&key, &w->keys[kept - 1]) == 0)
            strata_buffer_free(&key);
        else
            w->keys[kept++] = key;
    }
    w->key_count = kept;
}

static struct strata_slice key_at(const struct world *w, size_t n)
{
    return strata_buffer_slice(&w->keys[n]);
}

/* ---- Sources --------------------------------------------------------------------------------- */

static struct strata_slice value_of(int source, size_t n, char text[64])
{
    return strata_bytes(text, (size_t)sprintf(text, "%d of %zu%.*s", source, n, source * 3,
                                              "......................"));
}

/* A source has the key: of all the newest one counts, and they are made from that on. */
static unsigned note(struct world *w, int source, size_t n, struct rng *rng)
{
    bool deleted = rng_below(rng, 4) == 0;

    if (w->newest[n] == NONE) {
        w->newest[n] = source;
        w->deleted[n] = deleted;
    }
    w->has[n] |= 1u << source;
    w->deletes[n] |= (unsigned)deleted << source;
    return deleted ? STRATA_OP_DELETE : STRATA_OP_PUT;
}

static struct memtable *new_memtable(void)
{
    struct memtable *memtable;

    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    return memtable;
}

static void add_memtable(struct world *w, struct rng *rng)
{
    struct memtable *m = new_memtable();
    uint64_t sequence = 1;

    for (size_t n = 0; n < w->key_count; n++) {
        unsigned type;
        char text[64];
        if (rng_below(rng, 3))
            continue;
        type = note(w, (int)w->newer_count, n, rng);
        assert_int_equal(memtable_reserve(m, 1, 600, NULL), 0);
        memtable_add(m, sequence++, type, key_at(w, n),
                     type == STRATA_OP_PUT ? value_of((int)w->newer_count, n, text)
                                           : strata_bytes(NULL, 0));
    }
    w->newer[w->newer_count++] = m;
}

static struct sstable *end_table(struct world *w, struct sstable_writer *writer)
{
    uint64_t number = w->table_count + 1;
    struct sstable *table;
    struct strata_error err;

    assert_ok(kind->writer_finish(writer, 1, 2, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    kind->writer_del(writer, true);
    assert_ok(kind->open(&w->env, w->common, number, &table, &err), &err);
    return table;
}

/* A run of some keys of a range, cut into tables at random. */
static void add_run(struct world *w, struct rng *rng)
{
    int source = (int)(w->newer_count + w->run_count);
    size_t first = w->table_count, n = (size_t)rng_below(rng, w->key_count);
    size_t end =
        rng_below(rng, 2) ? w->key_count : n + (size_t)rng_below(rng, w->key_count - n) + 1;
    uint64_t share = 1 + rng_below(rng, 5), cut = 1 + rng_below(rng, 30);
    struct sstable_writer *writer = NULL;
    struct strata_error err;

    for (n = rng_below(rng, 2) ? 0 : n; n < end; n++) {
        unsigned type;
        char text[64];
        if (rng_below(rng, share) && (n + 1 < end || w->table_count > first || writer))
            continue;
        if (!writer)
            assert_ok(kind->writer_new(&w->env, w->table_count + 1, &writer, &err), &err);
        type = note(w, source, n, rng);
        assert_ok(kind->writer_add(writer, type, key_at(w, n),
                                   type == STRATA_OP_PUT ? value_of(source, n, text)
                                                         : strata_bytes(NULL, 0),
                                   &err),
                  &err);
        if (rng_below(rng, cut) == 0 && w->table_count - first < TABLES / RUNS - 1) {
            w->tables[w->table_count] = end_table(w, writer);
            w->table_count++;
            writer = NULL;
        }
    }
    if (writer) {
        w->tables[w->table_count] = end_table(w, writer);
        w->table_count++;
    }
    w->runs[w->run_count++] = (struct fast_run){w->tables + first, w->table_count - first, NULL};
}

/* What all keys of the runs begin with, or less. */
static void find_prefix(struct world *w, struct rng *rng)
{
    struct strata_slice low = {0}, high = {0};

    for (size_t i = 0; i < w->table_count; i++) {
        struct strata_slice a = strata_buffer_slice(&w->tables[i]->smallest);
        struct strata_slice z = strata_buffer_slice(&w->tables[i]->largest);
        low = i == 0 || strata_compare(a, low) < 0 ? a : low;
        high = i == 0 || strata_compare(z, high) > 0 ? z : high;
    }
    w->prefix = low;
    w->prefix.size = w->table_count ? key_shared_size(low, high) : 0;
    if (rng_below(rng, 3) == 0)
        w->prefix.size = (size_t)rng_below(rng, w->prefix.size + 1);
    for (size_t i = 0; i < w->table_count; i++)
        w->key_prefixes[i] =
            key_prefix_of(strata_buffer_slice(&w->tables[i]->largest), w->prefix.size);
    for (size_t i = 0; i < w->run_count; i++)
        if (rng_below(rng, 3))
            w->runs[i].key_prefixes = w->key_prefixes + (w->runs[i].tables - w->tables);
}

static void make_world(struct world *w, enum shape shape, size_t cache_bytes, struct rng *rng)
{
    struct strata_error err;

    memset(w, 0, sizeof *w);
    w->fs = fs_sim_new();
    strata_options_init(&w->options);
    w->options.block_bytes = 64 + (size_t)rng_below(rng, 300);
    w->options.cache_bytes = cache_bytes;
    w->options.plain_blocks = true;
    assert_int_equal(fs_sim_put_directory(w->fs, DIR), 0);
    w->env = (struct strata_env){.fs = w->fs, .dir = DIR, .options = &w->options};
    assert_ok(kind->common_new(&w->env, &w->common, &err), &err);
    make_keys(w, shape, rng);
    for (size_t n = 0; n < KEYS; n++)
        w->newest[n] = NONE;
    for (uint64_t more = rng_below(rng, 3); more; more--)
        add_memtable(w, rng);
    for (uint64_t more = rng_below(rng, RUNS + 1); more; more--)
        add_run(w, rng);
    find_prefix(w, rng);
}

static void free_world(struct world *w)
{
    for (size_t i = 0; i < w->newer_count; i++)
        memtable_unref(w->newer[i]);
    for (size_t i = 0; i < w->table_count; i++)
        sstable_unref(w->tables[i]);
    for (size_t n = 0; n < KEYS; n++)
        strata_buffer_free(&w->keys[n]);
    kind->common_del(w->common);
    assert_int_equal(fs_sim_open_files(w->fs), 0);
    fs_free(w->fs);
}

/* Some runs as any cursor is read. */
static void replace_runs(const struct world *w, bool once, struct cursor *instead[RUNS])
{
    for (size_t i = 0; i < w->run_count; i++) {
        instead[i] = i % 2 ? NULL : run_cursor_new(&w->runs[i], w->prefix, once);
        assert_true(i % 2 || instead[i]);
    }
}

static struct cursor *merge_of(const struct world *w, bool once, bool tombstones)
{
    struct cursor *instead[RUNS];
    struct merge_sources of = {.newer_count = w->newer_count,
                               .runs = w->runs,
                               .run_count = w->run_count,
                               .prefix = w->prefix,
                               .once = once,
                               .tombstones = tombstones};
    struct cursor *merged;
    struct strata_error err;

    for (size_t i = 0; i < w->newer_count; i++)
        of.newer[i] = memtable_cursor(w->newer[i], UINT64_MAX);
    replace_runs(w, once, instead);
    of.instead = w->run_count % 2 ? instead : NULL;
    for (size_t i = 0; !of.instead && i < w->run_count; i++)
        if (instead[i])
            cursor_free(instead[i]);
    assert_ok(merge_runs_new(&of, &merged, &err), &err);
    return merged;
}

/* ---- Walks ----------------------------------------------------------------------------------- */

struct walk {
    const struct world *w;
    struct cursor *cursor;
    bool tombstones;
    size_t at; /* the key it stands at, or key_count */
};

static bool is_shown(const struct walk *k, size_t n)
{
    return k->w->newest[n] != NONE && (k->tombstones || !k->w->deleted[n]);
}

static size_t look_up(const struct walk *k, size_t n)
{
    while (n < k->w->key_count && !is_shown(k, n))
        n++;
    return n;
}

/* Before n. */
static size_t look_down(const struct walk *k, size_t n)
{
    while (n > 0 && !is_shown(k, n - 1))
        n--;
    return n ? n - 1 : k->w->key_count;
}

static void assert_stands(const struct walk *k, int rc)
{
    const struct world *w = k->w;
    struct strata_slice value;
    char text[64];

    assert_int_equal(rc, k->at < w->key_count ? 0 : STRATA_NOT_FOUND);
    if (rc != 0)
        return;
    assert_bytes(k->cursor->iter.key, key_at(w, k->at));
    assert_int_equal(k->cursor->type, w->deleted[k->at] ? STRATA_OP_DELETE : STRATA_OP_PUT);
    assert_int_equal(cursor_value(k->cursor, &value, NULL), 0);
    assert_bytes(value, w->deleted[k->at] ? strata_bytes(NULL, 0)
                                          : value_of(w->newest[k->at], k->at, text));
}

/* To a key, to the end, to what stands between two keys. */
static int jump(struct walk *k, struct rng *rng, struct strata_error *err)
{
    const struct world *w = k->w;
    size_t n = (size_t)rng_below(rng, w->key_count + 1);
    struct strata_buffer key = {0};
    int rc;

    if (n == w->key_count) {
        k->at = look_down(k, n);
        return cursor_last(k->cursor, err);
    }
    strata_buffer_append(&key, w->keys[n].data, w->keys[n].size);
    if (rng_below(rng, 3) == 0)
        key.data[rng_below(rng, key.size)] = (uint8_t)rng_next(rng);
    if (rng_below(rng, 3) == 0)
        key.size = (size_t)rng_below(rng, key.size + 1);
    for (n = 0; n < w->key_count && strata_compare(key_at(w, n), strata_buffer_slice(&key)) < 0;)
        n++;
    k->at = look_up(k, n);
    rc = cursor_seek(k->cursor, strata_buffer_slice(&key), err);
    strata_buffer_free(&key);
    return rc;
}

/* Mostly on, now and then round. */
static int step(struct walk *k, bool *back, struct rng *rng, struct strata_error *err)
{
    *back ^= rng_below(rng, 5) == 0;
    k->at = *back ? look_down(k, k->at) : look_up(k, k->at + 1);
    return *back ? cursor_prev(k->cursor, err) : cursor_next(k->cursor, err);
}

static void walk(const struct world *w, bool once, bool tombstones, struct rng *rng)
{
    struct walk k = {w, merge_of(w, once, tombstones), tombstones, 0};
    bool back = false;
    int rc;

    for (int jumps = 0; jumps < 25; jumps++) {
        assert_stands(&k, jump(&k, rng, NULL));
        for (int steps = 0; k.at < w->key_count && steps < 25; steps++)
            assert_stands(&k, step(&k, &back, rng, NULL));
    }
    k.at = look_up(&k, 0);
    for (rc = cursor_first(k.cursor, NULL); k.at < w->key_count; k.at = look_up(&k, k.at + 1)) {
        assert_stands(&k, rc);
        rc = cursor_next(k.cursor, NULL);
    }
    assert_stands(&k, rc);
    k.at = look_down(&k, w->key_count);
    for (rc = cursor_last(k.cursor, NULL); k.at < w->key_count; k.at = look_down(&k, k.at)) {
        assert_stands(&k, rc);
        rc = cursor_prev(k.cursor, NULL);
    }
    assert_stands(&k, rc);
    cursor_free(k.cursor);
}

static void merge_runs_agrees_with_a_sorted_array(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "merge_runs");
    for (unsigned round = 0; round < 160; round++) {
        struct world w;
        make_world(&w, round % SHAPES, round % 3 ? 1 << 16 : 1000, &rng);
        walk(&w, false, false, &rng);
        walk(&w, round % 2, true, &rng);
        free_world(&w);
    }
}

static void assert_all_of_a_key(const struct world *w, struct cursor *cursor, size_t n, int *rc)
{
    for (unsigned source = 0; source < 2 + RUNS; source++) {
        bool deleted = w->deletes[n] >> source & 1;
        char text[64];
        if (!(w->has[n] >> source & 1))
            continue;
        assert_int_equal(*rc, 0);
        assert_bytes(cursor->iter.key, key_at(w, n));
        assert_int_equal(cursor->type, deleted ? STRATA_OP_DELETE : STRATA_OP_PUT);
        assert_bytes(cursor->iter.value,
                     deleted ? strata_bytes(NULL, 0) : value_of((int)source, n, text));
        *rc = cursor_next(cursor, NULL);
    }
}

/* Of each key every source's entry, the newest first. */
static void merge_runs_of_all_shows_every_entry(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "all");
    for (unsigned round = 0; round < 80; round++) {
        struct cursor *cursor, *instead[RUNS];
        struct strata_error err;
        struct world w;
        int rc;
        make_world(&w, round % SHAPES, 1000, &rng);
        struct merge_sources of = {.newer_count = w.newer_count,
                                   .runs = w.runs,
                                   .run_count = w.run_count,
                                   .instead = instead,
                                   .prefix = w.prefix,
                                   .tombstones = true,
                                   .all = true};
        for (size_t i = 0; i < w.newer_count; i++)
            of.newer[i] = memtable_cursor(w.newer[i], UINT64_MAX);
        replace_runs(&w, false, instead);
        assert_ok(merge_runs_new(&of, &cursor, &err), &err);
        rc = cursor_first(cursor, &err);
        for (size_t n = 0; n < w.key_count; n++)
            assert_all_of_a_key(&w, cursor, n, &rc);
        assert_int_equal(rc, STRATA_NOT_FOUND);
        cursor_free(cursor);
        free_world(&w);
    }
}

/* What is given back is right, or it is the error; after it the cursor can be sought again. */
static void merge_runs_after_a_failed_read_is_sought_again(void **state)
{
    struct rng rng;
    unsigned struck = 0;

    (void)state;
    rng_init_env(&rng, "failed reads");
    for (unsigned round = 0; round < 100; round++) {
        struct world w;
        struct walk k = {.w = &w, .tombstones = round % 2};
        bool back = false;
        make_world(&w, round % SHAPES, 0, &rng);
        k.cursor = merge_of(&w, round % 3 == 0, k.tombstones);
        for (int jumps = 0; jumps < 12; jumps++) {
            struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1 + rng_below(&rng, 12)};
            struct strata_error err;
            int rc;
            fs_sim_fail(w.fs, &fault);
            rc = jump(&k, &rng, &err);
            for (int steps = 0; rc >= 0 && k.at < w.key_count && steps < 20; steps++) {
                assert_stands(&k, rc);
                rc = step(&k, &back, &rng, &err);
            }
            fs_sim_fail(w.fs, NULL);
            if (rc < 0)
                assert_true(rc == STRATA_ERR_IO && err.code == rc);
            else
                assert_stands(&k, rc);
            struck += rc < 0;
            assert_stands(&k, jump(&k, &rng, &err));
        }
        cursor_free(k.cursor);
        free_world(&w);
    }
    assert_true(struck > 100);
}

static void merge_runs_without_a_source_is_no_memory(void **state)
{
    struct merge_sources of = {.newer_count = 2};
    struct memtable *memtable = new_memtable();
    struct cursor *merged;
    struct strata_error err;

    (void)state;
    of.newer[1] = memtable_cursor(memtable, 1); /* freed */
    assert_code(merge_runs_new(&of, &merged, &err), STRATA_ERR_NO_MEMORY, &err);
    assert_null(merged);
    memtable_unref(memtable);
}

/* ---- What it costs --------------------------------------------------------------------------- */

static void make_empty(struct world *w, size_t block_bytes)
{
    struct strata_error err;

    memset(w, 0, sizeof *w);
    w->fs = fs_sim_new();
    strata_options_init(&w->options);
    w->options.block_bytes = block_bytes;
    assert_int_equal(fs_sim_put_directory(w->fs, DIR), 0);
    w->env = (struct strata_env){.fs = w->fs, .dir = DIR, .options = &w->options};
    assert_ok(kind->common_new(&w->env, &w->common, &err), &err);
    w->prefix = strata_string("000000");
}

/* Numbers from `first` on, of one table. */
static void add_numbers(struct world *w, int first, int count, unsigned type)
{
    struct strata_slice value = strata_string(type == STRATA_OP_PUT ? "value" : "");
    struct sstable_writer *writer;
    struct strata_error err;

    assert_ok(kind->writer_new(&w->env, w->table_count + 1, &writer, &err), &err);
    for (int n = 0; n < count; n++) {
        char key[20];
        sprintf(key, "%09d", first + n);
        assert_ok(kind->writer_add(writer, type, strata_string(key), value, &err), &err);
    }
    w->tables[w->table_count] = end_table(w, writer);
    w->runs[w->run_count++] = (struct fast_run){w->tables + w->table_count++, 1, NULL};
}

/* Two runs that do not interleave: as long as one is in front, a step is one comparison, and each
 * block is looked at once. */
static void merge_runs_asks_one_bound_as_long_as_one_source_is_in_front(void **state)
{
    struct world w;
    struct cursor *c;
    struct strata_error err;
    uint64_t blocks = 0, compared, looked;
    int rc, steps = 0;

    (void)state;
    make_empty(&w, 300);
    add_numbers(&w, 0, 500, STRATA_OP_PUT);
    add_numbers(&w, 500, 500, STRATA_OP_PUT);
    for (size_t i = 0; i < 2; i++)
        blocks += ((struct pax_table *)w.tables[i])->fence.count;
    c = merge_of(&w, false, false);
    looked = cost_so_far.blocks;
    rc = cursor_first(c, &err);
    compared = cost_so_far.comparisons;
    for (; rc == 0; rc = cursor_next(c, &err))
        steps++;
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(steps, 1000);
    assert_in_range(cost_so_far.comparisons - compared, 950 + 2 * blocks, 1000 + 2 * blocks);
    assert_int_equal(cost_so_far.blocks - looked, blocks);
    cursor_free(c);
    free_world(&w);
}

/* Many deletes fill a block, and all its columns have one size: it hides what is below it. */
static void merge_runs_block_of_deletes_hides_what_is_older(void **state)
{
    struct world w;
    struct cursor *c;
    struct strata_error err;

    (void)state;
    make_empty(&w, 4096);
    add_numbers(&w, 100, 800, STRATA_OP_DELETE);
    add_numbers(&w, 0, 1000, STRATA_OP_PUT);
    c = merge_of(&w, false, false);
    assert_ok(cursor_seek(c, strata_string("000000099"), &err), &err);
    assert_ok(cursor_next(c, &err), &err);
    assert_bytes(c->iter.key, strata_string("000000900"));
    assert_ok(cursor_prev(c, &err), &err);
    assert_bytes(c->iter.key, strata_string("000000099"));
    cursor_free(c);
    free_world(&w);
}

/* ---- Finding a table --------------------------------------------------------------------- */

#define MANY 3000

/* Tables of which many have the same key_prefix: found in few steps all the same. */
static void merge_runs_table_is_found_among_equal_heads(void **state)
{
    static struct sstable tables[MANY];
    static struct sstable *list[MANY];
    static uint64_t key_prefixes[MANY];
    struct fast_run run = {list, MANY, key_prefixes};
    char text[32];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        int size = sprintf(text, "%s%06zu", i < 100 ? "few/" : "orders of today/", 2 * i + 1);
        strata_buffer_append(&tables[i].largest, text, (size_t)size);
        key_prefixes[i] = key_prefix_of(strata_bytes(text, (size_t)size), 0);
        list[i] = &tables[i];
    }
    for (size_t i = 0; i <= 2 * MANY + 1; i++) {
        int size = sprintf(text, "%s%06zu", i < 200 ? "few/" : "orders of today/", i);
        uint64_t before = cost_so_far.comparisons;
        size_t at = run_find(&run, strata_bytes(NULL, 0), strata_bytes(text, (size_t)size));
        assert_int_equal(at, i / 2 < MANY ? i / 2 : MANY);
        assert_true(cost_so_far.comparisons - before < 50);
    }
    assert_int_equal(run_find(&run, strata_bytes(NULL, 0), strata_string("a")), 0);
    assert_int_equal(run_find(&run, strata_bytes(NULL, 0), strata_string("\xff")), MANY);
    for (size_t i = 0; i < MANY; i++)
        strata_buffer_free(&tables[i].largest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_runs_agrees_with_a_sorted_array),
        cmocka_unit_test(merge_runs_of_all_shows_every_entry),
        cmocka_unit_test(merge_runs_after_a_failed_read_is_sought_again),
        cmocka_unit_test(merge_runs_without_a_source_is_no_memory),
        cmocka_unit_test(merge_runs_asks_one_bound_as_long_as_one_source_is_in_front),
        cmocka_unit_test(merge_runs_block_of_deletes_hides_what_is_older),
        cmocka_unit_test(merge_runs_table_is_found_among_equal_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
