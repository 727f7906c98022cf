/* bounds.c: how far each workload is from what the machine can do at best (limits/), measured in
 * the same run: before the engines' turns, in a process of its own.
 *
 * What an operation has to do at least, of an entry of `entry` bytes:
 *
 *   fillseq, fillbatch       store_132                  stored in a log that survives a kill
 *   fillrandom, overwrite,   store_132 + load_huge      ... and its place in memory is in no cache
 *   filluniquerandom,
 *   deleterandom
 *   all of these, synced     fdatasync_room in place of store_132
 *   fillsync                 fdatasync_room             a synced write each
 *   fill100K                 100,000 bytes at write_seq
 *   readrandom, readmapped   2 load_huge                the block, and the entry in it
 *   readhot, readmissing     load_huge                  the entry; a line of a filter
 *   readsmallcache           pread_4k + xxh3_4k + lz4_unpack_4k    a block is read and uncompressed
 *   readseq, readreverse     the entry's bytes at memcpy_large
 *   seekrandom               2 load_huge + 11 entries at memcpy_large
 *   compact                  for each block of 4 KiB: lz4_unpack_4k + lz4_pack_4k + 2 xxh3_4k, on
 *                            one thread; and as many entries as there are keys
 *
 * A limit is no goal: an engine also has to keep order, handle errors and store more than that. It
 * shows where time can be saved, and where none can. */
#include "bench.h"

#include "limits/limits.h"

#include <string.h>

#define SECONDS 0.02 /* of one measurement */
#define FILE_BYTES ((size_t)32 << 20)
#define SEEK_ENTRIES 11

/* ---- Measuring ------------------------------------------------------------------------- */

static void send_bound(void *arg, const struct limit *limit, const struct limit_figure *figure)
{
    struct bound bound = {.name = limit->name,
                          .unit = limit->unit,
                          .about = limit->about,
                          .best = figure->best,
                          .median = figure->median};
    message_send(*(int *)arg, &bound, sizeof bound);
}

static int measure_bounds(const void *dir, int to)
{
    struct limit_size size = {LIMIT_BYTES, FILE_BYTES, SECONDS, dir};
    const struct limit *at;
    int sys = limits_measure(&size, send_bound, &to, &at);

    return sys ? bench_fail_sys(at->name, sys) : BENCH_OK;
}

static void take_bounds(void *arg, int from)
{
    struct results *results = arg;

    while (results->bound_count < BOUNDS_MOST &&
           message_take(from, &results->bounds[results->bound_count], sizeof results->bounds[0]))
        results->bound_count++;
}

int bounds_measure(const char *dir, struct results *results)
{
    return turns_apart(measure_bounds, dir, take_bounds, results);
}

/* ---- What bounds a workload ------------------------------------------------------------ */

static double best(const struct results *results, const char *name)
{
    for (size_t i = 0; i < results->bound_count; i++)
        if (strcmp(results->bounds[i].name, name) == 0)
            return results->bounds[i].best;
    return NAN;
}

static bool is_one_of(const char *name, const char *const *list)
{
    while (*list && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

static bool is_synced(const struct settings *s, const struct contender *c)
{
    return s->sync == STRATA_SYNC_ALWAYS ||
           (s->sync == STRATA_SYNC_DEFAULT && c->stage.promises & STRATA_PROMISE_POWER_CUT);
}

static double store(const struct settings *s, const struct results *b, const struct contender *c)
{
    return best(b, is_synced(s, c) ? "fdatasync_room" : "store_132");
}

/* Nanoseconds an operation; NAN: nothing is known of it. */
static double limit_of(const struct settings *s, const struct results *b, const struct result *r)
{
    const char *name = r->work->name;
    double entry = (double)(s->key_bytes + s->value_bytes), huge = best(b, "load_huge");
    double copy = entry * 1e3 / best(b, "memcpy_large");
    const struct contender *c = &s->contenders[r->contender];

    if (r->threads > 1 || s->tsv)
        return NAN;
    if (is_one_of(name, (const char *const[]){"fillseq", "fillbatch", NULL}))
        return store(s, b, c);
    if (is_one_of(name, (const char *const[]){"fillrandom", "filluniquerandom", "overwrite",
                                              "deleterandom", NULL}))
        return store(s, b, c) + huge;
    if (strcmp(name, "fillsync") == 0)
        return best(b, "fdatasync_room");
    if (strcmp(name, "fill100K") == 0)
        return (double)r->work->value_bytes * 1e3 / best(b, "write_seq");
    if (is_one_of(name, (const char *const[]){"readrandom", "readmapped", NULL}))
        return 2 * huge;
    if (is_one_of(name, (const char *const[]){"readhot", "readmissing", NULL}))
        return huge;
    if (strcmp(name, "readsmallcache") == 0)
        return best(b, "pread_4k") + best(b, "xxh3_4k") + best(b, "lz4_unpack_4k");
    if (r->work->kind == WORK_SCAN)
        return copy;
    if (strcmp(name, "seekrandom") == 0)
        return 2 * huge + SEEK_ENTRIES * copy;
    if (strcmp(name, "compact") == 0)
        return entry * (double)b->keys / (double)LIMIT_BLOCK *
               (best(b, "lz4_unpack_4k") + best(b, "lz4_pack_4k") + 2 * best(b, "xxh3_4k"));
    return NAN;
}

void bounds_apply(const struct settings *s, struct results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        struct result *r = &results->list[i];
        double limit = limit_of(s, results, r);
        r->figures[FIGURE_LIMIT] = limit / 1e3;
        r->figures[FIGURE_TIMES] = r->figures[FIGURE_MICROS] * 1e3 / limit;
    }
}

void bounds_report(const struct results *results, FILE *to)
{
    fprintf(to, "\n%-17s  %11s  %11s\n", "limits", "best", "median");
    for (size_t i = 0; i < results->bound_count; i++) {
        const struct bound *b = &results->bounds[i];
        fprintf(to, "%-17s  %11.0f  %11.0f  %-4s  %s\n", b->name, b->best, b->median, b->unit,
                b->about);
    }
}
