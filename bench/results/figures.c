/* figures.c: what is measured of a workload: names, as the JSON and --figures have them, and how
 * tables show them. */
#include "bench.h"

#include <string.h>

const struct figure_about figures_about[FIGURES] = {
    [FIGURE_SECONDS] = {.name = "seconds", .title = "seconds"},
    [FIGURE_OPS] = {.name = "ops_per_s", .title = "ops/s", .usual = true, .ratios = true},
    [FIGURE_MICROS] = {.name = "micros_per_op", .title = "us/op", .ratios = true},
    [FIGURE_MB] = {.name = "mb_per_s", .title = "MB/s", .ratios = true},
    [FIGURE_P50] = {.name = "p50_us", .title = "p50, us", .usual = true},
    [FIGURE_P99] = {.name = "p99_us", .title = "p99, us", .ratios = true},
    [FIGURE_P999] = {.name = "p999_us", .title = "p99.9, us", .usual = true, .ratios = true},
    [FIGURE_MAX] = {.name = "max_us", .title = "longest, us"},
    [FIGURE_READ_CALLS] = {.name = "read_calls_per_op", .title = "reads/op"},
    [FIGURE_READ_BYTES] = {.name = "bytes_read_per_op", .title = "bytes read/op"},
    [FIGURE_WRITE_CALLS] = {.name = "write_calls_per_op", .title = "writes/op"},
    [FIGURE_WRITTEN_PER_PUT] = {.name = "bytes_written_per_byte_put", .title = "bytes written"},
    [FIGURE_COMPARISONS] = {.name = "comparisons_per_op", .title = "keys compared/op"},
    [FIGURE_PROBES] = {.name = "filter_probes_per_op", .title = "filters asked/op"},
    [FIGURE_BLOCKS] = {.name = "blocks_per_op", .title = "blocks/op"},
    [FIGURE_LOADED] = {.name = "blocks_loaded_per_op", .title = "blocks loaded/op"},
    [FIGURE_LEVELS] = {.name = "levels", .title = "levels"},
    [FIGURE_RUNS] = {.name = "sorted_runs", .title = "sorted runs"},
    [FIGURE_CPU] = {.name = "cpu_us_per_op", .title = "CPU us/op", .ratios = true},
    [FIGURE_INDEX] = {.name = "index_bytes_per_key", .title = "index bytes/key"},
    [FIGURE_FSYNCS] = {.name = "fsyncs_per_op", .title = "syncs/op"},
    [FIGURE_OS_WRITTEN] = {.name = "bytes_written", .title = "bytes written"},
    [FIGURE_OS_CALLED] = {.name = "bytes_written_by_calls", .title = "written by calls"},
    [FIGURE_OS_READ] = {.name = "bytes_read_by_calls", .title = "read by calls"},
    [FIGURE_OS_FETCHED] = {.name = "bytes_read", .title = "bytes read"},
    [FIGURE_LOAD] = {.name = "load_ops_per_s", .title = "load, puts/s", .ratios = true},
    [FIGURE_LOAD_CPU] = {.name = "load_cpu_us_per_op", .title = "load, CPU us/put", .ratios = true},
    [FIGURE_WRITE_AMP] = {.name = "write_amp", .title = "write amp", .usual = true, .ratios = true},
    [FIGURE_CALL_AMP] = {.name = "write_amp_by_calls", .title = "amp by calls", .ratios = true},
    [FIGURE_READ_AMP] = {.name = "read_amp", .title = "read amp"},
    [FIGURE_SPACE_AMP] = {.name = "space_amp", .title = "space amp", .usual = true},
    [FIGURE_DENSITY] = {.name = "disk_per_live_byte", .title = "disk/live byte"},
    [FIGURE_DISK] = {.name = "disk_bytes", .title = "disk, bytes", .ratios = true},
    [FIGURE_RSS] = {.name = "rss_mb", .title = "memory, MB", .usual = true},
    [FIGURE_MAPPED] = {.name = "rss_mapped_mb", .title = "mapped of it, MB"},
    [FIGURE_BESIDE] = {.name = "beside_ops_per_s", .title = "puts/s beside", .ratios = true},
    [FIGURE_LIMIT] = {.name = "limit_us", .title = "limit, us/op"},
    [FIGURE_TIMES] = {.name = "times_limit", .title = "times its limit"},
};

static int take_one(struct settings *s, const char *name, size_t size)
{
    for (int f = 0; f < FIGURES; f++)
        if (strlen(figures_about[f].name) == size &&
            memcmp(figures_about[f].name, name, size) == 0) {
            s->figures[s->figure_count++] = (enum figure)f;
            return BENCH_OK;
        }
    return bench_say(BENCH_USAGE, "--figures: there is no \"%.*s\"; see --help", (int)size, name);
}

int figures_take(struct settings *s, const char *list)
{
    int code = BENCH_OK;

    s->figure_count = 0;
    while (*list && code == BENCH_OK) {
        size_t size = strcspn(list, ",");
        if (s->figure_count == FIGURES)
            return bench_say(BENCH_USAGE, "--figures: more than %d", FIGURES);
        code = take_one(s, list, size);
        list += size + (list[size] == ',');
    }
    if (code != BENCH_OK || s->figure_count)
        return code;
    return bench_say(BENCH_USAGE, "--figures: none are named");
}

void figures_usual(struct settings *s)
{
    for (int f = 0; f < FIGURES; f++)
        if (figures_about[f].usual && (s->named || f == FIGURE_OPS))
            s->figures[s->figure_count++] = (enum figure)f;
}
