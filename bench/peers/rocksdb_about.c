/* rocksdb_about.c: how the library was built decides much, and is asked of it: whether it tests
 * assertions, which import __assert_fail, and its version, and whether it has the processor's
 * instructions for checksums, which it tells its log of. */
#include "rocksdb.h"

#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int make_and_close(const struct engine *engine, const char *dir, struct strata_error *err)
{
    struct engine_options o = {.dir = dir,
                               .create = true,
                               .cache_bytes = 1 << 20,
                               .memtable_bytes = 1 << 20,
                               .block_bytes = ENGINE_BLOCK,
                               .bloom_bits = ENGINE_BLOOM};
    void *db;
    int rc = engine->open(&o, &db, err);

    return rc < 0 ? rc : engine->close(db, err);
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
static int logged(const char *log, const char *says, char *to, size_t capacity,
                  struct strata_error *err)
{
    char line[1024];

    if (!find_line(log, says, line, sizeof line))
        return engine_fail(err, log, "does not tell how it was built");
    snprintf(to, capacity, "%s", strstr(line, says) + strlen(says));
    return 0;
}

/* A small database's log tells it. */
int rocksdb_about(const struct engine *engine, const struct engine_options *options, FILE *to,
                  struct strata_error *err)
{
    const char *parent = getenv("TMPDIR");
    char dir[1024], log[1100], version[100], crc[100];
    int rc;

    snprintf(dir, sizeof dir, "%s/rocksdb.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(dir))
        return engine_fail(err, dir, "cannot be made");
    rc = make_and_close(engine, dir, err);
    snprintf(log, sizeof log, "%s/LOG", dir);
    if (rc == 0)
        rc = logged(log, "RocksDB version: ", version, sizeof version, err);
    if (rc == 0)
        rc = logged(log, "Fast CRC32 supported: ", crc, sizeof crc, err);
    remove_db(dir);
    if (rc == 0)
        fprintf(to,
                "RocksDB %s, blocks %s, every block that is read is checked; this build: %s, fast "
                "CRC32: %s\n",
                version, options->plain ? "not compressed" : "compressed by LZ4", assertions(),
                crc);
    return rc;
}
