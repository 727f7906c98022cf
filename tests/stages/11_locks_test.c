/* 11_locks_test.c: locks on keys: who gets one, who waits, and who gives up. */
#include "11_transactions/lock/locks.h"
#include "base/checksum.h"
#include "base/prng.h"
#include "crash/concurrency/baton.h"
#include "schedule.h"
#include "test.h"
#include "../crash/allocations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG ((uint64_t)20000000000u) /* ns: a lock that comes so late does not come */
#define SHORT ((uint64_t)20000000)

static struct locks *locks_new(void)
{
    struct locks *locks = calloc(1, sizeof *locks);
    struct strata_error err;

    assert_non_null(locks);
    assert_ok(locks_init(locks, &err), &err);
    return locks;
}

static uint64_t count_held(const struct locks *locks)
{
    uint64_t count = 0;

    for (size_t i = 0; i < LOCKS_SHARDS; i++)
        count += locks->shards[i].count;
    return count;
}

static void locks_del(struct locks *locks)
{
    assert_int_equal(count_held(locks), 0);
    locks_free(locks);
    free(locks);
}

static int try(struct locks *locks, struct lock_owner *owner, const char *key)
{
    struct strata_error err;
    return locks_take(locks, owner, strata_string(key), 0, &err);
}

static void take(struct locks *locks, struct lock_owner *owner, const char *key)
{
    assert_int_equal(try(locks, owner, key), 0);
}

/* ---- One thread ------------------------------------------------------------------------------ */

static void locks_key_is_held_until_its_owner_releases(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner a = {.id = 1}, b = {.id = 2};

    (void)state;
    take(locks, &a, "x");
    take(locks, &b, "y");
    assert_int_equal(try(locks, &b, "x"), STRATA_TIMEOUT);
    assert_int_equal(try(locks, &a, "y"), STRATA_TIMEOUT);
    locks_release(locks, &a);
    assert_null(a.held);
    assert_int_equal(try(locks, &a, "y"), STRATA_TIMEOUT);
    take(locks, &b, "x");
    locks_release(locks, &b);
    locks_release(locks, &b); /* nothing */
    locks_del(locks);
}

/* An owner does not wait for itself: rocksdb #13575. */
static void locks_own_key_is_had_already(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner a = {.id = 1}, b = {.id = 2};
    struct strata_error err;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_ok(locks_take(locks, &a, strata_string("x"), SHORT, &err), &err);
    take(locks, &a, "y");
    assert_ok(locks_take(locks, &a, strata_string("x"), SHORT, &err), &err);
    assert_int_equal(count_held(locks), 2);
    assert_int_equal(locks->waits.stats.waits, 0);
    locks_release(locks, &a);
    take(locks, &b, "x");
    locks_release(locks, &b);
    locks_del(locks);
}

struct hashed {
    uint32_t hash, number;
};

static int compare_hashed(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

#define HASHED 300000u

/* Two keys with one hash. */
static void find_collision(char keys[2][16])
{
    struct hashed *all = calloc(HASHED, sizeof *all);
    size_t i;

    assert_non_null(all);
    for (uint32_t n = 0; n < HASHED; n++) {
        snprintf(keys[0], 16, "key%06u", n);
        all[n] = (struct hashed){checksum(0, strata_string(keys[0])), n};
    }
    qsort(all, HASHED, sizeof *all, compare_hashed);
    for (i = 1; i < HASHED && all[i].hash != all[i - 1].hash; i++)
        ;
    assert_true(i < HASHED); /* about ten pairs are expected */
    for (size_t k = 0; k < 2; k++)
        snprintf(keys[k], 16, "key%06u", all[i - k].number);
    free(all);
}

static void locks_keys_are_bytes_not_hashes(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner a = {.id = 1}, b = {.id = 2};
    struct strata_error err;
    char keys[2][16];

    (void)state;
    find_collision(keys);
    take(locks, &a, keys[0]);
    take(locks, &b, keys[1]);
    assert_int_equal(try(locks, &b, keys[0]), STRATA_TIMEOUT);
    assert_int_equal(try(locks, &a, keys[1]), STRATA_TIMEOUT);
    locks_release(locks, &a);
    assert_int_equal(try(locks, &a, keys[1]), STRATA_TIMEOUT);
    locks_release(locks, &b);

    take(locks, &a, "");
    take(locks, &a, "k");
    take(locks, &b, "ke");
    assert_ok(locks_take(locks, &b, strata_bytes("k", 2), 0, &err), &err); /* with its NUL */
    assert_int_equal(try(locks, &b, ""), STRATA_TIMEOUT);
    locks_release(locks, &a);
    locks_release(locks, &b);
    locks_del(locks);
}

static void locks_key_is_copied(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner a = {.id = 1}, b = {.id = 2};
    char key[] = "here";

    (void)state;
    take(locks, &a, key);
    strcpy(key, "gone");
    assert_int_equal(try(locks, &b, "here"), STRATA_TIMEOUT);
    locks_release(locks, &a);
    take(locks, &b, "here");
    locks_release(locks, &b);
    locks_del(locks);
}

#define MANY 5000

static void locks_many_are_released_at_once(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner a = {.id = 1}, b = {.id = 2};
    char key[16];

    (void)state;
    for (struct lock_owner *owner = &a; owner; owner = owner == &a ? &b : NULL) {
        for (int i = 0; i < MANY; i++) {
            snprintf(key, sizeof key, "k%d", i);
            take(locks, owner, key);
            assert_int_equal(try(locks, owner == &a ? &b : &a, key), STRATA_TIMEOUT);
        }
        assert_int_equal(count_held(locks), MANY);
        locks_release(locks, owner);
        assert_int_equal(count_held(locks), 0);
    }
    locks_del(locks);
}

static void fail_next(uint64_t at)
{
    atomic_store(&allocations.at, at);
    atomic_store(&allocations.on, true);
}

/* 48 keys of one shard are more than its first buckets, and there is no memory for others. */
static void locks_without_memory_stay_as_they_were(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner a = {.id = 1}, b = {.id = 2};
    struct strata_error err;
    int64_t living = atomic_load(&allocations.living);
    char key[16];
    int failed = 0;

    (void)state;
    for (int n = 0, taken = 0; taken < 48; n++) {
        snprintf(key, sizeof key, "k%d", n);
        if (checksum(0, strata_string(key)) >> 28 != 3)
            continue;
        for (uint64_t at = 1, rc = 1; rc; at++) {
            fail_next(at);
            check_clear(&err);
            rc = locks_take(locks, &a, strata_string(key), SHORT, &err) != 0;
            atomic_store(&allocations.on, false);
            failed += rc != 0;
            assert_int_equal(err.code, rc ? STRATA_ERR_NO_MEMORY : 0);
            assert_int_equal(count_held(locks), (uint64_t)taken + !rc);
            if (!rc)
                continue;
            take(locks, &b, key); /* nobody has it */
            locks_release(locks, &b);
        }
        taken++;
        assert_int_equal(try(locks, &b, key), STRATA_TIMEOUT);
    }
    assert_int_equal(locks->shards[3].bucket_count, 16);
    assert_int_equal(failed, 16); /* those after them get longer lists instead of more buckets */
    locks_release(locks, &a);
    locks_del(locks);
    assert_int_equal(atomic_load(&allocations.living), living - 1); /* `locks` itself */
}

/* ---- One waits for another ------------------------------------------------------------------- */

/* A thread that takes one key. */
struct asker {
    struct sync_thread thread;
    struct locks *locks;
    struct lock_owner owner;
    const char *key;
    uint64_t timeout;
    int rc;
    _Atomic bool answered;
};

static void *run_asker(void *arg)
{
    struct asker *asker = arg;
    struct strata_error err;

    asker->rc =
        locks_take(asker->locks, &asker->owner, strata_string(asker->key), asker->timeout, &err);
    atomic_store(&asker->answered, true);
    return NULL;
}

static uint64_t count_waiting(struct locks *locks)
{
    struct waits_stats stats;

    waits_get_stats(&locks->waits, &stats);
    return stats.waiting;
}

static void start(struct asker *asker, struct locks *locks, const char *key, uint64_t timeout)
{
    asker->locks = locks;
    asker->key = key;
    asker->timeout = timeout;
    atomic_store(&asker->answered, false);
    assert_int_equal(sync_start(&asker->thread, run_asker, asker), 0);
}

/* Returns when it waits. */
static void ask(struct asker *asker, struct locks *locks, const char *key, uint64_t timeout)
{
    uint64_t before = count_waiting(locks), until = sync_now() + LONG;

    start(asker, locks, key, timeout);
    while (count_waiting(locks) == before) {
        assert_true(!atomic_load(&asker->answered) && sync_now() < until);
        sync_yield();
    }
}

static int answer(struct asker *asker)
{
    sync_join(&asker->thread);
    return asker->rc;
}

static bool is_answered(struct asker *asker)
{
    return atomic_load(&asker->answered);
}

static void locks_are_handed_over_in_order(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner a = {.id = 1}, late = {.id = 9};
    struct asker waiting[4] = {{.owner.id = 5}, {.owner.id = 3}, {.owner.id = 4}, {.owner.id = 2}};

    (void)state;
    take(locks, &a, "x");
    for (size_t i = 0; i < 4; i++)
        ask(&waiting[i], locks, "x", LONG);
    locks_release(locks, &a);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(answer(&waiting[i]), 0);
        for (size_t k = i + 1; k < 4; k++)
            assert_false(is_answered(&waiting[k]));
        assert_int_equal(count_waiting(locks), 3 - i);
        assert_int_equal(try(locks, &late, "x"), STRATA_TIMEOUT);
        locks_release(locks, &waiting[i].owner);
    }
    take(locks, &late, "x");
    locks_release(locks, &late);
    locks_del(locks);
}

static void locks_wait_ends_after_its_timeout(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner a = {.id = 1}, b = {.id = 2};
    struct strata_error err;
    uint64_t began;

    (void)state;
    take(locks, &a, "x");
    take(locks, &b, "y");
    began = sync_now();
    assert_int_equal(locks_take(locks, &b, strata_string("x"), SHORT, &err), STRATA_TIMEOUT);
    assert_true(sync_now() - began >= SHORT);
    assert_int_equal(count_held(locks), 2);
    assert_int_equal(try(locks, &a, "y"), STRATA_TIMEOUT); /* it still has that */
    locks_release(locks, &a);
    assert_int_equal(count_held(locks), 1); /* it was not handed to who had given up */
    locks_release(locks, &b);
    locks_del(locks);
}

/* The edge of a wait is gone when that is over, whatever its end: rocksdb #13575. */
static void locks_wait_that_is_over_closes_no_cycle(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner b = {.id = 2};
    struct asker of_a = {.owner.id = 1};
    struct strata_error err;

    (void)state;
    take(locks, &of_a.owner, "x");
    take(locks, &b, "y");
    assert_int_equal(locks_take(locks, &b, strata_string("x"), SHORT, &err), STRATA_TIMEOUT);
    ask(&of_a, locks, "y", LONG);
    locks_release(locks, &b);
    assert_int_equal(answer(&of_a), 0);

    /* after a hand-over, too */
    assert_int_equal(locks_take(locks, &b, strata_string("y"), SHORT, &err), STRATA_TIMEOUT);
    locks_release(locks, &of_a.owner);
    locks_del(locks);
}

static void locks_queue_is_whole_when_one_gives_up(void **state)
{
    for (size_t leaves = 0; leaves < 3; leaves++) {
        struct locks *locks = locks_new();
        struct lock_owner a = {.id = 1};
        struct asker waiting[4] = {
            {.owner.id = 2}, {.owner.id = 3}, {.owner.id = 4}, {.owner.id = 5}};

        (void)state;
        take(locks, &a, "x");
        for (size_t i = 0; i < 3; i++)
            ask(&waiting[i], locks, "x", i == leaves ? 10 * SHORT : LONG);
        assert_int_equal(answer(&waiting[leaves]), STRATA_TIMEOUT);
        ask(&waiting[3], locks, "x", LONG);
        locks_release(locks, &a);
        for (size_t i = 0; i < 4; i++)
            if (i != leaves) {
                assert_int_equal(answer(&waiting[i]), 0);
                locks_release(locks, &waiting[i].owner);
            }
        locks_del(locks);
    }
}

/* ---- Cycles ---------------------------------------------------------------------------------- */

static void expect_deadlocks(struct locks *locks, uint64_t deadlocks)
{
    struct waits_stats stats;

    waits_get_stats(&locks->waits, &stats);
    assert_int_equal(stats.deadlocks, deadlocks);
    assert_int_equal(stats.timeouts, 0);
    assert_int_equal(stats.waiting, 0);
}

static void locks_youngest_that_closes_a_cycle_gives_up_at_once(void **state)
{
    struct locks *locks = locks_new();
    struct asker old = {.owner.id = 1};
    struct lock_owner young = {.id = 2};
    struct strata_error err;

    (void)state;
    take(locks, &old.owner, "x");
    take(locks, &young, "y");
    ask(&old, locks, "y", LONG);
    assert_int_equal(locks_take(locks, &young, strata_string("x"), WAITS_FOR_EVER, &err),
                     STRATA_DEADLOCK);
    assert_false(is_answered(&old));
    locks_release(locks, &young);
    assert_int_equal(answer(&old), 0);
    expect_deadlocks(locks, 1);
    locks_release(locks, &old.owner);
    locks_del(locks);
}

static void locks_youngest_that_waits_is_woken_to_give_up(void **state)
{
    struct locks *locks = locks_new();
    struct asker young = {.owner.id = 2}, old = {.owner.id = 1};

    (void)state;
    take(locks, &old.owner, "x");
    take(locks, &young.owner, "y");
    ask(&young, locks, "x", LONG);
    start(&old, locks, "y", LONG);
    assert_int_equal(answer(&young), STRATA_DEADLOCK);
    assert_false(is_answered(&old));
    locks_release(locks, &young.owner);
    assert_int_equal(answer(&old), 0);
    expect_deadlocks(locks, 1);
    locks_release(locks, &old.owner);
    locks_del(locks);
}

/* 1 waits for 4, 4 for 3, and 3 for 1; 7 waits for 4, too. */
static void locks_victim_is_in_the_cycle(void **state)
{
    struct locks *locks = locks_new();
    struct asker one = {.owner.id = 1}, three = {.owner.id = 3}, four = {.owner.id = 4},
                 seven = {.owner.id = 7};

    (void)state;
    take(locks, &one.owner, "a");
    take(locks, &three.owner, "c");
    take(locks, &four.owner, "d");
    ask(&seven, locks, "d", LONG);
    ask(&one, locks, "d", LONG);
    ask(&four, locks, "c", LONG);
    start(&three, locks, "a", LONG);
    assert_int_equal(answer(&four), STRATA_DEADLOCK);
    assert_false(is_answered(&one) || is_answered(&three) || is_answered(&seven));
    locks_release(locks, &four.owner);
    assert_int_equal(answer(&seven), 0);
    locks_release(locks, &seven.owner);
    assert_int_equal(answer(&one), 0);
    locks_release(locks, &one.owner);
    assert_int_equal(answer(&three), 0);
    expect_deadlocks(locks, 1);
    locks_release(locks, &three.owner);
    locks_del(locks);
}

/* Who waits for a lock that is handed over waits for its new holder. */
static void locks_handed_over_turn_the_edges(void **state)
{
    struct locks *locks = locks_new();
    struct lock_owner first = {.id = 1};
    struct asker second = {.owner.id = 2}, third = {.owner.id = 3};
    struct strata_error err;

    (void)state;
    take(locks, &first, "x");
    take(locks, &third.owner, "z");
    ask(&second, locks, "x", LONG);
    ask(&third, locks, "x", LONG);
    locks_release(locks, &first);
    assert_int_equal(answer(&second), 0);
    take(locks, &first, "y");
    assert_int_equal(locks_take(locks, &first, strata_string("z"), SHORT, &err), STRATA_TIMEOUT);
    start(&second, locks, "z", LONG);
    assert_int_equal(answer(&third), STRATA_DEADLOCK);
    locks_release(locks, &third.owner);
    assert_int_equal(answer(&second), 0);
    assert_int_equal(locks->waits.stats.deadlocks, 1);
    locks_release(locks, &second.owner);
    locks_release(locks, &first);
    locks_del(locks);
}

/* ---- Drawn schedules ------------------------------------------------------------------------- */

#define THREADS_MOST 6u
#define KEYS_MOST 6u

/* What the threads believe, in plain memory: one runs at a time, and switches at locks only. On the
 * heap: after a deadlock it stays. */
struct world {
    struct locks locks;
    struct prng random;
    unsigned threads, keys, transactions;
    uint64_t timeout; /* ns, at most; 0: for ever */
    uint64_t next_id;
    unsigned started;
    uint64_t holder[KEYS_MOST], ids[THREADS_MOST]; /* holder: thread + 1 */
    int wants[THREADS_MOST];                       /* -1: nothing */
    uint64_t taken, deadlocks, timeouts;
    const char *wrong;
};

/* Thread `me` was told to give up: the cycle is there until it releases what it holds, as all
 * others in it wait, the one before it for `me`. */
static const char *check_cycle(const struct world *w, unsigned me)
{
    unsigned at = me, length = 0;

    do {
        if (w->wants[at] < 0 || !w->holder[w->wants[at]])
            return "a victim that was in no cycle";
        at = (unsigned)w->holder[w->wants[at]] - 1;
        if (w->ids[at] > w->ids[me])
            return "a victim that was not the youngest";
    } while (at != me && ++length < w->threads);
    return at == me ? NULL : "a victim that was not in the cycle itself";
}

static int take_drawn(struct world *w, unsigned me, struct lock_owner *owner)
{
    unsigned key = (unsigned)prng_below(&w->random, w->keys);
    uint64_t timeout = w->timeout ? prng_below(&w->random, w->timeout) : WAITS_FOR_EVER;
    char name[2] = {(char)('a' + key), 0};
    struct strata_error err;
    int rc;

    w->wants[me] = (int)key;
    rc = locks_take(&w->locks, owner, strata_string(name), timeout, &err);
    if (rc == 0 && w->holder[key] && w->holder[key] != me + 1)
        w->wrong = "two hold one key";
    if (rc == STRATA_DEADLOCK && !w->timeout && !w->wrong)
        w->wrong = check_cycle(w, me);
    if (rc == 0)
        w->holder[key] = me + 1;
    w->wants[me] = -1;
    w->taken += rc == 0;
    w->deadlocks += rc == STRATA_DEADLOCK;
    w->timeouts += rc == STRATA_TIMEOUT;
    return rc;
}

static void *run_transactions(void *arg)
{
    struct world *w = arg;
    unsigned me = w->started++;

    for (unsigned i = 0; i < w->transactions; i++) {
        struct lock_owner owner = {.id = w->ids[me] = ++w->next_id};
        for (uint64_t left = 1 + prng_below(&w->random, 4); left > 0; left--) {
            if (take_drawn(w, me, &owner) != 0)
                break;
            sync_point();
        }
        for (unsigned key = 0; key < w->keys; key++)
            if (w->holder[key] == me + 1)
                w->holder[key] = 0;
        locks_release(&w->locks, &owner);
    }
    return NULL;
}

static void run_world(void *arg)
{
    struct world *w = arg;
    struct sync_thread threads[THREADS_MOST];

    for (unsigned i = 0; i < w->threads; i++)
        sync_start(&threads[i], run_transactions, w);
    for (unsigned i = 0; i < w->threads; i++)
        sync_join(&threads[i]);
}

static struct world *world_new(uint64_t number, bool timeouts)
{
    struct world *w = calloc(1, sizeof *w);
    struct strata_error err;

    assert_non_null(w);
    assert_ok(locks_init(&w->locks, &err), &err);
    w->random.state = number;
    w->threads = 2 + (unsigned)prng_below(&w->random, THREADS_MOST - 1);
    w->keys = 2 + (unsigned)prng_below(&w->random, KEYS_MOST - 1);
    w->transactions = 1 + (unsigned)prng_below(&w->random, 3);
    w->timeout = timeouts ? 1 + prng_below(&w->random, 200000) : 0;
    memset(w->wants, -1, sizeof w->wants);
    return w;
}

static void check_world(struct world *w, const struct baton_result *result)
{
    const struct waits_stats *stats = &w->locks.waits.stats;

    if (result->end != BATON_DONE)
        w->wrong = result->report;
    else if (count_held(&w->locks) || stats->waiting)
        w->wrong = "a lock is held, or waited for, after the end";
    else if (stats->deadlocks != w->deadlocks)
        w->wrong = "a victim was not told";
    else if (!w->timeout && w->timeouts)
        w->wrong = "a wait without end timed out";
}

struct sums {
    uint64_t taken, waits, deadlocks, timeouts;
};

static void run_schedules(uint64_t count, bool timeouts, struct sums *sums)
{
    uint64_t number, last;

    schedule_range(count, &number, &last);
    for (; number <= last; number++) {
        struct world *w = world_new(number, timeouts);
        struct baton_options options = {.seed = number,
                                        .depth = (unsigned)(number % SCHEDULE_DEPTHS),
                                        .steps = w->threads * w->transactions * 20};
        struct baton_result result;
        baton_run(&options, run_world, w, &result);
        check_world(w, &result);
        if (w->wrong)
            fail_msg("STRATA_SCHEDULE=%u: %s", (unsigned)number, w->wrong);
        sums->taken += w->taken;
        sums->waits += w->locks.waits.stats.waits;
        sums->deadlocks += w->deadlocks;
        sums->timeouts += w->timeouts;
        locks_free(&w->locks);
        free(w);
    }
}

#define SCHEDULES (check_quick() || check_sanitized() ? 300u : 2000u)

static void locks_drawn_schedules_leave_nobody_waiting(void **state)
{
    struct sums sums = {0};

    (void)state;
    run_schedules(SCHEDULES, false, &sums);
    if (!getenv("STRATA_SCHEDULE")) {
        assert_true(sums.deadlocks > 50 && sums.waits > 4 * sums.deadlocks);
        assert_true(sums.taken > sums.waits);
    }
}

static void locks_drawn_schedules_time_out(void **state)
{
    struct sums sums = {0};

    (void)state;
    run_schedules(SCHEDULES, true, &sums);
    if (!getenv("STRATA_SCHEDULE"))
        assert_true(sums.deadlocks > 20 && sums.timeouts > 50 && sums.taken > sums.timeouts);
}

/* ---- Free threads ---------------------------------------------------------------------------- */

#define FREE_THREADS 4u
#define FREE_KEYS 8u
#define FREE_ROUNDS (check_quick() || check_sanitized() ? 2000 : 10000)

struct freely {
    struct locks *locks;
    uint64_t counts[FREE_KEYS]; /* each is guarded by its key's lock: TSan sees if not */
    _Atomic uint64_t next_id, added, deadlocks, timeouts;
};

static void *add_freely(void *arg)
{
    struct freely *f = arg;
    struct prng random = {atomic_fetch_add(&f->next_id, 1)};
    struct strata_error err;

    for (int i = 0; i < FREE_ROUNDS; i++) {
        struct lock_owner owner = {.id = atomic_fetch_add(&f->next_id, 1)};
        uint64_t timeout = i % 8 ? WAITS_FOR_EVER : prng_below(&random, 50000);
        for (int k = 0; k < 3; k++) {
            uint64_t key = prng_below(&random, FREE_KEYS);
            int rc = locks_take(f->locks, &owner, strata_bytes(&key, sizeof key), timeout, &err);
            atomic_fetch_add(&f->deadlocks, rc == STRATA_DEADLOCK);
            atomic_fetch_add(&f->timeouts, rc == STRATA_TIMEOUT);
            if (rc != 0)
                break;
            f->counts[key]++;
            atomic_fetch_add(&f->added, 1);
            if (prng_below(&random, 8) == 0)
                sync_yield();
        }
        locks_release(f->locks, &owner);
    }
    return NULL;
}

static void locks_free_threads_exclude_each_other(void **state)
{
    struct freely f = {.locks = locks_new()};
    struct sync_thread threads[FREE_THREADS];
    uint64_t sum = 0;

    (void)state;
    for (unsigned i = 0; i < FREE_THREADS; i++)
        assert_int_equal(sync_start(&threads[i], add_freely, &f), 0);
    for (unsigned i = 0; i < FREE_THREADS; i++)
        sync_join(&threads[i]);
    for (unsigned i = 0; i < FREE_KEYS; i++)
        sum += f.counts[i];
    assert_int_equal(sum, atomic_load(&f.added));
    assert_int_equal(f.locks->waits.stats.deadlocks, atomic_load(&f.deadlocks));
    locks_del(f.locks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_key_is_held_until_its_owner_releases),
        cmocka_unit_test(locks_own_key_is_had_already),
        cmocka_unit_test(locks_keys_are_bytes_not_hashes),
        cmocka_unit_test(locks_key_is_copied),
        cmocka_unit_test(locks_many_are_released_at_once),
        cmocka_unit_test(locks_without_memory_stay_as_they_were),
        cmocka_unit_test(locks_are_handed_over_in_order),
        cmocka_unit_test(locks_wait_ends_after_its_timeout),
        cmocka_unit_test(locks_wait_that_is_over_closes_no_cycle),
        cmocka_unit_test(locks_queue_is_whole_when_one_gives_up),
        cmocka_unit_test(locks_youngest_that_closes_a_cycle_gives_up_at_once),
        cmocka_unit_test(locks_youngest_that_waits_is_woken_to_give_up),
        cmocka_unit_test(locks_victim_is_in_the_cycle),
        cmocka_unit_test(locks_handed_over_turn_the_edges),
        cmocka_unit_test(locks_drawn_schedules_leave_nobody_waiting),
        cmocka_unit_test(locks_drawn_schedules_time_out),
        cmocka_unit_test(locks_free_threads_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
