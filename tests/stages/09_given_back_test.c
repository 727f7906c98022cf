/* 09_given_back_test.c: memory that is mapped, not malloc's, is given back too: a memtable's
 * chunks, the cache, tables that are read in place. (No leak checker does that.) */
#include "test.h"

#include "fs/fs_posix.h"
#include "place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 135000
#define MIB ((uint64_t)1 << 20)

/* Bytes of all mappings of the process, and how many are of a table's file. */
static uint64_t mapped(int *tables)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    uint64_t bytes = 0, from, to;
    char line[1000];

    *tables = 0;
    while (maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) == 2) {
            bytes += to - from;
            *tables += strstr(line, ".table") != NULL;
        }
    if (maps)
        fclose(maps);
    return bytes;
}

static struct strata *open_large(struct place *place)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    strata_options_init(&options);
    options.fs = place->fs;
    options.stage = 9;
    options.create = true;
    options.sync = STRATA_SYNC_NEVER;
    options.cache_bytes = 16 * MIB;
    options.plain_blocks = true;
    options.mapped_reads = true;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    return db;
}

static void put_batch(struct strata *db, uint32_t from, uint32_t to)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    assert_non_null(batch);
    for (uint32_t n = from; n < to; n++)
        assert_ok(strata_batch_put(batch, strata_bytes(&n, sizeof n),
                                   strata_string("a value of some bytes"), &err),
                  &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    strata_batch_free(batch);
}

/* A memtable of several chunks, flushed, merged away, and read from a mapped table. */
static void work(struct place *place)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    struct strata *db = open_large(place);
    uint32_t some = KEYS / 2;
    int tables;

    for (uint32_t n = 0; n < KEYS; n += 5000)
        put_batch(db, n, n + 5000);
    assert_ok(strata_flush(db, &err), &err);
    assert_ok(strata_get(db, strata_bytes(&some, sizeof some), &value, &err), &err);
    mapped(&tables);
    assert_true(tables > 0);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    mapped(&tables);
    assert_int_equal(tables, 0);
    strata_buffer_free(&value);
}

static void table_memory_that_was_mapped_is_given_back(void **state)
{
    struct place place;
    uint64_t before;
    int tables;

    (void)state;
    if (check_sanitized()) {
        check_skipping("a sanitizer's own memory grows");
        skip();
    }
    place_init(&place);
    work(&place);
    work(&place); /* the heap has its size now */
    before = mapped(&tables);
    assert_true(before > 0);
    for (int i = 0; i < 4; i++)
        work(&place);
    assert_true(mapped(&tables) < before + 4 * MIB);
    place_free(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_memory_that_was_mapped_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
