/* keydir_bench.h: stage 2's keydir on an fs_sim, without an engine: segments made one by one,
 * loaded and merged as a test wants them. */
#ifndef STRATA_TESTS_KEYDIR_BENCH_H
#define STRATA_TESTS_KEYDIR_BENCH_H

#include "02_hash_index/keydir.h"
#include "crash/sim/fs_sim.h"

#define KEYDIR_BENCH_DIR "disk/db"

struct keydir_bench {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    struct keydir keydir;
};

void keydir_bench_begin(struct keydir_bench *bench); /* an empty database, loaded */
void keydir_bench_end(struct keydir_bench *bench);   /* no file may be open then */
void keydir_bench_load(struct keydir_bench *bench, bool is_new);
void keydir_bench_unload(struct keydir_bench *bench);

#endif
