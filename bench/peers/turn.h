/* turn.h: what the programs of this directory share: one engine's turn at the work of a comparison,
 * in a process of its own, so that what the system counts of the process is that engine's alone,
 * its threads included.
 *
 *   peer.c     the works of make bench-peers    levels.c   those of make bench-levels
 *   turn.c     keys and values, the clock       reads.c    gets, scans, seeks
 *   command.c  the command line
 *
 * What returns int: < 0, and standard error was told (turn_say); else 0. */
#ifndef STRATA_BENCH_PEERS_TURN_H
#define STRATA_BENCH_PEERS_TURN_H

#include "../engine.h"
#include "../os.h"
#include "progress.h"

#define KEY_BYTES 16
#define VALUE_BYTES 100
#define POOL_BYTES ((size_t)1 << 20)
#define SEEK_ENTRIES 11 /* the one that is sought, and ten nexts */
#define TICK 4096       /* operations between two looks at the clock */

enum exits { OK = 0, USAGE = 2, OTHER = 7 };

struct turn {
    const struct engine *engine;
    struct engine_options options;
    uint64_t num, gets;
    bool about;        /* only a line about the engine */
    const char *label; /* of the progress line, or NULL */
    const char *root;
    void *db, *session;
    struct strata_error err;  /* of the engine */
    uint32_t *order;          /* a permutation of 0 .. num - 1 */
    uint8_t pool[POOL_BYTES]; /* values are cut out of it */
    struct progress progress;
    uint64_t done, all; /* operations of the whole turn */
};

/* "strata-peer: WHAT: WHY" to standard error; -1. */
int turn_say(const char *what, const char *why);
int turn_fail(struct turn *t, const char *what); /* of t->err */

/* ---- Keys and values (turn.c) ------------------------------------------------------------------
 */

/* The order, the pool and the progress line, `all` operations long; to be freed. */
int turn_begin(struct turn *t, uint64_t all);
void turn_end(struct turn *t); /* closes what is open */
/* Digits; a missing key stands between two that are there. */
struct strata_slice turn_key(uint64_t number, bool missing, uint8_t to[KEY_BYTES + 1]);
struct strata_slice turn_value(const struct turn *t, uint64_t number);

/* ---- Measuring ---------------------------------------------------------------------------------
 */

/* A line: the work's name, operations, seconds of the clock, seconds of the processor. */
void turn_tell(struct turn *t, const char *work, uint64_t operations, const struct watch *took);
void turn_tick(struct turn *t, uint64_t operations);

/* ---- The database ------------------------------------------------------------------------------
 */

/* ROOT/NAME, with options.cache_bytes. With `work` how long it took is told. */
int turn_open(struct turn *t, const char *name, bool create, const char *work);
int turn_put(struct turn *t, struct strata_slice key, struct strata_slice value);
int turn_settle(struct turn *t);
int turn_compact(struct turn *t);
int turn_close(struct turn *t, const char *work); /* 0 too when none is open */

/* ---- Reading (reads.c): each checks outside of its time that what came out is what went in. ----
 */

/* t->gets random keys that are there, or that are not. */
int turn_get(struct turn *t, bool missing, const char *work);
int turn_warm(struct turn *t); /* every key: each block enters the cache */
int turn_scan(struct turn *t, bool backwards, const char *work); /* work NULL: nothing is told */
/* A quarter of t->gets: an iterator, a seek, and ten nexts. */
int turn_seek(struct turn *t, const char *work);

/* ---- The command line (command.c) --------------------------------------------------------------
 */

#define TURN_OPTIONS                                                                               \
    "  --num=N        keys (default 1000000)\n"                                                    \
    "  --gets=N       of each kind; seeks are a quarter (default 500000)\n"                        \
    "  --check_reads  LevelDB checks what it reads, as Strata always does\n"                       \
    "  --label=TEXT   in front of the line that tells how far it is\n"                             \
    "  --about        a line about ENGINE, and nothing is done (DIR may be missing)\n"

/* What main does: takes the options, these and the program's own, of which `take` says whether it
 * is one; the engine and the directory; runs. The exit status. */
int turn_main(struct turn *t, int argc, char **argv, void (*help)(void),
              bool (*take)(struct turn *t, const char *arg), int (*run)(struct turn *t));
bool take_number(const char *text, uint64_t least, uint64_t most, uint64_t *value);

#endif
