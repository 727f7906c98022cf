/* rocksdb.c: RocksDB (github.com/facebook/rocksdb) as a peer, through rocksdb/c.h. Its cache,
 * memtable, blocks and filter are of the sizes that all peers have, its blocks are packed by LZ4;
 * what else it has is its default, but that it writes no statistics now and then. It checks every
 * block that it reads, and reads by calls.
 *
 * How the library was built decides much, and is asked of it: whether it tests assertions, which
 * import __assert_fail, and its version, and whether it has the processor's instructions for
 * checksums, which it tells its log of. */
#include "peer.h"

#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct self {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_block_based_table_options_t *tables;
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *reads;
    rocksdb_writeoptions_t *writes;
};

/* `error` is RocksDB's, to be freed, or NULL. */
static int fail(const char *what, char *error)
{
    int rc = error ? peer_say(what, error) : 0;

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

static void set_tables(struct self *self, const struct peer_options *options)
{
    self->cache = rocksdb_cache_create_lru(options->cache_bytes);
    self->tables = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(self->tables, self->cache);
    rocksdb_block_based_options_set_block_size(self->tables, PEER_BLOCK);
    rocksdb_block_based_options_set_filter_policy(
        self->tables, rocksdb_filterpolicy_create_bloom_full(PEER_BLOOM)); /* it owns it now */
    rocksdb_options_set_block_based_table_factory(self->options, self->tables);
}

static int open_db(const struct peer_options *options, void **db)
{
    struct self *self = calloc(1, sizeof *self);
    char *error = NULL;

    if (!self)
        return peer_say("open", "out of memory");
    self->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(self->options, options->create);
    rocksdb_options_set_error_if_exists(self->options, options->create);
    rocksdb_options_set_write_buffer_size(self->options, PEER_MEMTABLE);
    rocksdb_options_set_compression(self->options, rocksdb_lz4_compression);
    rocksdb_options_set_stats_dump_period_sec(self->options, 0);
    set_tables(self, options);
    self->reads = rocksdb_readoptions_create();
    self->writes = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(self->writes, 0);
    self->db = rocksdb_open(self->options, options->dir, &error);
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

    rocksdb_close(self->db);
    free_self(self);
    return 0;
}

/* ---- How it was built ------------------------------------------------------------------------ */

/* The first line of a file, or string of a library, that has `text` in it. */
static bool find_line(const char *path, const char *text, char *found, size_t capacity)
{
    FILE *from = fopen(path, "r");
    char *line = NULL, *at = NULL;
    size_t room = 0;
    ssize_t size;

    *found = '\0';
    while (from && !at && (size = getline(&line, &room, from)) >= 0)
        for (char *p = line; !at && p < line + size; p += strlen(p) + 1)
            if (strstr(p, text))
                at = p;
    if (at)
        snprintf(found, capacity, "%.*s", (int)strcspn(at, "\n"), at);
    free(line);
    if (from)
        fclose(from);
    return at;
}

static const char *assertions(void)
{
    char line[1024], found[1024], *path;

    if (!find_line("/proc/self/maps", "/librocksdb", line, sizeof line))
        return "built in, with or without assertions";
    path = strchr(line, '/');
    return find_line(path, "__assert_fail", found, sizeof found) ? "assertions are tested"
                                                                 : "assertions are not tested";
}

static int make_and_close(const char *dir)
{
    struct peer_options o = {.dir = dir, .create = true, .cache_bytes = 1 << 20};
    void *db;
    int rc = open_db(&o, &db);

    return rc < 0 ? rc : close_db(db);
}

static void remove_db(const char *dir)
{
    rocksdb_options_t *options = rocksdb_options_create();
    char *error = NULL;

    rocksdb_destroy_db(options, dir, &error);
    rocksdb_free(error);
    rocksdb_options_destroy(options);
    rmdir(dir);
}

/* Behind `says`, in a log. */
static int told(const char *log, const char *says, char *to, size_t capacity)
{
    char line[1024];

    if (!find_line(log, says, line, sizeof line))
        return peer_say(log, "does not tell how it was built");
    snprintf(to, capacity, "%s", strstr(line, says) + strlen(says));
    return 0;
}

/* A small database's log tells it. */
static int about(const struct peer_options *options, FILE *to)
{
    const char *parent = getenv("TMPDIR");
    char dir[1024], log[1100], version[100], crc[100];
    int rc;

    (void)options;
    snprintf(dir, sizeof dir, "%s/rocksdb.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(dir))
        return peer_say(dir, "cannot be made");
    rc = make_and_close(dir);
    snprintf(log, sizeof log, "%s/LOG", dir);
    if (rc == 0)
        rc = told(log, "RocksDB version: ", version, sizeof version);
    if (rc == 0)
        rc = told(log, "Fast CRC32 supported: ", crc, sizeof crc);
    remove_db(dir);
    if (rc == 0)
        fprintf(to,
                "RocksDB %s, blocks packed by LZ4, every block that is read is checked; this "
                "build: %s, fast CRC32: %s\n",
                version, assertions(), crc);
    return rc;
}

/* ---- Work ------------------------------------------------------------------------------------ */

static int put(void *db, struct strata_slice key, struct strata_slice value)
{
    struct self *self = db;
    char *error = NULL;

    rocksdb_put(self->db, self->writes, (const char *)key.data, key.size, (const char *)value.data,
                value.size, &error);
    return fail("put", error);
}

static int compact(void *db)
{
    struct self *self = db;

    rocksdb_compact_range(self->db, NULL, 0, NULL, 0);
    return 0;
}

static int settle(void *db)
{
    struct self *self = db;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *error = NULL;

    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(self->db, options, &error);
    rocksdb_flushoptions_destroy(options);
    return fail("flush", error);
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

static int get(void *db, struct strata_slice key, struct peer_sum *sum)
{
    struct self *self = db;
    rocksdb_pinnableslice_t *value;
    char *error = NULL;
    const char *bytes;
    size_t size;

    value = rocksdb_get_pinned(self->db, self->reads, (const char *)key.data, key.size, &error);
    if (error)
        return fail("get", error);
    if (!value)
        return STRATA_NOT_FOUND;
    bytes = rocksdb_pinnableslice_value(value, &size);
    peer_add(sum, key, (struct strata_slice){(const uint8_t *)bytes, size});
    rocksdb_pinnableslice_destroy(value);
    return 0;
}

static void add_entry(const rocksdb_iterator_t *iter, struct peer_sum *sum)
{
    size_t key_size, value_size;
    const char *key = rocksdb_iter_key(iter, &key_size);
    const char *value = rocksdb_iter_value(iter, &value_size);

    peer_add(sum, (struct strata_slice){(const uint8_t *)key, key_size},
             (struct strata_slice){(const uint8_t *)value, value_size});
}

static int end(const char *what, rocksdb_iterator_t *iter)
{
    char *error = NULL;

    rocksdb_iter_get_error(iter, &error);
    rocksdb_iter_destroy(iter);
    return fail(what, error);
}

static int scan(void *db, bool backwards, struct peer_sum *sum)
{
    struct self *self = db;
    rocksdb_iterator_t *iter = rocksdb_create_iterator(self->db, self->reads);

    if (backwards)
        for (rocksdb_iter_seek_to_last(iter); rocksdb_iter_valid(iter); rocksdb_iter_prev(iter))
            add_entry(iter, sum);
    else
        for (rocksdb_iter_seek_to_first(iter); rocksdb_iter_valid(iter); rocksdb_iter_next(iter))
            add_entry(iter, sum);
    return end("scan", iter);
}

static int seek(void *db, struct strata_slice key, unsigned entries, struct peer_sum *sum)
{
    struct self *self = db;
    rocksdb_iterator_t *iter = rocksdb_create_iterator(self->db, self->reads);

    rocksdb_iter_seek(iter, (const char *)key.data, key.size);
    for (; rocksdb_iter_valid(iter); rocksdb_iter_next(iter)) {
        add_entry(iter, sum);
        if (!--entries)
            break;
    }
    return end("seek", iter);
}

const struct peer peer_rocksdb = {
    .name = "rocksdb",
    .about = about,
    .open = open_db,
    .close = close_db,
    .put = put,
    .compact = compact,
    .settle = settle,
    .busy = busy,
    .get = get,
    .scan = scan,
    .seek = seek,
};
