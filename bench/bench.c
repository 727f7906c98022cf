/* bench.c: strata-bench, the benchmark driver: db_bench's workloads on any stage.
 *
 * Honest figures, in this order: counts of the file layer, which do not depend on the machine;
 * ratios between stages of one run; times last. Nothing is warmed up, repeated or left out: what
 * is printed is what one run did, and a run that its time cap cut short says how far it came.
 *
 * A database lives in DIR/STAGE. */
#include "bench.h"
#include "fs_posix.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- What is said ---------------------------------------------------------------------- */

int bench_say(int code, const char *format, ...)
{
    va_list args;

    fputs("strata-bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

int bench_fail(const struct strata_error *err, const char *doing)
{
    char text[600];
    return bench_say(err->code == STRATA_ERR_IO ? BENCH_IO : BENCH_OTHER, "%s: %s", doing,
                     strata_error_text(err, text, sizeof text));
}

int bench_fail_sys(const char *path, int sys)
{
    return bench_say(BENCH_IO, "%s: %s", path, strerror(sys));
}

int bench_fail_memory(void)
{
    return bench_say(BENCH_OTHER, "out of memory");
}

uint64_t bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- Signals --------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted; /* the signal, or 0 */

static void note_signal(int number)
{
    interrupted = number;
}

bool bench_interrupted(void)
{
    return interrupted != 0;
}

/* What was made is removed before the signal ends the process. A reader of the results that went
 * away is noticed when they are written. */
static void catch_signals(void)
{
    struct sigaction note = {.sa_handler = note_signal}, ignore = {.sa_handler = SIG_IGN};
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction old;
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(signals[i], &note, NULL);
    }
    sigaction(SIGPIPE, &ignore, NULL);
}

/* ---- One stage ------------------------------------------------------------------------- */

/* Can the stage do it? */
static bool promised(const struct bench *b, const struct work *work)
{
    unsigned needs = work->needs;

    if (b->settings->threads > 1 && work_threads(work))
        needs |= STRATA_PROMISE_THREADS;
    return !(needs & ~b->stage.promises);
}

/* With all stages one after another, what one cannot do is passed over; asked for by number, it
 * is an error. */
static int pass_over(const struct bench *b, const struct work *work)
{
    const char *lacks = work->needs & ~b->stage.promises & STRATA_PROMISE_BATCH ? "atomic batch"
                        : work->needs & ~b->stage.promises                      ? "synced writes"
                                                           : "promise for more threads than one";
    if (!b->settings->all_stages)
        return bench_say(BENCH_OTHER, "%s: not supported: %s has no %s", work->name, b->stage.name,
                         lacks);
    printf("%-16s : -  (%s has no %s)\n", work->name, b->stage.name, lacks);
    return BENCH_OK;
}

static int run_one(struct bench *b, const struct work *work, struct result *results, size_t *count)
{
    struct result *result = &results[*count];
    int code = promised(b, work) ? life_measure(b, work, result) : pass_over(b, work);

    if (code != BENCH_OK || !promised(b, work))
        return code;
    ++*count;
    report_result(result, stdout);
    if (b->settings->histogram && result->timed)
        histogram_print(&b->latency, stdout);
    return fflush(stdout) == 0 ? BENCH_OK : bench_fail_sys("standard output", errno);
}

static int run_stage(struct bench *b, struct result *results, size_t *count)
{
    const struct settings *s = b->settings;
    int code = BENCH_OK, closed;

    b->dir = fs_join(b->root, b->stage.name);
    if (!b->dir)
        return bench_fail_memory();
    b->made = false;
    b->filled = b->data.count;
    b->filled_shuffled = false;
    printf("\nstage %u, %s: survives %s\n", b->stage.stage, b->stage.name, b->stage.survives);
    for (size_t i = 0; i < s->work_count && code == BENCH_OK; i++)
        code = run_one(b, s->works[i], results, count);
    closed = life_close(b);
    if (!s->db && b->made)
        place_remove(b->dir);
    free(b->dir);
    b->dir = NULL;
    return code == BENCH_OK ? closed : code;
}

/* ---- The run --------------------------------------------------------------------------- */

static size_t stage_count(void)
{
    struct strata_stage_info info;
    size_t count = 0;

    while (strata_stage_at(count, &info) == 0)
        count++;
    return count;
}

static bool wants(const struct settings *s, const struct strata_stage_info *info, bool newest)
{
    return s->all_stages || (s->stage ? s->stage == info->stage : newest);
}

static int run_stages(struct bench *b, struct result *results, size_t *count)
{
    size_t stages = stage_count();
    int code = BENCH_OK;

    report_head(b, stdout);
    for (size_t i = 0; i < stages && code == BENCH_OK; i++) {
        strata_stage_at(i, &b->stage);
        if (wants(b->settings, &b->stage, i + 1 == stages))
            code = run_stage(b, results, count);
    }
    if (code == BENCH_OK && b->settings->all_stages && stages > 1)
        report_table(b->settings, results, *count, stdout);
    return code;
}

/* Where the databases go: made, if it is not there, before anything is measured. */
static int find_root(struct bench *b)
{
    const char *db = b->settings->db;

    b->root = db ? strdup(db) : place_temporary();
    if (!b->root)
        return db ? bench_fail_memory() : BENCH_IO;
    if (db && mkdir(db, 0777) < 0 && errno != EEXIST)
        return bench_fail_sys(db, errno);
    return BENCH_OK;
}

static int run_bench(struct bench *b, struct result *results, size_t *count)
{
    int code = data_init(&b->data, b->settings);

    b->fs = fs_posix_new();
    if (!b->fs)
        code = bench_fail_memory();
    if (code == BENCH_OK)
        code = find_root(b);
    if (code == BENCH_OK)
        code = run_stages(b, results, count);
    if (b->root && !b->settings->db)
        place_remove(b->root);
    free(b->root);
    fs_free(b->fs);
    return code;
}

static int write_json(const struct bench *b, const struct result *results, size_t count, FILE *to,
                      const char *unfinished)
{
    const char *path = b->settings->json;

    json_report(b->settings, &b->data, results, count, to);
    if (fflush(to) != 0 || ferror(to))
        return bench_fail_sys(unfinished, errno);
    return rename(unfinished, path) < 0 ? bench_fail_sys(path, errno) : BENCH_OK;
}

/* The file is opened before anything is measured: a wrong name must not cost a minute. It gets its
 * name when it is whole: a run that fails leaves an earlier one's results alone. */
static int run_with_json(struct bench *b, struct result *results, const char *unfinished)
{
    FILE *json = fopen(unfinished, "w");
    size_t count = 0;
    int code;

    if (!json)
        return bench_fail_sys(unfinished, errno);
    code = run_bench(b, results, &count);
    if (code == BENCH_OK)
        code = write_json(b, results, count, json, unfinished);
    fclose(json);
    if (code != BENCH_OK)
        remove(unfinished);
    return code;
}

static int run(struct bench *b, struct result *results)
{
    const char *json = b->settings->json;
    size_t capacity = json ? strlen(json) + sizeof ".tmp" : 0, count = 0;
    char *unfinished;
    int code;

    if (!json)
        return run_bench(b, results, &count);
    unfinished = malloc(capacity);
    if (!unfinished)
        return bench_fail_memory();
    snprintf(unfinished, capacity, "%s.tmp", json);
    code = run_with_json(b, results, unfinished);
    free(unfinished);
    return code;
}

static int finish(int code)
{
    if (interrupted) {
        signal(interrupted, SIG_DFL);
        raise(interrupted);
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == BENCH_OK)
        return bench_fail_sys("standard output", errno);
    return code;
}

int main(int argc, char **argv)
{
    static struct bench b; /* its histogram is large */
    struct settings s;
    struct result *results;
    int code = args_parse(&s, argc, argv);

    if (code != BENCH_OK)
        return code;
    if (s.help) {
        args_help(stdout);
        return finish(BENCH_OK);
    }
    results = calloc(stage_count() * s.work_count, sizeof *results);
    if (!results)
        return bench_fail_memory();
    catch_signals();
    b.settings = &s;
    code = run(&b, results);
    data_free(&b.data);
    free(results);
    return finish(code);
}
