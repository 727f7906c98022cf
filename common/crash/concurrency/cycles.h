/* cycles.h: histories of transactions that append to lists, and the isolation anomalies in them.
 *
 * Method: Elle (K. Kingsbury, P. Alvaro: Elle: Inferring Isolation Anomalies from Experimental
 * Observations, VLDB 2020). Every key holds a list, a transaction appends values to lists and reads
 * whole lists, and no value is appended twice to a key. So a read shows not only what was there,
 * but in which order it came: the versions of a key are the prefixes of the longest list that was
 * read. From them follow the dependencies between transactions (A. Adya: Weak Consistency, MIT
 * 1999):
 *
 *     ww  T1 appended, and T2 appended next               T1 --ww--> T2
 *     wr  T1 appended, and T2 read that as the last one   T1 --wr--> T2
 *     rw  T1 read, and T2 appended what it did not see    T1 --rw--> T2
 *     time  T1 ended before T2 began
 *
 * If the transactions ran as if one after another, there is no cycle. The kinds of edges in a cycle
 * say which anomaly it is:
 *
 *     T1 reads x: [], y: []; appends 1 to x       T1 --rw(y)--> T2
 *     T2 reads x: [], y: []; appends 2 to y       T2 --rw(x)--> T1       G2-item: write skew
 *
 * A history is one of snapshot isolation if and only if every cycle has two rw edges one after the
 * other (A. Cerone, A. Gotsman: Analysing Snapshot Isolation, PODC 2016; first A. Fekete et al.:
 * Making Snapshot Isolation Serializable, TODS 2005). With edges of time, T1 having ended before T2
 * began, the levels are the strong ones: strict serializability, strong snapshot isolation.
 *
 * A scan is recorded as a read of each key that its range could hold, also those that are absent:
 * an absent key is an empty list, so a phantom is an rw edge like any other.
 *
 * Transactions that were aborted count with what they read: a program may have acted on it (R.
 * Guerraoui, M. Kapalka: On the Correctness of Transactional Memory, PPoPP 2008). One whose outcome
 * is unknown counts as committed if and only if a transaction read what it appended. */
#ifndef STRATA_COMMON_CYCLES_H
#define STRATA_COMMON_CYCLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CYCLES_SESSIONS 16u
#define CYCLES_NEVER UINT64_MAX
#define CYCLES_KEPT SIZE_MAX

struct cycles_op {
    unsigned key;
    bool appends; /* else it reads */
    bool ranged;  /* it reads as a part of a scan */
    uint64_t value;
    size_t undone_at; /* an append: the number of operations when it was rolled back to a savepoint;
                       * or CYCLES_KEPT */
    uint64_t *list;   /* what was read, with the transaction's own appends */
    size_t count;
};

enum cycles_outcome { CYCLES_UNKNOWN, CYCLES_COMMITTED, CYCLES_ABORTED };

struct cycles_txn {
    uint64_t begin, end; /* times; without an answer: CYCLES_NEVER */
    uint64_t asked;      /* when its commit was asked for; not used by cycles_check */
    uint64_t number;     /* of its commit, if known, else 0; not used by cycles_check */
    bool synced;         /* not used by cycles_check */
    unsigned session;
    enum cycles_outcome outcome;
    struct cycles_op *ops;
    size_t count, room;
};

struct cycles_log {
    struct cycles_txn **txns;
    size_t count, room;
};

/* All zero is a valid empty history. */
struct cycles {
    _Atomic uint64_t clock;
    struct cycles_log sessions[CYCLES_SESSIONS];
};

void cycles_free(struct cycles *history);

/* ---- Recording: each session by one thread, all at the same time ----------------------------- */

/* A transaction of the session begins; the history owns it. */
struct cycles_txn *cycles_begin(struct cycles *history, unsigned session);
/* To be recorded when the append is made; another value than any other append to the key. */
void cycles_append(struct cycles_txn *txn, unsigned key, uint64_t value);
/* The list is copied. `ranged`: by a scan. */
void cycles_read(struct cycles_txn *txn, unsigned key, const uint64_t *list, size_t count,
                 bool ranged);
/* A rollback to the savepoint at which the transaction had `ops` operations. */
void cycles_rollback(struct cycles_txn *txn, size_t ops);
/* With UNKNOWN it has no end. */
void cycles_end(struct cycles *history, struct cycles_txn *txn, enum cycles_outcome outcome);

/* ---- Checking: when nobody records ----------------------------------------------------------- */

enum cycles_anomaly {
    CYCLES_G0 = 1u << 0,          /* a cycle of ww: dirty write */
    CYCLES_G1A = 1u << 1,         /* a read of what was aborted or rolled back */
    CYCLES_G1B = 1u << 2,         /* a read of what its transaction replaced before its end */
    CYCLES_G1C = 1u << 3,         /* a cycle of ww and wr */
    CYCLES_LOST_UPDATE = 1u << 4, /* P4: two transactions read the same version and both wrote */
    CYCLES_G_SINGLE = 1u << 5,    /* a cycle with one rw: read skew */
    CYCLES_NONADJACENT = 1u << 6, /* a cycle with several, never one after the other */
    CYCLES_G2_ITEM = 1u << 7,     /* a cycle with several: write skew */
    CYCLES_G2 = 1u << 8,          /* the same with an rw of a scan */
    CYCLES_INTERNAL = 1u << 9,    /* a transaction did not read its own appends, in their order */
    CYCLES_ORDER = 1u << 10,      /* of two lists that were read neither is a prefix of the other */
    CYCLES_GARBAGE = 1u << 11,    /* a read of what nobody appended */
    CYCLES_DUPLICATE = 1u << 12,  /* a list has a value twice */
    CYCLES_LOST_APPEND = 1u << 13, /* committed, and not there for one that began later */
};
/* What snapshot isolation allows. */
#define CYCLES_SNAPSHOT_ALLOWS (unsigned)(CYCLES_G2_ITEM | CYCLES_G2)

/* "G2-item (write skew)": of a single bit. */
const char *cycles_name(enum cycles_anomaly anomaly);

struct cycles_result {
    unsigned found;     /* bits of enum cycles_anomaly; a cycle that holds others may hide these */
    unsigned timed;     /* of them, those whose cycle has an edge of time */
    size_t txns, edges; /* looked at */
    char why[6000];     /* the first of each anomaly in words; "" if there is none */
};

/* Takes memory and, but for the search for a G-single, time in proportion to the history (times the
 * logarithm); a read of a transaction costs as many steps as that has operations. `time`: with its
 * edges. */
void cycles_check(const struct cycles *history, bool time, struct cycles_result *result);

#endif
