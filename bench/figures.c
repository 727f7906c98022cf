/* figures.c: what is measured of a workload: names, as the JSON and --figures have them, and how
 * tables show them. */
#include "bench.h"

#include <string.h>

const struct figure_about figures_about[FIGURES] = {
    [FIGURE_SECONDS] = {"seconds", "seconds"},
    [FIGURE_OPS] = {"ops_per_s", "ops/s", .usual = true, .ratios = true},
    [FIGURE_MICROS] = {"micros_per_op", "us/op", .ratios = true},
    [FIGURE_MB] = {"mb_per_s", "MB/s", .ratios = true},
    [FIGURE_P50] = {"p50_us", "p50, us", .usual = true},
    [FIGURE_P99] = {"p99_us", "p99, us", .ratios = true},
    [FIGURE_P999] = {"p999_us", "p99.9, us", .usual = true, .ratios = true},
    [FIGURE_MAX] = {"max_us", "longest, us"},
    [FIGURE_READ_CALLS] = {"read_calls_per_op", "reads/op"},
    [FIGURE_READ_BYTES] = {"bytes_read_per_op", "bytes read/op"},
    [FIGURE_WRITE_CALLS] = {"write_calls_per_op", "writes/op"},
    [FIGURE_WRITTEN_PER_PUT] = {"bytes_written_per_byte_put", "bytes written"},
    [FIGURE_COMPARISONS] = {"comparisons_per_op", "keys compared/op"},
    [FIGURE_PROBES] = {"filter_probes_per_op", "filters asked/op"},
    [FIGURE_BLOCKS] = {"blocks_per_op", "blocks/op"},
    [FIGURE_LOADED] = {"blocks_loaded_per_op", "blocks loaded/op"},
    [FIGURE_LEVELS] = {"levels", "levels"},
    [FIGURE_RUNS] = {"sorted_runs", "sorted runs"},
    [FIGURE_CPU] = {"cpu_us_per_op", "CPU us/op", .ratios = true},
    [FIGURE_INDEX] = {"index_bytes_per_key", "index bytes/key"},
    [FIGURE_FSYNCS] = {"fsyncs_per_op", "syncs/op"},
    [FIGURE_OS_WRITTEN] = {"bytes_written", "bytes written"},
    [FIGURE_OS_CALLED] = {"bytes_written_by_calls", "written by calls"},
    [FIGURE_OS_READ] = {"bytes_read_by_calls", "read by calls"},
    [FIGURE_OS_FETCHED] = {"bytes_read", "bytes read"},
    [FIGURE_LOAD] = {"load_ops_per_s", "load, puts/s", .ratios = true},
    [FIGURE_LOAD_CPU] = {"load_cpu_us_per_op", "load, CPU us/put", .ratios = true},
    [FIGURE_WRITE_AMP] = {"write_amp", "write amp", .usual = true, .ratios = true},
    [FIGURE_CALL_AMP] = {"write_amp_by_calls", "amp by calls", .ratios = true},
    [FIGURE_READ_AMP] = {"read_amp", "read amp"},
    [FIGURE_SPACE_AMP] = {"space_amp", "space amp", .usual = true},
    [FIGURE_DENSITY] = {"disk_per_live_byte", "disk/live byte"},
    [FIGURE_DISK] = {"disk_bytes", "disk, bytes", .ratios = true},
    [FIGURE_RSS] = {"rss_mb", "memory, MB", .usual = true},
    [FIGURE_MAPPED] = {"rss_mapped_mb", "mapped of it, MB"},
    [FIGURE_BESIDE] = {"beside_ops_per_s", "puts/s beside", .ratios = true},
    [FIGURE_LIMIT] = {"limit_us", "limit, us/op"},
    [FIGURE_TIMES] = {"times_limit", "times its limit"},
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
