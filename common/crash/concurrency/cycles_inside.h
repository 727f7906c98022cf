/* cycles_inside.h: what the files of the checker (cycles.h) share. */
#ifndef STRATA_COMMON_CYCLES_INSIDE_H
#define STRATA_COMMON_CYCLES_INSIDE_H

#include "crash/concurrency/cycles.h"
#include "crash/concurrency/cycles_search.h"

struct append {
    unsigned key;
    uint64_t value;
    size_t txn;
    bool undone;   /* rolled back to a savepoint */
    bool replaced; /* the same transaction appended to the key once more */
    bool read;     /* by another transaction */
    size_t reader; /* the last read that had it, from 1 */
};

struct read {
    unsigned key;
    size_t txn, count; /* without its own appends */
    const struct cycles_op *op;
    bool updates; /* its transaction committed an append to the key */
    bool broken;  /* it does not fit the other reads of the key */
};

struct cycles_check {
    struct cycles_txn **txns; /* by begin; their numbers are indexes into this */
    bool *committed;          /* of each */
    size_t count, room;
    struct append *appends; /* by key and value */
    size_t append_count, append_room;
    struct read *reads; /* by key, count and begin */
    size_t read_count, read_room;
    struct cycles_graph graph;
    struct cycles_result *result;
};

/* ---- cycles_words.c: the result in words ----------------------------------------------------- */

/* Adds to the result's text; what does not fit is cut. */
void cycles_say(struct cycles_check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cycles_say_list(struct cycles_check *c, const uint64_t *list, size_t count);
/* Lines: what the transaction did; what the edge says. */
void cycles_say_txn(struct cycles_check *c, size_t txn);
void cycles_say_edge(struct cycles_check *c, const struct cycles_edge *edge);
/* Adds the anomaly to the result. True: it is the first of its kind, which the caller explains. */
bool cycles_is_first(struct cycles_check *c, enum cycles_anomaly anomaly);

/* ---- cycles_reads.c: what each read shows by itself ------------------------------------------ */

/* Fills txns, appends, reads and committed. */
void cycles_gather(struct cycles_check *c, const struct cycles *history);
/* NULL: nobody appended it. */
struct append *cycles_find_append(const struct cycles_check *c, unsigned key, uint64_t value);

#endif
