/* bank.c: a rule over two accounts, and transactions that each keep it, run at the same time.
 *
 *   bank snapshot|serializable|for_update DIR THREADS TRANSACTIONS [CUSTOMERS]
 *
 * Each customer (100, if not given) has two accounts with 100 in each. An account may be
 * overdrawn, but the sum of both must stay at 0 or above. Each of THREADS makes TRANSACTIONS
 * withdrawals of 150 from one account of a customer, both drawn: it reads both accounts, and writes
 * one if the sum allows it. If not, it sets both back to 100, and counts whether the sum was below
 * 0: no transaction alone would have written that. After a conflict it tries again. "for_update":
 * at snapshot isolation, both accounts are read with strata_txn_get_for_update.
 *
 * Threads: the seed of what each draws is fixed; how they interleave is not.
 *
 *   cc -Iinclude -o bank docs/examples/bank.c build/libstrata.a -lxxhash -llz4 -lpthread */
#include "strata.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MOST 64
#define FULL 100
#define AMOUNT 150

static struct strata *db;
static struct strata_txn_options options;
static bool for_update;
static unsigned withdrawals, customers = 100;

struct thread {
    pthread_t id;
    uint64_t seed;
    unsigned customer, account;               /* of this withdrawal */
    uint64_t begun, paid, refused, overdrawn; /* transactions; overdrawn: sums < 0 that were seen */
};

static void check(int rc, const struct strata_error *err)
{
    if (rc < 0) {
        fprintf(stderr, "bank: %s %s\n", err->file, err->message);
        exit(1);
    }
}

static unsigned draw(struct thread *t, unsigned below)
{
    t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(t->seed >> 33) % below;
}

/* ---- One transaction ------------------------------------------------------------------------- */

static struct strata_slice name(char to[32], unsigned customer, unsigned account)
{
    snprintf(to, 32, "customer%04u/account%u", customer, account);
    return strata_string(to);
}

static int read_account(struct strata_txn *txn, unsigned customer, unsigned account, long *out,
                        struct strata_error *err)
{
    struct strata_buffer value = {0};
    char key[32];
    int rc = (for_update ? strata_txn_get_for_update
                         : strata_txn_get)(txn, name(key, customer, account), &value, err);

    if (rc == 0)
        rc = strata_buffer_append(&value, "", 1);
    if (rc == 0)
        *out = atol((const char *)value.data);
    strata_buffer_free(&value);
    return rc;
}

static int write_account(struct strata_txn *txn, unsigned customer, unsigned account, long amount,
                         struct strata_error *err)
{
    char key[32], value[32];

    snprintf(value, sizeof value, "%ld", amount);
    return strata_txn_put(txn, name(key, customer, account), strata_string(value), err);
}

/* docs: withdraw */
static int withdraw(struct strata_txn *txn, void *arg, struct strata_error *err)
{
    struct thread *t = arg;
    long has[2];
    int rc;

    t->begun++;
    rc = read_account(txn, t->customer, 0, &has[0], err);
    if (rc == 0)
        rc = read_account(txn, t->customer, 1, &has[1], err);
    if (rc != 0)
        return rc;
    sched_yield(); /* a customer thinks */
    if (has[0] + has[1] >= AMOUNT) {
        t->paid++;
        return write_account(txn, t->customer, t->account, has[t->account] - AMOUNT, err);
    }
    t->refused++;
    t->overdrawn += has[0] + has[1] < 0;
    rc = write_account(txn, t->customer, 0, FULL, err);
    return rc == 0 ? write_account(txn, t->customer, 1, FULL, err) : rc;
}
/* docs: end */

/* ---- All of them ----------------------------------------------------------------------------- */

static void *work(void *arg)
{
    struct thread *t = arg;
    struct strata_error err;

    for (unsigned n = 0; n < withdrawals; n++) {
        struct thread was = *t;
        int rc;
        t->customer = draw(t, customers);
        t->account = draw(t, 2);
        was.customer = t->customer;
        was.account = t->account;
        was.seed = t->seed;
        do {
            struct strata_txn *txn;
            uint64_t begun = t->begun;
            *t = was; /* what a transaction counted that was not committed is not true */
            t->begun = begun;
            check(strata_begin(db, &options, &txn, &err), &err);
            rc = withdraw(txn, t, &err);
            if (rc == 0)
                rc = strata_txn_commit(txn, STRATA_WRITE_NO_SYNC, NULL, &err);
            strata_txn_free(txn);
            check(rc, &err);
        } while (rc != 0);
    }
    return NULL;
}

static void fill(void)
{
    struct strata_error err;
    char key[32];

    for (unsigned c = 0; c < customers; c++)
        for (unsigned a = 0; a < 2; a++)
            check(strata_put(db, name(key, c, a), strata_string("100"), &err), &err);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    unsigned threads = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
    struct thread all[THREADS_MOST] = {{0}}, sum = {0};
    struct strata_options open;
    struct strata_error err;
    double start;

    withdrawals = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
    if (argc > 5)
        customers = (unsigned)atoi(argv[5]);
    if (!threads || threads > THREADS_MOST || !withdrawals || !customers)
        return fprintf(stderr, "usage: bank snapshot|serializable|for_update DIR THREADS "
                               "TRANSACTIONS [CUSTOMERS]\n"),
               2;
    for_update = strcmp(argv[1], "for_update") == 0;
    strata_txn_options_init(&options);
    if (strcmp(argv[1], "serializable") != 0)
        options.isolation = STRATA_SNAPSHOT_ISOLATION;
    strata_options_init(&open);
    open.create = true;
    open.sync = STRATA_SYNC_NEVER;
    check(strata_open(argv[2], &open, &db, &err), &err);
    fill();

    start = now();
    for (unsigned i = 0; i < threads; i++) {
        all[i].seed = i;
        pthread_create(&all[i].id, NULL, work, &all[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(all[i].id, NULL);
        sum.begun += all[i].begun;
        sum.paid += all[i].paid;
        sum.refused += all[i].refused;
        sum.overdrawn += all[i].overdrawn;
    }
    printf("%-12s rule broken %5" PRIu64 " times; %" PRIu64 " commits, %" PRIu64
           " tried again; %.2f s\n",
           argv[1], sum.overdrawn, sum.paid + sum.refused, sum.begun - sum.paid - sum.refused,
           now() - start);
    check(strata_close(db, &err), &err);
    return 0;
}
