/* engine.h: an engine as the benchmarks see it: what all of them are asked to do, each through its
 * own C API. A file of peers/ fills one table. Loops over entries are the engine's file's, so that
 * a call through the table costs nothing beside what is measured.
 *
 * What returns int: 0, STRATA_NOT_FOUND where that is said, or < 0 and `err` is filled. */
#ifndef STRATA_BENCH_ENGINE_H
#define STRATA_BENCH_ENGINE_H

#include "strata.h"

#include <stdio.h>

struct engine_options {
    const char *dir;
    bool create;           /* a new one; else the one that is there */
    bool read_only;        /* Strata alone; the others are opened for writing */
    enum strata_sync sync; /* DEFAULT, INTERVAL: Strata alone */
    size_t memtable_bytes;
    size_t cache_bytes; /* of blocks, or pages */
    size_t block_bytes;
    unsigned bloom_bits;
    bool plain;             /* nothing is compressed */
    bool check_reads;       /* what is read is checked, also where that is not the default */
    bool mapped_reads;      /* of Strata: tables are read by mapped files */
    bool no_background;     /* of Strata: those who write flush and compact */
    uint64_t segment_bytes; /* of Strata's log; 0: the default */
    size_t value_threshold; /* of Strata: a value of so many bytes is in a value file; 0: none is */
    uint64_t data_bytes;    /* of keys and values, about; for what has to be reserved */
    unsigned stage;         /* of Strata */
    struct strata_fs *fs;   /* of Strata; NULL: its own */
};

/* The defaults, of all of them. */
#define ENGINE_MEMTABLE ((size_t)64 << 20) /* bytes */
#define ENGINE_CACHE ((size_t)256 << 20)   /* bytes */
#define ENGINE_BLOCK ((size_t)4096)        /* bytes */
#define ENGINE_BLOOM 10                    /* bits a key */

/* ---- What came out ----------------------------------------------------------------------- */

/* How many entries, how many bytes, and some of these bytes, in this order. All zero: none. */
struct sum {
    uint64_t entries, bytes, sum;
    void (*each)(void *arg, struct strata_slice key, struct strata_slice value); /* NULL: nobody */
    void *arg;
};

static inline unsigned sum_byte(struct strata_slice s, size_t i)
{
    return i < s.size ? s.data[i] : 0;
}

static inline void sum_add(struct sum *sum, struct strata_slice key, struct strata_slice value)
{
    sum->entries++;
    sum->bytes += key.size + value.size;
    sum->sum = sum->sum * 31 + sum_byte(key, key.size - 1) + sum_byte(value, 0) +
               (uint64_t)sum_byte(value, value.size - 1);
    if (sum->each)
        sum->each(sum->arg, key, value);
}

/* ---- Counts ------------------------------------------------------------------------------ */

/* What an engine counts of itself, on all handles; what it does not count is 0. */
struct engine_counts {
    uint64_t reads, bytes_read;     /* calls of its file layer, bytes */
    uint64_t writes, bytes_written; /* appends and overwrites */
    uint64_t syncs;                 /* of files and directories */
    uint64_t index_keys, index_bytes;
    /* Of the calling thread: */
    uint64_t comparisons;           /* of keys */
    uint64_t filter_probes;         /* questions to a table's filter */
    uint64_t blocks, blocks_loaded; /* that were looked at; that the cache did not have */
    uint64_t levels, runs;          /* levels that have tables; sorted runs: tables of level 0,
                                     * and deeper levels */
};

/* ---- The table --------------------------------------------------------------------------- */

enum engine_can {
    ENGINE_ORDER = 1u << 0,   /* iterates in the order of keys, and seeks */
    ENGINE_REVERSE = 1u << 1, /* backwards, too */
    ENGINE_BATCH = 1u << 2,   /* a batch is all or nothing */
    ENGINE_SYNC = 1u << 3,    /* puts that are on the device when they return */
    ENGINE_COMPACT = 1u << 4, /* can be asked for it */
    ENGINE_THREADS = 1u << 5
};

/* Where a walk begins, and where it goes: behind the last two, on from the last entry. */
enum engine_walk { WALK_FIRST, WALK_LAST, WALK_SEEK, WALK_NEXT, WALK_PREV };

struct engine_entry {
    struct strata_slice key, value;
};

struct engine {
    const char *name;
    bool maps; /* it reads by mapped files, whatever the options say */
    unsigned (*can)(const struct engine_options *options);
    /* A line: name, version, settings that are its own. */
    int (*about)(const struct engine_options *options, FILE *to, struct strata_error *err);
    int (*open)(const struct engine_options *options, void **db, struct strata_error *err);
    int (*close)(void *db, struct strata_error *err); /* it is gone, whatever it returns */
    /* What one thread needs to use it; all of them are ended before what follows and before close.
     */
    int (*join)(void *db, void **session, struct strata_error *err);
    void (*leave)(void *session); /* NULL is fine */

    int (*compact)(void *db, struct strata_error *err); /* all of it */
    /* What is in memory goes to where it will stay, and, where the caller's thread does it, what
     * other background work there is, is done; threads of the engine may go on. */
    int (*settle)(void *db, struct strata_error *err);
    bool (*busy)(void *db); /* it says that they do; NULL: it does not say */
    int (*counts)(void *db, struct engine_counts *counts, struct strata_error *err); /* or NULL */

    int (*put)(void *session, struct strata_slice key, struct strata_slice value,
               struct strata_error *err);
    int (*batch)(void *session, const struct engine_entry *entries, size_t count,
                 struct strata_error *err);
    int (*remove)(void *session, struct strata_slice key, struct strata_error *err);
    /* 0, or STRATA_NOT_FOUND; the value lives until the session's next call. */
    int (*get)(void *session, struct strata_slice key, struct strata_slice *value,
               struct strata_error *err);

    int (*iterate)(void *session, void **iter, struct strata_error *err);
    void (*iterated)(void *iter); /* its end; NULL is fine */
    /* The next `most` entries; STRATA_NOT_FOUND: there were fewer. `key` is WALK_SEEK's. */
    int (*walk)(void *iter, enum engine_walk how, struct strata_slice key, uint64_t most,
                struct sum *sum, struct strata_error *err);
};

extern const struct engine engine_strata;
/* Each of these with -DPEER_NAME: its header was there. */
extern const struct engine engine_leveldb, engine_rocksdb, engine_lmdb, engine_sqlite, engine_tkrzw;

/* Fills in `err`, "WHAT: WHY"; STRATA_ERR_IO. */
int engine_fail(struct strata_error *err, const char *what, const char *why);
int engine_no_memory(struct strata_error *err);
/* Makes options->dir, if it is to be made. */
int engine_mkdir(const struct engine_options *options, struct strata_error *err);

/* ---- Which there are (engines.c) --------------------------------------------------------- */

struct engine_about {
    const char *name;
    const struct engine *engine; /* NULL: not in this build */
    const char *package;         /* that has its header */
    const char *title;
};

extern const struct engine_about engine_peers[]; /* ends with a NULL name */

#endif
