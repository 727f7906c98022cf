/* limits.h: what this machine can do at best, by the simplest program that does it: no engine on it
 * can be faster. docs/notebook/performance.md and bench/results/bounds.c say which of them bounds
 * which workload.
 *
 *   limits.c  main, the table    memory.c  copies, dependent loads     measure.c  three turns
 *   files.c   writes, syncs      blocks.c  checksum, packing           each.c     clocks, one
 * operation
 */
#ifndef STRATA_BENCH_LIMITS_H
#define STRATA_BENCH_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMIT_BLOCK ((size_t)4096)
#define LIMIT_RECORD ((size_t)132) /* a key of 16 bytes, a value of 100, and what a log adds */

#define LIMIT_BYTES ((size_t)256 << 20)
#define LIMIT_SECONDS 0.1

/* What a measurement may take. */
struct limit_size {
    size_t bytes; /* of memory: more than the processor's caches hold */
    size_t file_bytes;
    double seconds; /* one turn runs at least so long, or until a file is full */
    const char *dir;
};

struct limit {
    const char *name, *unit; /* "ns" an operation, or "MB/s" */
    const char *about;
    /* 0 or an errno. `begin` makes what all turns use, `end` frees it, whatever happened. Both may
     * be NULL. */
    int (*begin)(const struct limit_size *size);
    int (*measure)(const struct limit_size *size, double *value);
    void (*end)(void);
};

struct limit_figure {
    double best, median, worst;
};

typedef void limits_each(void *arg, const struct limit *limit, const struct limit_figure *figure);
/* All of them, one after the other; 0, or an errno and `at` is the one that failed. */
int limits_measure(const struct limit_size *size, limits_each *each, void *arg,
                   const struct limit **at);

/* Each a list that ends with a NULL name. */
extern const struct limit limits_of_memory[];
extern const struct limit limits_of_blocks[];
extern const struct limit limits_of_files[];

double limit_now(void); /* seconds, monotonic */
double limit_cpu(void); /* seconds of the processor, of this thread and of the kernel for it */
/* Nanoseconds of the processor for one operation: `some` does `count` of them, more and more, until
 * it has taken size->seconds. */
double limit_each(void (*some)(uint64_t count), const struct limit_size *size);
/* So that the compiler cannot leave out what made it. */
void limit_use(uint64_t number);

#endif
