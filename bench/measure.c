/* measure.c: one workload: what it took, by the engine's own counters and by the clock. */
#include "bench.h"

#include <string.h>

/* ---- Counts ---------------------------------------------------------------------------- */

struct figures {
    struct counts counts;
    uint64_t index_keys, index_bytes;
};

static void add_figure(void *arg, const struct strata_stat *stat)
{
    struct figures *f = arg;
    struct counts *c = &f->counts;
    const struct {
        const char *name;
        uint64_t *sum;
    } figures[] = {{"fs_read", &c->reads},
                   {"fs_bytes_read", &c->bytes_read},
                   {"fs_append", &c->writes},
                   {"fs_write", &c->writes},
                   {"fs_bytes_written", &c->bytes_written},
                   {"fs_sync", &c->syncs},
                   {"fs_sync_dir", &c->syncs},
                   {"index_keys", &f->index_keys},
                   {"index_bytes", &f->index_bytes}};

    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (strcmp(stat->name, figures[i].name) == 0)
            *figures[i].sum += stat->value;
}

static int read_figures(struct bench *b, struct figures *f)
{
    struct strata_error err;

    *f = (struct figures){0};
    return strata_stats(b->db, add_figure, f, &err) < 0 ? bench_fail(&err, "stats") : BENCH_OK;
}

static void subtract(struct counts *c, const struct counts *before)
{
    c->reads -= before->reads;
    c->bytes_read -= before->bytes_read;
    c->writes -= before->writes;
    c->bytes_written -= before->bytes_written;
    c->syncs -= before->syncs;
}

/* ---- One workload ---------------------------------------------------------------------- */

static void take_latencies(struct result *r, const struct histogram *h)
{
    r->p50_us = (double)histogram_percentile(h, 0.5) / 1000;
    r->p99_us = (double)histogram_percentile(h, 0.99) / 1000;
    r->p999_us = (double)histogram_percentile(h, 0.999) / 1000;
    r->max_us = (double)h->max_ns / 1000;
}

/* What a fill has left, when its time was up. */
static void note_filled(struct bench *b, const struct result *r)
{
    enum work_leaves leaves = r->work->leaves;

    if (leaves == LEAVES_ANY || r->work->kind != WORK_FILL)
        return;
    b->filled = r->done < b->data.count ? r->done : b->data.count;
    b->filled_shuffled = leaves == LEAVES_SHUFFLED;
}

int measure(struct bench *b, const struct work *work, struct result *result)
{
    struct figures before, after;
    int code = read_figures(b, &before);

    if (code != BENCH_OK)
        return code;
    *result = (struct result){.work = work,
                              .stage = b->stage,
                              .threads = work_threads(work) ? b->settings->threads : 1,
                              .stride = work->batches ? b->settings->batch : 1,
                              .wanted = work_wanted(work, b),
                              .timed = work->kind != WORK_SCAN};
    memset(&b->latency, 0, sizeof b->latency);
    code = run_work(b, result);
    if (code != BENCH_OK)
        return code;
    if (bench_interrupted())
        return BENCH_OTHER;
    note_filled(b, result);
    take_latencies(result, &b->latency);
    code = read_figures(b, &after);
    result->counts = after.counts;
    subtract(&result->counts, &before.counts);
    result->index_keys = after.index_keys;
    result->index_bytes = after.index_bytes;
    return code;
}
