/* db.h: the handle, shared by db_open.c (opening, making, closing) and db.c (every other call).
 * These two are the only callers of an engine's table. */
#ifndef STRATA_COMMON_DB_H
#define STRATA_COMMON_DB_H

#include "fs.h"
#include "strata_engine.h"

#define LOCK_NAME "LOCK"

enum db_counter {
    DB_PUTS,
    DB_DELETES,
    DB_GETS,
    DB_GETS_FOUND,
    DB_ITERATORS,
    DB_MOVES,
    DB_COUNTERS
};

struct strata {
    const struct strata_engine *engine;
    void *self; /* the engine's */
    struct strata_env env;
    struct strata_options options; /* with defaults filled in */
    char *dir;
    bool own_fs; /* options.fs was NULL */
    struct fs_file *lock;
    unsigned long forks;   /* lock_forks() when opened */
    _Atomic int failed;    /* 0, or the errno (or -1) of a failed write: no more of them */
    _Atomic uint64_t open; /* iterators and snapshots of this handle */
    _Atomic uint64_t counters[DB_COUNTERS];
};

/* 0, or INVALID: NULL, or opened by another process. */
int db_check(const struct strata *db, struct strata_error *err);

#endif
