/* one_put.c: what a single put has to do: how many bytes are read and written until it returns.
 *
 *   one_put STAGE DIR PUTS [leveled|fixed|tiered|full]
 *
 * Each of PUTS / 2 keys is put twice, in scattered order, with values of 100 bytes. Budgets are
 * small, so that little data has several levels: a memtable of 256 KiB, tables of 128 KiB, levels
 * from 1 MiB on. No put is synced, and blocks are not packed. "fixed": level 1 has that MiB, and
 * not the first level of which ten times as much stands below; "full": all is merged after each
 * 1,600 puts, which fill a memtable; it counts as part of the last of them.
 *
 *   cc -Iinclude -o one_put docs/examples/one_put.c build/libstrata.a -lxxhash -llz4 -lpthread */
#include "strata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES 16 /* of puts, by what they moved: up to 256 bytes, 1 KiB, 4 KiB, ... */

struct moved {
    uint64_t read, written;
};

static void check(int rc, const struct strata_error *err)
{
    if (rc < 0) {
        fprintf(stderr, "one_put: %s %s\n", err->file, err->message);
        exit(1);
    }
}

static void add_up(void *arg, const struct strata_stat *stat)
{
    struct moved *moved = arg;
    if (strcmp(stat->name, "fs_bytes_read") == 0)
        moved->read = stat->value;
    if (strcmp(stat->name, "fs_bytes_written") == 0)
        moved->written = stat->value;
}

/* Stage 6 tells where it wrote them. */
static void show_tables(void *arg, const struct strata_stat *stat)
{
    (void)arg;
    if (stat->value && (strcmp(stat->name, "flushed_bytes") == 0 ||
                        (stat->name[0] == 'l' && strstr(stat->name, "_written"))))
        printf("%-14s %10" PRIu64 " bytes\n", stat->name, stat->value);
}

static struct moved so_far(struct strata *db)
{
    struct moved moved = {0};
    struct strata_error err;
    check(strata_stats(db, add_up, &moved, &err), &err);
    return moved;
}

/* Number `n` of them, whose neighbours are anywhere; each put of a key has another value. */
static void put(struct strata *db, uint32_t n, uint32_t keys)
{
    uint64_t letters = n * UINT64_C(0x9e3779b97f4a7c15);
    struct strata_error err;
    char key[24], value[101];

    snprintf(key, sizeof key, "%016" PRIu64, n * UINT64_C(2654435761) % keys);
    for (int i = 0; i < 100; i++, letters = letters * 6364136223846793005u + 1442695040888963407u)
        value[i] = (char)('a' + (letters >> 33) % 26);
    value[100] = '\0';
    check(strata_put(db, strata_string(key), strata_string(value), &err), &err);
}

static unsigned class_of(uint64_t bytes)
{
    unsigned c = 0;
    while (c + 1 < CLASSES && bytes > (uint64_t)256 << 2 * c)
        c++;
    return c;
}

int main(int argc, char **argv)
{
    uint32_t puts = argc > 3 ? (uint32_t)atoi(argv[3]) : 0;
    const char *policy = argc > 4 ? argv[4] : "leveled";
    uint64_t classes[CLASSES] = {0}, most = 0;
    struct moved was, is = {0};
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    if (puts < 2)
        return fprintf(stderr, "usage: one_put STAGE DIR PUTS [leveled|fixed|tiered|full]\n"), 2;
    strata_options_init(&options);
    options.create = options.plain_blocks = true;
    options.stage = (unsigned)atoi(argv[1]);
    options.sync = STRATA_SYNC_NEVER;
    options.memtable_bytes = 256 << 10;
    options.table_bytes = 128 << 10;
    options.level_bytes = 1 << 20;
    options.event_log_bytes = 0; /* its lines tell times: not the same in each run */
    if (strcmp(policy, "tiered") == 0)
        options.compaction = STRATA_COMPACTION_TIERED;
    options.dynamic_levels = strcmp(policy, "fixed") != 0;
    check(strata_open(argv[2], &options, &db, &err), &err);
    was = so_far(db);
    for (uint32_t n = 0; n < puts; n++, was = is) {
        uint64_t bytes;
        put(db, n, puts / 2);
        if (strcmp(policy, "full") == 0 && n % 1600 == 1599)
            check(strata_compact(db, NULL, &err), &err);
        is = so_far(db);
        bytes = is.read - was.read + is.written - was.written;
        most = bytes > most ? bytes : most;
        classes[class_of(bytes)]++;
    }
    for (unsigned c = 0; c < CLASSES; c++)
        if (classes[c])
            printf("up to %8" PRIu64 " bytes  %7" PRIu64 " puts\n", (uint64_t)256 << 2 * c,
                   classes[c]);
    printf("the worst put: %" PRIu64 " bytes; written for each byte put: %.1f\n", most,
           (double)is.written / (116.0 * puts));
    check(strata_stats(db, show_tables, NULL, &err), &err);
    check(strata_close(db, &err), &err);
    return 0;
}
