/* run.c: the loop of a workload, on one thread or several.
 *
 * The threads take operations off one counter, some at a time, and finish what they took: so what
 * a fill has done when its time is up are the first so many. The calling thread is the first
 * worker. Each has its own session, operations and latencies; they are added up when all have
 * ended.
 *
 * What an operation is about, random numbers and keys, is laid down for some at a time; that is no
 * part of any figure. Then the clock is read once a call: the end of one is the beginning of the
 * next. Of a scan it is read for every 64th entry. */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PLANNED 64       /* operations laid down at a time, */
#define PLANNED_SHARED 8 /* by one of several threads */
#define SCAN_STRIDE 64
#define SILENT_NS 1000000000u /* before anything is drawn */
#define REDRAW_NS 200000000u

struct run {
    struct result *result;
    uint64_t chunk;        /* operations that are taken at a time */
    _Atomic uint64_t next; /* the first operation that nobody has taken */
    _Atomic bool stop;     /* one failed */
    _Atomic bool over;     /* for the thread beside */
    uint64_t begun_ns, cap_ns;
    double cap_seconds;
    uint64_t drawn_ns;
    bool shown; /* on a terminal */
};

/* ---- How far it is, on a terminal ------------------------------------------------------ */

static bool on_terminal(void)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0 && isatty(STDERR_FILENO);
}

static const char *who = ""; /* in front of what is drawn: "turn 1 of 3: leveldb: " */

void run_draw(const char *text)
{
    who = text;
}

static void draw(struct run *run, uint64_t now_ns, uint64_t done)
{
    const struct result *r = run->result;

    if (!run->shown || now_ns - run->drawn_ns < REDRAW_NS || now_ns - run->begun_ns < SILENT_NS)
        return;
    run->drawn_ns = now_ns;
    fprintf(stderr, "\r%s%s: %" PRIu64 " of %" PRIu64 ", %.1f s of at most %.1f\033[K", who,
            r->work->name, done < r->wanted ? done : r->wanted, r->wanted,
            (double)(now_ns - run->begun_ns) / 1e9, run->cap_seconds);
}

static void undraw(const struct run *run)
{
    if (run->drawn_ns)
        fputs("\r\033[K", stderr);
}

/* ---- One thread ------------------------------------------------------------------------ */

/* The next operations are this thread's. */
static bool take(struct run *run, uint64_t *i, uint64_t *count)
{
    *i = atomic_fetch_add(&run->next, run->chunk);
    if (*i >= run->result->wanted)
        return false;
    *count = run->result->wanted - *i < run->chunk ? run->result->wanted - *i : run->chunk;
    return true;
}

static bool ended(const struct run *run, uint64_t now_ns)
{
    return atomic_load_explicit(&run->stop, memory_order_relaxed) ||
           now_ns - run->begun_ns >= run->cap_ns || bench_interrupted();
}

static uint64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void plan(struct worker *w, uint64_t i, uint64_t count)
{
    const struct bench *b = w->bench;
    size_t room = b->data.key_most + DATA_TAIL;
    uint64_t begun = bench_now_ns(), begun_cpu = thread_ns();

    for (uint64_t k = 0; k < count; k++) {
        struct op *op = &w->ops[k];
        w->run->result->work->plan(b, i + k, op);
        op->key =
            data_key(&b->data, op->number, op->act == ACT_MISS ? "." : "", w->keys + k * room);
        op->value = data_value(&b->data, op->number);
        if (w->entries)
            w->entries[k] = (struct engine_entry){op->key, op->value};
    }
    w->aside_cpu_ns += thread_ns() - begun_cpu;
    w->aside_ns += bench_now_ns() - begun;
}

static int call_batch(struct worker *w, uint64_t count)
{
    for (uint64_t k = 0; k < count; k++)
        w->put_bytes += w->entries[k].key.size + w->entries[k].value.size;
    w->done += count;
    return w->bench->contender->engine->batch(w->session, w->entries, count, &w->err);
}

static int call_one(struct worker *w, uint64_t i, const struct op *op)
{
    struct sum sum = {0};
    int rc = act_do(w, op, &sum);

    w->sum += act_weigh(i, &sum);
    w->found += sum.entries;
    w->bytes += sum.bytes;
    w->done++;
    return rc;
}

/* The operations of one taking. Alone, a thread may leave some when its time is up. */
static bool do_taken(struct worker *w, uint64_t i, uint64_t count)
{
    const struct result *r = w->run->result;
    uint64_t last = bench_now_ns(), now;
    bool go_on = true;

    for (uint64_t k = 0; k < count && go_on; k += r->stride, last = now) {
        w->rc = r->work->batches ? call_batch(w, count) : call_one(w, i + k, &w->ops[k]);
        now = bench_now_ns();
        histogram_add(&w->latency, now - last);
        go_on = w->rc == 0 && (r->threads > 1 || !ended(w->run, now));
        if (w->first)
            draw(w->run, now, i + k);
    }
    return w->rc == 0 && !ended(w->run, last);
}

static void *work_on(void *arg)
{
    struct worker *w = arg;
    uint64_t i, count;

    while (take(w->run, &i, &count)) {
        plan(w, i, count);
        if (!do_taken(w, i, count))
            break;
    }
    if (w->rc != 0)
        w->run->stop = true;
    return NULL;
}

/* Overwrites until the others have ended. It adds no key: whether a read would find that, nobody
 * could tell. */
static void *write_beside(void *arg)
{
    struct worker *w = arg;
    struct prng random = {w->bench->salt + 1};

    while (w->rc == 0 && !atomic_load_explicit(&w->run->over, memory_order_relaxed)) {
        struct op op = {.act = ACT_PUT, .number = draw_key(w->bench, &random)};
        if (!check_find(w->bench, &op.number))
            break;
        op.key = data_key(&w->bench->data, op.number, "", w->keys);
        op.value = data_value(&w->bench->data, op.number);
        w->rc = act_do(w, &op, NULL);
        w->done++;
    }
    return NULL;
}

/* The one thread of a scan. */
static void *scan_on(void *arg)
{
    struct worker *w = arg;
    const struct engine *e = w->bench->contender->engine;
    const struct result *r = w->run->result;
    enum engine_walk how = r->work->backwards ? WALK_LAST : WALK_FIRST;
    struct strata_slice none = {NULL, 0};
    struct sum sum = {0};
    void *iter = NULL;
    uint64_t now = w->run->begun_ns;

    w->rc = e->iterate(w->session, &iter, &w->err);
    while (w->rc == 0 && w->done < r->wanted && !ended(w->run, now)) {
        uint64_t left = r->wanted - w->done;
        w->rc = e->walk(iter, how, none, left < SCAN_STRIDE ? left : SCAN_STRIDE, &sum, &w->err);
        how = r->work->backwards ? WALK_PREV : WALK_NEXT;
        w->done = sum.entries;
        now = bench_now_ns();
        draw(w->run, now, w->done);
    }
    e->iterated(iter);
    w->run->result->ended = w->rc == STRATA_NOT_FOUND;
    w->rc = w->rc < 0 ? w->rc : 0;
    w->sum = act_weigh(0, &sum);
    w->bytes = sum.bytes;
    return NULL;
}

/* ---- All of them ----------------------------------------------------------------------- */

static int init_worker(struct worker *w, struct bench *b, struct run *run, size_t number)
{
    size_t room = b->data.key_most + DATA_TAIL;
    bool scan = run->result->work->kind == WORK_SCAN;
    size_t planned = scan ? 1 : run->chunk;

    w->bench = b;
    w->run = run;
    w->first = number == 0;
    w->ops = calloc(planned, sizeof *w->ops);
    w->keys = malloc(planned * room);
    if (run->result->work->batches)
        w->entries = calloc(planned, sizeof *w->entries);
    if (!w->ops || !w->keys || (run->result->work->batches && !w->entries))
        return bench_fail_memory();
    if (b->contender->engine->join(b->db, &w->session, &w->err) < 0)
        return bench_fail(&w->err, run->result->work->name);
    return BENCH_OK;
}

static void free_workers(struct bench *b, struct worker *workers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        b->contender->engine->leave(workers[i].session);
        free(workers[i].ops);
        free(workers[i].keys);
        free(workers[i].entries);
    }
    free(workers);
}

/* Runs worker 0 here and the others beside it, until all have ended; behind the last of them, where
 * one is wanted, the one that writes. */
static int run_threads(struct run *run, struct worker *workers, size_t count)
{
    const struct work *work = run->result->work;
    size_t begun = 1, all = count + work->beside;
    int sys = 0;

    run->begun_ns = bench_now_ns();
    for (; begun < all && sys == 0; begun += sys == 0)
        sys = pthread_create(&workers[begun].thread, NULL, begun < count ? work_on : write_beside,
                             &workers[begun]);
    if (sys)
        run->stop = true;
    if (work->kind == WORK_SCAN)
        scan_on(&workers[0]);
    else
        work_on(&workers[0]);
    for (size_t i = 1; i < begun && i < count; i++)
        pthread_join(workers[i].thread, NULL);
    run->over = true;
    if (begun > count)
        pthread_join(workers[count].thread, NULL);
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

/* What each has done becomes what was done; of errors the first worker's is reported. */
static int add_up(struct bench *b, struct result *r, const struct worker *workers, uint64_t *sum)
{
    int code = BENCH_OK;

    for (size_t i = 0; i < r->threads; i++) {
        const struct worker *w = &workers[i];
        r->done += w->done;
        r->found += w->found;
        r->bytes += w->bytes + w->put_bytes;
        r->put_bytes += w->put_bytes;
        r->seconds -= (double)w->aside_ns / 1e9 / (double)r->threads;
        r->cpu_seconds -= (double)w->aside_cpu_ns / 1e9;
        *sum += w->sum;
        histogram_merge(&b->latency, &w->latency);
    }
    for (size_t i = 0; i < r->threads + r->work->beside && code == BENCH_OK; i++)
        if (workers[i].rc < 0)
            code = bench_fail(&workers[i].err, r->work->name);
    return code;
}

/* Of few operations, as those that are synced, a thread takes one at a time. */
static uint64_t chunk_of(const struct result *r)
{
    uint64_t few = r->wanted / r->threads / PLANNED;

    if (r->work->batches || r->threads == 1)
        return r->work->batches ? r->stride : PLANNED;
    return few < 1 ? 1 : few < PLANNED_SHARED ? few : PLANNED_SHARED;
}

static int run_workers(struct bench *b, struct result *r, struct worker *workers)
{
    struct run run = {.result = r,
                      .chunk = chunk_of(r),
                      .shown = on_terminal(),
                      .cap_seconds = b->settings->seconds,
                      .cap_ns = (uint64_t)(b->settings->seconds * 1e9)};
    uint64_t sum = 0;
    int code = BENCH_OK;

    for (size_t i = 0; i < r->threads + r->work->beside && code == BENCH_OK; i++)
        code = init_worker(&workers[i], b, &run, i);
    if (code != BENCH_OK)
        return code;
    r->cpu_seconds = -cpu_seconds();
    code = run_threads(&run, workers, r->threads);
    r->cpu_seconds += cpu_seconds();
    r->seconds = (double)(bench_now_ns() - run.begun_ns) / 1e9;
    undraw(&run);
    if (code == BENCH_OK)
        code = add_up(b, r, workers, &sum);
    if (r->work->beside)
        r->beside = workers[r->threads].done;
    return code == BENCH_OK && !bench_interrupted() ? check_work(b, r, sum) : code;
}

int run_work(struct bench *b, struct result *r)
{
    size_t count = r->threads + r->work->beside;
    struct worker *workers = calloc(count, sizeof *workers);
    int code = workers ? run_workers(b, r, workers) : bench_fail_memory();

    if (workers)
        free_workers(b, workers, count);
    return code;
}
