/* bench.c: strata-bench, the benchmark driver: db_bench's workloads, and YCSB's, on any stage and
 * on the engines that a user would take instead.
 *
 * Honest figures, in this order: counts of the file layer, which do not depend on the machine;
 * ratios between engines of one run; times last. Nothing is warmed up or left out: what is printed
 * is what one run did, or medians of all, and a run that its time cap cut short says how far it
 * came. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- The run --------------------------------------------------------------------------- */

/* Where the databases go: made, if it is not there, before anything is measured. */
static char *find_root(const struct settings *s, int *code)
{
    char *root = s->db ? strdup(s->db) : place_temporary();

    if (!root)
        *code = s->db ? bench_fail_memory() : BENCH_IO;
    else if (s->db && mkdir(s->db, 0777) < 0 && errno != EEXIST)
        *code = bench_fail_sys(s->db, errno);
    return root;
}

/* How many keys there are; of a file only who reads it knows. */
static int count_keys(const struct settings *s, uint64_t *count)
{
    struct data data;
    int code = data_init(&data, s);

    *count = data.count;
    data_free(&data);
    return code;
}

static int run_in(const struct settings *s, const char *root, struct results *results)
{
    bool several = s->contender_count > 1 || !s->each;
    int code;

    results->files = os_file_system(root);
    report_head(s, results->keys, root, stdout);
    report_engines(s, stdout);
    code = s->limits ? bounds_measure(root, results) : BENCH_OK;
    if (code == BENCH_OK)
        code = turns_run(s, root, results);
    if (code != BENCH_OK)
        return code;
    bounds_apply(s, results);
    if (several)
        report_table(s, results, stdout);
    report_goals(s, results, stdout);
    if (s->limits)
        report_limits(s, results, stdout);
    return code;
}

static int run_bench(const struct settings *s, struct results *results)
{
    int code = count_keys(s, &results->keys);
    char *root;

    if (code != BENCH_OK)
        return code;
    root = find_root(s, &code);
    if (code == BENCH_OK)
        code = run_in(s, root, results);
    if (root && !s->db)
        place_remove(root);
    free(root);
    return code;
}

static int write_json(const struct settings *s, const struct results *results, FILE *to,
                      const char *unfinished)
{
    json_report(s, results, to);
    if (fflush(to) != 0 || ferror(to))
        return bench_fail_sys(unfinished, errno);
    return rename(unfinished, s->json) < 0 ? bench_fail_sys(s->json, errno) : BENCH_OK;
}

/* The file is opened before anything is measured: a wrong name must not cost a minute. It gets its
 * name when it is whole: a run that fails leaves an earlier one's results alone. */
static int run_with_json(const struct settings *s, struct results *results, const char *unfinished)
{
    FILE *json = fopen(unfinished, "w");
    int code;

    if (!json)
        return bench_fail_sys(unfinished, errno);
    code = run_bench(s, results);
    if (code == BENCH_OK)
        code = write_json(s, results, json, unfinished);
    fclose(json);
    if (code != BENCH_OK)
        remove(unfinished);
    return code;
}

static int run(const struct settings *s, struct results *results)
{
    size_t capacity = s->json ? strlen(s->json) + sizeof ".tmp" : 0;
    char *unfinished;
    int code;

    if (!s->json)
        return run_bench(s, results);
    unfinished = malloc(capacity);
    if (!unfinished)
        return bench_fail_memory();
    snprintf(unfinished, capacity, "%s.tmp", s->json);
    code = run_with_json(s, results, unfinished);
    free(unfinished);
    return code;
}

static int finish(int code)
{
    bench_end_by_signal();
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == BENCH_OK)
        return bench_fail_sys("standard output", errno);
    return code;
}

int main(int argc, char **argv)
{
    static struct settings s;
    struct results results = {0};
    int code = args_parse(&s, argc, argv);

    if (code != BENCH_OK)
        return code;
    if (s.help) {
        args_help(stdout);
        return finish(BENCH_OK);
    }
    bench_catch_signals();
    code = turns_ask(&s);
    if (code == BENCH_OK)
        code = run(&s, &results);
    free(results.list);
    return finish(code);
}
