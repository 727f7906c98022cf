/* life.c: the database under test: made, opened, opened otherwise, closed.
 *
 * A fill begins a new database; only what this process made is ever removed for that. openreplay
 * takes away the files that make opening fast, and puts them back. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* Files that only save work at open: stage 2's hints, stage 3's checkpoint. */
static const char *const helps[] = {"*.hint", "INDEX", NULL};

int life_open(struct bench *b, enum life_open how, struct strata_error *err)
{
    struct strata_options options;

    strata_options_init(&options);
    options.stage = b->stage.stage;
    options.create = options.exclusive = how == LIFE_NEW;
    options.read_only = b->read_only = how == LIFE_READ;
    options.sync = b->settings->sync;
    options.mapped_reads = b->settings->mapped_reads;
    if (b->settings->segment_bytes)
        options.segment_bytes = b->settings->segment_bytes;
    options.fs = b->fs;
    return strata_open(b->dir, &options, &b->db, err);
}

int life_close(struct bench *b)
{
    struct strata_error err;
    int rc = strata_close(b->db, &err);

    b->db = NULL;
    return rc < 0 ? bench_fail(&err, "close") : BENCH_OK;
}

static int begin_new(struct bench *b, const struct work *work)
{
    struct strata_error err;
    int code = life_close(b);

    if (code != BENCH_OK)
        return code;
    if (!b->made && place_exists(b->dir))
        return bench_say(BENCH_USAGE,
                         "%s makes a new database, and there is something at %s: remove it first",
                         work->name, b->dir);
    place_remove(b->dir);
    b->made = true;
    b->filled = b->data.count;
    b->filled_shuffled = false;
    return life_open(b, LIFE_NEW, &err) < 0 ? bench_fail(&err, work->name) : BENCH_OK;
}

static int need_db(struct bench *b, const struct work *work, enum life_open how)
{
    struct strata_error err;
    int code = BENCH_OK;

    if (b->db && b->read_only == (how == LIFE_READ))
        return BENCH_OK;
    if (b->db)
        code = life_close(b);
    else if (!place_exists(b->dir))
        return bench_say(BENCH_USAGE,
                         "%s needs a database: put a fill before it in --benchmarks, or name "
                         "with --db what an earlier run filled",
                         work->name);
    if (code != BENCH_OK)
        return code;
    return life_open(b, how, &err) < 0 ? bench_fail(&err, work->name) : BENCH_OK;
}

/* ---- One workload on it ---------------------------------------------------------------- */

static int measure_read_only(struct bench *b, const struct work *work, struct result *result)
{
    int code = need_db(b, work, LIFE_READ);
    return code == BENCH_OK ? measure(b, work, result) : code;
}

/* The files stand beside the database meanwhile, on the same file system. */
static int measure_without_help(struct bench *b, const struct work *work, struct result *result)
{
    size_t size = strlen(b->dir) + sizeof ".aside";
    char *aside = malloc(size);
    int code = life_close(b), back;

    if (!aside)
        return bench_fail_memory();
    snprintf(aside, size, "%s.aside", b->dir);
    if (code == BENCH_OK)
        code = place_move(b->dir, aside, helps);
    if (code == BENCH_OK)
        code = measure_read_only(b, work, result);
    back = life_close(b);
    if (back == BENCH_OK)
        back = place_move(aside, b->dir, helps);
    if (back == BENCH_OK)
        place_remove(aside);
    free(aside);
    return code == BENCH_OK ? back : code;
}

int life_measure(struct bench *b, const struct work *work, struct result *result)
{
    int code;

    if (work->opens == OPENS_BARE)
        return measure_without_help(b, work, result);
    if (work->opens == OPENS_CLEAN)
        return measure_read_only(b, work, result);
    code = work->kind == WORK_FILL ? begin_new(b, work) : need_db(b, work, LIFE_WRITE);
    return code == BENCH_OK ? measure(b, work, result) : code;
}
