/* run.c: the loop of a workload, on one thread or several.
 *
 * The threads take operations off one counter, so what a fill has done when its time is up are
 * the first so many. The calling thread is the first worker. Each has its own random numbers,
 * key, value and latencies; they are added up when all have ended.
 *
 * The clock is read once a call: the end of one is the beginning of the next, so the sum of the
 * latencies is the whole time, making the key included. An entry of a scan costs about as much as
 * reading the clock; there it is read for every 64th. */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SCAN_STRIDE 64
#define SILENT_NS 1000000000u /* before anything is drawn */
#define REDRAW_NS 200000000u

struct run {
    struct result *result;
    _Atomic uint64_t next; /* the first operation that nobody has taken */
    _Atomic bool stop;     /* one failed, or has nothing left to do */
    uint64_t begun_ns, cap_ns;
    double cap_seconds;
    bool shown, drawn; /* how far it is, on a terminal */
    uint64_t drawn_ns;
};

/* ---- How far it is, on a terminal ------------------------------------------------------ */

static bool on_terminal(void)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0 && isatty(STDERR_FILENO);
}

static void draw(struct run *run, uint64_t now_ns)
{
    const struct result *r = run->result;
    uint64_t next = run->next;

    if (!run->shown || now_ns - run->begun_ns < SILENT_NS || now_ns - run->drawn_ns < REDRAW_NS)
        return;
    run->drawn_ns = now_ns;
    run->drawn = true;
    fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 ", %.1f s of at most %.1f\033[K", r->work->name,
            next < r->wanted ? next : r->wanted, r->wanted, (double)(now_ns - run->begun_ns) / 1e9,
            run->cap_seconds);
}

static void undraw(const struct run *run)
{
    if (run->drawn)
        fputs("\r\033[K", stderr);
}

/* ---- One thread ------------------------------------------------------------------------ */

/* The next operation, or those of the next batch, are this thread's. Alone it needs no locked
 * addition, which would show in a scan. */
static bool take(struct worker *w, uint64_t *i)
{
    const struct result *r = w->run->result;
    _Atomic uint64_t *next = &w->run->next;

    if (r->threads > 1) {
        *i = atomic_fetch_add(next, r->stride);
    } else {
        *i = atomic_load_explicit(next, memory_order_relaxed);
        atomic_store_explicit(next, *i + r->stride, memory_order_relaxed);
    }
    if (*i >= r->wanted)
        return false;
    w->count = r->wanted - *i < r->stride ? r->wanted - *i : r->stride;
    return true;
}

static bool ended(const struct run *run, uint64_t now_ns)
{
    return atomic_load_explicit(&run->stop, memory_order_relaxed) ||
           now_ns - run->begun_ns >= run->cap_ns || bench_interrupted();
}

/* The time now, and the latency since `last` taken down. */
static uint64_t end_of_one(struct worker *w, uint64_t last)
{
    uint64_t now = bench_now_ns();

    if (w->run->result->timed)
        histogram_add(&w->latency, now - last - w->aside_ns);
    w->all_aside_ns += w->aside_ns;
    if (w->first)
        draw(w->run, now);
    return now;
}

static void *work_on(void *arg)
{
    struct worker *w = arg;
    struct run *run = w->run;
    const struct result *r = run->result;
    uint64_t last = bench_now_ns(), stride = r->timed ? 1 : SCAN_STRIDE, i;

    while (!ended(run, last) && take(w, &i)) {
        w->aside_ns = 0;
        w->rc = r->work->one(w, i, &w->err);
        if (w->rc != 0)
            break;
        w->done += w->count;
        if (w->done % stride == 0 || w->done == 1) /* making the iterator may be what is slow */
            last = end_of_one(w, last);
    }
    if (w->rc != 0)
        run->stop = true;
    return NULL;
}

/* ---- All of them ----------------------------------------------------------------------- */

static int init_worker(struct worker *w, struct bench *b, struct run *run, size_t number)
{
    w->bench = b;
    w->run = run;
    w->first = number == 0;
    w->random.state = b->settings->seed + number;
    w->batch = strata_batch_new();
    return w->batch ? data_maker_init(&w->maker, &b->data) : bench_fail_memory();
}

static void free_workers(struct worker *workers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        strata_iter_free(workers[i].iter);
        strata_batch_free(workers[i].batch);
        strata_buffer_free(&workers[i].value);
        data_maker_free(&workers[i].maker);
    }
    free(workers);
}

/* Runs worker 0 here and the others beside it, until all have ended. */
static int run_threads(struct run *run, struct worker *workers, size_t count)
{
    size_t begun = 1;
    int sys = 0;

    run->begun_ns = bench_now_ns();
    for (; begun < count && sys == 0; begun += sys == 0)
        sys = pthread_create(&workers[begun].thread, NULL, work_on, &workers[begun]);
    if (sys)
        run->stop = true;
    work_on(&workers[0]);
    while (begun > 1)
        pthread_join(workers[--begun].thread, NULL);
    return sys ? bench_fail_sys("a thread", sys) : BENCH_OK;
}

static double cpu_seconds(void)
{
    struct rusage used;

    if (getrusage(RUSAGE_SELF, &used) < 0)
        return 0;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* What each has done becomes what was done; of errors the first worker's is told. */
static int add_up(struct bench *b, struct result *r, const struct worker *workers)
{
    int code = BENCH_OK;

    for (size_t i = 0; i < r->threads; i++) {
        const struct worker *w = &workers[i];
        r->done += w->done;
        r->found += w->found;
        r->bytes += w->bytes;
        r->seconds -= (double)w->all_aside_ns / 1e9;
        histogram_merge(&b->latency, &w->latency);
        if (w->rc < 0 && code == BENCH_OK)
            code = bench_fail(&w->err, r->work->name);
    }
    return code;
}

static int run_workers(struct bench *b, struct result *result, struct worker *workers)
{
    struct run run = {.result = result,
                      .cap_seconds = b->settings->seconds,
                      .cap_ns = (uint64_t)(b->settings->seconds * 1e9),
                      .shown = on_terminal()};
    int code = BENCH_OK;

    for (size_t i = 0; i < result->threads && code == BENCH_OK; i++)
        code = init_worker(&workers[i], b, &run, i);
    if (code != BENCH_OK)
        return code;
    result->cpu_seconds = -cpu_seconds();
    code = run_threads(&run, workers, result->threads);
    result->cpu_seconds += cpu_seconds();
    result->seconds = (double)(bench_now_ns() - run.begun_ns) / 1e9;
    undraw(&run);
    return code == BENCH_OK ? add_up(b, result, workers) : code;
}

int run_work(struct bench *b, struct result *result)
{
    struct worker *workers = calloc(result->threads, sizeof *workers);
    int code = workers ? run_workers(b, result, workers) : bench_fail_memory();

    if (workers)
        free_workers(workers, result->threads);
    return code;
}
