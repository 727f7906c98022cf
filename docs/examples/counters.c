/* counters.c: eight threads that count at a few keys, in three ways.
 *
 *   counters get|for_update|merge DIR THREADS ADDITIONS KEYS
 *
 * Each of THREADS adds 1 to one of KEYS counters, ADDITIONS times: in a transaction that gets the
 * counter and puts it; the same with strata_txn_get_for_update; or by strata_merge. In the end the
 * counters must have all of it. Writes are not synced.
 *
 *   cc -Iinclude -o counters docs/examples/counters.c build/libstrata.a -lxxhash -llz4 -lpthread */
#include "strata.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MOST 64

static struct strata *db;
static bool merges, for_update;
static unsigned additions, keys;

struct thread {
    pthread_t id;
    unsigned number;
    char key[24];
    uint64_t tries;
};

static void check(int rc, const struct strata_error *err)
{
    if (rc != 0) {
        fprintf(stderr, "counters: %s\n", rc < 0 ? err->message : "gave up");
        exit(1);
    }
}

static int add(struct strata_txn *txn, void *arg, struct strata_error *err)
{
    struct strata_buffer value = {0};
    struct thread *t = arg;
    char text[24];
    int rc = (for_update ? strata_txn_get_for_update : strata_txn_get)(txn, strata_string(t->key),
                                                                       &value, err);

    t->tries++;
    if (rc == 0 && (rc = strata_buffer_append(&value, "", 1)) == 0) {
        snprintf(text, sizeof text, "%ld", atol((const char *)value.data) + 1);
        rc = strata_txn_put(txn, strata_string(t->key), strata_string(text), err);
    }
    strata_buffer_free(&value);
    return rc;
}

static void *work(void *arg)
{
    struct strata_txn_options options;
    struct strata_error err;
    struct thread *t = arg;

    strata_txn_options_init(&options);
    options.tries = UINT32_MAX;
    for (unsigned n = 0; n < additions; n++) {
        snprintf(t->key, sizeof t->key, "counter%u", (t->number + n) % keys);
        if (!merges)
            check(strata_transact(db, &options, add, t, &err), &err);
        else
            check(
                strata_merge(db, STRATA_OP_ADD, strata_string(t->key), strata_string("1"), 0, &err),
                &err);
        t->tries += merges;
    }
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long total(void)
{
    struct strata_iter *iter;
    struct strata_slice value;
    struct strata_error err;
    char text[24];
    long sum = 0;
    int rc;

    check(strata_iter_new(db, &iter, &err), &err);
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        check(strata_iter_value(iter, &value, &err), &err);
        snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
        sum += atol(text);
    }
    strata_iter_free(iter);
    return sum;
}

int main(int argc, char **argv)
{
    struct thread threads[THREADS_MOST] = {{0}};
    unsigned count = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
    struct strata_options options;
    struct strata_error err;
    uint64_t tries = 0;
    double begun;

    if (argc < 6 || !count || count > THREADS_MOST || !atoi(argv[5])) {
        fprintf(stderr, "usage: counters get|for_update|merge DIR THREADS ADDITIONS KEYS\n");
        return 2;
    }
    merges = strcmp(argv[1], "merge") == 0;
    for_update = strcmp(argv[1], "for_update") == 0;
    additions = (unsigned)atoi(argv[4]);
    keys = (unsigned)atoi(argv[5]);
    strata_options_init(&options);
    options.stage = 13;
    options.create = options.exclusive = true;
    options.sync = STRATA_SYNC_NEVER;
    check(strata_open(argv[2], &options, &db, &err), &err);
    for (unsigned k = 0; k < keys; k++) {
        char key[24];
        snprintf(key, sizeof key, "counter%u", k);
        check(strata_put(db, strata_string(key), strata_string("0"), &err), &err);
    }
    begun = now();
    for (unsigned i = 0; i < count; i++) {
        threads[i].number = i;
        pthread_create(&threads[i].id, NULL, work, &threads[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i].id, NULL);
        tries += threads[i].tries;
    }
    printf("%-10s %8.0f additions a second, %.2f tries each; counted %ld of %lu\n", argv[1],
           (double)count * additions / (now() - begun), (double)tries / count / additions, total(),
           (unsigned long)count * additions);
    check(strata_close(db, &err), &err);
    return 0;
}
