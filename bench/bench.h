/* bench.h: what the files of the benchmark driver share.
 *
 *   bench.c      main, the database's life       args.c     the command line
 *   data.c       keys and values                 work.c     the workloads
 *   measure.c    one workload, timed, counted    report.c   text, JSON, the table
 *   place.c      directories                     histogram.c  latencies
 */
#ifndef STRATA_BENCH_BENCH_H
#define STRATA_BENCH_BENCH_H

#include "fs.h"
#include "histogram.h"
#include "strata.h"

#include <stdio.h>

enum bench_exit { BENCH_OK = 0, BENCH_USAGE = 2, BENCH_IO = 4, BENCH_OTHER = 7 };

/* "strata-bench: ..." and a line end, to stderr; returns `code`. */
int bench_say(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
int bench_fail(const struct strata_error *err, const char *doing); /* its exit status */
int bench_fail_sys(const char *path, int sys);                     /* BENCH_IO */
int bench_fail_memory(void);                                       /* BENCH_OTHER */
uint64_t bench_now_ns(void);                                       /* monotonic */
bool bench_interrupted(void); /* by a signal: stop, clean up, then the signal has its way */

/* ---- The command line (args.c) --------------------------------------------------------- */

#define BENCH_WORKS 32 /* benchmarks of one run */

struct work;

struct settings {
    const struct work *works[BENCH_WORKS];
    size_t work_count;
    uint64_t num;     /* keys; with a TSV file 0 means all of its records */
    uint64_t reads;   /* operations of the reading benchmarks; 0: as num */
    size_t key_bytes; /* as are the next, of generated data */
    size_t value_bytes;
    double compression_ratio; /* to which the values can be compressed */
    uint64_t seed;
    unsigned stage;  /* 0: the newest */
    bool all_stages; /* one after another */
    enum strata_sync sync;
    double seconds;   /* cap of one benchmark */
    const char *db;   /* NULL: a temporary directory */
    const char *tsv;  /* NULL: generated data */
    const char *json; /* NULL: none */
    bool histogram;
    bool help;
};

/* BENCH_OK, or BENCH_USAGE and stderr was told. */
int args_parse(struct settings *s, int argc, char **argv);
void args_help(FILE *to);

/* ---- Keys and values (data.c) ---------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014): small, fast, and any seed is good. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 <= x < n, n > 0 */

struct data {
    uint64_t count;                /* keys */
    uint32_t *shuffled;            /* a permutation of 0 .. count - 1 */
    size_t key_bytes, value_bytes; /* of generated data */
    struct strata_buffer pool;     /* values are cut out of it; or the records of the TSV file */
    size_t pool_at;                /* where the next value begins */
    struct record_place *records;  /* NULL: generated */
    size_t capacity;               /* of `records` */
    uint8_t *key;                  /* the last key that was made */
};

/* BENCH_OK, or stderr was told; data_free in both cases. */
int data_init(struct data *d, const struct settings *s);
void data_free(struct data *d);
/* Key number i < count, with `tail` behind it; borrowed until the next call. */
struct strata_slice data_key(struct data *d, uint64_t i, const char *tail);
struct strata_slice data_value(struct data *d, uint64_t i); /* borrowed likewise */

/* ---- One workload ---------------------------------------------------------------------- */

/* What the file layer did, since it was made. */
struct counts {
    uint64_t reads, bytes_read;     /* calls, bytes */
    uint64_t writes, bytes_written; /* appends and overwrites */
    uint64_t syncs;                 /* of files and directories */
};

struct result {
    const struct work *work;
    struct strata_stage_info stage;
    uint64_t wanted, done; /* operations */
    uint64_t found;        /* of gets */
    uint64_t bytes;        /* of keys and values that went in or came out */
    double seconds;
    bool timed; /* each operation on its own, so the four that follow are known */
    double p50_us, p99_us, p999_us, max_us;
    struct counts counts;
};

struct bench {
    const struct settings *settings;
    struct data data;
    struct strata_fs *fs; /* one for all handles: its counters outlive them */
    struct strata_stage_info stage;
    char *root; /* holds a directory a stage */
    char *dir;  /* of the database under test */
    bool made;  /* by us, so it may be removed */
    struct strata *db;
    uint64_t filled; /* keys that are there: these of the order they were put in */
    bool filled_shuffled;
    struct rng random;
    struct strata_buffer value;
    struct strata_iter *iter;
    struct result *now; /* the one being measured */
    uint64_t aside_ns;  /* of the operation under way, not to be counted */
    struct histogram latency;
};

enum work_kind { WORK_FILL, WORK_WRITE, WORK_READ, WORK_SCAN, WORK_OPEN };

struct work {
    const char *name; /* db_bench's */
    const char *help; /* one line */
    enum work_kind kind;
    /* Operation number i: 0, STRATA_NOT_FOUND when there is nothing left to do, or < 0. */
    int (*one)(struct bench *b, uint64_t i, struct strata_error *err);
};

extern const struct work works[]; /* work.c; ends with a NULL name */
bool work_writes(const struct work *work);

/* Opens the database in b->dir again; `create` for a new one. Fails as strata_open. */
int bench_open(struct bench *b, bool create, struct strata_error *err);

/* Runs one workload on the open database (measure.c). BENCH_OK, or stderr was told. */
int measure(struct bench *b, const struct work *work, struct result *result);

/* ---- Directories (place.c) ------------------------------------------------------------- */

char *place_temporary(void); /* a new directory, its path on the heap; NULL: stderr was told */
bool place_exists(const char *path);
void place_remove(const char *path); /* with all that is in it */

/* ---- Telling (report.c) ---------------------------------------------------------------- */

void report_head(const struct bench *b, FILE *to);
void report_result(const struct result *r, FILE *to);
/* Operations a second, a row a workload, a column a stage. */
void report_table(const struct result *results, size_t count, FILE *to);
void report_json(const struct settings *s, const struct data *d, const struct result *results,
                 size_t count, FILE *to);

#endif
