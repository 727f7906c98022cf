/* model.c: the program behind `make model`: one long random sequence of operations on a database in
 * a simulated file system, held against an array that has the last value of each key. In between it
 * is closed and opened, killed and opened, each time with other options, compacted, and verified;
 * after each opening all of it is compared.
 *
 *   STRATA_STAGE=6 build/tests/crash/model OPERATIONS [SEED]
 *
 * Ends with one line that tells what was done, or with the first thing that was wrong and exit
 * code 1. */
#include "crash/sim/fs_sim.h"
#include "rng.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIR "db"
#define KEYS 20000
#define BATCH 8
#define TOLD 1000000 /* operations between two words of progress */

static struct model {
    struct strata_fs *fs;
    struct strata *db;
    struct rng rng;
    uint64_t last[KEYS]; /* the operation that wrote it; 0: it has no value */
    uint64_t done, most, seed;
    uint64_t puts, deletes, gets, scans, batches, reopened, killed, compacted, verified, compared;
} m;

static _Noreturn void wrong(const char *what, uint64_t key, const struct strata_error *err)
{
    printf("model: operation %" PRIu64 ", key %" PRIu64 ": %s: %s; seed=%" PRIu64 "\n", m.done, key,
           what, err ? err->message : "", m.seed);
    exit(1);
}

static void must(int rc, const char *what, const struct strata_error *err)
{
    if (rc < 0)
        wrong(what, 0, err);
}

static struct strata_slice key_of(uint64_t key, char text[24])
{
    return strata_bytes(text, (size_t)snprintf(text, 24, "key %08" PRIu64, key * 7919 % 100003));
}

/* Says which operation wrote it; some are long. */
static struct strata_slice value_of(uint64_t operation, char text[400])
{
    size_t size = (size_t)snprintf(text, 400, "%" PRIu64 ":", operation);
    size_t more = operation * 2654435761u % (operation % 16 ? 100 : 370);

    memset(text + size, 'a' + (int)(operation % 26), more);
    return strata_bytes(text, size + more);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void open_it(void)
{
    static const uint64_t sizes[] = {4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20};
    struct strata_options options;
    struct strata_error err;

    subject_options(&options, m.fs, true);
    options.memtable_bytes = sizes[rng_below(&m.rng, 5)];
    options.table_bytes = sizes[1 + rng_below(&m.rng, 4)];
    options.level_bytes = sizes[2 + rng_below(&m.rng, 3)];
    options.block_bytes = 512u << rng_below(&m.rng, 4);
    options.event_log_bytes = rng_below(&m.rng, 3) * (64 << 10);
    options.sync = rng_below(&m.rng, 4) ? STRATA_SYNC_NEVER : STRATA_SYNC_ALWAYS;
    options.compaction =
        rng_below(&m.rng, 4) ? STRATA_COMPACTION_LEVELED : STRATA_COMPACTION_TIERED;
    must(strata_open(DIR, &options, &m.db, &err), "open", &err);
}

static void check_value(uint64_t key, int rc, struct strata_slice value,
                        const struct strata_error *err)
{
    char text[400];

    if (rc < 0)
        wrong("not read", key, err);
    if ((rc == 0) != (m.last[key] > 0))
        wrong(rc == 0 ? "it is there" : "it is gone", key, NULL);
    if (rc == 0 && strata_compare(value, value_of(m.last[key], text)) != 0)
        wrong("another value", key, NULL);
}

static void compare_all(void)
{
    struct strata_buffer value = {0};
    struct strata_iter *iter;
    struct strata_error err;
    uint64_t there = 0, found = 0;
    int rc;

    for (uint64_t key = 0; key < KEYS; key++) {
        char text[24];
        rc = strata_get(m.db, key_of(key, text), &value, &err);
        check_value(key, rc, strata_buffer_slice(&value), &err);
        there += rc == 0;
    }
    must(strata_iter_new(m.db, &iter, &err), "iterator", &err);
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err))
        found++;
    must(rc, "scan", &err);
    if (found != there)
        wrong("a scan tells of another number of keys", found, NULL);
    strata_iter_free(iter);
    strata_buffer_free(&value);
    m.compared++;
}

static void reopen(bool killed)
{
    struct strata_fs *copy = killed ? fs_sim_copy(m.fs) : NULL;
    struct strata_error err;

    must(strata_close(m.db, &err), "close", &err);
    if (killed) { /* as it was before the close */
        if (!copy)
            wrong("no memory", 0, NULL);
        fs_free(m.fs);
        m.fs = copy;
    }
    *(killed ? &m.killed : &m.reopened) += 1;
    open_it();
    compare_all();
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void do_write(void)
{
    uint64_t key = rng_below(&m.rng, rng_below(&m.rng, 2) ? KEYS : KEYS / 20);
    bool put = rng_below(&m.rng, 4) > 0;
    struct strata_error err;
    char name[24], text[400];

    *(put ? &m.puts : &m.deletes) += 1;
    must(put ? strata_put(m.db, key_of(key, name), value_of(m.done, text), &err)
             : strata_delete(m.db, key_of(key, name), &err),
         "write", &err);
    m.last[key] = put ? m.done : 0;
}

static void do_batch(void)
{
    struct strata_batch *batch = strata_batch_new();
    uint64_t keys[BATCH];
    struct strata_error err;

    for (int i = 0; i < BATCH; i++) {
        char name[24], text[400];
        keys[i] = rng_below(&m.rng, KEYS);
        must(i % 4 < 3
                 ? strata_batch_put(batch, key_of(keys[i], name), value_of(m.done, text), &err)
                 : strata_batch_delete(batch, key_of(keys[i], name), &err),
             "batch", &err);
    }
    must(strata_write(m.db, batch, 0, &err), "write", &err);
    for (int i = 0; i < BATCH; i++)
        m.last[keys[i]] = i % 4 < 3 ? m.done : 0;
    strata_batch_free(batch);
    m.batches++;
}

static void do_get(void)
{
    static struct strata_buffer value;
    uint64_t key = rng_below(&m.rng, KEYS);
    struct strata_error err;
    char name[24];
    int rc = strata_get(m.db, key_of(key, name), &value, &err);

    check_value(key, rc, strata_buffer_slice(&value), &err);
    m.gets++;
}

/* Forwards from one key for a while: ascending, each with a value. */
static void do_scan(void)
{
    char name[24], before[24] = "";
    struct strata_slice value;
    struct strata_iter *iter;
    struct strata_error err;
    int rc;

    must(strata_iter_new(m.db, &iter, &err), "iterator", &err);
    rc = strata_iter_seek(iter, key_of(rng_below(&m.rng, KEYS), name), &err);
    for (int i = 0; i < 20 && rc == 0; i++) {
        struct strata_slice key = strata_iter_key(iter);
        if (strata_compare(strata_string(before), key) >= 0)
            wrong("keys do not ascend", 0, NULL);
        must(strata_iter_value(iter, &value, &err), "value", &err);
        memcpy(before, key.data, key.size);
        before[key.size] = '\0';
        rc = strata_iter_next(iter, &err);
    }
    must(rc, "scan", &err);
    strata_iter_free(iter);
    m.scans++;
}

static void do_compact(void)
{
    char from[24], to[24];
    struct strata_error err;
    int rc = rng_below(&m.rng, 8) == 0
                 ? strata_compact(m.db, NULL, &err)
                 : strata_compact_range(m.db, key_of(rng_below(&m.rng, KEYS), from),
                                        key_of(rng_below(&m.rng, KEYS), to), NULL, &err);

    must(rc, "compact", &err);
    m.compacted++;
}

static void do_rare(void)
{
    struct strata_error err;

    switch (rng_below(&m.rng, 8)) {
    case 0:
    case 1:
        reopen(false);
        break;
    case 2:
    case 3:
        reopen(true);
        break;
    case 4:
        must(strata_verify(m.db, NULL, &err), "verify", &err);
        m.verified++;
        break;
    case 5:
        must(strata_flush(m.db, &err), "flush", &err);
        break;
    default:
        do_compact();
    }
}

static void one(void)
{
    uint64_t draw = rng_below(&m.rng, 20000);

    if (draw < 4)
        do_rare();
    else if (draw < 12000)
        do_write();
    else if (draw < 12400)
        do_batch();
    else if (draw < 12600)
        do_scan();
    else
        do_get();
}

int main(int argc, char **argv)
{
    clock_t began = clock();

    if (argc < 2) {
        fprintf(stderr, "usage: STRATA_STAGE=N %s OPERATIONS [SEED]\n", argv[0]);
        return 2;
    }
    m.most = strtoull(argv[1], NULL, 10);
    m.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    m.fs = fs_sim_new();
    rng_init(&m.rng, m.seed);
    open_it();
    for (m.done = 1; m.done <= m.most; m.done++) {
        one();
        if (m.done % TOLD == 0)
            fprintf(stderr, "model: %" PRIu64 " of %" PRIu64 " operations, %.0f s\n", m.done,
                    m.most, (double)(clock() - began) / CLOCKS_PER_SEC);
    }
    reopen(false);
    printf("model: stage=%u seed=%" PRIu64 " operations=%" PRIu64 " puts=%" PRIu64
           " deletes=%" PRIu64 " batches=%" PRIu64 " gets=%" PRIu64 " scans=%" PRIu64
           " reopened=%" PRIu64 " killed=%" PRIu64 " compacted=%" PRIu64 " verified=%" PRIu64
           " compared=%" PRIu64 " wrong=0 cpu_seconds=%.0f\n",
           subject_info()->stage, m.seed, m.most, m.puts, m.deletes, m.batches, m.gets, m.scans,
           m.reopened, m.killed, m.compacted, m.verified, m.compared,
           (double)(clock() - began) / CLOCKS_PER_SEC);
    must(strata_close(m.db, NULL), "close", NULL);
    fs_free(m.fs);
    return 0;
}
