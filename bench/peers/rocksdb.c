/* rocksdb.c: RocksDB (github.com/facebook/rocksdb) as an engine, through rocksdb/c.h. Its cache,
 * memtable, blocks and filter are of the sizes that all engines have, its blocks are compressed by
 * LZ4; what else it has is its default, but that it writes no statistics now and then. It checks
 * every block that it reads, and reads by calls. (How the library was built decides much:
 * rocksdb_about.c.) */
#include "rocksdb.h"

#include <rocksdb/c.h>
#include <stdlib.h>

struct self {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_block_based_table_options_t *tables;
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *reads;
    rocksdb_writeoptions_t *writes;
};

struct session {
    struct self *self;
    rocksdb_writebatch_t *batch;
    rocksdb_pinnableslice_t *value; /* of the last get */
};

/* `error` is RocksDB's, to be freed, or NULL. */
static int fail(struct strata_error *err, const char *what, char *error)
{
    int rc = error ? engine_fail(err, what, error) : 0;

    rocksdb_free(error);
    return rc;
}

static void free_self(struct self *self)
{
    rocksdb_writeoptions_destroy(self->writes);
    rocksdb_readoptions_destroy(self->reads);
    rocksdb_options_destroy(self->options);
    rocksdb_block_based_options_destroy(self->tables);
    rocksdb_cache_destroy(self->cache);
    free(self);
}

static void set_tables(struct self *self, const struct engine_options *options)
{
    self->cache = rocksdb_cache_create_lru(options->cache_bytes);
    self->tables = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(self->tables, self->cache);
    rocksdb_block_based_options_set_block_size(self->tables, options->block_bytes);
    rocksdb_block_based_options_set_filter_policy(
        self->tables,
        rocksdb_filterpolicy_create_bloom_full((double)options->bloom_bits)); /* it owns it now */
    rocksdb_options_set_block_based_table_factory(self->options, self->tables);
}

static int open_db(const struct engine_options *options, void **db, struct strata_error *err)
{
    struct self *self = calloc(1, sizeof *self);
    char *error = NULL;

    *db = NULL;
    if (!self)
        return engine_no_memory(err);
    self->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(self->options, options->create);
    rocksdb_options_set_error_if_exists(self->options, options->create);
    rocksdb_options_set_write_buffer_size(self->options, options->memtable_bytes);
    rocksdb_options_set_compression(self->options, options->plain ? rocksdb_no_compression
                                                                  : rocksdb_lz4_compression);
    rocksdb_options_set_stats_dump_period_sec(self->options, 0);
    set_tables(self, options);
    self->reads = rocksdb_readoptions_create();
    self->writes = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(self->writes, options->sync == STRATA_SYNC_ALWAYS);
    self->db = rocksdb_open(self->options, options->dir, &error);
    if (error) {
        free_self(self);
        return fail(err, "rocksdb", error);
    }
    *db = self;
    return 0;
}

static int close_db(void *db, struct strata_error *err)
{
    struct self *self = db;

    (void)err;
    rocksdb_close(self->db);
    free_self(self);
    return 0;
}

/* ---- Upkeep ------------------------------------------------------------------------------ */

static unsigned can(const struct engine_options *options)
{
    (void)options;
    return ENGINE_ORDER | ENGINE_REVERSE | ENGINE_BATCH | ENGINE_SYNC | ENGINE_COMPACT |
           ENGINE_THREADS;
}

static int join(void *db, void **session, struct strata_error *err)
{
    struct session *s = calloc(1, sizeof *s);

    *session = s;
    if (!s)
        return engine_no_memory(err);
    s->self = db;
    s->batch = rocksdb_writebatch_create();
    return 0;
}

static void forget(struct session *s)
{
    if (s->value)
        rocksdb_pinnableslice_destroy(s->value);
    s->value = NULL;
}

static void leave(void *session)
{
    struct session *s = session;

    if (!s)
        return;
    forget(s);
    rocksdb_writebatch_destroy(s->batch);
    free(s);
}

static int compact(void *db, struct strata_error *err)
{
    struct self *self = db;

    (void)err;
    rocksdb_compact_range(self->db, NULL, 0, NULL, 0);
    return 0;
}

static int settle(void *db, struct strata_error *err)
{
    struct self *self = db;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *error = NULL;

    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(self->db, options, &error);
    rocksdb_flushoptions_destroy(options);
    return fail(err, "flush", error);
}

static bool busy(void *db)
{
    static const char *const signs[] = {
        "rocksdb.compaction-pending", "rocksdb.num-running-compactions",
        "rocksdb.mem-table-flush-pending", "rocksdb.num-running-flushes"};
    struct self *self = db;
    uint64_t value, sum = 0;

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (rocksdb_property_int(self->db, signs[i], &value) == 0)
            sum += value;
    return sum > 0;
}

/* ---- Work -------------------------------------------------------------------------------- */

static int put(void *session, struct strata_slice key, struct strata_slice value,
               struct strata_error *err)
{
    struct session *s = session;
    char *error = NULL;

    rocksdb_put(s->self->db, s->self->writes, (const char *)key.data, key.size,
                (const char *)value.data, value.size, &error);
    return fail(err, "put", error);
}

static int put_batch(void *session, const struct engine_entry *entries, size_t count,
                     struct strata_error *err)
{
    struct session *s = session;
    char *error = NULL;

    rocksdb_writebatch_clear(s->batch);
    for (size_t i = 0; i < count; i++)
        rocksdb_writebatch_put(s->batch, (const char *)entries[i].key.data, entries[i].key.size,
                               (const char *)entries[i].value.data, entries[i].value.size);
    rocksdb_write(s->self->db, s->self->writes, s->batch, &error);
    return fail(err, "batch", error);
}

static int remove_key(void *session, struct strata_slice key, struct strata_error *err)
{
    struct session *s = session;
    char *error = NULL;

    rocksdb_delete(s->self->db, s->self->writes, (const char *)key.data, key.size, &error);
    return fail(err, "delete", error);
}

static int get(void *session, struct strata_slice key, struct strata_slice *value,
               struct strata_error *err)
{
    struct session *s = session;
    char *error = NULL;
    size_t size = 0;

    forget(s);
    s->value =
        rocksdb_get_pinned(s->self->db, s->self->reads, (const char *)key.data, key.size, &error);
    if (error)
        return fail(err, "get", error);
    *value = (struct strata_slice){NULL, 0};
    if (!s->value)
        return STRATA_NOT_FOUND;
    value->data = (const uint8_t *)rocksdb_pinnableslice_value(s->value, &size);
    value->size = size;
    return 0;
}

static int iterate(void *session, void **iter, struct strata_error *err)
{
    struct session *s = session;

    (void)err;
    *iter = rocksdb_create_iterator(s->self->db, s->self->reads);
    return 0;
}

static void iterated(void *iter)
{
    if (iter)
        rocksdb_iter_destroy(iter);
}

static void begin(rocksdb_iterator_t *iter, enum engine_walk how, struct strata_slice key)
{
    switch (how) {
    case WALK_FIRST:
        rocksdb_iter_seek_to_first(iter);
        break;
    case WALK_LAST:
        rocksdb_iter_seek_to_last(iter);
        break;
    case WALK_SEEK:
        rocksdb_iter_seek(iter, (const char *)key.data, key.size);
        break;
    case WALK_NEXT:
        rocksdb_iter_next(iter);
        break;
    case WALK_PREV:
        rocksdb_iter_prev(iter);
        break;
    }
}

static void add_entry(const rocksdb_iterator_t *iter, struct sum *sum)
{
    size_t key_size, value_size;
    const char *key = rocksdb_iter_key(iter, &key_size);
    const char *value = rocksdb_iter_value(iter, &value_size);

    sum_add(sum, (struct strata_slice){(const uint8_t *)key, key_size},
            (struct strata_slice){(const uint8_t *)value, value_size});
}

static int walk(void *iter, enum engine_walk how, struct strata_slice key, uint64_t most,
                struct sum *sum, struct strata_error *err)
{
    bool backwards = how == WALK_LAST || how == WALK_PREV;
    char *error = NULL;

    begin(iter, how, key);
    while (rocksdb_iter_valid(iter)) {
        add_entry(iter, sum);
        if (!--most)
            return 0;
        if (backwards)
            rocksdb_iter_prev(iter);
        else
            rocksdb_iter_next(iter);
    }
    rocksdb_iter_get_error(iter, &error);
    return error ? fail(err, "iterator", error) : STRATA_NOT_FOUND;
}

static int about(const struct engine_options *options, FILE *to, struct strata_error *err)
{
    return rocksdb_about(&engine_rocksdb, options, to, err);
}

const struct engine engine_rocksdb = {
    .name = "rocksdb",
    .can = can,
    .about = about,
    .open = open_db,
    .close = close_db,
    .join = join,
    .leave = leave,
    .compact = compact,
    .settle = settle,
    .busy = busy,
    .put = put,
    .batch = put_batch,
    .remove = remove_key,
    .get = get,
    .iterate = iterate,
    .iterated = iterated,
    .walk = walk,
};
