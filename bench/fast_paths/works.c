/* works.c: the works that fast_paths.h lists. Keys are 16 digits, values 100 bytes of which half
 * repeat. Key i is drawn at random by its place in a fixed permutation of the even numbers, so
 * that odd numbers are missing keys within every table. */
#include "05_blocks_bloom/cache.h"
#include "09_fast_paths/cache/clock_cache.h"
#include "base/prng.h"
#include "fast_paths.h"
#include "fs/fs_posix.h"
#include "strata_engine.h"
#include "07_paced_compaction/tree/tree.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY 16
#define VALUE 100

extern const struct strata_engine strata_stage_09_fast_paths;

/* ---- A database with the side's parts -------------------------------------------------------- */

static const struct tree_parts *parts;

static int open_parts(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, parts, self, err);
}

static struct strata *open_db(const struct bench *b, bool create)
{
    static struct strata_engine engine;
    struct strata_options options = b->side->options;
    struct strata_error err;
    struct strata *db;

    engine = strata_stage_09_fast_paths;
    engine.open = engine.open_unsynced = open_parts;
    parts = &b->side->parts;
    options.engine = &engine;
    options.create = create;
    must(strata_open(b->dir, &options, &db, &err), &err, "open");
    return db;
}

static void close_db(struct strata *db)
{
    struct strata_error err;
    must(strata_close(db, &err), &err, "close");
}

/* ---- Keys and values ------------------------------------------------------------------------- */

static struct strata_slice key_of(uint64_t number)
{
    static _Thread_local uint8_t key[KEY];

    for (size_t at = KEY; at > 0; at--, number /= 10)
        key[at - 1] = (uint8_t)('0' + number % 10);
    return strata_bytes(key, KEY);
}

static struct strata_slice value_of(uint64_t number)
{
    static _Thread_local uint8_t value[VALUE];
    struct prng random = {number};

    for (size_t i = 0; i < VALUE / 2; i += 10) {
        uint64_t some = prng_next(&random);
        memcpy(value + i, &some, 8);
    }
    return strata_bytes(value, VALUE);
}

/* The i-th key in an order without pattern: steps by a number that has no common factor. */
static uint64_t drawn(const struct bench *b, uint64_t i)
{
    uint64_t step = 0x9e3779b1u; /* prime */
    return 2 * (i * step % b->keys);
}

static void put(struct strata *db, uint64_t number)
{
    struct strata_error err;
    must(strata_put(db, key_of(number), value_of(number), &err), &err, "put");
}

static void get(struct strata *db, uint64_t number, int expected)
{
    static struct strata_buffer value;
    struct strata_error err = {0};
    int rc = strata_get(db, key_of(number), &value, &err);

    must(rc == expected ? 0 : STRATA_ERR_CORRUPT, &err, "get");
}

static void put_all(const struct bench *b, struct strata *db)
{
    for (uint64_t i = 0; i < b->keys; i++)
        put(db, drawn(b, i));
}

static struct strata *compacted(const struct bench *b)
{
    struct strata_error err;
    struct strata *db = open_db(b, true);

    put_all(b, db);
    must(strata_compact(db, NULL, &err), &err, "compact");
    return db;
}

static uint64_t stat_value;
static void look(void *arg, const struct strata_stat *stat)
{
    if (strcmp(stat->name, arg) == 0)
        stat_value = stat->value;
}

static uint64_t stat_of(struct strata *db, const char *name)
{
    stat_value = 0;
    must(strata_stats(db, look, (void *)(uintptr_t)name, NULL), NULL, name);
    return stat_value;
}

/* ---- Writing --------------------------------------------------------------------------------- */

void put_random(struct bench *b)
{
    struct strata *db = open_db(b, true);

    measure_begin(false);
    put_all(b, db);
    measure_end(b, b->keys);
    close_db(db);
}

void put_flushed(struct bench *b)
{
    put_random(b);
}

void put_sorted(struct bench *b)
{
    struct strata *db = open_db(b, true);

    measure_begin(false);
    for (uint64_t i = 0; i < b->keys; i++)
        put(db, 2 * i);
    measure_end(b, b->keys);
    close_db(db);
}

void log_bytes(struct bench *b)
{
    struct strata *db = open_db(b, true);
    uint64_t before = stat_of(db, "log_bytes");

    put_all(b, db);
    b->value = (double)(stat_of(db, "log_bytes") - before) / (double)b->keys;
    close_db(db);
}

#define THREADS 4

struct writer {
    pthread_t thread;
    const struct bench *bench;
    struct strata *db;
    uint64_t first;
};

static void *put_some(void *arg)
{
    struct writer *w = arg;

    for (uint64_t i = w->first; i < w->bench->keys; i += THREADS)
        put(w->db, drawn(w->bench, i));
    return NULL;
}

static void put_synced(struct bench *b, bool times)
{
    struct side side = *b->side;
    struct bench synced = *b;
    struct writer writers[THREADS];
    uint64_t before;

    side.options.sync = STRATA_SYNC_ALWAYS;
    side.options.fs = fs_posix_new();
    synced.side = &side;
    struct strata *db = open_db(&synced, true);
    before = side.options.fs->calls[FS_CALL_SYNC];
    measure_begin(true);
    for (uint64_t i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.bench = &synced, .db = db, .first = i};
        must(-pthread_create(&writers[i].thread, NULL, put_some, &writers[i]), NULL, "thread");
    }
    for (uint64_t i = 0; i < THREADS; i++)
        pthread_join(writers[i].thread, NULL);
    measure_end(b, b->keys);
    if (!times)
        b->value = (double)(side.options.fs->calls[FS_CALL_SYNC] - before) / (double)b->keys;
    close_db(db);
    fs_free(side.options.fs);
}

void synced_puts(struct bench *b)
{
    put_synced(b, false);
}

void synced_put_times(struct bench *b)
{
    put_synced(b, true);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void get_all(const struct bench *b, struct strata *db)
{
    for (uint64_t i = 0; i < b->keys; i++)
        get(db, drawn(b, i), 0);
}

void get_cached(struct bench *b)
{
    struct strata *db = compacted(b);

    get_all(b, db);
    measure_begin(false);
    get_all(b, db);
    measure_end(b, b->keys);
    close_db(db);
}

void get_uncached(struct bench *b)
{
    get_cached(b);
}

void get_missing(struct bench *b)
{
    struct strata *db = open_db(b, true);

    put_all(b, db);
    get_all(b, db);
    measure_begin(false);
    for (uint64_t i = 0; i < b->keys; i++)
        get(db, drawn(b, i) + 1, STRATA_NOT_FOUND);
    measure_end(b, b->keys);
    close_db(db);
}

static void scan(const struct bench *b, struct strata *db, uint64_t passes)
{
    uint64_t entries = 0;

    while (passes--) {
        struct strata_error err;
        struct strata_iter *iter;
        int rc;

        must(strata_iter_new(db, &iter, &err), &err, "iterator");
        for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
            struct strata_slice value;
            must(strata_iter_value(iter, &value, &err), &err, "value");
            entries++;
        }
        must(rc, &err, "scan");
        strata_iter_free(iter);
    }
    must(entries % b->keys ? STRATA_ERR_CORRUPT : 0, NULL, "scan: entries are missing");
}

void scan_cached(struct bench *b)
{
    struct strata *db = compacted(b);

    scan(b, db, 1);
    measure_begin(false);
    scan(b, db, 2);
    measure_end(b, 2 * b->keys);
    close_db(db);
}

void scan_uncached(struct bench *b)
{
    scan_cached(b);
}

void scan_runs(struct bench *b)
{
    struct strata *db = open_db(b, true);

    put_all(b, db);
    scan(b, db, 1);
    measure_begin(false);
    scan(b, db, 2);
    measure_end(b, 2 * b->keys);
    close_db(db);
}

void disk_bytes(struct bench *b)
{
    struct strata *db = compacted(b);

    b->value = (double)stat_of(db, "table_files_bytes") / (double)b->keys;
    close_db(db);
}

/* ---- Opening after a kill -------------------------------------------------------------------- */

void open_killed(struct bench *b)
{
    pid_t child = fork();
    struct strata *db;
    int status;

    if (child == 0) {
        db = open_db(b, true);
        put_all(b, db);
        _exit(0); /* without a close */
    }
    must(waitpid(child, &status, 0) == child && status == 0 ? 0 : STRATA_ERR_IO, NULL, "child");
    measure_begin(true);
    db = open_db(b, false);
    get(db, 0, 0);
    measure_end(b, 1);
    close_db(db);
}

/* ---- Caches ---------------------------------------------------------------------------------- */

#define BLOCKS 4096u
#define BLOCK 4096u

struct hits {
    struct cache *lru;
    struct clock_cache *clock;
    struct clock_cache_directory directory;
    uint64_t count, seed, sum;
};

static void fill_caches(struct hits *h)
{
    struct strata_error err;

    must(cache_new((size_t)64 << 20, &h->lru, &err), &err, "cache");
    must(clock_cache_new((size_t)64 << 20, BLOCK, &h->clock, &err), &err, "cache");
    must(clock_cache_directory_init(&h->directory, BLOCKS, &err), &err, "cache");
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct cache_block *block = cache_block_new(BLOCK);
        struct clock_cache_frame *frame;
        must(block ? 0 : STRATA_ERR_NO_MEMORY, NULL, "block");
        memset(block->data, (int)i, BLOCK);
        cache_unpin(h->lru, cache_put(h->lru, 1, (uint64_t)i * BLOCK, block));
        must(clock_cache_take(h->clock, BLOCK, &frame, &err), &err, "frame");
        memset(frame->data, (int)i, BLOCK);
        clock_cache_release(h->clock, clock_cache_put(h->clock, &h->directory, i, frame));
    }
}

static void free_caches(struct hits *h)
{
    clock_cache_directory_free(h->clock, &h->directory);
    clock_cache_del(h->clock);
    cache_del(h->lru);
}

static void *hit_lru(void *arg)
{
    struct hits *h = arg;
    struct prng random = {h->seed};

    for (uint64_t i = 0; i < h->count; i++) {
        uint64_t offset = prng_below(&random, BLOCKS) * BLOCK;
        struct cache_block *block = cache_get(h->lru, 1, offset);
        h->sum += block->data[i % BLOCK];
        cache_unpin(h->lru, block);
    }
    return NULL;
}

static void *hit_clock(void *arg)
{
    struct hits *h = arg;
    struct prng random = {h->seed};

    for (uint64_t i = 0; i < h->count; i++) {
        uint32_t block = (uint32_t)prng_below(&random, BLOCKS);
        struct clock_cache_frame *frame = clock_cache_get(h->clock, &h->directory, block);
        h->sum += frame->data[i % BLOCK];
        clock_cache_release(h->clock, frame);
    }
    return NULL;
}

void cache_hit(struct bench *b)
{
    struct hits h = {.count = 4 * b->keys, .seed = 1};

    fill_caches(&h);
    measure_begin(false);
    (b->after ? hit_clock : hit_lru)(&h);
    measure_end(b, h.count);
    free_caches(&h);
}

void cache_shared(struct bench *b)
{
    struct hits h = {.count = 4 * b->keys, .seed = 1}, other;
    void *(*hit)(void *) = b->after ? hit_clock : hit_lru;
    pthread_t thread;

    fill_caches(&h);
    other = h;
    other.seed = 2;
    measure_begin(true);
    must(-pthread_create(&thread, NULL, hit, &other), NULL, "thread");
    hit(&h);
    pthread_join(thread, NULL);
    measure_end(b, 2 * h.count);
    free_caches(&h);
}
