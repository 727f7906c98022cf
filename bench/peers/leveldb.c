/* leveldb.c: LevelDB (Sanjay Ghemawat, Jeff Dean: github.com/google/leveldb) as an engine, through
 * leveldb/c.h. Its cache, memtable, blocks and filter are of the sizes that all engines have;
 * what else it has is its default: blocks compressed by Snappy, tables of 2 MiB, which it maps into
 * memory and reads there, without calls of the system, and does not check unless asked to. */
#include "../engine.h"

#include <leveldb/c.h>
#include <stdlib.h>

struct self {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_filterpolicy_t *filter;
    leveldb_readoptions_t *reads;
    leveldb_writeoptions_t *writes;
};

struct session {
    struct self *self;
    leveldb_writebatch_t *batch;
    char *value; /* of the last get */
};

/* `error` is LevelDB's, to be freed, or NULL. */
static int fail(struct strata_error *err, const char *what, char *error)
{
    int rc = error ? engine_fail(err, what, error) : 0;

    leveldb_free(error);
    return rc;
}

static unsigned can(const struct engine_options *options)
{
    (void)options;
    return ENGINE_ORDER | ENGINE_REVERSE | ENGINE_BATCH | ENGINE_SYNC | ENGINE_COMPACT |
           ENGINE_THREADS;
}

static int about(const struct engine_options *options, FILE *to, struct strata_error *err)
{
    (void)err;
    fprintf(to, "LevelDB %d.%d, blocks %s, read from mapped files, %s\n", leveldb_major_version(),
            leveldb_minor_version(), options->plain ? "not compressed" : "compressed by Snappy",
            options->check_reads ? "every block that is read is checked"
                                 : "blocks that are read are not checked (its default)");
    return 0;
}

/* ---- Its life ---------------------------------------------------------------------------- */

static void free_self(struct self *self)
{
    leveldb_writeoptions_destroy(self->writes);
    leveldb_readoptions_destroy(self->reads);
    leveldb_options_destroy(self->options);
    leveldb_filterpolicy_destroy(self->filter);
    leveldb_cache_destroy(self->cache);
    free(self);
}

static void set_options(struct self *self, const struct engine_options *options)
{
    self->cache = leveldb_cache_create_lru(options->cache_bytes);
    self->filter = leveldb_filterpolicy_create_bloom((int)options->bloom_bits);
    self->options = leveldb_options_create();
    leveldb_options_set_create_if_missing(self->options, options->create);
    leveldb_options_set_error_if_exists(self->options, options->create);
    leveldb_options_set_write_buffer_size(self->options, options->memtable_bytes);
    leveldb_options_set_block_size(self->options, options->block_bytes);
    leveldb_options_set_cache(self->options, self->cache);
    leveldb_options_set_filter_policy(self->options, self->filter);
    leveldb_options_set_compression(self->options, options->plain ? leveldb_no_compression
                                                                  : leveldb_snappy_compression);
    self->reads = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(self->reads, options->check_reads);
    self->writes = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(self->writes, options->sync == STRATA_SYNC_ALWAYS);
}

static int open_db(const struct engine_options *options, void **db, struct strata_error *err)
{
    struct self *self = calloc(1, sizeof *self);
    char *error = NULL;

    *db = NULL;
    if (!self)
        return engine_no_memory(err);
    set_options(self, options);
    self->db = leveldb_open(self->options, options->dir, &error);
    if (error) {
        free_self(self);
        return fail(err, "leveldb", error);
    }
    *db = self;
    return 0;
}

static int close_db(void *db, struct strata_error *err)
{
    struct self *self = db;

    (void)err;
    leveldb_close(self->db);
    free_self(self);
    return 0;
}

static int join(void *db, void **session, struct strata_error *err)
{
    struct session *s = calloc(1, sizeof *s);

    *session = s;
    if (!s)
        return engine_no_memory(err);
    s->self = db;
    s->batch = leveldb_writebatch_create();
    return 0;
}

static void leave(void *session)
{
    struct session *s = session;

    if (!s)
        return;
    leveldb_writebatch_destroy(s->batch);
    leveldb_free(s->value);
    free(s);
}

static int compact(void *db, struct strata_error *err)
{
    struct self *self = db;

    (void)err;
    leveldb_compact_range(self->db, NULL, 0, NULL, 0);
    return 0;
}

/* A range behind every key: the memtable is written, as ever, and nothing is in it to compact. */
static int settle(void *db, struct strata_error *err)
{
    struct self *self = db;

    (void)err;
    leveldb_compact_range(self->db, "\xff", 1, "\xff", 1);
    return 0;
}

/* ---- Work -------------------------------------------------------------------------------- */

static int put(void *session, struct strata_slice key, struct strata_slice value,
               struct strata_error *err)
{
    struct session *s = session;
    char *error = NULL;

    leveldb_put(s->self->db, s->self->writes, (const char *)key.data, key.size,
                (const char *)value.data, value.size, &error);
    return fail(err, "put", error);
}

static int put_batch(void *session, const struct engine_entry *entries, size_t count,
                     struct strata_error *err)
{
    struct session *s = session;
    char *error = NULL;

    leveldb_writebatch_clear(s->batch);
    for (size_t i = 0; i < count; i++)
        leveldb_writebatch_put(s->batch, (const char *)entries[i].key.data, entries[i].key.size,
                               (const char *)entries[i].value.data, entries[i].value.size);
    leveldb_write(s->self->db, s->self->writes, s->batch, &error);
    return fail(err, "batch", error);
}

static int remove_key(void *session, struct strata_slice key, struct strata_error *err)
{
    struct session *s = session;
    char *error = NULL;

    leveldb_delete(s->self->db, s->self->writes, (const char *)key.data, key.size, &error);
    return fail(err, "delete", error);
}

static int get(void *session, struct strata_slice key, struct strata_slice *value,
               struct strata_error *err)
{
    struct session *s = session;
    char *error = NULL;
    size_t size = 0;

    leveldb_free(s->value);
    s->value =
        leveldb_get(s->self->db, s->self->reads, (const char *)key.data, key.size, &size, &error);
    *value = strata_bytes(s->value, size);
    if (error)
        return fail(err, "get", error);
    return s->value ? 0 : STRATA_NOT_FOUND;
}

static int iterate(void *session, void **iter, struct strata_error *err)
{
    struct session *s = session;

    (void)err;
    *iter = leveldb_create_iterator(s->self->db, s->self->reads);
    return 0;
}

static void iterated(void *iter)
{
    if (iter)
        leveldb_iter_destroy(iter);
}

static void begin(leveldb_iterator_t *iter, enum engine_walk how, struct strata_slice key)
{
    switch (how) {
    case WALK_FIRST:
        leveldb_iter_seek_to_first(iter);
        break;
    case WALK_LAST:
        leveldb_iter_seek_to_last(iter);
        break;
    case WALK_SEEK:
        leveldb_iter_seek(iter, (const char *)key.data, key.size);
        break;
    case WALK_NEXT:
        leveldb_iter_next(iter);
        break;
    case WALK_PREV:
        leveldb_iter_prev(iter);
        break;
    }
}

static void add_entry(const leveldb_iterator_t *iter, struct sum *sum)
{
    size_t key_size, value_size;
    const char *key = leveldb_iter_key(iter, &key_size);
    const char *value = leveldb_iter_value(iter, &value_size);

    sum_add(sum, (struct strata_slice){(const uint8_t *)key, key_size},
            (struct strata_slice){(const uint8_t *)value, value_size});
}

static int walk(void *iter, enum engine_walk how, struct strata_slice key, uint64_t most,
                struct sum *sum, struct strata_error *err)
{
    bool backwards = how == WALK_LAST || how == WALK_PREV;
    char *error = NULL;

    begin(iter, how, key);
    while (leveldb_iter_valid(iter)) {
        add_entry(iter, sum);
        if (!--most)
            return 0;
        if (backwards)
            leveldb_iter_prev(iter);
        else
            leveldb_iter_next(iter);
    }
    leveldb_iter_get_error(iter, &error);
    return error ? fail(err, "iterator", error) : STRATA_NOT_FOUND;
}

const struct engine engine_leveldb = {
    .name = "leveldb",
    .maps = true,
    .can = can,
    .about = about,
    .open = open_db,
    .close = close_db,
    .join = join,
    .leave = leave,
    .compact = compact,
    .settle = settle,
    .put = put,
    .batch = put_batch,
    .remove = remove_key,
    .get = get,
    .iterate = iterate,
    .iterated = iterated,
    .walk = walk,
};
