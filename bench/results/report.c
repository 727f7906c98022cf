/* report.c: results for people. A figure that was not measured is a dash; nothing is invented. */
#include "bench.h"

#include <inttypes.h>
#include <string.h>

void report_head(const struct settings *s, uint64_t count, const char *root, FILE *to)
{
    struct machine m;

    machine_read(&m);
    fprintf(to, "Strata %s, %s\n", STRATA_VERSION, m.compiler);
    fprintf(to, "CPU        %s, %ld cores; %s %s\n", m.cpu, m.cores, m.system.sysname,
            m.system.release);
    if (s->tsv)
        fprintf(to, "Data       %" PRIu64 " records of %s\n", count, s->tsv);
    else
        fprintf(to, "Data       %" PRIu64 " keys of %zu bytes, values of %zu (ratio %g)\n", count,
                s->key_bytes, s->value_bytes, s->compression_ratio);
    /* a temporary directory by where it is: its name says nothing */
    fprintf(to, "Files      in %.*s, on %s\n",
            (int)(s->db ? strlen(root) : (size_t)(strrchr(root, '/') - root)), root,
            os_file_system(root));
    if (m.sanitized || !m.optimized)
        fprintf(to, "WARNING    built %s: the times mean little\n",
                m.sanitized ? "with sanitizers" : "without optimization");
}

/* 1234567 as "1,234,567". */
const char *report_grouped(double value, char *to, size_t capacity)
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
    const double *f = r->figures;
    char bytes[40];

    if (isnan(f[FIGURE_READ_BYTES])) { /* the engine does not count: what the system does */
        fprintf(to, "  wrote %s B", report_grouped(f[FIGURE_OS_WRITTEN], bytes, sizeof bytes));
        fprintf(to, ", read %s B by calls\n",
                report_grouped(f[FIGURE_OS_READ], bytes, sizeof bytes));
        return;
    }
    if (work_writes(r->work))
        fprintf(to, "  wrote %.2f B per byte given, %.2f appends/op, %.2f fsyncs/op",
                isnan(f[FIGURE_WRITTEN_PER_PUT]) ? 0 : f[FIGURE_WRITTEN_PER_PUT],
                f[FIGURE_WRITE_CALLS], f[FIGURE_FSYNCS]);
    if (!work_writes(r->work) || f[FIGURE_READ_BYTES] > 0)
        fprintf(to, "  read %s B/op in %.2f calls/op",
                report_grouped(f[FIGURE_READ_BYTES], bytes, sizeof bytes), f[FIGURE_READ_CALLS]);
    fputc('\n', to);
}

/* What not every run has. */
static void print_rest(const struct result *r, FILE *to)
{
    char keys[40];

    fprintf(to, "                   CPU %.3f us/op", r->figures[FIGURE_CPU]);
    if (r->threads > 1)
        fprintf(to, "; %zu threads", r->threads);
    if (r->stride > 1)
        fprintf(to, "; latencies of %" PRIu64 " operations together", r->stride);
    if (r->index_keys)
        fprintf(to, "; index of %s keys, %.1f B a key",
                report_grouped((double)r->index_keys, keys, sizeof keys), r->figures[FIGURE_INDEX]);
    if (r->work->beside)
        fprintf(to, "; beside it %s puts/s",
                report_grouped(r->figures[FIGURE_BESIDE], keys, sizeof keys));
    if (!isnan(r->figures[FIGURE_WRITE_AMP]) && r->work->kind == WORK_ONCE)
        fprintf(to, "; in all %.2f B written per byte put", r->figures[FIGURE_WRITE_AMP]);
    fputc('\n', to);
}

void report_result(const struct result *r, FILE *to)
{
    char speed[40];
    const double *f = r->figures;
    double done = (double)r->done;

    fprintf(to, "%-16s : %11.3f micros/op; %11s ops/s; %7.1f MB/s", r->work->name,
            per(r->seconds * 1e6, done), report_grouped(per(done, r->seconds), speed, sizeof speed),
            per((double)r->bytes / 1e6, r->seconds));
    fprintf(to, "  (%" PRIu64, r->done);
    if (r->done < r->wanted)
        fprintf(to, " of %" PRIu64, r->wanted);
    fprintf(to, " ops");
    if (r->work->kind == WORK_READ)
        fprintf(to, ", %" PRIu64 " found", r->found);
    fputs(")\n                  ", to);
    if (r->timed)
        fprintf(to, " p50 %.1f  p99 %.1f  p99.9 %.1f  max %.1f us ", f[FIGURE_P50], f[FIGURE_P99],
                f[FIGURE_P999], f[FIGURE_MAX]);
    print_counts(r, to);
    print_rest(r, to);
}

/* ---- The engines ------------------------------------------------------------------------- */

static const char *sync_text(enum strata_sync sync)
{
    static const char *const texts[] = {
        "each stage's own sync", "a put that returned survives kill -9, nothing is synced",
        "synced at intervals", "a put that returned is on the device"};
    return texts[sync];
}

void report_engines(const struct settings *s, FILE *to)
{
    if (!s->named)
        return;
    fprintf(to,
            "Settings   %zu thread%s; memtable %zu MiB, cache %zu MiB, blocks of %zu bytes, filter "
            "of %zu bits a key;\n           %s\n",
            s->threads, s->threads == 1 ? "" : "s", s->memtable_bytes >> 20, s->cache_bytes >> 20,
            s->block_bytes, s->bloom_bits, sync_text(s->sync));
    if (s->warm_bytes)
        fprintf(to,
                "           before each benchmark up to %" PRIu64
                " MiB of memory are touched and given back\n",
                s->warm_bytes >> 20);
    for (size_t i = 0; i < s->contender_count; i++)
        fprintf(to, "           %s\n", s->contenders[i].about);
}
