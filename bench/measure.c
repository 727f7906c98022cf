/* measure.c: runs one workload: times it, counts it, stops it when its time is up.
 *
 * The clock is read once an operation: the end of one is the beginning of the next, so the sum of
 * the latencies is the whole time, making the key included. An entry of a scan costs about as
 * much as reading the clock; there it is read for every 64th. */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPENS 100
#define SCAN_STRIDE 64
#define SILENT_NS 1000000000u /* before anything is drawn */
#define REDRAW_NS 200000000u

/* ---- Counts ---------------------------------------------------------------------------- */

static void add_figure(void *arg, const struct strata_stat *stat)
{
    struct counts *c = arg;
    const struct {
        const char *name;
        uint64_t *sum;
    } figures[] = {{"fs_read", &c->reads},
                   {"fs_bytes_read", &c->bytes_read},
                   {"fs_append", &c->writes},
                   {"fs_write", &c->writes},
                   {"fs_bytes_written", &c->bytes_written},
                   {"fs_sync", &c->syncs},
                   {"fs_sync_dir", &c->syncs}};

    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (strcmp(stat->name, figures[i].name) == 0)
            *figures[i].sum += stat->value;
}

static int read_counts(struct bench *b, struct counts *c)
{
    struct strata_error err;

    *c = (struct counts){0};
    return strata_stats(b->db, add_figure, c, &err) < 0 ? bench_fail(&err, "stats") : BENCH_OK;
}

static void subtract(struct counts *c, const struct counts *before)
{
    c->reads -= before->reads;
    c->bytes_read -= before->bytes_read;
    c->writes -= before->writes;
    c->bytes_written -= before->bytes_written;
    c->syncs -= before->syncs;
}

/* ---- How far it is, on a terminal ------------------------------------------------------ */

struct watch {
    bool shown, drawn;
    uint64_t begun_ns, drawn_ns;
};

static void watch_tick(struct watch *w, const struct bench *b, uint64_t now_ns)
{
    const struct result *r = b->now;

    if (!w->shown || now_ns - w->begun_ns < SILENT_NS || now_ns - w->drawn_ns < REDRAW_NS)
        return;
    w->drawn_ns = now_ns;
    w->drawn = true;
    fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 ", %.1f s of at most %.1f\033[K", r->work->name,
            r->done, r->wanted, (double)(now_ns - w->begun_ns) / 1e9, b->settings->seconds);
}

static void watch_end(const struct watch *w)
{
    if (w->drawn)
        fputs("\r\033[K", stderr);
}

static bool on_terminal(void)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0 && isatty(STDERR_FILENO);
}

/* ---- The loop -------------------------------------------------------------------------- */

static uint64_t wanted(const struct bench *b, const struct work *work)
{
    uint64_t reads = b->settings->reads ? b->settings->reads : b->data.count;

    if (work->kind == WORK_OPEN)
        return b->settings->reads && reads < OPENS ? reads : OPENS;
    return work_writes(work) ? b->data.count : reads;
}

/* The time now, and the latency since `last` taken down. */
static uint64_t end_of_one(struct bench *b, uint64_t last)
{
    uint64_t now = bench_now_ns();

    if (b->now->timed)
        histogram_add(&b->latency, now - last - b->aside_ns);
    return now;
}

static int run(struct bench *b, struct watch *watch, struct strata_error *err)
{
    struct result *r = b->now;
    uint64_t begun = bench_now_ns(), last = begun, aside = 0;
    uint64_t cap_ns = (uint64_t)(b->settings->seconds * 1e9), stride = r->timed ? 1 : SCAN_STRIDE;
    int rc = 0;

    watch->begun_ns = begun;
    while (r->done < r->wanted && last - begun < cap_ns && !bench_interrupted()) {
        b->aside_ns = 0;
        rc = r->work->one(b, r->done, err);
        if (rc != 0)
            break;
        if (++r->done % stride && r->done > 1) /* making the iterator may be what is slow */
            continue;
        last = end_of_one(b, last);
        aside += b->aside_ns;
        watch_tick(watch, b, last);
    }
    r->seconds = (double)(bench_now_ns() - begun - aside) / 1e9;
    return rc < 0 ? rc : 0;
}

static void take_latencies(struct result *r, const struct histogram *h)
{
    r->p50_us = (double)histogram_percentile(h, 0.5) / 1000;
    r->p99_us = (double)histogram_percentile(h, 0.99) / 1000;
    r->p999_us = (double)histogram_percentile(h, 0.999) / 1000;
    r->max_us = (double)h->max_ns / 1000;
}

int measure(struct bench *b, const struct work *work, struct result *result)
{
    struct watch watch = {.shown = on_terminal()};
    struct counts before;
    struct strata_error err;
    int code = read_counts(b, &before), rc;

    if (code != BENCH_OK)
        return code;
    *result = (struct result){.work = work,
                              .stage = b->stage,
                              .wanted = wanted(b, work),
                              .timed = work->kind != WORK_SCAN};
    b->now = result;
    b->random.state = b->settings->seed;
    memset(&b->latency, 0, sizeof b->latency);
    rc = run(b, &watch, &err);
    watch_end(&watch);
    strata_iter_free(b->iter);
    b->iter = NULL;
    if (rc < 0)
        return bench_fail(&err, work->name);
    if (bench_interrupted())
        return BENCH_OTHER;
    take_latencies(result, &b->latency);
    code = read_counts(b, &result->counts);
    subtract(&result->counts, &before);
    return code;
}
