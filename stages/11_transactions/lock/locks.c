/* locks.c: see locks.h. A hash table in shards, each with a mutex of its own. It has an entry for
 * each key that is held, and for no other:
 *
 *     shard 0   [ ]  [*]--> "k7" held by 3 --> "k2" held by 5     queue of "k2": 8, 6
 *     shard 1   [*]--> "k4" held by 3
 *     ...
 *                 owner 3: "k4", "k7"       owner 5: "k2", ...
 *
 * 11.I26: an entry is in the table if and only if an owner holds its key; it is in that owner's
 *        list, and in no other one. Two entries differ in their keys: hashes may be equal.
 * 11.I27: an owner's list belongs to the thread that uses the owner, and is changed without a
 *        lock: an owner that is handed an entry puts it into its list itself, when it wakes. The
 *        owner before has looked at the entry for the last time by then.
 * 11.I28: an entry that somebody waits for stays in the table: its holder hands it over. */
#include "11_transactions/lock/locks.h"
#include "base/checksum.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SHARD_SHIFT 28u /* LOCKS_SHARDS, of the 32 bits of a hash; buckets use the lowest ones */
#define BUCKETS_LEAST 16u

_Static_assert(LOCKS_SHARDS == 1u << (32 - SHARD_SHIFT), "a shard for each value of those bits");

struct locks_entry {
    struct locks_entry *next; /* in the bucket */
    struct locks_entry *next_held;
    struct waits_lock lock;
    uint32_t hash;
    size_t size;
    uint8_t key[]; /* a copy */
};

int locks_init(struct locks *locks, struct strata_error *err)
{
    int rc;

    memset(locks, 0, sizeof *locks);
    rc = waits_init(&locks->waits, err);
    for (size_t i = 0; rc == 0 && i < LOCKS_SHARDS; i++) {
        if (sync_mutex_init(&locks->shards[i].mutex) == 0)
            continue;
        while (i-- > 0)
            sync_mutex_free(&locks->shards[i].mutex);
        waits_free(&locks->waits);
        return strata_fail_memory(err, sizeof locks->shards[0].mutex);
    }
    return rc;
}

void locks_free(struct locks *locks)
{
    for (size_t i = 0; i < LOCKS_SHARDS; i++) {
        assert(!locks->shards[i].count); /* 11.I26 */
        free(locks->shards[i].buckets);
        sync_mutex_free(&locks->shards[i].mutex);
    }
    waits_free(&locks->waits);
}

/* ---- The table ------------------------------------------------------------------------------- */

static struct locks_shard *shard_of(struct locks *locks, uint32_t hash)
{
    return &locks->shards[hash >> SHARD_SHIFT];
}

static struct locks_entry **bucket_of(const struct locks_shard *shard, uint32_t hash)
{
    return &shard->buckets[hash & (shard->bucket_count - 1)];
}

static struct locks_entry *find(const struct locks_shard *shard, struct strata_slice key,
                                uint32_t hash)
{
    struct locks_entry *entry = shard->bucket_count ? *bucket_of(shard, hash) : NULL;

    while (entry && (entry->hash != hash ||
                     strata_compare(strata_bytes(entry->key, entry->size), key) != 0)) /* 11.I26 */
        entry = entry->next;
    return entry;
}

static void insert(struct locks_shard *shard, struct locks_entry *entry)
{
    struct locks_entry **bucket = bucket_of(shard, entry->hash);

    entry->next = *bucket;
    *bucket = entry;
}

/* Twice as many buckets. False: no memory; they stay as they are. */
static bool grow(struct locks_shard *shard)
{
    struct locks_entry **old = shard->buckets;
    uint32_t old_count = shard->bucket_count, count = old_count ? 2 * old_count : BUCKETS_LEAST;
    struct locks_entry **buckets = calloc(count, sizeof(struct locks_entry *));

    if (!buckets)
        return false;
    shard->buckets = buckets;
    shard->bucket_count = count;
    for (uint32_t i = 0; i < old_count; i++)
        for (struct locks_entry *entry = old[i], *next; entry; entry = next) {
            next = entry->next;
            insert(shard, entry);
        }
    free(old);
    return true;
}

static struct locks_entry *entry_new(struct strata_slice key, uint32_t hash,
                                     struct strata_error *err)
{
    struct locks_entry *entry = malloc(sizeof *entry + key.size);

    if (!entry) {
        strata_fail_memory(err, sizeof *entry + key.size);
        return NULL;
    }
    *entry = (struct locks_entry){.hash = hash, .size = key.size};
    if (key.size)
        memcpy(entry->key, key.data, key.size);
    return entry;
}

/* Without memory for more buckets their lists get longer; only the first ones are necessary. */
static int add(struct locks_shard *shard, struct lock_owner *owner, struct strata_slice key,
               uint32_t hash, struct locks_entry **out, struct strata_error *err)
{
    if (shard->count >= shard->bucket_count && !grow(shard) && !shard->bucket_count)
        return strata_fail_memory(err, BUCKETS_LEAST * sizeof(struct locks_entry *));
    *out = entry_new(key, hash, err);
    if (!*out)
        return STRATA_ERR_NO_MEMORY;
    (*out)->lock.holder = owner;
    insert(shard, *out);
    shard->count++;
    return 0;
}

static void take_out(struct locks_shard *shard, struct locks_entry *entry)
{
    struct locks_entry **link = bucket_of(shard, entry->hash);

    assert(shard->count && !entry->lock.holder && !entry->lock.first); /* 11.I28 */
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    shard->count--;
    free(entry);
}

/* ---- Taking and releasing -------------------------------------------------------------------- */

/* 11.I27. */
static void remember(struct lock_owner *owner, struct locks_entry *entry)
{
    entry->next_held = owner->held;
    owner->held = entry;
}

int locks_take(struct locks *locks, struct lock_owner *owner, struct strata_slice key,
               uint64_t timeout_ns, struct strata_error *err)
{
    uint32_t hash = checksum(0, key);
    struct locks_shard *shard = shard_of(locks, hash);
    struct locks_entry *entry;
    int rc;

    sync_lock(&shard->mutex);
    entry = find(shard, key, hash);
    if (entry && entry->lock.holder == owner) { /* 11.I22 */
        sync_unlock(&shard->mutex);
        return 0;
    }
    if (entry) /* it unlocks the shard */
        rc = waits_for(&locks->waits, &entry->lock, owner, timeout_ns, &shard->mutex, err);
    else {
        rc = add(shard, owner, key, hash, &entry, err);
        sync_unlock(&shard->mutex);
    }
    if (rc == 0)
        remember(owner, entry);
    return rc;
}

static void release_one(struct locks *locks, struct locks_entry *entry)
{
    struct locks_shard *shard = shard_of(locks, entry->hash);

    sync_lock(&shard->mutex);
    if (!waits_hand_over(&locks->waits, &entry->lock))
        take_out(shard, entry);
    sync_unlock(&shard->mutex);
}

void locks_release(struct locks *locks, struct lock_owner *owner)
{
    assert(!owner->waiting);
    while (owner->held) {
        struct locks_entry *entry = owner->held;
        assert(entry->lock.holder == owner);
        owner->held = entry->next_held; /* 11.I27 */
        release_one(locks, entry);
    }
}
