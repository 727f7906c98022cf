/* json.c: results for programs, RFC 8259. A figure that was not measured is null. One run a line,
 * so that awk reads it as well. */
#include "bench.h"
#include "text.h"

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

static void json_real(const char *name, bool known, double value, FILE *to)
{
    if (known)
        fprintf(to, ", \"%s\": %.6g", name, value);
    else
        fprintf(to, ", \"%s\": null", name);
}

static void json_machine(FILE *to)
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
    fprintf(to, ", \"cores\": %ld, ", m.cores);
    json_text("kernel", m.system.release, to);
    fputs(", ", to);
    json_text("compiler", m.compiler, to);
    fprintf(to, ", \"optimized\": %s, \"sanitizers\": %s},\n", m.optimized ? "true" : "false",
            m.sanitized ? "true" : "false");
    fputs("  ", to);
    json_text("when", when, to);
    fputs(",\n", to);
}

static void json_settings(const struct settings *s, const struct data *d, FILE *to)
{
    static const char *const syncs[] = {"default", "never", "interval", "always"};

    fprintf(to, "  \"settings\": {\"num\": %" PRIu64 ", ", d->count);
    if (s->tsv)
        json_text("tsv", s->tsv, to);
    else
        fprintf(to, "\"key_size\": %zu, \"value_size\": %zu, \"compression_ratio\": %g",
                s->key_bytes, s->value_bytes, s->compression_ratio);
    fprintf(to, ", \"seed\": %" PRIu64 ", \"sync\": \"%s\", \"passes\": %" PRIu64, s->seed,
            syncs[s->sync], s->passes);
    if (s->mapped_reads)
        fprintf(to, ", \"mapped_reads\": true");
    if (s->segment_bytes)
        fprintf(to, ", \"segment_size\": %" PRIu64, s->segment_bytes);
    fprintf(to, ", \"seconds\": %g},\n", s->seconds);
}

static void json_run(const struct result *r, FILE *to)
{
    double done = (double)r->done;
    bool any = r->done > 0, writes = work_writes(r->work);

    fprintf(to, "    {\"engine\": \"strata\", \"stage\": %u, ", r->stage.stage);
    json_text("stage_name", r->stage.name, to);
    fprintf(to, ", \"workload\": \"%s\", \"n\": %" PRIu64 ", \"wanted\": %" PRIu64, r->work->name,
            r->done, r->wanted);
    fprintf(to, ", \"threads\": %zu, \"batch\": %" PRIu64, r->threads, r->stride);
    if (r->work->kind == WORK_READ)
        fprintf(to, ", \"found\": %" PRIu64, r->found);
    json_real("seconds", true, r->seconds, to);
    json_real("ops_per_s", any && r->seconds > 0, per(done, r->seconds), to);
    json_real("micros_per_op", any, per(r->seconds * 1e6, done), to);
    json_real("mb_per_s", any && r->seconds > 0, per((double)r->bytes / 1e6, r->seconds), to);
    json_real("p50_us", any && r->timed, r->p50_us, to);
    json_real("p99_us", any && r->timed, r->p99_us, to);
    json_real("p999_us", any && r->timed, r->p999_us, to);
    json_real("max_us", any && r->timed, r->max_us, to);
    json_real("read_calls_per_op", any, per((double)r->counts.reads, done), to);
    json_real("bytes_read_per_op", any, per((double)r->counts.bytes_read, done), to);
    json_real("write_calls_per_op", any, per((double)r->counts.writes, done), to);
    json_real("bytes_written_per_byte_put", writes && r->bytes,
              per((double)r->counts.bytes_written, (double)r->bytes), to);
    json_real("cpu_us_per_op", any, per(r->cpu_seconds * 1e6, done), to);
    json_real("index_bytes_per_key", r->index_keys,
              per((double)r->index_bytes, (double)r->index_keys), to);
    json_real("fsyncs_per_op", any, per((double)r->counts.syncs, done), to);
    fputc('}', to);
}

void json_report(const struct settings *s, const struct data *d, const struct result *results,
                 size_t count, FILE *to)
{
    fputs("{\n", to);
    json_machine(to);
    json_settings(s, d, to);
    fputs("  \"runs\": [\n", to);
    for (size_t i = 0; i < count; i++) {
        json_run(&results[i], to);
        fputs(i + 1 < count ? ",\n" : "\n", to);
    }
    fputs("  ]\n}\n", to);
}
