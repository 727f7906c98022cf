/* transactions_rocksdb.c: the same transaction on RocksDB, by its C API. */
#include "transactions.h"

#ifdef PEER_ROCKSDB

#include "base/prng.h"

#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(char *error)
{
    if (!error)
        return;
    fprintf(stderr, "transactions: RocksDB: %s\n", error);
    exit(1);
}

struct rocks {
    rocksdb_optimistictransactiondb_t *db;
    rocksdb_writeoptions_t *writes;
    rocksdb_readoptions_t *reads;
    rocksdb_optimistictransaction_options_t *options;
    rocksdb_transaction_t *txn; /* used again and again */
    struct prng random;
};

/* In a transaction that has a snapshot: what is read counts. */
static void transact(struct rocks *r, uint64_t number, struct strata_slice value, bool reads)
{
    char key[TRANSACTIONS_KEY], *error = NULL, *found;
    size_t size;

    transactions_key(number, key);
    r->txn = rocksdb_optimistictransaction_begin(r->db, r->writes, r->options, r->txn);
    if (reads) {
        found =
            rocksdb_transaction_get_for_update(r->txn, r->reads, key, sizeof key, &size, 1, &error);
        must(error);
        free(found);
    }
    rocksdb_transaction_put(r->txn, key, sizeof key, (const char *)value.data, value.size, &error);
    must(error);
    rocksdb_transaction_commit(r->txn, &error);
    must(error);
}

static void measure(struct rocks *r, uint64_t entries, struct strata_slice value, double alone_ns)
{
    double ns[3];

    for (uint64_t i = 0; i < entries; i++)
        transact(r, i, value, false);
    for (int turn = 0; turn < 3; turn++) {
        double began = cpu_ns();
        for (uint64_t i = 0; i < entries; i++)
            transact(r, prng_below(&r->random, entries), value, true);
        ns[turn] = (cpu_ns() - began) / (double)entries;
    }
    qsort(ns, 3, sizeof(double), transactions_compare);
    printf("| RocksDB's optimistic transaction: get, put | %.0f | %.2f |\n", ns[1],
           alone_ns / ns[1]);
}

void transactions_rocksdb(uint64_t entries, struct strata_slice value, double alone_ns)
{
    rocksdb_options_t *options = rocksdb_options_create();
    const char *parent = getenv("TMPDIR");
    struct rocks r = {.random = {7}};
    char dir[500], *error = NULL;

    snprintf(dir, sizeof dir, "%s/rocksdb-transactions.XXXXXX",
             parent && *parent ? parent : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        exit(1);
    }
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_write_buffer_size(options, (size_t)1 << 30);
    r.db = rocksdb_optimistictransactiondb_open(options, dir, &error);
    must(error);
    r.writes = rocksdb_writeoptions_create();
    r.reads = rocksdb_readoptions_create();
    r.options = rocksdb_optimistictransaction_options_create();
    rocksdb_optimistictransaction_options_set_set_snapshot(r.options, 1);
    measure(&r, entries, value, alone_ns);
    rocksdb_transaction_destroy(r.txn);
    rocksdb_optimistictransaction_options_destroy(r.options);
    rocksdb_readoptions_destroy(r.reads);
    rocksdb_writeoptions_destroy(r.writes);
    rocksdb_optimistictransactiondb_close(r.db);
    rocksdb_destroy_db(options, dir, &error);
    must(error);
    rocksdb_options_destroy(options);
}

#else

void transactions_rocksdb(uint64_t entries, struct strata_slice value, double alone_ns)
{
    (void)entries;
    (void)value;
    (void)alone_ns;
}

#endif
