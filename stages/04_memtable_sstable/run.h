/* run.h: a sorted table file: entries in order of their keys, each key once, written at one go and
 * never changed. A key is found by halving the index of their places, which is on disk too: nothing
 * of a run is kept in memory but its first and last key. The bytes are drawn in run.c.
 *
 * Threads: a finished run may be read by any number at once; a cursor by one at a time. */
#ifndef STRATA_04_RUN_H
#define STRATA_04_RUN_H

#include "01_append_log/record.h"
#include "02_hash_index/segment.h"
#include "cursor.h"

#include <stdatomic.h>

#define RUN_MAGIC "STRATRUN"

/* Record types beyond put and delete. (3 to 6 are the logs'.) */
enum run_record {
    RUN_INDEX = 7, /* places of up to RUN_PAGE records, 8 bytes each */
    RUN_END = 8    /* the last record: struct run_end */
};
#define RUN_PAGE 128

/* What a run's last record says of the others. */
struct run_end {
    uint64_t tombstones;    /* of the records */
    uint64_t index;         /* where the first index record stands */
    uint64_t first, last;   /* sequence numbers of the operations that it holds the outcome of */
    struct segment_sum sum; /* how many records, and their digest */
};

struct run {
    _Atomic unsigned refs;
    uint64_t number; /* of the file, in its name and in the checks' seeds */
    struct fs_file *file;
    char *path;
    struct run_end end;
    struct strata_buffer smallest, largest; /* keys */
};

/* Opens run `number` and checks that it is whole, not every record. CORRUPT, IO, NO_MEMORY. One
 * reference is the caller's. */
int run_open(const struct strata_env *env, uint64_t number, struct run **out,
             struct strata_error *err);
void run_ref(struct run *run);
void run_unref(struct run *run); /* the last one closes the file; NULL is fine */
int run_compare_key(const struct run *run, struct strata_slice key); /* < 0, > 0: outside of it */

/* Looks for a key: its record's type, and its value for a put; STRATA_NOT_FOUND: it is not in this
 * run. Costs log2(records) reads of records. CORRUPT, IO, NO_MEMORY. */
int run_get(const struct run *run, struct strata_slice key, unsigned *type,
            struct strata_buffer *value, struct strata_error *err);
/* Over all entries. Borrows the run. NULL: no memory. */
struct cursor *run_cursor(const struct run *run);
/* Reads and checks every byte of it. */
int run_verify(const struct run *run, struct strata_error *err);

/* ---- Writing (run_write.c) --------------------------------------------------------------- */

/* A run being written, under a temporary name. */
struct run_writer {
    const struct strata_env *env;
    struct fs_file *file;
    char *path, *temporary;
    uint64_t number;
    struct run_end end;
    struct strata_buffer bytes; /* not yet appended; they belong at file->end */
    struct strata_buffer sizes; /* of all records, as varints: of this the index is made */
    uint64_t written_back;      /* bytes of the file that are on their way to the device */
    bool published;
};

/* IO, NO_MEMORY. To be ended by run_writer_end, also when it failed. */
int run_writer_begin(struct run_writer *writer, const struct strata_env *env, uint64_t number,
                     struct strata_error *err);
/* Keys ascend. */
int run_writer_add(struct run_writer *writer, unsigned type, struct strata_slice key,
                   struct strata_slice value, struct strata_error *err);
/* Writes what remains, syncs the file and gives it its name; that is durable when the directory has
 * been synced. `first` and `last` as in run_end. */
int run_writer_finish(struct run_writer *writer, uint64_t first, uint64_t last,
                      struct strata_error *err);
/* `keep`: the run is finished and stays. Else its file is removed, whatever its name is by now. */
void run_writer_end(struct run_writer *writer, bool keep);

extern const struct strata_format run_format; /* inspect.c */

/* "DIR/000002.run", on the heap; NULL: no memory. */
char *run_path(const struct strata_env *env, uint64_t number);

#endif
