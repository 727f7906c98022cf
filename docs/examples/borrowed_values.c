/* borrowed_values.c: what a get of a large value costs, and what a get that borrows it costs, when
 * all values were read before: CPU time, the best of some rounds, in turns.
 *
 *   borrowed_values DIR STAGE VALUE_BYTES KEYS
 *
 *   cc -Iinclude -o borrowed docs/examples/borrowed_values.c build/libstrata.a -lxxhash -llz4
 * -lpthread
 */
#define _POSIX_C_SOURCE 199309L
#include "strata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 7

static void check(int rc, const struct strata_error *err)
{
    if (rc != 0) {
        fprintf(stderr, "borrowed_values: %s %s\n", err->file, err->message);
        exit(1);
    }
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct strata_slice key_of(unsigned i, char name[17])
{
    snprintf(name, 17, "%016u", i);
    return strata_bytes(name, 16);
}

static void fill(struct strata *db, unsigned keys, size_t size)
{
    char name[17], *value = malloc(size);
    struct strata_error err;

    for (size_t i = 0; value && i < size; i++)
        value[i] = (char)(i * 2654435761u >> 13);
    for (unsigned i = 0; value && i < keys; i++)
        check(strata_put(db, key_of(i, name), strata_bytes(value, size), &err), &err);
    check(strata_flush(db, &err), &err);
    free(value);
}

/* Microseconds a get. */
static double get_all(struct strata *db, unsigned keys, bool borrow)
{
    struct strata_buffer value = {0};
    struct strata_view view = {0};
    struct strata_error err;
    double began = now_us();
    char name[17];

    for (unsigned i = 0; i < keys; i++)
        if (borrow)
            check(strata_get_borrowed(db, key_of(i, name), &view, &err), &err);
        else
            check(strata_get(db, key_of(i, name), &value, &err), &err);
    strata_view_free(&view);
    strata_buffer_free(&value);
    return (now_us() - began) / keys;
}

int main(int argc, char **argv)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    double best[2] = {1e9, 1e9};
    unsigned keys;
    size_t size;

    if (argc != 5)
        return 2;
    size = strtoul(argv[3], NULL, 10);
    keys = (unsigned)strtoul(argv[4], NULL, 10);
    strata_options_init(&options);
    options.stage = (unsigned)strtoul(argv[2], NULL, 10);
    options.create = true;
    options.sync = STRATA_SYNC_NEVER;
    options.value_bytes = options.stage >= 12 ? 512 : 0;
    check(strata_open(argv[1], &options, &db, &err), &err);
    fill(db, keys, size);
    for (int round = 0; round < 2 * ROUNDS; round++) {
        double us = get_all(db, keys, round % 2);
        best[round % 2] = us < best[round % 2] ? us : best[round % 2];
    }
    printf("stage %s, values of %6zu bytes: get %6.2f us, borrowed %6.2f us\n", argv[2], size,
           best[0], best[1]);
    check(strata_close(db, &err), &err);
    return 0;
}
