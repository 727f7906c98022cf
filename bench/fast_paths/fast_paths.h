/* fast_paths.h: what each technique of stage 9 gains: the same work by a tree that differs in one
 * part, the plain form of an earlier stage and stage 9's. make fast-paths.
 *
 *   fast_paths.c  the table of techniques, and measuring        works.c  the works
 *
 * Of a work the operations alone are measured, between measure_begin and measure_end: CPU time of
 * the thread, or, where that is said, the time that passes. Under Callgrind the same two calls
 * bound what is counted, as the guard's do. */
#ifndef STRATA_BENCH_FAST_PATHS_H
#define STRATA_BENCH_FAST_PATHS_H

#include "07_paced_compaction/tree/parts.h"
#include "strata.h"

/* One of the two forms of a technique. */
struct side {
    struct tree_parts parts;
    struct strata_options options; /* beside the parts, dir and create */
};

struct bench {
    const struct side *side;
    const char *dir; /* of a new database; it is removed after the work */
    uint64_t keys;
    double value; /* the result, an operation: ns, or what the technique's unit says */
    uint64_t operations;
    bool after;
};

typedef void work(struct bench *bench);

/* In a memtable alone. */
work put_random, put_sorted, log_bytes;
/* Of a database that was compacted. */
work get_cached, get_uncached, scan_cached, scan_uncached, disk_bytes;
/* Of one with many tables on several levels. */
work get_missing, scan_runs;
/* Memtables that follow one another. */
work put_flushed;
work open_killed;      /* until the first get has returned; the time that passes */
work synced_puts;      /* by four threads; syncs of files, a put */
work synced_put_times; /* the same; the time that passes */
work cache_hit;        /* of a cache alone: side->options is not used */
work cache_shared;     /* by two threads at once; the time that passes */

void measure_begin(bool passing); /* the time that passes; else the thread's CPU time */
void measure_end(struct bench *bench, uint64_t operations);

/* Ends the program with a message. */
void must(int rc, const struct strata_error *err, const char *doing);

#endif
