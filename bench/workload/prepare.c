/* prepare.c: the database that a workload needs, made, opened or changed before it is measured.
 *
 * A fill begins a new database; only what this process made is ever removed for that. openreplay
 * takes away the files that make opening fast, and puts them back. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* Files that only save work at open: stage 2's hints, stage 3's checkpoint. */
static const char *const helps[] = {"*.hint", "INDEX", NULL};

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

int prepare_measure(struct bench *b, const struct work *work, size_t place, struct result *result)
{
    int code;

    if (work->opens == OPENS_BARE)
        return measure_without_help(b, work, place, result);
    if (work->kind != WORK_FILL)
        return measure_opened(b, work, place, result);
    code = begin_new(b, work);
    return code == BENCH_OK ? measure(b, work, place, result) : code;
}
