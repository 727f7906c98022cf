/* table_7.h: table 7 of a database in fs_sim, of stage 5's kind, for tests of tables alone. */
#ifndef STRATA_TESTS_TABLE_7_H
#define STRATA_TESTS_TABLE_7_H

#include "05_blocks_bloom/table/table.h"
#include "crash/sim/fs_sim.h"

#define TABLE_7_DIR "db"
#define TABLE_7_PATH "db/000007.sst"

struct table_7_setting {
    size_t block_bytes, cache_bytes;
    unsigned bits;     /* of the filter, for each key */
    bool uncompressed; /* blocks are not compressed */
};

struct table_7 {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    void *common;
};

void table_7_init(struct table_7 *t, struct table_7_setting setting);
void table_7_free(struct table_7 *t); /* fails the test if a file is still open */

struct sstable_writer *table_7_writer(struct table_7 *t);
void table_7_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                 struct strata_slice value);
void table_7_finish(struct sstable_writer *writer, uint64_t first, uint64_t last); /* ends it */

int table_7_open(struct table_7 *t, struct sstable **out, struct strata_error *err);
/* As the kind's get, of any key. */
int table_7_get(struct sstable *table, struct strata_slice key, unsigned *type,
                struct strata_buffer *value, struct strata_error *err);
/* Does the annotated dump report that the file is damaged? */
bool table_7_inspect_sees_damage(struct table_7 *t);

#endif
