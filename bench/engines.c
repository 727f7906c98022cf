/* engines.c: which engines there are, and what their files share. */
#include "engine.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#ifdef PEER_LEVELDB
#define LEVELDB &engine_leveldb
#else
#define LEVELDB NULL
#endif
#ifdef PEER_ROCKSDB
#define ROCKSDB &engine_rocksdb
#else
#define ROCKSDB NULL
#endif
#ifdef PEER_LMDB
#define LMDB &engine_lmdb
#else
#define LMDB NULL
#endif
#ifdef PEER_SQLITE
#define SQLITE &engine_sqlite
#else
#define SQLITE NULL
#endif
#ifdef PEER_TKRZW
#define TKRZW &engine_tkrzw
#else
#define TKRZW NULL
#endif

const struct engine_about engine_peers[] = {{"leveldb", LEVELDB, "libleveldb-dev", "LevelDB"},
                                            {"rocksdb", ROCKSDB, "librocksdb-dev", "RocksDB"},
                                            {"lmdb", LMDB, "liblmdb-dev", "LMDB"},
                                            {"sqlite", SQLITE, "libsqlite3-dev", "SQLite"},
                                            {"tkrzw", TKRZW, "libtkrzw-dev", "Tkrzw"},
                                            {NULL, NULL, NULL, NULL}};

int engine_fail(struct strata_error *err, const char *what, const char *why)
{
    *err = (struct strata_error){.code = STRATA_ERR_IO, .offset = STRATA_NO_OFFSET};
    snprintf(err->message, sizeof err->message, "%s: %s", what, why);
    return err->code;
}

int engine_no_memory(struct strata_error *err)
{
    *err = (struct strata_error){.code = STRATA_ERR_NO_MEMORY, .offset = STRATA_NO_OFFSET};
    return err->code;
}

int engine_mkdir(const struct engine_options *options, struct strata_error *err)
{
    if (options->create && mkdir(options->dir, 0777) < 0)
        return engine_fail(err, options->dir, strerror(errno));
    return 0;
}
