/* txn_crew.h: several sessions, each a thread, run transactions on one handle, as their random
 * numbers say, and what they did and saw is recorded (cycles.h). Every key holds a list of numbers;
 * to append is to get the list and put a longer one. The threads are sync.h's: free, or in a body
 * of baton_run.
 *
 * A transaction gets, gets for update, appends, scans ranges, deletes and appends behind a
 * savepoint and rolls that back, commits or is dropped; others only read. Between them a session
 * appends by a plain put to a key that is its own, and reads without a transaction.
 *
 * `blind`: it also appends by merges, puts with a time, some of which are over, and puts and
 * deletes a range of keys beside those with lists, of which any reader sees what one write left. */
#ifndef STRATA_TESTS_TXN_CREW_H
#define STRATA_TESTS_TXN_CREW_H

#include "crash/concurrency/cycles.h"
#include "strata.h"
#include "threads/sync.h"

#define TXN_CREW_BLIND (STRATA_PROMISE_MERGE | STRATA_PROMISE_EXPIRY | STRATA_PROMISE_RANGE)
#define TXN_CREW_MOST 8u                                /* sessions */
#define TXN_CREW_SHARED 5u                              /* keys that all append to */
#define TXN_CREW_KEYS (TXN_CREW_SHARED + TXN_CREW_MOST) /* and one of each session's own */

struct txn_crew {
    /* The caller's: */
    struct strata *db;
    struct strata_fs
        *sim; /* fs_sim that is to have a mark for each commit's begin and end; or NULL */
    uint64_t seed;
    unsigned sessions;     /* at most TXN_CREW_MOST */
    unsigned transactions; /* of each */
    enum strata_isolation isolation;
    bool plain;    /* puts without a transaction, too */
    bool unsynced; /* some commits are not synced */
    bool blind;    /* as stage 13 allows */
    bool upkeep;   /* flushes and compactions, too */
    bool may_fail; /* a commit that fails has an unknown outcome */
    /* What was done: */
    struct cycles history;
    char wrong[400]; /* the first call that failed, or gave a list that nobody writes; or "" */
    _Atomic uint64_t conflicts, deadlocks, timeouts, commits;
    /* The crew's: */
    struct sync_mutex marking, saying;
};

/* Ended by txn_crew_free, which leaves the caller's. */
void txn_crew_init(struct txn_crew *crew);
void txn_crew_free(struct txn_crew *crew);
/* Starts the sessions and waits for them; then reads all keys, as the history's last transaction.
 */
void txn_crew_run(struct txn_crew *crew);

/* Adds to the history a transaction that reads what the database holds now. False: a call failed,
 * or it holds what nobody writes; crew->wrong says so. */
bool txn_crew_read_all(struct txn_crew *crew, struct strata *db);

/* What a crash left. */
struct txn_crew_crash {
    uint64_t issued; /* commits that were asked for later left nothing */
    uint64_t acked;  /* those that ended later had no answer */
    bool killed;     /* no power cut: what had ended counts as synced */
};
/* Is what `found` read (its only transaction) what the first commits of the history give, in the
 * order of their numbers: all that were synced among them, and none of the others half? If not,
 * `why` (capacity bytes) says so. Without plain puts, which have no numbers. */
bool txn_crew_is_prefix(const struct txn_crew *crew, const struct cycles *found,
                        const struct txn_crew_crash *crash, char *why, size_t capacity);

#endif
