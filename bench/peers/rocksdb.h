/* rocksdb.h: what the two files about RocksDB share. */
#ifndef STRATA_BENCH_PEERS_ROCKSDB_H
#define STRATA_BENCH_PEERS_ROCKSDB_H

#include "../engine.h"

/* As engine.about, of `engine`. It opens a database, which begins threads. */
int rocksdb_about(const struct engine *engine, const struct engine_options *options, FILE *to,
                  struct strata_error *err);

#endif
