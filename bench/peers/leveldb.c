/* leveldb.c: LevelDB (Sanjay Ghemawat, Jeff Dean: github.com/google/leveldb) as a peer, through
 * leveldb/c.h. Its cache, memtable, blocks and filter are of the sizes that all peers have;
 * what else it has is its default: blocks packed by Snappy, tables of 2 MiB, which it maps into
 * memory and reads there, without calls of the system, and does not check unless it is told to. */
#include "peer.h"

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

/* `error` is LevelDB's, to be freed, or NULL. */
static int fail(const char *what, char *error)
{
    int rc = error ? peer_say(what, error) : 0;

    leveldb_free(error);
    return rc;
}

static int about(const struct peer_options *options, FILE *to)
{
    fprintf(to, "LevelDB %d.%d, blocks packed by Snappy, read from mapped files, %s\n",
            leveldb_major_version(), leveldb_minor_version(),
            options->check_reads ? "every block that is read is checked"
                                 : "blocks that are read are not checked (its default)");
    return 0;
}

static void free_self(struct self *self)
{
    leveldb_writeoptions_destroy(self->writes);
    leveldb_readoptions_destroy(self->reads);
    leveldb_options_destroy(self->options);
    leveldb_filterpolicy_destroy(self->filter);
    leveldb_cache_destroy(self->cache);
    free(self);
}

static int open_db(const struct peer_options *options, void **db)
{
    struct self *self = calloc(1, sizeof *self);
    char *error = NULL;

    if (!self)
        return peer_say("open", "out of memory");
    self->cache = leveldb_cache_create_lru(options->cache_bytes);
    self->filter = leveldb_filterpolicy_create_bloom(PEER_BLOOM);
    self->options = leveldb_options_create();
    leveldb_options_set_create_if_missing(self->options, options->create);
    leveldb_options_set_error_if_exists(self->options, options->create);
    leveldb_options_set_write_buffer_size(self->options, PEER_MEMTABLE);
    leveldb_options_set_block_size(self->options, PEER_BLOCK);
    leveldb_options_set_cache(self->options, self->cache);
    leveldb_options_set_filter_policy(self->options, self->filter);
    leveldb_options_set_compression(self->options, leveldb_snappy_compression);
    self->reads = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(self->reads, options->check_reads);
    self->writes = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(self->writes, 0);
    self->db = leveldb_open(self->options, options->dir, &error);
    if (error) {
        free_self(self);
        return fail("open", error);
    }
    *db = self;
    return 0;
}

static int close_db(void *db)
{
    struct self *self = db;

    leveldb_close(self->db);
    free_self(self);
    return 0;
}

static int put(void *db, struct strata_slice key, struct strata_slice value)
{
    struct self *self = db;
    char *error = NULL;

    leveldb_put(self->db, self->writes, (const char *)key.data, key.size, (const char *)value.data,
                value.size, &error);
    return fail("put", error);
}

static int compact(void *db)
{
    struct self *self = db;

    leveldb_compact_range(self->db, NULL, 0, NULL, 0);
    return 0;
}

/* A range behind every key: the memtable is written, as ever, and nothing is in it to compact. */
static int settle(void *db)
{
    struct self *self = db;

    leveldb_compact_range(self->db, "\xff", 1, "\xff", 1);
    return 0;
}

static int get(void *db, struct strata_slice key, struct peer_sum *sum)
{
    struct self *self = db;
    char *error = NULL, *value;
    size_t size;

    value = leveldb_get(self->db, self->reads, (const char *)key.data, key.size, &size, &error);
    if (error)
        return fail("get", error);
    if (!value)
        return STRATA_NOT_FOUND;
    peer_add(sum, key, (struct strata_slice){(const uint8_t *)value, size});
    leveldb_free(value);
    return 0;
}

static void add_entry(const leveldb_iterator_t *iter, struct peer_sum *sum)
{
    size_t key_size, value_size;
    const char *key = leveldb_iter_key(iter, &key_size);
    const char *value = leveldb_iter_value(iter, &value_size);

    peer_add(sum, (struct strata_slice){(const uint8_t *)key, key_size},
             (struct strata_slice){(const uint8_t *)value, value_size});
}

static int end(const char *what, leveldb_iterator_t *iter)
{
    char *error = NULL;

    leveldb_iter_get_error(iter, &error);
    leveldb_iter_destroy(iter);
    return fail(what, error);
}

static int scan(void *db, bool backwards, struct peer_sum *sum)
{
    struct self *self = db;
    leveldb_iterator_t *iter = leveldb_create_iterator(self->db, self->reads);

    if (backwards)
        for (leveldb_iter_seek_to_last(iter); leveldb_iter_valid(iter); leveldb_iter_prev(iter))
            add_entry(iter, sum);
    else
        for (leveldb_iter_seek_to_first(iter); leveldb_iter_valid(iter); leveldb_iter_next(iter))
            add_entry(iter, sum);
    return end("scan", iter);
}

static int seek(void *db, struct strata_slice key, unsigned entries, struct peer_sum *sum)
{
    struct self *self = db;
    leveldb_iterator_t *iter = leveldb_create_iterator(self->db, self->reads);

    leveldb_iter_seek(iter, (const char *)key.data, key.size);
    for (; leveldb_iter_valid(iter); leveldb_iter_next(iter)) {
        add_entry(iter, sum);
        if (!--entries)
            break;
    }
    return end("seek", iter);
}

const struct peer peer_leveldb = {
    .name = "leveldb",
    .maps = true,
    .about = about,
    .open = open_db,
    .close = close_db,
    .put = put,
    .compact = compact,
    .settle = settle,
    .get = get,
    .scan = scan,
    .seek = seek,
};
