/* engines.c: which engines there are. */
#include "engine.h"

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
