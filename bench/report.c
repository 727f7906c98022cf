/* report.c: results for people and for programs. A figure that was not measured is a dash, or
 * null in JSON (RFC 8259); nothing is invented. One run a line in the JSON, so that awk reads it
 * as well. */
#include "bench.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#ifdef __OPTIMIZE__
#define OPTIMIZED true
#else
#define OPTIMIZED false
#endif

/* ---- The machine ----------------------------------------------------------------------- */

struct machine {
    char cpu[128];
    long cores;
    struct utsname system;
};

static void read_cpu(char *to, size_t capacity)
{
    FILE *from = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(to, capacity, "unknown");
    while (from && fgets(line, sizeof line, from)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(to, capacity, "%s", colon + (colon[1] == ' ' ? 2 : 1));
        break;
    }
    if (from)
        fclose(from);
}

static void read_machine(struct machine *m)
{
    memset(m, 0, sizeof *m);
    read_cpu(m->cpu, sizeof m->cpu);
    m->cores = sysconf(_SC_NPROCESSORS_ONLN);
    uname(&m->system);
}

/* ---- Text ------------------------------------------------------------------------------ */

void report_head(const struct bench *b, FILE *to)
{
    const struct settings *s = b->settings;
    struct machine m;

    read_machine(&m);
    fprintf(to, "Strata %s, %s\n", STRATA_VERSION, COMPILER);
    fprintf(to, "CPU        %s, %ld cores; %s %s\n", m.cpu, m.cores, m.system.sysname,
            m.system.release);
    if (s->tsv)
        fprintf(to, "Data       %" PRIu64 " records of %s\n", b->data.count, s->tsv);
    else
        fprintf(to, "Data       %" PRIu64 " keys of %zu bytes, values of %zu (ratio %g)\n",
                b->data.count, s->key_bytes, s->value_bytes, s->compression_ratio);
    fprintf(to, "Files      in %s\n", b->root);
    if (SANITIZED || !OPTIMIZED)
        fprintf(to, "WARNING    built %s: the times mean little\n",
                SANITIZED ? "with sanitizers" : "without optimization");
}

static double per(double amount, double of)
{
    return of > 0 ? amount / of : 0;
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
        fprintf(to, "  wrote %.2f B per byte given, %.2f write calls/op, %.2f fsyncs/op",
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

static void print_row(const struct result *results, size_t count, const struct work *work, FILE *to)
{
    struct strata_stage_info info;

    fprintf(to, "%-16s", work->name);
    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++) {
        const struct result *r = find_result(results, count, info.stage, work);
        char speed[40] = "-";
        if (!find_result(results, count, info.stage, results[0].work))
            continue;
        if (r)
            grouped(per((double)r->done, r->seconds), speed, sizeof speed);
        fprintf(to, "  %*s", (int)strlen(info.name), speed);
    }
    fputc('\n', to);
}

void report_table(const struct result *results, size_t count, FILE *to)
{
    struct strata_stage_info info;

    fprintf(to, "\n%-16s", "ops/s");
    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++)
        if (find_result(results, count, info.stage, results[0].work))
            fprintf(to, "  %s", info.name);
    fputc('\n', to);
    for (size_t i = 0; i < count && results[i].stage.stage == results[0].stage.stage; i++)
        print_row(results, count, results[i].work, to);
}

/* ---- JSON ------------------------------------------------------------------------------ */

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

    read_machine(&m);
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    fputs("  \"machine\": {", to);
    json_text("cpu", m.cpu, to);
    fprintf(to, ", \"cores\": %ld, ", m.cores);
    json_text("kernel", m.system.release, to);
    fputs(", ", to);
    json_text("compiler", COMPILER, to);
    fprintf(to, ", \"optimized\": %s, \"sanitizers\": %s},\n", OPTIMIZED ? "true" : "false",
            SANITIZED ? "true" : "false");
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
    fprintf(to, ", \"seed\": %" PRIu64 ", \"sync\": \"%s\", \"seconds\": %g},\n", s->seed,
            syncs[s->sync], s->seconds);
}

static void json_run(const struct result *r, FILE *to)
{
    double done = (double)r->done;
    bool any = r->done > 0, writes = work_writes(r->work);

    fprintf(to, "    {\"engine\": \"strata\", \"stage\": %u, ", r->stage.stage);
    json_text("stage_name", r->stage.name, to);
    fprintf(to, ", \"workload\": \"%s\", \"n\": %" PRIu64 ", \"wanted\": %" PRIu64, r->work->name,
            r->done, r->wanted);
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
    json_real("fsyncs_per_op", any, per((double)r->counts.syncs, done), to);
    fputc('}', to);
}

void report_json(const struct settings *s, const struct data *d, const struct result *results,
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
