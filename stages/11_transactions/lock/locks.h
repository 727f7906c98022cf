/* locks.h: exclusive locks on keys. An owner (a transaction) takes locks one after another, and
 * releases all of them at its end. Who asks for a key that is held waits for it in a queue:
 * waits.h. The keys are bytes of any length; what a lock protects is the caller's matter.
 *
 *     locks_take(&locks, &txn->owner, key, timeout, err);     0: it is ours until ...
 *     ... others that take it wait ...
 *     locks_release(&locks, &txn->owner);                     the next one has it
 *
 * Threads: any number, each with an owner of its own. Without contention a lock costs a hash, a
 * mutex that few others use, and an allocation. */
#ifndef STRATA_11_LOCKS_H
#define STRATA_11_LOCKS_H

#include "11_transactions/lock/waits.h"

#define LOCKS_SHARDS 16u

/* Part of the table: the keys whose hashes begin with the same bits. */
struct locks_shard {
    struct sync_mutex mutex;      /* guards all of it; 11.I23: of its locks it is the guard */
    struct locks_entry **buckets; /* a power of two of them, or none */
    uint32_t bucket_count, count; /* entries */
    char apart[64];               /* two shards have no cache line in common */
};

struct locks {
    struct locks_shard shards[LOCKS_SHARDS];
    struct waits waits;
};

int locks_init(struct locks *locks, struct strata_error *err);
/* No owner holds any. */
void locks_free(struct locks *locks);

/* 0: the owner holds the key now, or did already. After anything else all is as before, and it
 * holds what it held. `timeout_ns` may be WAITS_FOR_EVER; 0: it does not wait.
 *
 *   DEADLOCK   owners wait for each other in a cycle, and this is the youngest of them
 *   TIMEOUT    others held the key for so long
 *   NO_MEMORY */
int locks_take(struct locks *locks, struct lock_owner *owner, struct strata_slice key,
               uint64_t timeout_ns, struct strata_error *err);
/* All that it holds. */
void locks_release(struct locks *locks, struct lock_owner *owner);

#endif
