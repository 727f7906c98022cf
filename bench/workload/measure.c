/* measure.c: one workload: what it took, by the clock, by the engine's own counters and by the
 * system's. */
#include "bench.h"

#include <string.h>

#define WARM_TIMES 4 /* the data: memtables, log, tables, cache */

/* ---- Counts ---------------------------------------------------------------------------- */

struct counted {
    struct engine_counts engine;
    struct os_io io;
};

static int count(struct bench *b, struct counted *c)
{
    const struct engine *e = b->contender->engine;
    struct strata_error err;

    *c = (struct counted){0};
    os_io(&c->io);
    if (!b->db || !e->counts)
        return BENCH_OK;
    return e->counts(b->db, &c->engine, &err) < 0 ? bench_fail(&err, "stats") : BENCH_OK;
}

static double known(bool is, double value)
{
    return is ? value : NAN;
}

static double each(const struct result *r, uint64_t was, uint64_t is)
{
    return known(r->done, per((double)(is - was), (double)r->done));
}

static void take_engine_counts(struct result *r, const struct engine_counts *was,
                               const struct engine_counts *is)
{
    double *f = r->figures;

    f[FIGURE_READ_CALLS] = each(r, was->reads, is->reads);
    f[FIGURE_READ_BYTES] = each(r, was->bytes_read, is->bytes_read);
    f[FIGURE_WRITE_CALLS] = each(r, was->writes, is->writes);
    f[FIGURE_FSYNCS] = each(r, was->syncs, is->syncs);
    f[FIGURE_WRITTEN_PER_PUT] = known(
        r->put_bytes, per((double)(is->bytes_written - was->bytes_written), (double)r->put_bytes));
    f[FIGURE_INDEX] = known(is->index_keys, per((double)is->index_bytes, (double)is->index_keys));
    r->index_keys = is->index_keys;
}

/* Stages before 6 do not count these. */
static void take_costs(struct result *r, const struct engine_counts *was,
                       const struct engine_counts *is)
{
    double *f = r->figures;

    if (!is->comparisons)
        return;
    f[FIGURE_COMPARISONS] = each(r, was->comparisons, is->comparisons);
    f[FIGURE_PROBES] = each(r, was->filter_probes, is->filter_probes);
    f[FIGURE_BLOCKS] = each(r, was->blocks, is->blocks);
    f[FIGURE_LOADED] = each(r, was->blocks_loaded, is->blocks_loaded);
    f[FIGURE_LEVELS] = (double)is->levels;
    f[FIGURE_RUNS] = (double)is->runs;
}

static void take_times(struct result *r, const struct histogram *h)
{
    double done = (double)r->done, *f = r->figures;
    bool any = r->done > 0, timed = any && r->timed;

    f[FIGURE_SECONDS] = r->seconds;
    f[FIGURE_OPS] = known(any && r->seconds > 0, per(done, r->seconds));
    f[FIGURE_MICROS] = known(any, per(r->seconds * 1e6, done));
    f[FIGURE_MB] = known(any && r->seconds > 0, per((double)r->bytes / 1e6, r->seconds));
    f[FIGURE_CPU] = known(any, per(r->cpu_seconds * 1e6, done));
    f[FIGURE_P50] = known(timed, (double)histogram_percentile(h, 0.5) / 1000);
    f[FIGURE_P99] = known(timed, (double)histogram_percentile(h, 0.99) / 1000);
    f[FIGURE_P999] = known(timed, (double)histogram_percentile(h, 0.999) / 1000);
    f[FIGURE_MAX] = known(timed, (double)h->max_ns / 1000);
    f[FIGURE_BESIDE] = known(r->work->beside, per((double)r->beside, r->seconds));
}

static double above(uint64_t bytes, uint64_t own)
{
    return bytes > own ? (double)(bytes - own) / 1e6 : 0;
}

static void take_memory(const struct bench *b, struct result *r)
{
    struct os_memory memory;

    os_memory(&memory);
    r->figures[FIGURE_RSS] = above(memory.most, b->own.resident);
    r->figures[FIGURE_MAPPED] = above(memory.mapped, b->own.mapped);
}

/* More than a work of so much data takes is not touched: tests have little. */
static void warm_memory(const struct bench *b)
{
    const struct data *d = &b->data;
    uint64_t bytes = d->records ? d->pool.size : d->count * (d->key_bytes + d->value_bytes);
    uint64_t most = b->settings->warm_bytes;

    os_memory_warm(bytes * WARM_TIMES < most ? bytes * WARM_TIMES : most);
}

static bool settles(const struct result *r)
{
    return strcmp(r->work->name, "settle") == 0;
}

/* settle reports it of all writes since the database was made, as then there is no compaction debt.
 */
static void take_made(struct bench *b, struct result *r)
{
    const struct made *m = &b->made_of;
    double *f = r->figures;

    f[FIGURE_WRITE_AMP] = known(m->put_bytes, per((double)m->written, (double)m->put_bytes));
    f[FIGURE_CALL_AMP] = known(m->put_bytes, per((double)m->called, (double)m->put_bytes));
    f[FIGURE_LOAD] = known(m->puts && m->seconds > 0, per((double)m->puts, m->seconds));
    f[FIGURE_LOAD_CPU] = known(m->puts, per(m->cpu_seconds * 1e6, (double)m->puts));
}

static void add_made(struct made *m, const struct result *r)
{
    m->puts += work_writes(r->work) ? r->done : 0;
    m->put_bytes += r->put_bytes;
    m->written += (uint64_t)r->figures[FIGURE_OS_WRITTEN];
    m->called += (uint64_t)r->figures[FIGURE_OS_CALLED];
    m->seconds += r->seconds;
    m->cpu_seconds += r->cpu_seconds;
}

static void take_io(struct bench *b, struct result *r, const struct os_io *was,
                    const struct os_io *is)
{
    double *f = r->figures, written = (double)(is->written - was->written);
    uint64_t given = r->bytes - r->put_bytes;

    f[FIGURE_OS_WRITTEN] = written;
    f[FIGURE_OS_FETCHED] = (double)(is->fetched - was->fetched);
    f[FIGURE_OS_CALLED] = (double)(is->called - was->called);
    f[FIGURE_OS_READ] = (double)(is->read - was->read);
    f[FIGURE_WRITE_AMP] = known(r->put_bytes, per(written, (double)r->put_bytes));
    f[FIGURE_CALL_AMP] = known(r->put_bytes, per(f[FIGURE_OS_CALLED], (double)r->put_bytes));
    f[FIGURE_READ_AMP] =
        known(given && !work_writes(r->work), per(f[FIGURE_OS_READ], (double)given));
    if (work_writes(r->work) || settles(r))
        add_made(&b->made_of, r);
    if (settles(r))
        take_made(b, r);
}

/* Since it had settled nothing was put that was not there: the same content. */
static void take_space(struct bench *b, struct result *r, uint64_t bytes)
{
    if (settles(r)) {
        b->settled_bytes = bytes;
        b->settled_live = check_live(b);
    }
    if (strcmp(r->work->name, "compact") == 0)
        r->figures[FIGURE_SPACE_AMP] =
            known(b->settled_bytes && b->known && b->settled_live == check_live(b),
                  per((double)b->settled_bytes, (double)bytes));
}

void measure_disk(struct bench *b, struct result *r)
{
    uint64_t bytes, named;
    double entry = (double)(b->data.key_bytes + b->data.value_bytes);
    double live = b->known && !b->data.records ? (double)check_live(b) * entry : 0;

    if (os_disk(b->dir, &bytes, &named) != 0)
        return;
    r->figures[FIGURE_DISK] = (double)bytes;
    r->figures[FIGURE_DENSITY] = known(live > 0, per((double)bytes, live));
    take_space(b, r, bytes);
}

/* ---- What is no loop of operations ----------------------------------------------------- */

/* Of closing and opening one is timed; what makes it ready is aside. */
static int open_once(struct bench *b, struct result *r, struct strata_error *err)
{
    struct watch closed = watch_begin(), opened;
    int rc = r->work->one(b, err);

    closed = watch_since(&closed);
    if (rc < 0)
        return rc;
    opened = watch_begin();
    rc = life_open_again(b, err);
    if (rc == 0 && r->work->then)
        rc = r->work->then(b, err);
    if (rc < 0)
        return rc;
    opened = watch_since(&opened);
    if (r->work->closes)
        opened = closed;
    histogram_add(&b->latency, (uint64_t)(opened.wall * 1e9));
    r->seconds += opened.wall;
    r->cpu_seconds += opened.cpu;
    r->done++;
    if (b->survivors) {
        rc = check_survivors(b, err);
        b->survivors = 0;
    }
    return rc;
}

static int run_opens(struct bench *b, struct result *r)
{
    uint64_t begun = bench_now_ns();
    struct strata_error err;

    while (r->done < r->wanted && !bench_interrupted() &&
           (double)(bench_now_ns() - begun) / 1e9 < b->settings->seconds)
        if (open_once(b, r, &err) < 0)
            return bench_fail(&err, r->work->name);
    return BENCH_OK;
}

/* The time that it took to see that nobody works any more is not in it. */
static int run_once(struct bench *b, struct result *r)
{
    const struct engine *e = b->contender->engine;
    struct watch watch = watch_begin();
    struct strata_error err;
    double quiet = 0;

    if (r->work->one(b, &err) < 0)
        return bench_fail(&err, r->work->name);
    if (r->work->one != check_everything)
        quiet = os_wait_idle(e->busy, b->db);
    watch = watch_since(&watch);
    r->seconds = watch.wall - quiet;
    r->cpu_seconds = watch.cpu;
    r->done = 1;
    return BENCH_OK;
}

static int run_any(struct bench *b, struct result *r)
{
    if (r->work->kind == WORK_OPEN)
        return run_opens(b, r);
    return r->work->kind == WORK_ONCE ? run_once(b, r) : run_work(b, r);
}

/* ---- One workload ---------------------------------------------------------------------- */

/* What a fill has left, when its time was up. */
static void note_filled(struct bench *b, const struct result *r)
{
    enum work_leaves leaves = r->work->leaves;

    if (leaves == LEAVES_ANY || r->work->kind != WORK_FILL)
        return;
    b->filled = r->done < b->filled ? r->done : b->filled;
    b->filled_shuffled = leaves == LEAVES_SHUFFLED;
}

static void begin(struct bench *b, const struct work *work, size_t place, struct result *r)
{
    *r = (struct result){.work = work,
                         .contender = (size_t)(b->contender - b->settings->contenders),
                         .place = place,
                         .threads = work_threads(work, b->settings),
                         .stride = work->batches ? b->settings->batch : 1,
                         .wanted = work_wanted(work, b),
                         .timed = work->kind != WORK_SCAN && work->kind != WORK_ONCE};
    for (int i = 0; i < FIGURES; i++)
        r->figures[i] = NAN;
    memset(&b->latency, 0, sizeof b->latency);
    b->salt = (b->settings->seed + 1) * 0xd1342543de82ef95u + place * 0x2545f4914f6cdd1du;
    b->first_new = b->next;
    zipf_init(&b->zipf, b->filled, 0.99);
    os_memory_forget();
}

int measure(struct bench *b, const struct work *work, size_t place, struct result *result)
{
    struct counted before, after;
    int code;

    warm_memory(b);
    code = count(b, &before);
    if (code != BENCH_OK)
        return code;
    begin(b, work, place, result);
    code = run_any(b, result);
    if (code != BENCH_OK)
        return code;
    if (bench_interrupted())
        return BENCH_OTHER;
    code = count(b, &after);
    note_filled(b, result);
    take_times(result, &b->latency);
    if (b->contender->engine->counts) {
        take_engine_counts(result, &before.engine, &after.engine);
        take_costs(result, &before.engine, &after.engine);
    }
    take_io(b, result, &before.io, &after.io);
    take_memory(b, result);
    measure_disk(b, result);
    return code;
}
