/* json.c: results for programs, RFC 8259. A figure that was not measured is null. One run a line,
 * so that awk reads it as well. */
#include "bench.h"
#include "text/text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static void json_text(const char *name, const char *text, FILE *to)
{
    struct strata_slice rest = strata_string(text);

    fprintf(to, "\"%s\": \"", name);
    while (rest.size) {
        size_t size = text_utf8_size(rest), taken = size ? size : 1;
        if (size == 0)
            fputs("\\ufffd", to);
        else if (rest.data[0] < 0x20)
            fprintf(to, "\\u%04x", rest.data[0]);
        else
            fprintf(to, "%s%.*s", strchr("\"\\", rest.data[0]) ? "\\" : "", (int)size,
                    (const char *)rest.data);
        rest = strata_bytes(rest.data + taken, rest.size - taken);
    }
    fputc('"', to);
}

/* To six digits; large ones, bytes for the most part, whole. */
static void json_real(const char *name, bool known, double value, FILE *to)
{
    if (!known)
        fprintf(to, ", \"%s\": null", name);
    else if (value < 1e6)
        fprintf(to, ", \"%s\": %.6g", name, value);
    else
        fprintf(to, ", \"%s\": %.0f", name, value);
}

static void json_machine(const struct results *results, FILE *to)
{
    struct machine m;
    char when[32] = "";
    time_t now = time(NULL);
    struct tm utc;

    machine_read(&m);
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    fputs("  \"machine\": {", to);
    json_text("cpu", m.cpu, to);
    fprintf(to, ", \"cores\": %ld, \"strata\": \"%s\", ", m.cores, STRATA_VERSION);
    json_text("kernel", m.system.release, to);
    fputs(", ", to);
    json_text("compiler", m.compiler, to);
    fprintf(to, ", \"files\": \"%s\"", results->files);
    json_real("least_idle", results->looks > 0, results->least_idle, to);
    fprintf(to, ", \"turns_loaded\": %zu", results->loaded);
    fprintf(to, ", \"optimized\": %s, \"sanitizers\": %s},\n", m.optimized ? "true" : "false",
            m.sanitized ? "true" : "false");
    fputs("  ", to);
    json_text("when", when, to);
    fputs(",\n", to);
}

static void json_bool(const char *name, bool value, FILE *to)
{
    fprintf(to, ", \"%s\": %s", name, value ? "true" : "false");
}

static void json_settings(const struct settings *s, uint64_t count, FILE *to)
{
    static const char *const syncs[] = {"default", "never", "interval", "always"};

    fprintf(to, "  \"settings\": {\"num\": %" PRIu64 ", ", count);
    if (s->tsv)
        json_text("tsv", s->tsv, to);
    else
        fprintf(to, "\"key_size\": %zu, \"value_size\": %zu, \"compression_ratio\": %g",
                s->key_bytes, s->value_bytes, s->compression_ratio);
    fprintf(to, ", \"reads\": %" PRIu64 ", \"seed\": %" PRIu64 ", \"sync\": \"%s\"", s->reads,
            s->seed, syncs[s->sync]);
    fprintf(to, ", \"passes\": %" PRIu64 ", \"turns\": %" PRIu64 ", \"threads\": %zu", s->passes,
            s->turns, s->threads);
    fprintf(to, ", \"batch_size\": %" PRIu64 ", \"write_buffer_size\": %zu, \"cache_size\": %zu",
            s->batch, s->memtable_bytes, s->cache_bytes);
    fprintf(to, ", \"block_size\": %zu, \"bloom_bits\": %zu", s->block_bytes, s->bloom_bits);
    fprintf(to, ", \"warm_memory\": %" PRIu64, s->warm_bytes);
    json_bool("compression", !s->plain, to);
    json_bool("mapped_reads", s->mapped_reads, to);
    json_bool("check_reads", s->check_reads, to);
    json_bool("background", !s->no_background, to);
    if (s->segment_bytes)
        fprintf(to, ", \"segment_size\": %" PRIu64, s->segment_bytes);
    fprintf(to, ", \"seconds\": %g},\n", s->seconds);
}

static void json_engines(const struct settings *s, FILE *to)
{
    fputs("  \"engines\": [\n", to);
    for (size_t i = 0; i < s->contender_count; i++) {
        fputs("    {", to);
        json_text("name", s->contenders[i].name, to);
        fputs(", ", to);
        json_text("about", s->contenders[i].about, to);
        fputs(i + 1 < s->contender_count ? "},\n" : "}\n", to);
    }
    fputs("  ],\n", to);
}

static void json_run(const struct settings *s, const struct results *results,
                     const struct median *m, FILE *to)
{
    const struct result *r = m->one;
    const struct contender *c = &s->contenders[r->contender];
    double ops = m->figures[FIGURE_OPS],
           ratio = median_ratio(s, results, r->contender, r->place, FIGURE_OPS);

    fputs("    {", to);
    json_text("engine", c->engine->name, to);
    if (c->engine == &engine_strata)
        fprintf(to, ", \"stage\": %u, \"stage_name\": \"%s\"", c->stage.stage, c->name);
    fprintf(to, ", \"workload\": \"%s\", \"n\": %" PRIu64 ", \"wanted\": %" PRIu64, r->work->name,
            r->done, r->wanted);
    fprintf(to, ", \"turns\": %zu, \"threads\": %zu, \"batch\": %" PRIu64, m->turns, r->threads,
            r->stride);
    if (r->work->kind == WORK_READ)
        fprintf(to, ", \"found\": %" PRIu64, r->found);
    json_real("ops_per_s_median", !isnan(ops), ops, to);
    json_real("min", !isnan(m->least), m->least, to);
    json_real("max", !isnan(m->most), m->most, to);
    json_real("spread", m->turns > 1, median_spread(m), to);
    json_bool("too_wide", median_spread(m) > SPREAD_WIDE, to);
    json_real("ratio_to_leveldb", !isnan(ratio), ratio, to);
    for (int f = 0; f < FIGURES; f++)
        json_real(figures_about[f].name, !isnan(m->figures[f]), m->figures[f], to);
    fputc('}', to);
}

static void json_runs(const struct settings *s, const struct results *results, FILE *to)
{
    const char *comma = "";

    fputs("  \"runs\": [", to);
    for (size_t i = 0; i < s->contender_count; i++)
        for (size_t place = 0; place < s->work_count; place++) {
            struct median m;
            median_of(results, i, place, &m);
            if (!m.one)
                continue;
            fprintf(to, "%s\n", comma);
            json_run(s, results, &m, to);
            comma = ",";
        }
    fputs("\n  ]\n", to);
}

static void json_bounds(const struct results *results, FILE *to)
{
    fputs("  \"limits\": [", to);
    for (size_t i = 0; i < results->bound_count; i++) {
        const struct bound *b = &results->bounds[i];
        fprintf(to, "%s\n    {\"limit\": \"%s\", \"unit\": \"%s\"", i ? "," : "", b->name, b->unit);
        json_real("best", true, b->best, to);
        json_real("median", true, b->median, to);
        fprintf(to, ", \"about\": \"%s\"}", b->about);
    }
    fputs("\n  ],\n", to);
}

void json_report(const struct settings *s, const struct results *results, FILE *to)
{
    fputs("{\n", to);
    json_machine(results, to);
    json_settings(s, results->keys, to);
    json_engines(s, to);
    if (results->bound_count)
        json_bounds(results, to);
    json_runs(s, results, to);
    fputs("}\n", to);
}
