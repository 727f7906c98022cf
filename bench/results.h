/* results.h: what was measured, and how it is printed. */
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
    FIGURE_OS_FETCHED, /* bytes read from the device */
    FIGURE_LOAD, /* of settle: puts a second since the database was made, with their compaction debt
                    done */
    FIGURE_LOAD_CPU, /* likewise, microseconds of the processor a put */
    FIGURE_WRITE_AMP,
    FIGURE_CALL_AMP, /* by bytes of calls */
    FIGURE_READ_AMP,
    FIGURE_SPACE_AMP, /* of compact: bytes of the files when they had settled, per byte of the
                       * same content compacted and closed */
    FIGURE_DENSITY,   /* bytes of the files per byte of keys and values that are there */
    FIGURE_DISK,
    FIGURE_RSS,
    FIGURE_MAPPED,
    FIGURE_BESIDE, /* puts a second, of the thread that writes meanwhile */
    FIGURE_LIMIT,  /* microseconds that an operation takes at least (bounds.c) */
    FIGURE_TIMES,  /* how many times that it took */
    FIGURES
};

struct figure_about {
    const char *name, *title; /* in the JSON; of a table, 16 characters at most */
    bool usual;               /* there is a table of it, if nobody says of what */
    bool ratios;              /* beside it stands how many times LevelDB's it is */
};
extern const struct figure_about figures_about[FIGURES]; /* figures.c */
/* --figures; BENCH_OK, or BENCH_USAGE and stderr has a message. */
int figures_take(struct settings *s, const char *list);
void figures_usual(struct settings *s);

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

/* What the machine can do at best. */
struct bound {
    const char *name, *unit, *about; /* unit: "ns" an operation, or "MB/s" */
    double best, median;             /* of three turns */
};
#define BOUNDS_MOST 20

/* In the order in which they came; the list is to be freed. */
struct results {
    struct result *list;
    size_t count, capacity;
    uint64_t keys;     /* of the data */
    const char *files; /* the file system that they are on */
    struct bound bounds[BOUNDS_MOST];
    size_t bound_count; /* 0: they were not measured */
    size_t looks;       /* turns that were to begin on a quiet machine */
    size_t loaded;      /* of them began on one that was not */
    double least_idle;  /* part of the processors' time before a turn, of them all */
};

/* BENCH_OK, or stderr has a message. */
int bounds_measure(const char *dir, struct results *results);
void bounds_apply(const struct settings *s, struct results *results); /* fills in two figures */
void bounds_report(const struct results *results, FILE *to);

/* ---- Telling (report.c, median.c, table.c, goals.c, json.c, machine.c) ------------------ */

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
/* Of a figure to LevelDB's, or NAN. */
double median_ratio(const struct settings *s, const struct results *results, size_t contender,
                    size_t place, enum figure figure);

void report_head(const struct settings *s, uint64_t count, const char *root, FILE *to);
void report_engines(const struct settings *s, FILE *to); /* their settings */
void report_result(const struct result *r, FILE *to);
void report_table(const struct settings *s, const struct results *results, FILE *to);
void report_limits(const struct settings *s, const struct results *results, FILE *to);
void report_goals(const struct settings *s, const struct results *results, FILE *to);
const char *report_grouped(double value, char *to, size_t capacity); /* "1,234,567" */
void json_report(const struct settings *s, const struct results *results, FILE *to);

#endif
