/* peer.h: an engine as the comparison sees it: what all of them are asked to do, each through its
 * own C API. A file of this directory fills one table. Loops over entries are the engine's file's,
 * so that a call through the table costs nothing beside what is measured.
 *
 * What returns int: < 0, and standard error was told (peer_say); else as said. */
#ifndef STRATA_BENCH_PEERS_PEER_H
#define STRATA_BENCH_PEERS_PEER_H

#include "strata.h"

#include <stdio.h>

struct peer_options {
    const char *dir;
    bool create;        /* a new one; else the one that is there */
    size_t cache_bytes; /* of blocks */
    bool check_reads;   /* what is read is checked, also where that is not the engine's default */
    bool mapped_reads;  /* likewise by mapped files: of Strata, as LevelDB does it anyway */
    unsigned stage;     /* of Strata */
};

#define PEER_MEMTABLE ((size_t)64 << 20) /* bytes */
#define PEER_BLOCK ((size_t)4096)        /* bytes */
#define PEER_BLOOM 10                    /* bits a key */

/* What came out: how many entries, and their first and last bytes, in this order. */
struct peer_sum {
    uint64_t entries, sum;
};

static inline void peer_add(struct peer_sum *sum, struct strata_slice key,
                            struct strata_slice value)
{
    sum->entries++;
    sum->sum = sum->sum * 31 + key.data[key.size - 1] + value.data[0] +
               (uint64_t)value.data[value.size - 1];
}

/* What an engine counts of itself, of the calling thread, and on all handles. */
struct peer_counts {
    uint64_t comparisons;           /* of keys */
    uint64_t filter_probes;         /* questions to a table's filter */
    uint64_t blocks, blocks_loaded; /* that were looked at; that the cache did not have */
    uint64_t levels, runs;          /* levels that have tables; sorted runs: tables of level 0,
                                     * and deeper levels */
};

struct peer {
    const char *name;
    bool maps; /* it reads by mapped files, whatever the options say */
    /* A line: name, version, what it packs blocks with. < 0: it could not be found out. */
    int (*about)(const struct peer_options *options, FILE *to);
    int (*open)(const struct peer_options *options, void **db);
    int (*close)(void *db);
    int (*put)(void *db, struct strata_slice key, struct strata_slice value); /* not synced */
    int (*compact)(void *db); /* all of it, to as few tables as the engine makes of it */
    /* The memtable becomes a table, and, where the caller's thread does it, what else is owed is
     * done; threads of the engine may go on. */
    int (*settle)(void *db);
    bool (*busy)(void *db); /* it says that they do; NULL: it does not say */
    int (*counts)(void *db, struct peer_counts *counts); /* NULL: there are none */
    /* 0, or STRATA_NOT_FOUND and nothing is added. */
    int (*get)(void *db, struct strata_slice key, struct peer_sum *sum);
    int (*scan)(void *db, bool backwards, struct peer_sum *sum);
    /* A new iterator: the first entry not before `key`, and those behind it, `entries` in all. */
    int (*seek)(void *db, struct strata_slice key, unsigned entries, struct peer_sum *sum);
};

extern const struct peer peer_strata;
extern const struct peer peer_leveldb; /* with -DPEER_LEVELDB: its header was there */
extern const struct peer peer_rocksdb; /* likewise */

/* "strata-peer: WHAT: WHY" to standard error; -1. */
int peer_say(const char *what, const char *why);

#endif
