/* results.h: what was measured, and how it is told. */
#ifndef STRATA_BENCH_RESULTS_H
#define STRATA_BENCH_RESULTS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/utsname.h>

struct settings;
struct work;

/* What is measured of a workload; NAN: it was not. */
enum figure {
    FIGURE_SECONDS,
    FIGURE_OPS, /* a second */
    FIGURE_MICROS,
    FIGURE_MB,
    FIGURE_P50,
    FIGURE_P99,
    FIGURE_P999,
    FIGURE_MAX,
    FIGURE_READ_CALLS, /* as are the next five, in the engine's own counts */
    FIGURE_READ_BYTES,
    FIGURE_WRITE_CALLS,
    FIGURE_WRITTEN_PER_PUT,
    FIGURE_COMPARISONS, /* of keys; this and the next three of the first thread, an operation */
    FIGURE_PROBES,      /* questions to filters */
    FIGURE_BLOCKS,
    FIGURE_LOADED, /* blocks that the cache did not have */
    FIGURE_LEVELS, /* that have tables, afterwards */
    FIGURE_RUNS,   /* sorted ones */
    FIGURE_CPU,
    FIGURE_INDEX,
    FIGURE_FSYNCS,
    FIGURE_OS_WRITTEN, /* the rest as the system counts */
    FIGURE_OS_CALLED,
    FIGURE_OS_READ,
    FIGURE_WRITE_AMP,
    FIGURE_READ_AMP,
    FIGURE_SPACE_AMP,
    FIGURE_DISK,
    FIGURE_RSS,
    FIGURE_MAPPED,
    FIGURE_BESIDE, /* puts a second, of the thread that writes meanwhile */
    FIGURES
};
extern const char *const figure_names[FIGURES]; /* measure.c */

/* Goes from process to process as it is: they are forks of one program. */
struct result {
    const struct work *work;
    size_t contender, place; /* in the settings' lists */
    size_t threads;
    uint64_t stride;       /* operations of one call: 1, or those of a batch */
    uint64_t wanted, done; /* operations */
    uint64_t found;        /* of gets */
    uint64_t bytes;        /* of keys and values that went in or came out */
    uint64_t put_bytes;    /* of those that went in */
    double seconds;
    double cpu_seconds; /* of all threads, in the program and in the kernel for it */
    bool timed;         /* each call on its own */
    bool ended;         /* a scan came to the end */
    uint64_t index_keys;
    uint64_t beside; /* puts of the thread that writes meanwhile */
    double figures[FIGURES];
};

/* In the order in which they came; to be freed. */
struct results {
    struct result *list;
    size_t count, capacity;
};
/* ---- Telling (report.c, median.c, table.c, json.c, machine.c) --------------------------- */

struct machine {
    char cpu[128];
    long cores;
    struct utsname system;
    const char *compiler;
    bool optimized, sanitized; /* how this program was built */
};
void machine_read(struct machine *m);

static inline double per(double amount, double of) /* 0 where `of` is 0 */
{
    return of > 0 ? amount / of : 0;
}

/* Of all turns of an engine at a workload. */
struct median {
    const struct result *one; /* any of them; NULL: it was not done */
    size_t turns;
    double figures[FIGURES]; /* medians; NAN: not measured */
    double least, most;      /* operations a second */
};
#define SPREAD_WIDE 0.3 /* (most - least) / median: nothing can be concluded from that */

void median_of(const struct results *results, size_t contender, size_t place, struct median *m);
double median_spread(const struct median *m); /* 0 of one turn */
/* Of operations a second to LevelDB's, or NAN. */
double median_ratio(const struct settings *s, const struct results *results, size_t contender,
                    size_t place);

void report_head(const struct settings *s, uint64_t count, const char *root, FILE *to);
void report_engines(const struct settings *s, FILE *to); /* their settings */
void report_result(const struct result *r, FILE *to);
void report_table(const struct settings *s, const struct results *results, FILE *to);
const char *report_grouped(double value, char *to, size_t capacity); /* "1,234,567" */
void json_report(const struct settings *s, uint64_t count, const struct results *results, FILE *to);

#endif
