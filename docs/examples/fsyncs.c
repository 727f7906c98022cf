/* fsyncs.c: what an "ok" costs: syncs per put, by policy, batch and number of threads.
 *
 *   fsyncs DIR always|interval|never PUTS [THREADS [BATCH]]
 *
 * Each thread puts its share of PUTS, BATCH of them at a time. "interval" is every 64 KiB.
 *
 *   cc -Iinclude -o fsyncs docs/examples/fsyncs.c build/libstrata.a -lxxhash -llz4 -lpthread */
#include "strata.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct worker {
    struct strata *db;
    int id, puts, batch;
    pthread_t thread;
};

static void check(int rc, const struct strata_error *err)
{
    if (rc < 0) {
        fprintf(stderr, "fsyncs: %s %s\n", err->file, err->message);
        exit(1);
    }
}

static void *work(void *arg)
{
    const struct worker *w = arg;
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    char key[32], value[101];

    for (int i = 0; batch && i < w->puts; i++) {
        snprintf(key, sizeof key, "%08d%08d", w->id, i);
        snprintf(value, sizeof value, "%0100d", i);
        check(strata_batch_put(batch, strata_string(key), strata_string(value), &err), &err);
        if (i % w->batch == w->batch - 1 || i == w->puts - 1) {
            check(strata_write(w->db, batch, 0, &err), &err);
            strata_batch_clear(batch);
        }
    }
    strata_batch_free(batch);
    return NULL;
}

struct counts {
    unsigned long long syncs, appends, bytes;
};

static void count(void *arg, const struct strata_stat *stat)
{
    struct counts *counts = arg;
    if (strcmp(stat->name, "fs_sync") == 0)
        counts->syncs = stat->value;
    if (strcmp(stat->name, "fs_append") == 0)
        counts->appends = stat->value;
    if (strcmp(stat->name, "fs_bytes_written") == 0)
        counts->bytes = stat->value;
}

int main(int argc, char **argv)
{
    int puts = argc > 3 ? atoi(argv[3]) : 0, threads = argc > 4 ? atoi(argv[4]) : 1;
    int batch = argc > 5 ? atoi(argv[5]) : 1;
    struct counts before = {0}, after = {0};
    struct worker workers[64];
    struct strata_options options;
    struct strata_error err;

    if (puts < 1 || threads < 1 || threads > 64 || batch < 1)
        return fprintf(stderr, "usage: fsyncs DIR always|interval|never PUTS [THREADS [BATCH]]\n"),
               2;
    strata_options_init(&options);
    options.create = true;
    options.sync = argv[2][0] == 'a'   ? STRATA_SYNC_ALWAYS
                   : argv[2][0] == 'n' ? STRATA_SYNC_NEVER
                                       : STRATA_SYNC_INTERVAL;
    options.sync_interval_bytes = 64 << 10;
    options.sync_interval_ms = 1000000;
    options.stage = 3;
    check(strata_open(argv[1], &options, &workers[0].db, &err), &err);
    check(strata_stats(workers[0].db, count, &before, &err), &err);
    for (int i = 0; i < threads; i++) {
        workers[i] = (struct worker){workers[0].db, i, puts / threads, batch, 0};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    }
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    check(strata_stats(workers[0].db, count, &after, &err), &err);
    check(strata_close(workers[0].db, &err), &err);
    after.syncs -= before.syncs;
    after.appends -= before.appends;
    after.bytes -= before.bytes;
    printf("%d puts, %llu appends, %llu fsyncs: %.3f a put; %.2f bytes written for each byte put\n",
           puts, after.appends, after.syncs, (double)after.syncs / puts,
           (double)after.bytes / (116.0 * puts));
    return 0;
}
