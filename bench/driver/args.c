/* args.c: the command line: one table of options, from which help is written too. */
#include "bench.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, TEXT, NUMBER, SIZE, REAL, WORKS, STAGE, ENGINES, SYNC, TABLES };

struct option {
    const char *name, *value, *help;
    enum kind kind;
    size_t offset; /* of the field in struct settings */
    double least, most;
};

#define WARM_BYTES ((uint64_t)512 << 20)
#define FIELD(name) offsetof(struct settings, name)

static const char default_works[] = "fillseq,fillrandom,filluniquerandom,readrandom,readmissing,"
                                    "readseq,readreverse,open,overwrite,deleterandom";

static const struct option options[] = {
    {"benchmarks", "A,B,...", "what to run, in this order; see below", WORKS, 0, 0, 0},
    {"num", "N", "keys (default 100000, or all of --tsv)", NUMBER, FIELD(num), 1, 4294967295.0},
    {"reads", "N", "operations of reading benchmarks (default: as --num)", NUMBER, FIELD(reads), 1,
     1e15},
    {"key_size", "BYTES", "of a generated key (default 16)", SIZE, FIELD(key_bytes), 1,
     STRATA_MAX_KEY - 1},
    {"value_size", "BYTES", "of a generated value (default 100)", SIZE, FIELD(value_bytes), 0,
     STRATA_MAX_VALUE},
    {"compression_ratio", "R", "to which values can be compressed (default 0.5)", REAL,
     FIELD(compression_ratio), 0.01, 1},
    {"tsv", "FILE", "keys and values from lines \"key TAB value\" instead", TEXT, FIELD(tsv), 0, 0},
    {"seed", "N", "of all that is random (default 301)", NUMBER, FIELD(seed), 0, 1e15},
    {"threads", "N", "that write and get at once (default 1); scans and opens are by one", SIZE,
     FIELD(threads), 1, 256},
    {"batch_size", "N", "operations of a batch in fillbatch (default 1000)", NUMBER, FIELD(batch),
     1, 1e6},
    {"passes", "N", "a fill goes over its keys so often (default 1)", NUMBER, FIELD(passes), 1,
     1000},
    {"segment_size", "BYTES", "at which a log segment is closed (default: the stage's own)", NUMBER,
     FIELD(segment_bytes), 1, 1e12},
    {"stage", "N|all", "which stage, with its own sync (default: the newest)", STAGE, 0, 0, 0},
    {"engines", "A,B,...", "side by side, and never synced unless said: see below", ENGINES, 0, 0,
     0},
    {"turns", "N", "everything so often, A B C A B C, and medians of it (default 1)", NUMBER,
     FIELD(turns), 1, 99},
    {"sync", "WHEN", "default (the stage's own), never or 0, interval, always or 1", SYNC,
     FIELD(sync), 0, 0},
    {"write_buffer_size", "BYTES", "of a memtable (default 67108864)", SIZE, FIELD(memtable_bytes),
     65536, 1e12},
    {"cache_size", "BYTES", "of blocks or pages (default 268435456)", SIZE, FIELD(cache_bytes), 1,
     1e12},
    {"block_size", "BYTES", "of tables (default 4096)", SIZE, FIELD(block_bytes), 256, 1048576},
    {"bloom_bits", "N", "of filters, a key (default 10)", SIZE, FIELD(bloom_bits), 1, 64},
    {"warm_memory", "BYTES",
     "touched before each benchmark; at most 4 times the data (default 536870912)", NUMBER,
     FIELD(warm_bytes), 0, 1e12},
    {"no_compression", NULL, "blocks are not compressed", FLAG, FIELD(plain), 0, 0},
    {"check_reads", NULL, "LevelDB checks the blocks that it reads, as the others do", FLAG,
     FIELD(check_reads), 0, 0},
    {"mapped_reads", NULL, "stage 9 on: tables are read from mapped files", FLAG,
     FIELD(mapped_reads), 0, 0},
    {"value_threshold", "BYTES",
     "stage 12 on: a value of so many is in a value file; default 0: none is", SIZE,
     FIELD(value_threshold), 0, STRATA_MAX_VALUE},
    {"no_background", NULL, "stage 10: those who write flush and compact, as at stage 9", FLAG,
     FIELD(no_background), 0, 0},
    {"seconds", "S", "cap of one benchmark (default 5): then it stops early", REAL, FIELD(seconds),
     0.001, 1e6},
    {"quiet", "S", "wait so long at most, in all, for a quiet machine before a turn", REAL,
     FIELD(quiet), 0, 1e6},
    {"db", "DIR", "make databases in DIR/ENGINE and keep them (default: temporary)", TEXT,
     FIELD(db), 0, 0},
    {"json", "FILE", "write the results there too", TEXT, FIELD(json), 0, 0},
    {"figures", "A,B,...", "of which to print tables, and nothing else; see below", TABLES, 0, 0,
     0},
    {"limits", NULL, "measure too what the machine can do, and how far each benchmark is from it",
     FLAG, FIELD(limits), 0, 0},
    {"histogram", NULL, "print each benchmark's latencies", FLAG, FIELD(histogram), 0, 0},
    {"help", NULL, "this text", FLAG, FIELD(help), 0, 0},
    {NULL, NULL, NULL, FLAG, 0, 0, 0}};

/* ---- Help ------------------------------------------------------------------------------ */

static void help_engines(FILE *to)
{
    fputs("\nEngines\n  N                       Strata's stage N\n"
          "  newest                  Strata's newest stage\n"
          "  stages                  every stage\n"
          "  all                     the newest stage, and every peer of this build\n",
          to);
    for (const struct engine_about *p = engine_peers; p->name; p++)
        fprintf(to, "  %-22s  %s%s%s\n", p->name, p->title,
                p->engine ? "" : ": not in this build, which wants ", p->engine ? "" : p->package);
}

static void help_figures(FILE *to)
{
    size_t column = 0;

    fputs("\nFigures\n", to);
    for (int f = 0; f < FIGURES; f++) {
        size_t size = strlen(figures_about[f].name) + 1;
        bool wraps = column + size > 98;
        column = (wraps ? 0 : column) + size;
        fprintf(to, "%s%s", f == 0 ? "  " : wraps ? "\n  " : " ", figures_about[f].name);
    }
    fputc('\n', to);
}

void args_help(FILE *to)
{
    fputs("usage: strata-bench [--OPTION=VALUE]...\n\n"
          "Runs benchmarks with the names and meanings of LevelDB's and RocksDB's db_bench, and\n"
          "YCSB's, on a stage of Strata or other engines, and prints for each: time an operation,\n"
          "operations and megabytes a second, latencies, and what the file layer was asked to "
          "do.\n\nOptions\n",
          to);
    for (const struct option *o = options; o->name; o++) {
        char call[40];
        snprintf(call, sizeof call, "--%s%s%s", o->name, o->value ? "=" : "",
                 o->value ? o->value : "");
        fprintf(to, "  %-22s  %s\n", call, o->help);
    }
    fputs("\nBenchmarks\n", to);
    for (const struct work *w = works; w->name; w++)
        fprintf(to, "  %-22s  %s\n", w->name, w->help);
    help_engines(to);
    help_figures(to);
    fprintf(
        to,
        "\nWithout --benchmarks: %s\n\n"
        "make bench runs it, with SET=full, SET=stairs and others too, and bench-plot draws what\n"
        "came out; docs/benchmarks.md tells what the figures mean. make bench-goals measures with\n"
        "it what stages 2 and 3 cost, each figure beside its goal; with SET=open what opening a\n"
        "million keys costs, with and without what makes it fast.\n\n"
        "Latencies are known to 3 %%. Scans are timed as a whole, without latencies. CPU time is\n"
        "the process's own, in the program and in the kernel on its behalf. Opens find their "
        "files\n"
        "in the page cache. What an engine cannot do is an error, and with others beside it left\n"
        "out. What it gives back is held against what was put: one that is wrong ends the run.\n"
        "A database that a run did not make itself is never removed.\n\n"
        "Exit status: 0 ok, 2 usage, 4 I/O error, 7 other failure\n\nExample\n"
        "  strata-bench --stage=1 --num=10000 --benchmarks=fillseq,readrandom --seconds=1\n"
        "  strata-bench --engines=leveldb,6 --turns=3 --benchmarks=fillrandom,settle,readrandom\n",
        default_works);
}
/* ---- Values ---------------------------------------------------------------------------- */

static int usage(const struct option *o, const char *value, const char *wants)
{
    return bench_say(BENCH_USAGE, "--%s: \"%s\" is not %s; see --help", o->name, value, wants);
}

/* Decimal digits only: strtod alone would take "0x10", " 1", "nan" and "1e3". */
static bool is_number(const char *text, bool point)
{
    size_t digits = strspn(text, "0123456789"), rest = 0;

    if (point && text[digits] == '.')
        rest = 1 + strspn(text + digits + 1, "0123456789");
    return digits > 0 && text[digits + rest] == '\0';
}

static int take_number(const struct option *o, const char *text, void *field)
{
    char wants[80];
    double value;

    snprintf(wants, sizeof wants, "a %s from %.12g to %.12g",
             o->kind == REAL ? "number" : "whole number", o->least, o->most);
    if (!is_number(text, o->kind == REAL))
        return usage(o, text, wants);
    value = strtod(text, NULL); /* exact: all limits are below 2^53 */
    if (value < o->least || value > o->most)
        return usage(o, text, wants);
    if (o->kind == REAL)
        *(double *)field = value;
    else if (o->kind == SIZE)
        *(size_t *)field = (size_t)value;
    else
        *(uint64_t *)field = (uint64_t)value;
    return BENCH_OK;
}

static const struct work *find_work(const char *name, size_t size)
{
    for (const struct work *w = works; w->name; w++)
        if (strlen(w->name) == size && memcmp(w->name, name, size) == 0)
            return w;
    return NULL;
}

static int take_works(struct settings *s, const char *list)
{
    s->work_count = 0;
    while (*list) {
        size_t size = strcspn(list, ",");
        const struct work *work = find_work(list, size);
        if (!work)
            return bench_say(BENCH_USAGE, "--benchmarks: there is no \"%.*s\"; see --help",
                             (int)size, list);
        if (s->work_count == BENCH_WORKS)
            return bench_say(BENCH_USAGE, "--benchmarks: more than %d", BENCH_WORKS);
        s->works[s->work_count++] = work;
        list += size + (list[size] == ',');
    }
    return s->work_count ? BENCH_OK : bench_say(BENCH_USAGE, "--benchmarks: none are named");
}

static int take_sync(const struct option *o, struct settings *s, const char *text)
{
    static const struct {
        const char *name;
        enum strata_sync sync;
    } names[] = {{"default", STRATA_SYNC_DEFAULT},   {"never", STRATA_SYNC_NEVER},
                 {"interval", STRATA_SYNC_INTERVAL}, {"always", STRATA_SYNC_ALWAYS},
                 {"0", STRATA_SYNC_NEVER},           {"1", STRATA_SYNC_ALWAYS}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i].name) == 0) {
            s->sync = names[i].sync;
            return BENCH_OK;
        }
    return usage(o, text, "default, never, interval or always");
}

static int take(struct settings *s, const struct option *o, const char *text)
{
    void *field = (char *)s + o->offset;

    switch (o->kind) {
    case FLAG:
        *(bool *)field = true;
        return BENCH_OK;
    case TEXT:
        *(const char **)field = text;
        return *text ? BENCH_OK : usage(o, text, "a path");
    case NUMBER:
    case SIZE:
    case REAL:
        return take_number(o, text, field);
    case WORKS:
        return take_works(s, text);
    case STAGE:
        return contenders_stage(s, text);
    case ENGINES:
        return contenders_engines(s, text);
    case SYNC:
        return take_sync(o, s, text);
    case TABLES:
        return figures_take(s, text);
    }
    return BENCH_OTHER;
}

/* ---- The line -------------------------------------------------------------------------- */

/* --key-size is --key_size. */
static bool same_name(const char *name, const char *given, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (name[i] != (given[i] == '-' ? '_' : given[i]))
            return false;
    return name[size] == '\0';
}

static const struct option *find_option(const char *given, size_t size)
{
    for (const struct option *o = options; o->name; o++)
        if (same_name(o->name, given, size))
            return o;
    return NULL;
}

static int take_argument(struct settings *s, char **argv, int *i)
{
    const char *text = argv[*i], *value;
    size_t size;
    const struct option *o;

    if (strncmp(text, "--", 2) != 0)
        return bench_say(BENCH_USAGE, "\"%s\" is no option; see --help", text);
    size = strcspn(text + 2, "=");
    o = find_option(text + 2, size);
    if (!o)
        return bench_say(BENCH_USAGE, "there is no option \"%.*s\"; see --help", (int)size + 2,
                         text);
    value = text[2 + size] == '=' ? text + 2 + size + 1 : NULL;
    if (!o->value && value)
        return bench_say(BENCH_USAGE, "--%s takes no value", o->name);
    if (o->value && !value)
        value = argv[++*i];
    if (o->value && !value)
        return bench_say(BENCH_USAGE, "--%s wants a value: --%s=%s", o->name, o->name, o->value);
    return take(s, o, value);
}

/* What options mean together. */
static int settle(struct settings *s)
{
    bool peers = false;

    s->each = s->turns == 1 && s->figure_count == 0;
    if (s->figure_count == 0)
        figures_usual(s);

    if (s->contender_count == 0)
        contenders_newest(s);
    for (size_t i = 0; i < s->contender_count; i++)
        peers |= s->contenders[i].engine != &engine_strata;
    if (peers && s->sync == STRATA_SYNC_INTERVAL)
        return bench_say(BENCH_USAGE, "--sync: only Strata can sync at intervals");
    if (s->named && s->sync == STRATA_SYNC_DEFAULT)
        s->sync = STRATA_SYNC_NEVER;
    if (s->db && s->turns > 1)
        return bench_say(BENCH_USAGE, "--turns: with --db there can be only one");
    return BENCH_OK;
}

int args_parse(struct settings *s, int argc, char **argv)
{
    int code = BENCH_OK;

    *s = (struct settings){.key_bytes = 16,
                           .value_bytes = 100,
                           .compression_ratio = 0.5,
                           .seed = 301,
                           .threads = 1,
                           .batch = 1000,
                           .passes = 1,
                           .turns = 1,
                           .memtable_bytes = ENGINE_MEMTABLE,
                           .cache_bytes = ENGINE_CACHE,
                           .block_bytes = ENGINE_BLOCK,
                           .bloom_bits = ENGINE_BLOOM,
                           .warm_bytes = WARM_BYTES,
                           .value_threshold = 0,
                           .seconds = 5};
    for (int i = 1; i < argc && code == BENCH_OK; i++)
        code = take_argument(s, argv, &i);
    if (code == BENCH_OK && s->work_count == 0)
        code = take_works(s, default_works);
    return code == BENCH_OK ? settle(s) : code;
}
