/* linear.h: histories of several threads' operations, and whether they are linearizable: is there
 * an order of the operations, each placed between its begin and its end, in which every read finds
 * what the last write before it left? (M. Herlihy, J. Wing: Linearizability, 1990.)
 *
 *     thread 1   |-- put a=1 --|        |-- get a: 1 --|
 *     thread 2          |--- put a=2 ---|                      put 2, put 1, get 1: fine
 *     thread 3                                 |-- get a: 2 -| wrong: 1 was there before it began
 *
 * Keys are numbered from 0. Each write has a value of its own, a number above 0; 0 is "not there".
 * An operation reads or writes any number of keys at once: a batch; a scan, which reads each key,
 * also those it does not find; a snapshot, which is an operation from the begin to the end of
 * strata_snapshot_new, whenever it is read.
 *
 * An operation without an end (the database crashed, or a write failed) may have been done or not.
 */
#ifndef STRATA_COMMON_LINEAR_H
#define STRATA_COMMON_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEAR_KEYS 32u
#define LINEAR_THREADS 16u
#define LINEAR_NEVER UINT64_MAX

struct linear_part {
    unsigned key;
    uint64_t value; /* 0: deleted, or not found */
};

struct linear_op {
    uint64_t begin, end; /* LINEAR_NEVER: not known to be done */
    unsigned thread;
    bool writes;
    bool
        synced; /* its end says that it, and all that ended before it began, survives a power cut */
    struct linear_part *parts;
    size_t count, capacity;
};

/* Operations of a thread, in their order. */
struct linear_log {
    struct linear_op **ops;
    size_t count, capacity;
};

/* All zero is a valid empty history of a database without keys. */
struct linear {
    _Atomic uint64_t clock;
    struct linear_log threads[LINEAR_THREADS];
    uint64_t first[LINEAR_KEYS]; /* the values when it begins */
};

void linear_free(struct linear *history);

/* ---- Recording: of each thread at the same time ---------------------------------------------- */

/* An operation of thread `thread` begins. It is the history's. */
struct linear_op *linear_begin(struct linear *history, unsigned thread, bool writes);
/* What it writes, before it is asked for; or what it has read. */
void linear_part(struct linear_op *op, unsigned key, uint64_t value);
void linear_end(struct linear *history, struct linear_op *op);

/* ---- Checking: when no thread records -------------------------------------------------------- */

enum linear_verdict { LINEAR_RIGHT, LINEAR_WRONG, LINEAR_UNDECIDED };

struct linear_result {
    enum linear_verdict verdict;
    uint64_t configurations; /* looked at */
    char why[2000];          /* "" when it is right */
};

/* First each key by itself, then, where an operation has several keys, all together. UNDECIDED:
 * that took more than LINEAR_MOST configurations. */
#define LINEAR_MOST 2000000u
void linear_check(const struct linear *history, struct linear_result *result);

/* What a crash left of a history. */
struct linear_crash {
    uint64_t issued;              /* of operations that began later nothing may be there */
    uint64_t acked;               /* those that ended later had no answer */
    bool killed;                  /* no power cut: what had ended counts as synced */
    uint64_t values[LINEAR_KEYS]; /* what was recovered */
};
/* Do some first operations of such an order, all that had been synced among them, give what was
 * recovered? So nothing synced is lost, no batch is torn, and who is there has before it all that
 * had ended before it began. */
void linear_check_crash(const struct linear *history, const struct linear_crash *crash,
                        struct linear_result *result);

#endif
