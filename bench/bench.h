/* bench.h: what the files of the benchmark driver share.
 *
 *   bench.c      main                            args.c     the command line
 *   contenders.c which engines a run is about    act.c      one operation
 *   turns.c      each engine in turn, each       turn.c     one engine's turn
 *                time in a process of its own    engines.c  which engines there are
 *   life.c       the database's life             work.c     the workloads
 *   run.c        the threads of one workload     ycsb.c     those of YCSB
 *   check.c      is what came out what went in?  data.c     keys and values
 *   measure.c    one workload, timed, counted    os.c       what the system counts
 *   figures.c    what is measured                bounds.c   what the machine can do at best
 *   median.c     of several turns                report.c   one result, as text
 *   table.c      engines side by side            goals.c    what they shall reach
 *   json.c       results for programs            machine.c  what it was measured on
 *   place.c      directories                     histogram.c  latencies
 *   say.c        stderr, clock, signals          message.c  between processes
 *   prepare.c    the database a workload needs   draw.c     the keys of operations
 *   peers/       the engines                     limits/    what bounds them */
#ifndef STRATA_BENCH_BENCH_H
#define STRATA_BENCH_BENCH_H

#include "engine.h"
#include "fs/fs.h"
#include "histogram.h"
#include "os.h"
#include "base/prng.h"
#include "results.h"

#include <pthread.h>

enum bench_exit { BENCH_OK = 0, BENCH_USAGE = 2, BENCH_IO = 4, BENCH_OTHER = 7 };

/* "strata-bench: ..." and a line end, to stderr; returns `code`. */
int bench_say(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
int bench_fail(const struct strata_error *err, const char *doing); /* its exit status */
int bench_fail_sys(const char *path, int sys);                     /* BENCH_IO */
int bench_fail_memory(void);                                       /* BENCH_OTHER */
uint64_t bench_now_ns(void);                                       /* monotonic */
bool bench_interrupted(void);    /* by a signal: stop, clean up, then the signal has its way */
void bench_forward(pid_t child); /* signals go to it too; 0: to nobody */
void bench_catch_signals(void);
void bench_end_by_signal(void); /* that was caught; returns if none was */

/* ---- The command line (args.c) --------------------------------------------------------- */

#define BENCH_WORKS 48      /* benchmarks of one run */
#define BENCH_CONTENDERS 24 /* engines of one run */

struct work;

/* An engine of a run; of Strata a stage. */
struct contender {
    const struct engine *engine;
    struct strata_stage_info stage; /* of Strata */
    const char *name;               /* "leveldb", "06_leveled_compaction" */
    char about[500];                /* its version and settings (turns_ask) */
};

struct settings {
    const struct work *works[BENCH_WORKS];
    size_t work_count;
    struct contender contenders[BENCH_CONTENDERS];
    size_t contender_count;
    bool named;       /* by --engines: side by side, so with equal durability */
    bool lenient;     /* what an engine cannot do is left out */
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
    size_t value_threshold; /* of a value that is in a value file; 0: none is */
    size_t memtable_bytes, cache_bytes, block_bytes;
    size_t bloom_bits;   /* a key */
    uint64_t warm_bytes; /* of memory, touched before each benchmark */
    uint64_t turns;
    enum strata_sync sync;
    bool plain, mapped_reads, check_reads, no_background;
    double seconds;   /* cap of one benchmark */
    double quiet;     /* seconds, in all, to wait for a quiet machine; 0: nobody looks */
    const char *db;   /* NULL: a temporary directory */
    const char *tsv;  /* NULL: generated data */
    const char *json; /* NULL: none */
    enum figure figures[FIGURES]; /* of which there are tables */
    size_t figure_count;
    bool each;   /* every result is printed, not only the summary */
    bool limits; /* these are measured too */
    bool histogram;
    bool help;
};

/* Likewise, these of the options --stage and --engines (contenders.c). */
int contenders_stage(struct settings *s, const char *text);
int contenders_engines(struct settings *s, const char *list);
int contenders_newest(struct settings *s);
unsigned stage_newest(void); /* of this build */
/* BENCH_OK, or BENCH_USAGE and stderr has a message. */
int args_parse(struct settings *s, int argc, char **argv);
void args_help(FILE *to);

/* ---- Keys and values (data.c) ---------------------------------------------------------- */

#define DATA_TAIL 1 /* bytes of data_key's `tail`, at most */

/* A key's value depends on its number alone, so that every read can be checked. */
struct data {
    uint64_t count;                /* keys */
    uint32_t *shuffled;            /* a permutation of 0 .. count - 1 */
    size_t key_bytes, value_bytes; /* of generated data */
    size_t key_most;               /* bytes of the longest key there can be */
    struct strata_buffer pool;     /* values are cut out of it; or the records of the TSV file */
    struct record_place *records;  /* NULL: generated */
    size_t capacity;               /* of `records` */
};

/* BENCH_OK, or stderr has a message; data_free in both cases. */
int data_init(struct data *d, const struct settings *s);
void data_free(struct data *d);
/* Key number i (of records: i < count), with `tail` behind it, in `to` or in the data. */
struct strata_slice data_key(const struct data *d, uint64_t i, const char *tail, uint8_t *to);
struct strata_slice data_value(const struct data *d, uint64_t i);
bool data_holds(const struct data *d, uint64_t i); /* has key number i room in a key? */

/* ---- One engine's turn ----------------------------------------------------------------- */

/* How the database is opened for a workload: for writing; for reading only, as the last close left
 * it; without the files that are there to make opening fast; each put synced; with a small cache;
 * read from mapped files, as some engines always do; both of these. */
enum work_opens {
    OPENS_WRITE,
    OPENS_CLEAN,
    OPENS_BARE,
    OPENS_SYNCED,
    OPENS_SMALL,
    OPENS_MAPPED,
    OPENS_SMALL_MAPPED
};

/* What writes have done, and took, settle's part too. */
struct made {
    uint64_t puts, put_bytes, written, called; /* the last two: bytes, as struct os_io's */
    double seconds, cpu_seconds;
};

struct bench {
    const struct settings *settings;
    const struct contender *contender;
    struct data data;
    struct strata_fs *fs; /* one for all handles: its counters outlive them */
    const char *root;     /* holds a directory an engine */
    char *dir;            /* of the database under test */
    bool made;            /* by us, so it may be removed */
    void *db;
    enum work_opens opened; /* how db was */

    /* What must be there (check.c). */
    uint64_t filled; /* keys that are there: these of the order they were put in */
    bool filled_shuffled;
    uint64_t next;     /* number of the first key that was never put */
    uint64_t *present; /* a bit a key number */
    size_t words;      /* of it */
    bool known;        /* else another run made the database */

    uint64_t survivors, survivors_first; /* new keys that a killed process put; looked for when the
                                          * database is open again */

    uint64_t first_new;       /* `next`, when the workload under way began */
    uint64_t salt;            /* of the random numbers of the workload under way */
    struct zipf zipf;         /* likewise, of YCSB's */
    struct histogram latency; /* of the last workload */
    struct os_memory own;     /* the program's, without a database */
    struct made made_of;      /* since the database was made */
    uint64_t settled_bytes;   /* of its files, without compaction debt; 0: not known */
    uint64_t settled_live;    /* keys that it had then */
    int parent;               /* where results go, and what only the first process can do is
                               * asked for; -1: nowhere */
};

/* ---- Workloads (work.c, ycsb.c, draw.c) ----------------------------------------------- */

enum act { ACT_PUT, ACT_DELETE, ACT_GET, ACT_MISS, ACT_MODIFY, ACT_SEEK };

/* An operation, laid down before its time is taken. */
struct op {
    enum act act;
    uint64_t number;  /* of the key */
    uint64_t entries; /* of a seek */
    struct strata_slice key, value;
};

enum work_kind { WORK_FILL, WORK_WRITE, WORK_READ, WORK_MIX, WORK_SCAN, WORK_OPEN, WORK_ONCE };

/* Which keys are there after a fill that did n operations. */
enum work_leaves { LEAVES_ANY, LEAVES_FIRST, LEAVES_SHUFFLED };

struct work {
    const char *name; /* db_bench's */
    const char *help; /* one line */
    enum work_kind kind;
    /* What operation number i does: its act, number and entries. The same for all engines, and
     * whichever thread does it. Not for SCAN, OPEN and ONCE. */
    void (*plan)(const struct bench *b, uint64_t i, struct op *op);
    /* ONCE: does it; OPEN: makes the database ready to be opened. */
    int (*one)(struct bench *b, struct strata_error *err);
    int (*then)(struct bench *b, struct strata_error *err); /* OPEN: is timed, too; or NULL */
    enum work_leaves leaves;
    unsigned needs; /* of the engine: enum engine_can */
    uint64_t part;  /* it does one in so many of N operations; 0: all */
    bool batches;   /* a call is a batch of settings->batch operations */
    bool backwards; /* of a scan */
    bool beside;    /* another thread writes meanwhile */
    bool inserts;   /* new keys too */
    enum work_opens opens;
    size_t value_bytes; /* of a fill; 0: the settings' */
    size_t threads;     /* that do it; 0: as said */
    uint64_t most;      /* operations; 0: as said */
    bool warm;          /* every entry is read before, so that caches have what they can hold */
    bool closes;        /* of OPEN: the closing is timed, not the opening */
    bool weighs;        /* its bytes on the device are those of the database when it is closed */
};

extern const struct work works[]; /* work.c; ends with a NULL name */
bool work_writes(const struct work *work);
size_t work_threads(const struct work *work, const struct settings *s); /* that do it */
uint64_t work_wanted(const struct work *work, const struct bench *b);   /* operations */
bool work_generated(const struct work *work);                  /* it is for generated data alone */
struct prng draw_random(const struct bench *b, uint64_t i);    /* operation i's random numbers */
uint64_t draw_key_at(const struct bench *b, uint64_t place);   /* of those that the last fill put */
uint64_t draw_key(const struct bench *b, struct prng *random); /* likewise */

void ycsb_a(const struct bench *b, uint64_t i, struct op *op);
void ycsb_b(const struct bench *b, uint64_t i, struct op *op);
void ycsb_c(const struct bench *b, uint64_t i, struct op *op);
void ycsb_d(const struct bench *b, uint64_t i, struct op *op);
void ycsb_e(const struct bench *b, uint64_t i, struct op *op);
void ycsb_f(const struct bench *b, uint64_t i, struct op *op);

/* ---- One workload ---------------------------------------------------------------------- */

/* A thread of a workload. */
struct worker {
    struct bench *bench;
    struct run *run; /* run.c's */
    bool first;      /* of the threads: the one that draws */
    void *session;
    struct op *ops; /* that are planned */
    uint8_t *keys;  /* of them */
    struct engine_entry *entries;
    uint64_t done, found, bytes, put_bytes; /* as in the result */
    uint64_t sum;                           /* of what came out */
    uint64_t aside_ns, aside_cpu_ns;        /* in which operations were laid down */
    struct histogram latency;
    struct strata_error err;
    int rc;
    pthread_t thread;
};

/* Runs one workload on the open database (measure.c). BENCH_OK, or stderr has a message. */
int measure(struct bench *b, const struct work *work, size_t place, struct result *result);
void measure_disk(struct bench *b, struct result *result); /* what the files take */
/* Its loop: fills in what the result tells of operations and time, and b->latency. Likewise. */
int run_work(struct bench *b, struct result *result);
/* One operation: what came out is added to `sum` (act.c). 0, or < 0 and w->err. */
int act_do(struct worker *w, const struct op *op, struct sum *sum);
uint64_t act_weigh(uint64_t i, const struct sum *sum); /* the sum of what operation i gave */
/* A line on a terminal that tells how far it is; NULL: it goes. */
void run_draw(const char *text);

/* ---- Is it right? (check.c) ------------------------------------------------------------ */

void check_begin_new(struct bench *b);      /* nothing is there */
uint64_t check_live(const struct bench *b); /* keys that are there */
/* Sets `*number`, of a key, to the next one that is there, if its own is not; after the last comes
 * the first. If another run made the database, any may be there. False: there is none. */
bool check_find(const struct bench *b, uint64_t *number);
/* Goes over the workload's operations again, as they should have been: notes which keys are there,
 * and holds what came out, `found` entries of `sum`, against what must have. */
int check_work(struct bench *b, const struct result *r, uint64_t sum);
int check_put(struct bench *b, uint64_t first, uint64_t count); /* new keys: they are there now */
int check_walk(struct bench *b, struct strata_error *err); /* reads every entry, and that is all */
/* Every entry and every key of it, forwards; < 0 too if anything is not as it should be. */
int check_everything(struct bench *b, struct strata_error *err);
/* New keys were put by a process that was killed: are they all there? */
int check_survivors(struct bench *b, struct strata_error *err);

/* ---- The database's life (life.c) ------------------------------------------------------ */

int life_open(struct bench *b, enum work_opens how, bool create, struct strata_error *err);
int life_open_again(struct bench *b, struct strata_error *err); /* as it was */
unsigned life_can(const struct bench *b);                       /* enum engine_can */
void life_options(const struct bench *b, enum work_opens how, struct engine_options *o);
/* The others: BENCH_OK, or stderr has a message. */
int life_close(struct bench *b);
/* One workload, on the database that it needs: new, as it is, or read-only (prepare.c). */
int prepare_measure(struct bench *b, const struct work *work, size_t place, struct result *result);

/* ---- Turns (turns.c, turn.c, message.c) ----------------------------------------------- */

/* `tell` in a process of its own, which ends then; `take` reads here what it writes. Its exit
 * status, or stderr has a message. */
int turns_apart(int (*tell)(const void *arg, int to), const void *arg,
                void (*take)(void *result, int from), void *result);
/* Has each engine tell about itself, in a process that ends then: an engine may begin threads for
 * that, and what is forked from a process with threads has lost them. */
int turns_ask(struct settings *s);
int turns_run(const struct settings *s, const char *root,
              struct results *results); /* all engines, in turns */
/* One engine, in this process: results to `parent`. */
int turn_run(const struct settings *s, size_t contender, const char *root, uint64_t turn,
             int parent);
/* New keys, put by a process that is killed then (asked of the first process). */
int message_put_and_die(struct bench *b, uint64_t first, uint64_t count);
/* In that process: never returns. */
struct die {
    size_t contender;
    uint64_t first, count;
    size_t value_bytes;
};
void turn_die(const struct settings *s, const char *root, const struct die *die);

/* What a process tells the first one. */
enum message_kind { MESSAGE_RESULT, MESSAGE_DIE };
struct message {
    enum message_kind kind;
    struct result result;
    struct die die;
};
bool message_send(int to, const void *message, size_t size);
bool message_take(int from, void *message, size_t size); /* false: the end, or it failed */

/* ---- Directories (place.c) ------------------------------------------------------------- */

char *place_temporary(void); /* a new directory, its path on the heap; NULL: stderr has a message */
bool place_exists(const char *path);
void place_remove(const char *path); /* with all that is in it */
/* Moves the files of `from` whose names match a pattern of the list to `to`, which is made if it
 * is not there. BENCH_OK, or stderr has a message. */
int place_move(const char *from, const char *to, const char *const *patterns);

#endif
