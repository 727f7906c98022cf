/* large_values.h: a database of large values on the simulated file system, for stage 12's tests. */
#ifndef STRATA_TESTS_LARGE_VALUES_H
#define STRATA_TESTS_LARGE_VALUES_H

#include "12_value_log/value_tree.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "db/db.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGE ((size_t)1000) /* bytes: values from this size on are kept apart */

static inline struct strata *large_open(struct strata_fs *fs, size_t cache_bytes, bool create)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, create);
    options.sync = STRATA_SYNC_NEVER;
    options.cache_bytes = cache_bytes;
    options.memtable_bytes = 4096;
    options.level_bytes = options.table_bytes = 16384;
    options.value_bytes = LARGE;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    return db;
}

static inline struct value_set *large_set(const struct strata *db)
{
    return value_set_of(((struct tree *)db->self)->common);
}

static inline struct strata_slice large_key(unsigned key, char name[16])
{
    snprintf(name, 16, "key%05u", key);
    return strata_string(name);
}

/* Tells its key and round. Freed by free. */
static inline struct strata_slice large_value(unsigned key, unsigned round, size_t size)
{
    char *value = malloc(size);
    size_t at;

    assert_non_null(value);
    at = (size_t)snprintf(value, size, "%u.%u.", key, round);
    memset(value + at, 'a' + (int)((key + round) % 26), size - at);
    return strata_bytes(value, size);
}

static inline void large_put(struct strata *db, unsigned key, unsigned round, size_t size)
{
    struct strata_slice value = large_value(key, round, size);
    struct strata_error err;
    char name[16];

    assert_ok(strata_put(db, large_key(key, name), value, &err), &err);
    free((void *)(uintptr_t)value.data);
}

static inline void large_is(struct strata_slice found, unsigned key, unsigned round, size_t size)
{
    struct strata_slice value = large_value(key, round, size);

    assert_int_equal(strata_compare(found, value), 0);
    free((void *)(uintptr_t)value.data);
}

static inline void large_expect(struct strata *db, unsigned key, unsigned round, size_t size)
{
    struct strata_buffer got = {0};
    struct strata_error err;
    char name[16];

    assert_ok(strata_get(db, large_key(key, name), &got, &err), &err);
    large_is(strata_buffer_slice(&got), key, round, size);
    strata_buffer_free(&got);
}

static inline void large_close(struct strata *db)
{
    struct strata_error err;

    assert_ok(strata_close(db, &err), &err);
}

#endif
