/* bench.h: what the files of the benchmark driver share.
 *
 *   bench.c      main                            args.c     the command line
 *   life.c       the database's life             work.c     the workloads
 *   run.c        the threads of one workload     data.c     keys and values
 *   measure.c    one workload, timed, counted    report.c   text, the table
 *   place.c      directories                     json.c     results for programs
 *   histogram.c  latencies                       machine.c  what it was measured on
 */
#ifndef STRATA_BENCH_BENCH_H
#define STRATA_BENCH_BENCH_H

#include "fs.h"
#include "histogram.h"
#include "strata.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/utsname.h>

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
    size_t threads;         /* of writing and getting */
    uint64_t batch;         /* operations of one, in fillbatch */
    uint64_t passes;        /* how often a fill goes over its keys */
    uint64_t segment_bytes; /* 0: the default */
    unsigned stage;         /* 0: the newest */
    bool all_stages;        /* one after another */
    enum strata_sync sync;
    bool mapped_reads;
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
    size_t key_most;               /* bytes of the longest key there can be */
    struct strata_buffer pool;     /* values are cut out of it; or the records of the TSV file */
    struct record_place *records;  /* NULL: generated */
    size_t capacity;               /* of `records` */
};

/* What makes keys and values out of the data; each thread has its own. */
struct data_maker {
    const struct data *data;
    uint8_t *key;   /* the last key that was made */
    size_t pool_at; /* where the next value begins */
};

/* BENCH_OK, or stderr was told; data_free in both cases. */
int data_init(struct data *d, const struct settings *s);
void data_free(struct data *d);
int data_maker_init(struct data_maker *m, const struct data *d); /* likewise */
void data_maker_free(struct data_maker *m);
/* Key number i < count, with `tail` behind it; borrowed until the next call. */
struct strata_slice data_key(struct data_maker *m, uint64_t i, const char *tail);
struct strata_slice data_value(struct data_maker *m, uint64_t i); /* borrowed likewise */

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
    size_t threads;
    uint64_t stride;       /* operations of one call: 1, or those of a batch */
    uint64_t wanted, done; /* operations */
    uint64_t found;        /* of gets */
    uint64_t bytes;        /* of keys and values that went in or came out */
    double seconds;
    double cpu_seconds; /* of all threads, in the program and in the kernel for it */
    bool timed;         /* each call on its own, so the four that follow are known */
    double p50_us, p99_us, p999_us, max_us;
    struct counts counts;
    uint64_t index_keys, index_bytes; /* afterwards; 0: the stage has no index in memory */
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
    bool read_only;  /* is db */
    uint64_t filled; /* keys that are there: these of the order they were put in */
    bool filled_shuffled;
    struct histogram latency; /* of the last workload */
};

/* A thread of a workload. */
struct worker {
    struct bench *bench;
    struct run *run; /* run.c's */
    bool first;      /* of the threads: the one that draws */
    struct data_maker maker;
    struct rng random;
    struct strata_buffer value;
    struct strata_batch *batch;
    struct strata_iter *iter;
    uint64_t count;              /* operations of the call under way */
    uint64_t done, found, bytes; /* as in the result */
    uint64_t aside_ns;           /* of the call under way, not to be counted */
    uint64_t all_aside_ns;
    struct histogram latency;
    struct strata_error err;
    int rc;
    pthread_t thread;
};

enum work_kind { WORK_FILL, WORK_WRITE, WORK_READ, WORK_SCAN, WORK_OPEN };

/* Which keys are there after a fill that did n operations. */
enum work_leaves { LEAVES_ANY, LEAVES_FIRST, LEAVES_SHUFFLED };

/* How the database is opened for it: for writing; for reading only, as the last close left it; or
 * without the files that are there to make opening fast. */
enum work_opens { OPENS_WRITE, OPENS_CLEAN, OPENS_BARE };

struct work {
    const char *name; /* db_bench's */
    const char *help; /* one line */
    enum work_kind kind;
    /* Operation number i (a batch: and those after it): 0, STRATA_NOT_FOUND when there is nothing
     * left to do, or < 0. */
    int (*one)(struct worker *w, uint64_t i, struct strata_error *err);
    enum work_leaves leaves;
    unsigned needs; /* promises of the stage */
    uint64_t part;  /* it does one in so many of N operations; 0: all */
    bool batches;   /* a call is a batch of settings->batch operations */
    enum work_opens opens;
};

extern const struct work works[]; /* work.c; ends with a NULL name */
bool work_writes(const struct work *work);
bool work_threads(const struct work *work); /* settings->threads of them may do it */
uint64_t work_wanted(const struct work *work, const struct bench *b); /* operations */

/* Runs one workload on the open database (measure.c). BENCH_OK, or stderr was told. */
int measure(struct bench *b, const struct work *work, struct result *result);
/* Its loop: fills in what the result tells of operations and time, and b->latency. Likewise. */
int run_work(struct bench *b, struct result *result);

/* ---- The database's life (life.c) ------------------------------------------------------ */

/* Opens the database in b->dir again, as it was opened; LIFE_NEW for a new one. As strata_open. */
enum life_open { LIFE_NEW, LIFE_WRITE, LIFE_READ };
int life_open(struct bench *b, enum life_open how, struct strata_error *err);
/* The others: BENCH_OK, or stderr was told. */
int life_close(struct bench *b);
/* One workload, on the database that it needs: new, as it stands, or read-only. */
int life_measure(struct bench *b, const struct work *work, struct result *result);

/* ---- Directories (place.c) ------------------------------------------------------------- */

char *place_temporary(void); /* a new directory, its path on the heap; NULL: stderr was told */
bool place_exists(const char *path);
void place_remove(const char *path); /* with all that is in it */
/* Moves the files of `from` whose names match a pattern of the list to `to`, which is made if it
 * is not there. BENCH_OK, or stderr was told. */
int place_move(const char *from, const char *to, const char *const *patterns);

/* ---- Telling (report.c, json.c, machine.c) --------------------------------------------- */

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

void report_head(const struct bench *b, FILE *to);
void report_result(const struct result *r, FILE *to);
/* Operations a second, a row a workload, a column a stage. */
void report_table(const struct settings *s, const struct result *results, size_t count, FILE *to);
void json_report(const struct settings *s, const struct data *d, const struct result *results,
                 size_t count, FILE *to);

#endif
