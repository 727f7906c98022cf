/* run.h: stage 4's kind of sorted table: a key is found by halving the index of the entries'
 * places, which is on disk too: nothing of a run is kept in memory but its first and last key. The
 * bytes are drawn in run.c. */
#ifndef STRATA_04_RUN_H
#define STRATA_04_RUN_H

#include "04_memtable_sstable/run/sstable.h"

#define RUN_MAGIC "STRATRUN"
#define RUN_SUFFIX ".run"

/* Record types beyond put and delete. (3 to 6 are the logs'.) */
enum run_record {
    RUN_INDEX = 7, /* places of up to RUN_PAGE records, 8 bytes each */
    RUN_END = 8    /* the last record: what the run holds */
};
#define RUN_PAGE 128

extern const struct sstable_kind run_kind; /* a get costs log2(records) reads of records */

/* ---- Writing (run_write.c) --------------------------------------------------------------- */

int run_writer_new(const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                   struct strata_error *err);
int run_writer_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                   struct strata_slice value, struct strata_error *err);
int run_writer_finish(struct sstable_writer *writer, uint64_t first, uint64_t last,
                      struct strata_error *err);
void run_writer_del(struct sstable_writer *writer, bool keep);

extern const struct strata_format run_format; /* inspect.c */

#endif
