/* life.c: the database under test: made, opened, opened otherwise, closed.
 *
 * A fill begins a new database; only what this process made is ever removed for that. openreplay
 * takes away the files that make opening fast, and puts them back. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_CACHE ((size_t)8 << 20) /* bytes */

/* Files that only save work at open: stage 2's hints, stage 3's checkpoint. */
static const char *const helps[] = {"*.hint", "INDEX", NULL};

void life_options(const struct bench *b, enum work_opens how, struct engine_options *o)
{
    const struct settings *s = b->settings;
    bool small = how == OPENS_SMALL || how == OPENS_SMALL_MAPPED;
    bool mapped = how == OPENS_MAPPED || how == OPENS_SMALL_MAPPED;

    *o = (struct engine_options){.dir = b->dir,
                                 .read_only = how == OPENS_CLEAN || how == OPENS_BARE,
                                 .sync = how == OPENS_SYNCED ? STRATA_SYNC_ALWAYS : s->sync,
                                 .memtable_bytes = s->memtable_bytes,
                                 .cache_bytes = small ? SMALL_CACHE : s->cache_bytes,
                                 .block_bytes = s->block_bytes,
                                 .bloom_bits = (unsigned)s->bloom_bits,
                                 .plain = s->plain,
                                 .check_reads = s->check_reads,
                                 .mapped_reads = mapped || s->mapped_reads,
                                 .segment_bytes = s->segment_bytes,
                                 .data_bytes =
                                     b->data.count * (b->data.key_bytes + b->data.value_bytes),
                                 .stage = b->contender->stage.stage,
                                 .fs = b->fs};
}

unsigned life_can(const struct bench *b)
{
    struct engine_options o;

    life_options(b, OPENS_WRITE, &o);
    return b->contender->engine->can(&o);
}

int life_open(struct bench *b, enum work_opens how, bool create, struct strata_error *err)
{
    struct engine_options o;

    life_options(b, how, &o);
    o.create = create;
    b->opened = how;
    return b->contender->engine->open(&o, &b->db, err);
}

int life_open_again(struct bench *b, struct strata_error *err)
{
    return life_open(b, b->opened, false, err);
}

int life_close(struct bench *b)
{
    struct strata_error err;
    int rc = b->db ? b->contender->engine->close(b->db, &err) : 0;

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
    b->data.value_bytes = work->value_bytes ? work->value_bytes : b->settings->value_bytes;
    b->made_of = (struct made){0};
    b->settled_bytes = 0;
    check_begin_new(b);
    return life_open(b, work->opens, true, &err) < 0 ? bench_fail(&err, work->name) : BENCH_OK;
}

static int need_db(struct bench *b, const struct work *work, enum work_opens how)
{
    struct strata_error err;
    int code = BENCH_OK;

    if (b->db && b->opened == how)
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
    return life_open(b, how, false, &err) < 0 ? bench_fail(&err, work->name) : BENCH_OK;
}

/* ---- One workload on it ---------------------------------------------------------------- */

/* What is there for appends to come is not in it. */
static int weigh(struct bench *b, struct result *result)
{
    struct strata_error err;
    int code = life_close(b);

    if (code != BENCH_OK)
        return code;
    measure_disk(b, result);
    return life_open_again(b, &err) < 0 ? bench_fail(&err, result->work->name) : BENCH_OK;
}

static int measure_opened(struct bench *b, const struct work *work, size_t place,
                          struct result *result)
{
    struct strata_error err;
    int code = need_db(b, work, work->opens);

    if (code == BENCH_OK && work->warm && check_walk(b, &err) < 0)
        code = bench_fail(&err, work->name);
    if (code == BENCH_OK)
        code = measure(b, work, place, result);
    return code == BENCH_OK && work->weighs ? weigh(b, result) : code;
}

/* The files stand beside the database meanwhile, on the same file system. */
static int measure_without_help(struct bench *b, const struct work *work, size_t place,
                                struct result *result)
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
        code = measure_opened(b, work, place, result);
    back = life_close(b);
    if (back == BENCH_OK)
        back = place_move(aside, b->dir, helps);
    if (back == BENCH_OK)
        place_remove(aside);
    free(aside);
    return code == BENCH_OK ? back : code;
}

int life_measure(struct bench *b, const struct work *work, size_t place, struct result *result)
{
    int code;

    if (work->opens == OPENS_BARE)
        return measure_without_help(b, work, place, result);
    if (work->kind != WORK_FILL)
        return measure_opened(b, work, place, result);
    code = begin_new(b, work);
    return code == BENCH_OK ? measure(b, work, place, result) : code;
}
