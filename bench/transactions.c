/* transactions.c: what transactions cost, as tables in Markdown. make bench-parts SET=transactions.
 *
 *   transactions [ENTRIES] [SECONDS]      default: 200000, 2
 *
 * A database of entries with 16-digit keys and 100-byte values, all of it in memory but the log,
 * which is not synced if not said. First one thread: a get and a put of random keys, alone and as
 * a transaction, and what validation takes a key; times are of the processor. Then eight threads
 * for SECONDS: transactions that add one to some of ten keys, which conflict (get) or wait (get for
 * update). RocksDB's optimistic transactions are beside it where the build has RocksDB. */
#include "base/prng.h"
#include "strata.h"
#include "threads/sync.h"

#include "transactions.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUE 100
#define THREADS 8u
#define HOT 10u

struct bench {
    struct strata *db;
    uint64_t entries;
    double seconds;
    struct prng random;
};

static void must(int rc, const struct strata_error *err)
{
    char text[600];

    if (rc >= 0)
        return;
    fprintf(stderr, "transactions: %s\n", strata_error_text(err, text, sizeof text));
    exit(1);
}

static double now_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double cpu_ns(void)
{
    return now_ns(CLOCK_THREAD_CPUTIME_ID);
}

static struct strata_slice a_value(void)
{
    static const uint8_t value[VALUE] = {1};
    return strata_bytes(value, VALUE);
}

/* ---- One thread ------------------------------------------------------------------------------ */

static void get_and_put(struct bench *b, struct strata_buffer *value)
{
    struct strata_error err;
    char key[TRANSACTIONS_KEY];
    struct strata_slice name = transactions_key(prng_below(&b->random, b->entries), key);

    must(strata_get(b->db, name, value, &err), &err);
    must(strata_put(b->db, name, a_value(), &err), &err);
}

static void transact(struct bench *b, struct strata_buffer *value)
{
    struct strata_error err;
    struct strata_txn *txn;
    char key[TRANSACTIONS_KEY];
    struct strata_slice name = transactions_key(prng_below(&b->random, b->entries), key);

    must(strata_begin(b->db, NULL, &txn, &err), &err);
    must(strata_txn_get(txn, name, value, &err), &err);
    must(strata_txn_put(txn, name, a_value(), &err), &err);
    must(strata_txn_commit(txn, 0, NULL, &err), &err);
    strata_txn_free(txn);
}

static void transact_locked(struct bench *b, struct strata_buffer *value)
{
    struct strata_error err;
    struct strata_txn *txn;
    char key[TRANSACTIONS_KEY];
    struct strata_slice name = transactions_key(prng_below(&b->random, b->entries), key);

    must(strata_begin(b->db, NULL, &txn, &err), &err);
    must(strata_txn_get_for_update(txn, name, value, &err), &err);
    must(strata_txn_put(txn, name, a_value(), &err), &err);
    must(strata_txn_commit(txn, 0, NULL, &err), &err);
    strata_txn_free(txn);
}

/* ns of one. */
static double time_of(struct bench *b, void (*run)(struct bench *b, struct strata_buffer *value))
{
    struct strata_buffer value = {0};
    double began = cpu_ns(), took;

    for (uint64_t i = 0; i < b->entries; i++)
        run(b, &value);
    took = (cpu_ns() - began) / (double)b->entries;
    strata_buffer_free(&value);
    return took;
}

/* The medians of three, taken in turn. */
static void time_all(struct bench *b)
{
    static const struct {
        const char *name;
        void (*run)(struct bench *b, struct strata_buffer *value);
    } rows[] = {{"get, put", get_and_put},
                {"transaction: get, put", transact},
                {"transaction: get for update, put", transact_locked}};
    double ns[3][3];

    for (size_t turn = 0; turn < 3; turn++)
        for (size_t i = 0; i < 3; i++)
            ns[i][turn] = time_of(b, rows[i].run);
    puts("| one thread | ns | of both alone |\n|---|--:|--:|");
    for (size_t i = 0; i < 3; i++) {
        qsort(ns[i], 3, sizeof(double), transactions_compare);
        printf("| %s | %.0f | %.2f |\n", rows[i].name, ns[i][1], ns[0][1] / ns[i][1]);
    }
    transactions_rocksdb(b->entries, a_value(), ns[0][1]);
}

/* ns of a commit of a transaction that has read so many keys; another put came in between. */
static double commit_ns(struct bench *b, unsigned keys)
{
    unsigned rounds = 200000 / keys;
    struct strata_error err;
    struct strata_txn *txn;
    char key[TRANSACTIONS_KEY];
    double sum = 0;

    for (unsigned i = 0; i < rounds; i++) {
        double began;
        must(strata_begin(b->db, NULL, &txn, &err), &err);
        for (unsigned k = 0; k < keys; k++)
            must(strata_txn_get(txn,
                                transactions_key(prng_below(&b->random, b->entries - 1) + 1, key),
                                NULL, &err),
                 &err);
        must(strata_txn_put(txn, transactions_key(1, key), a_value(), &err), &err);
        must(strata_put(b->db, transactions_key(0, key), a_value(), &err), &err);
        began = cpu_ns();
        if (strata_txn_commit(txn, 0, NULL, &err) != 0)
            must(STRATA_ERR_INVALID, &err);
        sum += cpu_ns() - began;
        strata_txn_free(txn);
    }
    return sum / rounds;
}

static void time_validation(struct bench *b)
{
    double few = commit_ns(b, 10), many = commit_ns(b, 1000);

    printf(
        "\nValidation: %.0f ns a key (a commit after 10 keys were read took %.0f ns, after 1,000 "
        "%.0f).\n",
        (many - few) / 990, few, many);
}

static void time_reads(struct bench *b)
{
    struct strata_txn_options options;
    struct strata_snapshot *snapshot;
    struct strata_error err;
    struct strata_txn *txn;
    char key[TRANSACTIONS_KEY];
    double began, in_snapshot;

    strata_txn_options_init(&options);
    options.read_only = true;
    must(strata_snapshot_new(b->db, &snapshot, &err), &err);
    must(strata_begin(b->db, &options, &txn, &err), &err);
    began = cpu_ns();
    for (uint64_t i = 0; i < b->entries; i++)
        must(strata_snapshot_get(
                 snapshot, transactions_key(prng_below(&b->random, b->entries), key), NULL, &err),
             &err);
    in_snapshot = cpu_ns() - began;
    began = cpu_ns();
    for (uint64_t i = 0; i < b->entries; i++)
        must(strata_txn_get(txn, transactions_key(prng_below(&b->random, b->entries), key), NULL,
                            &err),
             &err);
    printf("A get of a read-only transaction: %.2f times that of a snapshot.\n",
           (cpu_ns() - began) / in_snapshot);
    strata_txn_free(txn);
    strata_snapshot_free(snapshot);
}

/* ---- Ten hot keys ---------------------------------------------------------------------------- */

struct hot {
    struct strata *db;
    unsigned keys; /* of a transaction */
    unsigned work_us;
    bool ordered; /* it takes its keys in their order, so there are no deadlocks */
    bool locks, sync;
    _Atomic bool stop;
    _Atomic uint64_t threads, tries, commits, conflicts, deadlocks;
};

struct hot_thread {
    struct hot *hot;
    struct prng random;
};

/* What a program does between a read and a write. Others run meanwhile: transactions that work
 * overlap, however few processors there are. */
static void work(unsigned us)
{
    double until = cpu_ns() + us * 1e3;

    while (us && cpu_ns() < until)
        ;
    if (us)
        sync_yield();
}

static int add_to(struct strata_txn *txn, const struct hot *h, struct strata_slice key,
                  struct strata_error *err)
{
    struct strata_buffer value = {0};
    uint64_t count;
    int rc = (h->locks ? strata_txn_get_for_update : strata_txn_get)(txn, key, &value, err);

    if (rc == 0) {
        memcpy(&count, value.data, sizeof count);
        count++;
        memcpy(value.data, &count, sizeof count);
        work(h->work_us);
        rc = strata_txn_put(txn, key, strata_buffer_slice(&value), err);
    }
    strata_buffer_free(&value);
    return rc;
}

/* The first h->keys of them are different ones. */
static void draw(struct hot_thread *t, unsigned numbers[HOT])
{
    for (unsigned i = 0; i < HOT; i++)
        numbers[i] = i;
    for (unsigned i = 0; i < t->hot->keys; i++) {
        unsigned with = i + (unsigned)prng_below(&t->random, HOT - i), number = numbers[with];
        numbers[with] = numbers[i];
        numbers[i] = number;
        for (unsigned k = i; t->hot->ordered && k > 0 && numbers[k - 1] > number; k--) {
            numbers[k] = numbers[k - 1];
            numbers[k - 1] = number;
        }
    }
}

static int body(struct strata_txn *txn, void *arg, struct strata_error *err)
{
    struct hot_thread *t = arg;
    struct hot *h = t->hot;
    char key[TRANSACTIONS_KEY];
    unsigned numbers[HOT];
    int rc = 0;

    atomic_fetch_add(&h->tries, 1);
    draw(t, numbers);
    for (unsigned i = 0; rc == 0 && i < h->keys; i++)
        rc = add_to(txn, h, transactions_key(numbers[i], key), err);
    atomic_fetch_add(&h->deadlocks, rc == STRATA_DEADLOCK);
    return rc;
}

static void *run_hot(void *arg)
{
    struct hot *h = arg;
    struct hot_thread t = {h, {atomic_fetch_add(&h->threads, 1) + 1}};
    struct strata_txn_options options;
    struct strata_error err;

    strata_txn_options_init(&options);
    options.flags = h->sync ? STRATA_WRITE_SYNC : STRATA_WRITE_NO_SYNC;
    options.lock_timeout_ms = 60000;
    while (!atomic_load(&h->stop)) {
        int rc = strata_transact(h->db, &options, body, &t, &err);
        must(rc, &err);
        atomic_fetch_add(&h->commits, rc == 0);
    }
    return NULL;
}

static uint64_t sum_of_counts(struct strata *db)
{
    struct strata_buffer value = {0};
    uint64_t sum = 0, count;
    struct strata_error err;
    char key[TRANSACTIONS_KEY];

    for (unsigned i = 0; i < HOT; i++) {
        must(strata_get(db, transactions_key(i, key), &value, &err), &err);
        memcpy(&count, value.data, sizeof count);
        sum += count;
    }
    strata_buffer_free(&value);
    return sum;
}

/* Commits a second. */
static double run_threads(struct bench *b, struct hot *h)
{
    struct sync_thread threads[THREADS];
    double began = now_ns(CLOCK_MONOTONIC);
    uint64_t before = sum_of_counts(b->db);

    for (unsigned i = 0; i < THREADS; i++)
        if (sync_start(&threads[i], run_hot, h) != 0)
            exit(1);
    sync_sleep((uint64_t)(b->seconds * 1e9));
    atomic_store(&h->stop, true);
    for (unsigned i = 0; i < THREADS; i++)
        sync_join(&threads[i]);
    if (sum_of_counts(b->db) - before != atomic_load(&h->commits) * h->keys) {
        fputs("transactions: a commit was lost\n", stderr);
        exit(1);
    }
    return (double)atomic_load(&h->commits) * 1e9 / (now_ns(CLOCK_MONOTONIC) - began);
}

static void time_hot(struct bench *b)
{
    static const struct hot rows[] = {
        {.keys = 1},
        {.keys = 3, .ordered = true},
        {.keys = 3},
        {.keys = 1, .work_us = 100},
        {.keys = 3, .work_us = 100, .ordered = true},
        {.keys = 3, .work_us = 100},
        {.keys = 5, .work_us = 100, .ordered = true},
        {.keys = 1, .sync = true},
        {.keys = 3, .ordered = true, .sync = true},
        {.keys = 3, .sync = true},
    };

    puts(
        "\n| ten keys, eight threads: keys of a transaction | in order | work a key, us | synced | "
        "get: commits/s | tries a commit | get for update: commits/s | tries a commit | deadlocks "
        "a commit | locks, times |\n|---|---|--:|---|--:|--:|--:|--:|--:|--:|");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hot h[2] = {{0}, {0}};
        double rate[2];
        for (int locks = 0; locks < 2; locks++) {
            h[locks].db = b->db;
            h[locks].keys = rows[i].keys;
            h[locks].work_us = rows[i].work_us;
            h[locks].ordered = rows[i].ordered;
            h[locks].sync = rows[i].sync;
            h[locks].locks = locks;
            rate[locks] = run_threads(b, &h[locks]);
        }
        printf("| %u | %s | %u | %s | %.0f | %.2f | %.0f | %.2f | %.3f | %.2f |\n", rows[i].keys,
               rows[i].ordered    ? "yes"
               : rows[i].keys > 1 ? "no"
                                  : "",
               rows[i].work_us, rows[i].sync ? "yes" : "no", rate[0],
               (double)h[0].tries / (double)h[0].commits, rate[1],
               (double)h[1].tries / (double)h[1].commits,
               (double)h[1].deadlocks / (double)h[1].commits, rate[1] / rate[0]);
        fflush(stdout);
    }
}

/* ---- The database ---------------------------------------------------------------------------- */

static void open_db(struct bench *b, const char *dir)
{
    struct strata_options options;
    struct strata_error err;
    char key[TRANSACTIONS_KEY];

    strata_options_init(&options);
    options.create = true;
    options.sync = STRATA_SYNC_NEVER;
    options.memtable_bytes = (size_t)1 << 30;
    must(strata_open(dir, &options, &b->db, &err), &err);
    for (uint64_t i = 0; i < b->entries; i++)
        must(strata_put(b->db, transactions_key(i, key), a_value(), &err), &err);
}

int main(int argc, char **argv)
{
    struct bench b = {.entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000,
                      .seconds = argc > 2 ? strtod(argv[2], NULL) : 2,
                      .random = {7}};
    const char *parent = getenv("TMPDIR");
    struct strata_error err;
    char dir[500];

    if (b.entries <= HOT || !(b.seconds > 0) || argc > 3) {
        fprintf(stderr, "transactions [ENTRIES] [SECONDS]\n");
        return 2;
    }
    snprintf(dir, sizeof dir, "%s/strata-transactions.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    open_db(&b, dir);
    time_all(&b);
    time_validation(&b);
    time_reads(&b);
    fflush(stdout);
    time_hot(&b);
    must(strata_close(b.db, &err), &err);
    must(strata_destroy(dir, NULL, NULL, NULL, &err), &err);
    return 0;
}
