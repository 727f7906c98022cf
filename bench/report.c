/* report.c: results for people. A figure that was not measured is a dash; nothing is invented. */
#include "bench.h"

#include <inttypes.h>
#include <string.h>

void report_head(const struct bench *b, FILE *to)
{
    const struct settings *s = b->settings;
    struct machine m;

    machine_read(&m);
    fprintf(to, "Strata %s, %s\n", STRATA_VERSION, m.compiler);
    fprintf(to, "CPU        %s, %ld cores; %s %s\n", m.cpu, m.cores, m.system.sysname,
            m.system.release);
    if (s->tsv)
        fprintf(to, "Data       %" PRIu64 " records of %s\n", b->data.count, s->tsv);
    else
        fprintf(to, "Data       %" PRIu64 " keys of %zu bytes, values of %zu (ratio %g)\n",
                b->data.count, s->key_bytes, s->value_bytes, s->compression_ratio);
    fprintf(to, "Files      in %s\n", b->root);
    if (m.sanitized || !m.optimized)
        fprintf(to, "WARNING    built %s: the times mean little\n",
                m.sanitized ? "with sanitizers" : "without optimization");
}

/* 1234567 as "1,234,567". */
static const char *grouped(double value, char *to, size_t capacity)
{
    char digits[40];
    size_t size = (size_t)snprintf(digits, sizeof digits, "%.0f", value), used = 0;

    for (size_t i = 0; i < size && used + 2 < capacity; i++) {
        if (i && (size - i) % 3 == 0)
            to[used++] = ',';
        to[used++] = digits[i];
    }
    to[used] = '\0';
    return to;
}

static void print_counts(const struct result *r, FILE *to)
{
    double done = (double)r->done;

    if (work_writes(r->work))
        fprintf(to, "  wrote %.2f B per byte given, %.2f appends/op, %.2f fsyncs/op",
                per((double)r->counts.bytes_written, (double)r->bytes),
                per((double)r->counts.writes, done), per((double)r->counts.syncs, done));
    if (!work_writes(r->work) || r->counts.bytes_read) {
        char bytes[40];
        fprintf(to, "  read %s B/op in %.2f calls/op",
                grouped(per((double)r->counts.bytes_read, done), bytes, sizeof bytes),
                per((double)r->counts.reads, done));
    }
    fputc('\n', to);
}

/* What not every run has. */
static void print_rest(const struct result *r, FILE *to)
{
    char keys[40];

    fprintf(to, "                   CPU %.3f us/op", per(r->cpu_seconds * 1e6, (double)r->done));
    if (r->threads > 1)
        fprintf(to, "; %zu threads", r->threads);
    if (r->stride > 1)
        fprintf(to, "; latencies of %" PRIu64 " operations together", r->stride);
    if (r->index_keys)
        fprintf(to, "; index of %s keys, %.1f B a key",
                grouped((double)r->index_keys, keys, sizeof keys),
                per((double)r->index_bytes, (double)r->index_keys));
    fputc('\n', to);
}

void report_result(const struct result *r, FILE *to)
{
    char speed[40];
    double done = (double)r->done;

    fprintf(to, "%-16s : %11.3f micros/op; %11s ops/s; %7.1f MB/s", r->work->name,
            per(r->seconds * 1e6, done), grouped(per(done, r->seconds), speed, sizeof speed),
            per((double)r->bytes / 1e6, r->seconds));
    fprintf(to, "  (%" PRIu64, r->done);
    if (r->done < r->wanted)
        fprintf(to, " of %" PRIu64, r->wanted);
    fprintf(to, " ops");
    if (r->work->kind == WORK_READ)
        fprintf(to, ", %" PRIu64 " found", r->found);
    fputs(")\n                  ", to);
    if (r->timed)
        fprintf(to, " p50 %.1f  p99 %.1f  p99.9 %.1f  max %.1f us ", r->p50_us, r->p99_us,
                r->p999_us, r->max_us);
    print_counts(r, to);
    print_rest(r, to);
}

/* ---- The table ------------------------------------------------------------------------- */

static const struct result *find_result(const struct result *results, size_t count, unsigned stage,
                                        const struct work *work)
{
    for (size_t i = 0; i < count; i++)
        if (results[i].stage.stage == stage && results[i].work == work)
            return &results[i];
    return NULL;
}

static bool has_stage(const struct result *results, size_t count, unsigned stage)
{
    for (size_t i = 0; i < count; i++)
        if (results[i].stage.stage == stage)
            return true;
    return false;
}

static void print_row(const struct result *results, size_t count, const struct work *work, FILE *to)
{
    struct strata_stage_info info;

    fprintf(to, "%-16s", work->name);
    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++) {
        const struct result *r = find_result(results, count, info.stage, work);
        char speed[40] = "-";
        if (!has_stage(results, count, info.stage))
            continue;
        if (r)
            grouped(per((double)r->done, r->seconds), speed, sizeof speed);
        fprintf(to, "  %*s", (int)strlen(info.name), speed);
    }
    fputc('\n', to);
}

void report_table(const struct settings *s, const struct result *results, size_t count, FILE *to)
{
    struct strata_stage_info info;

    fprintf(to, "\n%-16s", "ops/s");
    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++)
        if (has_stage(results, count, info.stage))
            fprintf(to, "  %s", info.name);
    fputc('\n', to);
    for (size_t i = 0; i < s->work_count; i++)
        print_row(results, count, s->works[i], to);
}
