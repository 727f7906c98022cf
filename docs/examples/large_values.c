/* large_values.c: bytes written for each byte put, when values are large: random overwrites of few
 * keys, with a small memtable and small levels, so that there is much to merge.
 *
 *   large_values DIR STAGE VALUE_BYTES KEYS PUTS
 *
 *   cc -Iinclude -o large docs/examples/large_values.c build/libstrata.a -lxxhash -llz4 -lpthread
 */
#include "strata.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int rc, const struct strata_error *err)
{
    if (rc < 0) {
        fprintf(stderr, "large_values: %s %s\n", err->file, err->message);
        exit(1);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Bytes that LZ4 cannot pack. */
static void fill(char *value, size_t size, uint64_t *state)
{
    for (size_t i = 0; i < size; i++)
        value[i] = (char)(next_random(state) >> 32);
}

static void take_written(void *arg, const struct strata_stat *stat)
{
    unsigned long long *written = arg;

    if (strcmp(stat->name, "fs_bytes_written") == 0)
        *written = stat->value;
}

int main(int argc, char **argv)
{
    size_t size = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0;
    unsigned long keys = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    unsigned long puts = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
    char *value = malloc(size + 1), key[24];
    unsigned long long written = 0;
    struct strata_options options;
    struct strata_error err;
    uint64_t state = 1;
    struct strata *db;

    if (!value || !size || !keys || !puts)
        return fprintf(stderr, "usage: large_values DIR STAGE VALUE_BYTES KEYS PUTS\n"), 2;
    strata_options_init(&options);
    options.create = true;
    options.value_bytes = 4096; /* of stage 12 */
    options.sync = STRATA_SYNC_NEVER;
    options.stage = (unsigned)atoi(argv[2]);
    options.memtable_bytes = options.table_bytes = 1 << 20;
    options.level_bytes = 4 << 20;
    check(strata_open(argv[1], &options, &db, &err), &err);
    for (unsigned long i = 0; i < puts; i++) {
        snprintf(key, sizeof key, "%016lu", (unsigned long)(next_random(&state) % keys));
        fill(value, size, &state);
        check(strata_put(db, strata_string(key), strata_bytes(value, size), &err), &err);
    }
    check(strata_stats(db, take_written, &written, &err), &err);
    check(strata_close(db, &err), &err);
    printf("stage %2s, values of %6zu bytes: %4.1f bytes written for each byte put\n", argv[2],
           size, (double)written / ((double)puts * (double)(size + 16)));
    free(value);
    return 0;
}
