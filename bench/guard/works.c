/* works.c: the works of the guard, see guard.h. They are one life of three small databases: filled
 * in order, in batches, in random order; the last is read, opened again as a kill leaves it,
 * deleted from, compacted, closed and opened. Sizes are a thousandth of the defaults and less, so
 * that flushes, merges and misses of the cache are among what is counted. */
#include "text/datagen.h"
#include "fs/fs_posix.h"
#include "guard.h"
#include "base/prng.h"
#include "strata_engine.h"

#include <stdlib.h>
#include <string.h>

#define KEY 16
#define VALUE 100
#define BATCH 100
#define SYNCED 20 /* synced puts */
#define SEEK_STEPS 10

struct guard {
    struct strata_fs *fs;
    struct fs_ops ops; /* fs's own, with another clock and other random numbers */
    const char *root;
    char *dir; /* of the database that is open */
    struct strata *db;
    unsigned stage, promises;
    uint64_t count, gets, seeks; /* keys; operations of a work that reads */
    struct prng random;
    uint32_t *order;             /* 0 .. count - 1, shuffled */
    struct strata_buffer values; /* one after another */
    struct strata_buffer value;
};

struct work {
    const char *name;
    unsigned needs; /* promises of the stage */
    uint64_t (*operations)(const struct guard *g);
    int (*before)(struct guard *g, struct strata_error *err); /* not counted; may be NULL */
    int (*run)(struct guard *g, struct strata_error *err);
};

/* ---- A clock and random numbers that are the same each time ---------------------------- */

static uint64_t ticks;
static struct prng dice;

static uint64_t next_tick(struct strata_fs *fs)
{
    (void)fs;
    return ticks += 1000;
}

static uint64_t next_random(struct strata_fs *fs)
{
    (void)fs;
    return prng_next(&dice);
}

static size_t files_allowed(struct strata_fs *fs)
{
    (void)fs;
    return 1024;
}

static struct strata_fs *new_fs(struct fs_ops *ops)
{
    struct strata_fs *fs = fs_posix_new();

    if (!fs)
        return NULL;
    *ops = *fs->ops;
    ops->now = next_tick;
    ops->random = next_random;
    ops->open_max = files_allowed;
    fs->ops = ops;
    ticks = 0;
    dice.state = 1;
    return fs;
}

/* ---- Keys and values ------------------------------------------------------------------- */

/* Key number i: twice that in decimal, so that there are keys between any two. */
static struct strata_slice key_at(uint64_t i, bool missing)
{
    static uint8_t key[KEY];
    uint64_t number = 2 * i + missing;

    for (size_t at = KEY; at > 0; at--, number /= 10)
        key[at - 1] = (uint8_t)('0' + number % 10);
    return strata_bytes(key, KEY);
}

static struct strata_slice value_at(const struct guard *g, uint64_t i)
{
    return strata_bytes(g->values.data + i * VALUE, VALUE);
}

static int put(struct guard *g, uint64_t i, struct strata_error *err)
{
    return strata_put(g->db, key_at(i, false), value_at(g, i), err);
}

static uint64_t draw(struct guard *g)
{
    return prng_below(&g->random, g->count);
}

/* ---- Opening and closing --------------------------------------------------------------- */

static int open_at(struct guard *g, const char *name, bool create, struct strata_error *err)
{
    struct strata_options options;

    free(g->dir);
    g->dir = fs_join(g->root, name);
    if (!g->dir)
        return STRATA_ERR_NO_MEMORY;
    strata_options_init(&options);
    options.stage = g->stage;
    options.create = create;
    options.fs = g->fs;
    options.sync = STRATA_SYNC_NEVER;
    options.background_threads = 0; /* what one thread does is counted */
    options.segment_bytes = 32768;
    options.memtable_bytes = 32768;
    options.cache_bytes = 32768;
    options.level_bytes = 32768;
    options.table_bytes = 8192;
    return strata_open(g->dir, &options, &g->db, err);
}

static int close_it(struct guard *g, struct strata_error *err)
{
    struct strata *db = g->db;

    g->db = NULL;
    return strata_close(db, err);
}

static int new_at(struct guard *g, const char *name, struct strata_error *err)
{
    int rc = close_it(g, err);
    return rc < 0 ? rc : open_at(g, name, true, err);
}

static int new_for_order(struct guard *g, struct strata_error *err)
{
    return new_at(g, "order", err);
}

static int new_for_batches(struct guard *g, struct strata_error *err)
{
    return new_at(g, "batches", err);
}

static int new_for_random(struct guard *g, struct strata_error *err)
{
    return new_at(g, "random", err);
}

static int copy_file(struct guard *g, const char *to, const char *name, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    char *path = fs_join(g->dir, name);
    int rc = path ? fs_read_file(g->fs, path, SIZE_MAX / 4, &bytes, err) : STRATA_ERR_NO_MEMORY;

    if (rc == 0)
        rc = fs_replace(g->fs, to, name, strata_buffer_slice(&bytes), false, err);
    free(path);
    strata_buffer_free(&bytes);
    return rc;
}

/* What the kernel has of an open database's files is what a kill leaves of them. */
static int copy_as_killed(struct guard *g, struct strata_error *err)
{
    char *to = fs_join(g->root, "killed");
    struct fs_names names = {0};
    int rc = to ? fs_mkdir(g->fs, to, err) : STRATA_ERR_NO_MEMORY;

    if (rc == 0)
        rc = fs_list(g->fs, g->dir, &names, err);
    for (size_t i = 0; i < names.count && rc == 0; i++)
        rc = copy_file(g, to, names.names[i], err);
    fs_names_free(&names);
    free(to);
    return rc < 0 ? rc : close_it(g, err);
}

static int open_killed(struct guard *g, struct strata_error *err)
{
    return open_at(g, "killed", false, err);
}

static int open_random(struct guard *g, struct strata_error *err)
{
    return open_at(g, "random", false, err);
}

static int back_to_random(struct guard *g, struct strata_error *err)
{
    int rc = close_it(g, err);
    return rc < 0 ? rc : open_random(g, err);
}

/* ---- Writing --------------------------------------------------------------------------- */

static int fill_in_order(struct guard *g, struct strata_error *err)
{
    int rc = 0;

    for (uint64_t i = 0; i < g->count && rc == 0; i++)
        rc = put(g, i, err);
    return rc;
}

static int fill_random(struct guard *g, struct strata_error *err)
{
    int rc = 0;

    for (uint64_t i = 0; i < g->count && rc == 0; i++)
        rc = put(g, g->order[i], err);
    return rc;
}

static int write_batch(struct guard *g, struct strata_batch *batch, uint64_t from,
                       struct strata_error *err)
{
    int rc = 0;

    strata_batch_clear(batch);
    for (uint64_t i = from; i < from + BATCH && rc == 0; i++)
        rc = strata_batch_put(batch, key_at(g->order[i], false), value_at(g, i), err);
    return rc < 0 ? rc : strata_write(g->db, batch, 0, err);
}

static int fill_batches(struct guard *g, struct strata_error *err)
{
    struct strata_batch *batch = strata_batch_new();
    int rc = batch ? 0 : STRATA_ERR_NO_MEMORY;

    for (uint64_t i = 0; i + BATCH <= g->count && rc == 0; i += BATCH)
        rc = write_batch(g, batch, i, err);
    strata_batch_free(batch);
    return rc;
}

static int put_synced(struct guard *g, struct strata_error *err)
{
    struct strata_batch *batch = strata_batch_new();
    int rc = batch ? 0 : STRATA_ERR_NO_MEMORY;

    for (uint64_t i = 0; i < SYNCED && rc == 0; i++) {
        strata_batch_clear(batch);
        rc = strata_batch_put(batch, key_at(i, true), key_at(i, false), err);
        if (rc == 0)
            rc = strata_write(g->db, batch, STRATA_WRITE_SYNC, err);
    }
    strata_batch_free(batch);
    return rc;
}

static int delete_random(struct guard *g, struct strata_error *err)
{
    int rc = 0;

    for (uint64_t i = 0; i < g->count / 2 && rc == 0; i++)
        rc = strata_delete(g->db, key_at(g->order[i], false), err);
    return rc;
}

/* ---- Reading --------------------------------------------------------------------------- */

static int get_all(struct guard *g, bool missing, struct strata_error *err)
{
    int wanted = missing ? STRATA_NOT_FOUND : 0, rc = wanted;

    for (uint64_t i = 0; i < g->gets && rc == wanted; i++)
        rc = strata_get(g->db, key_at(draw(g), missing), &g->value, err);
    return rc == wanted ? 0 : rc < 0 ? rc : STRATA_ERR_CORRUPT;
}

static int get_there(struct guard *g, struct strata_error *err)
{
    return get_all(g, false, err);
}

static int get_missing(struct guard *g, struct strata_error *err)
{
    return get_all(g, true, err);
}

/* From where the iterator is, at most `most` entries with their values. */
static int walk(struct strata_iter *iter, int rc,
                int (*step)(struct strata_iter *, struct strata_error *), uint64_t most,
                struct strata_error *err)
{
    struct strata_slice value;

    for (; rc == 0 && most > 0; most--) {
        rc = strata_iter_value(iter, &value, err);
        if (rc == 0)
            rc = step(iter, err);
    }
    return rc < 0 ? rc : 0;
}

static int scan(struct guard *g, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = strata_iter_new(g->db, &iter, err);

    if (rc < 0)
        return rc;
    rc = walk(iter, strata_iter_first(iter, err), strata_iter_next, UINT64_MAX, err);
    strata_iter_free(iter);
    return rc;
}

static int scan_back(struct guard *g, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = strata_iter_new(g->db, &iter, err);

    if (rc < 0)
        return rc;
    rc = walk(iter, strata_iter_last(iter, err), strata_iter_prev, UINT64_MAX, err);
    strata_iter_free(iter);
    return rc;
}

static int seek(struct guard *g, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = strata_iter_new(g->db, &iter, err);

    if (rc < 0)
        return rc;
    for (uint64_t i = 0; i < g->seeks && rc == 0; i++)
        rc = walk(iter, strata_iter_seek(iter, key_at(draw(g), false), err), strata_iter_next,
                  SEEK_STEPS, err);
    strata_iter_free(iter);
    return rc;
}

static int compact(struct guard *g, struct strata_error *err)
{
    return strata_compact(g->db, NULL, err);
}

/* ---- The life -------------------------------------------------------------------------- */

static uint64_t all(const struct guard *g)
{
    return g->count;
}

static uint64_t half(const struct guard *g)
{
    return g->count / 2;
}

static uint64_t gets(const struct guard *g)
{
    return g->gets;
}

static uint64_t seeks(const struct guard *g)
{
    return g->seeks;
}

static uint64_t synced(const struct guard *g)
{
    (void)g;
    return SYNCED;
}

static uint64_t once(const struct guard *g)
{
    (void)g;
    return 1;
}

static const struct work works[] = {
    {"fillseq", 0, all, new_for_order, fill_in_order},
    {"fillbatch", STRATA_PROMISE_BATCH, all, new_for_batches, fill_batches},
    {"fillsync", STRATA_PROMISE_POWER_CUT, synced, NULL, put_synced},
    {"fillrandom", 0, all, new_for_random, fill_random},
    {"openkilled", STRATA_PROMISE_KILL, once, copy_as_killed, open_killed},
    {"gethit", 0, gets, back_to_random, get_there},
    {"getmiss", 0, gets, NULL, get_missing},
    {"scan", 0, all, NULL, scan},
    {"reverse", 0, all, NULL, scan_back},
    {"seek10", 0, seeks, NULL, seek},
    {"delete", 0, half, NULL, delete_random},
    {"compact", STRATA_PROMISE_COMPACT, once, NULL, compact},
    {"close", 0, once, NULL, close_it},
    {"open", 0, once, NULL, open_random},
};

static int add_file(struct guard *g, const char *name, uint64_t *bytes, struct strata_error *err)
{
    char *path = fs_join(g->dir, name);
    struct fs_file *file = NULL;
    uint64_t size = 0;
    int rc = path ? fs_open(g->fs, path, FS_READ, &file, err) : STRATA_ERR_NO_MEMORY;

    if (rc == 0)
        rc = fs_size(file, &size, err);
    *bytes += size;
    fs_close(file, NULL);
    free(path);
    return rc;
}

static int count_files(struct guard *g, uint64_t *bytes, struct strata_error *err)
{
    struct fs_names names = {0};
    int rc = fs_list(g->fs, g->dir, &names, err);

    *bytes = 0;
    for (size_t i = 0; i < names.count && rc == 0; i++)
        rc = add_file(g, names.names[i], bytes, err);
    fs_names_free(&names);
    return rc;
}

static int do_work(struct guard *g, const struct work *work, struct guard_row *row,
                   struct strata_error *err)
{
    int rc = work->before ? work->before(g, err) : 0;

    row->stage = g->stage;
    row->operations = work->operations(g);
    strcpy(row->work, work->name);
    if (rc < 0)
        return rc;
    guard_begin(row, g->fs);
    rc = work->run(g, err);
    guard_end(row, g->fs);
    return rc < 0 ? rc : count_files(g, &row->figures[GUARD_FILES], err);
}

static int do_all(struct guard *g, struct guard_row *rows, size_t *count, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof works / sizeof works[0] && rc == 0; i++)
        if ((g->promises & works[i].needs) == works[i].needs)
            rc = do_work(g, &works[i], &rows[(*count)++], err);
    return rc;
}

/* ---- One stage ------------------------------------------------------------------------- */

/* A get of stage 1 reads the whole log, one of stage 4 whole pages of each run. */
static void choose_sizes(struct guard *g)
{
    g->count = g->stage == 1 ? 400 : 2000;
    g->gets = g->stage == 1 ? 40 : g->stage == 4 ? 200 : 1000;
    g->seeks = g->stage == 1 ? 40 : 200;
}

static int find_stage(struct guard *g)
{
    struct strata_stage_info info;
    size_t i = 0;

    while (strata_stage_at(i++, &info) == 0)
        if (info.stage == g->stage) {
            g->promises = info.promises;
            return 0;
        }
    return STRATA_ERR_WRONG_STAGE;
}

static int make_values(struct guard *g)
{
    const struct datagen_wishes wishes = {
        .keys = 1, .key_size = 1, .value_size = VALUE, .compressible = 500000, .seed = 8};
    struct strata_slice key, value;
    struct datagen values;
    int rc = datagen_init(&values, &wishes);

    for (uint64_t i = 0; i < g->count && rc == 0; i++) {
        datagen_next(&values, &key, &value);
        rc = strata_buffer_append(&g->values, value.data, value.size);
    }
    datagen_free(&values);
    return rc;
}

static int prepare(struct guard *g)
{
    g->random.state = 88;
    g->order = malloc(g->count * sizeof *g->order);
    g->fs = new_fs(&g->ops);
    if (make_values(g) < 0 || !g->order || !g->fs)
        return STRATA_ERR_NO_MEMORY;
    for (uint64_t i = 0; i < g->count; i++) {
        uint64_t other = prng_below(&g->random, i + 1);
        g->order[i] = g->order[other];
        g->order[other] = (uint32_t)i;
    }
    return 0;
}

static void end(struct guard *g)
{
    strata_close(g->db, NULL);
    strata_buffer_free(&g->value);
    strata_buffer_free(&g->values);
    free(g->order);
    free(g->dir);
    fs_free(g->fs);
}

int guard_stage(unsigned stage, const char *dir, struct guard_row *rows, size_t *count,
                struct strata_error *err)
{
    struct guard g = {.root = dir, .stage = stage};
    int rc = find_stage(&g);

    *count = 0;
    if (rc < 0)
        return strata_fail(err, rc, NULL, STRATA_NO_OFFSET, "there is no stage %u", stage);
    choose_sizes(&g);
    rc = prepare(&g);
    if (rc == 0)
        rc = do_all(&g, rows, count, err);
    else
        strata_fail_memory(err, g.count * sizeof *g.order);
    end(&g);
    return rc;
}

int guard_look(struct guard_place *place, struct strata_error *err)
{
    struct strata_fs *fs = fs_posix_new();
    int rc;

    *place = (struct guard_place){.sorts = guard_sorts()};
    guard_built(place->built, sizeof place->built);
    rc = fs ? guard_maps_appends(fs, "appends", &place->mapped, err)
            : strata_fail_memory(err, sizeof *fs);
    fs_free(fs);
    return rc;
}
