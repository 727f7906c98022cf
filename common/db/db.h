/* db.h: the handle, shared by db_open.c (open, create, close), db_options.c (options, and which
 * engine), and the calls on an open database: db.c, db_get.c, db_iter.c, db_txn.c and db_stats.c.
 * Only these call an engine. */
#ifndef STRATA_COMMON_DB_H
#define STRATA_COMMON_DB_H

#include "threads/striped.h"
#include "fs/fs.h"
#include "fs/lock.h"
#include "strata_engine.h"

struct marker;

#define LOCK_NAME "LOCK"

enum db_counter {
    DB_PUTS,
    DB_DELETES,
    DB_GETS_OTHER, /* that found no key, or failed; the statistic "gets" counts all */
    DB_GETS_FOUND,
    DB_ITERATORS,
    DB_MOVES,
    DB_STATS,            /* those before it are statistics */
    DB_VIEWS = DB_STATS, /* that are held: one that is given back is subtracted */
    DB_COUNTERS
};
_Static_assert(DB_COUNTERS <= STRIPED_COUNTS, "one stripe has all");

struct strata {
    const struct strata_engine *engine;
    void *self; /* the engine's */
    struct strata_env env;
    struct strata_options options; /* with defaults filled in */
    char *dir;
    bool own_fs;   /* options.fs was NULL */
    bool filling;  /* db_open_filling made it: incomplete until db_close_filled */
    bool bare;     /* ... and the engine is not open in it */
    bool remarked; /* the marker was lost, and this is a repair that makes a new one */
    struct fs_file *lock;
    struct fs_file *alone;   /* of a repair: there is no lease meanwhile */
    unsigned long forks;     /* lock_forks() when opened */
    _Atomic int failed;      /* 0, or the errno (or -1) of a failed write: no more of them */
    _Atomic uint64_t open;   /* iterators, snapshots and transactions of this handle; views
                              * are counted by DB_VIEWS */
    struct striped counters; /* enum db_counter */
};

struct strata_snapshot {
    struct strata *db;
    void *self; /* the engine's */
};

/* Makes a database for a copy that ends with db_close_filled: the marker says FILLING, and
 * every other open returns ABSENT ("incomplete"): for ever, if the copy is interrupted or
 * strata_close is called. Writes are not synced one by one. `dir` must not exist, or be empty; else
 * EXISTS. `options` as for strata_open, but for create, exclusive and sync, which are not looked
 * at. */
int db_open_filling(const char *dir, const struct strata_options *options, struct strata **out,
                    struct strata_error *err);
/* The same, but the engine is not opened: the caller creates its files and makes them durable. The
 * handle can only be closed, by db_close_filled or strata_close. */
int db_open_bare(const char *dir, const struct strata_options *options, struct strata **out,
                 struct strata_error *err);
/* An existing database, locked, whose engine is not opened: to be repaired. To be closed by
 * strata_close. */
int db_open_closed(const char *dir, const struct strata_options *options, struct strata **out,
                   struct strata_error *err);
/* Syncs everything written, as far as the stage can, and then marks the database as complete, in
 * one step. Closes the handle as strata_close does, whatever it returns but BUSY; when it fails,
 * the database stays incomplete. */
int db_close_filled(struct strata *db, struct strata_error *err);

/* The marker, as marker_read; the error of a lost marker says how to make a new one. In a repair
 * that names a stage, a lost marker is derived from the files (db->remarked) and not written yet.
 * WRONG_STAGE: the files are not those of that stage. */
int db_find_marker(struct strata *db, struct marker *marker, struct strata_error *err);
/* Writes the derived marker, unless db is read-only; the old one is kept in DIR/lost. */
int db_remark(struct strata *db, const struct marker *marker, struct strata_error *err);
/* No marker, or no directory: may a database be made there? */
int db_check_unmarked(const struct strata *db, struct strata_error *err);

/* ---- Readers beside a writer (lease.c) ---------------------------------------------------- */

/* Locks the file of this name in the directory as db->lock; while it is locked, tries again for
 * 100 ms. LOCKED, IO. */
int db_lock(struct strata *db, const char *name, enum fs_lock kind, struct strata_error *err);
/* db->lock is a lease from now on. LOCKED; IO, ENOENT: there is no marker any more. */
int db_take_lease(struct strata *db, struct strata_error *err);
/* The marker was read again since: LOCKED, if it is not the one that the lease is on. */
int db_check_lease(struct strata *db, struct strata_error *err);
/* Nobody has a lease until `*out` is closed; NULL: there is no marker, nor a lease. LOCKED, IO. */
int db_refuse_leases(struct strata_fs *fs, const char *dir, struct fs_file **out,
                     struct strata_error *err);

/* What the caller asked for, with defaults filled in; INVALID: what cannot be. */
int db_take_options(struct strata *db, const struct strata_options *options,
                    struct strata_error *err);
/* Everything acknowledged becomes durable, in an engine that promises a power cut. */
int db_sync(struct strata *db, struct strata_error *err);
/* NOT_SUPPORTED: more than the stage promises. */
int db_check_sync(const struct strata_engine *engine, enum strata_sync sync,
                  struct strata_error *err);
int db_resolve_sync(struct strata *db, struct strata_error *err); /* likewise; no more DEFAULT */

const struct strata_engine *db_newest_stage(void);
/* The engine that the options ask for; NULL in `*engine` when they leave it to the marker. INVALID;
 * WRONG_STAGE: this build has none. */
int db_asked_engine(const struct strata_options *options, const struct strata_engine **engine,
                    struct strata_error *err);
/* The engine for a directory whose marker is known, unless one was asked for. `older`: an engine
 * that `reads` the marker's stage and format is enough, as no entry is to be written. WRONG_STAGE,
 * also of an older format; CORRUPT: a format that this build does not know. */
int db_marked_engine(const char *dir, const struct marker *marker, bool older,
                     const struct strata_engine **engine, struct strata_error *err);

/* 0, or INVALID: a table of another ABI, or one that lacks a required slot. */
int db_check_engine(const struct strata_engine *engine, struct strata_error *err);

/* ---- What the calls on an open database share -------------------------------------------- */

/* Neither NULL nor opened by another process. (strata_open has called lock_forks.) */
static inline bool db_is_usable(const struct strata *db)
{
    return db && db->forks == lock_forks_now;
}
/* 0, or INVALID: it is not usable. */
int db_check(const struct strata *db, struct strata_error *err);
/* 0, or INVALID: longer than STRATA_MAX_KEY, or NULL with a size. */
int db_check_key(struct strata_slice key, struct strata_error *err);
int db_invalid(struct strata_error *err, const char *why); /* INVALID */
/* 0, or why nothing can be written: INVALID, READ_ONLY, IO. */
int db_check_write(const struct strata *db, struct strata_error *err);
/* 0, or why a write cannot have these flags: INVALID, NOT_SUPPORTED. */
int db_check_flags(const struct strata *db, unsigned flags, struct strata_error *err);
bool db_is_synced(const struct strata *db, unsigned flags);
/* An engine's write or commit returned `rc`: after some failures nothing more is written. Returns
 * it. */
int db_after_write(struct strata *db, int rc, const struct strata_error *err);
/* As strata_get, by an engine's function `get` of `of`. */
int db_get(struct strata *db,
           int (*get)(void *of, struct strata_slice key, struct strata_buffer *value,
                      struct strata_error *err),
           void *of, struct strata_slice key, struct strata_buffer *value,
           struct strata_error *err);
/* The same with a time, by a slot of the engine, NULL: it has none, by `get`. */
typedef int db_get_until_slot(void *of, struct strata_slice key, struct strata_buffer *value,
                              uint64_t *until, struct strata_error *err);
int db_get_until(struct strata *db, db_get_until_slot *slot,
                 int (*get)(void *of, struct strata_slice key, struct strata_buffer *value,
                            struct strata_error *err),
                 void *of, struct strata_slice key, struct strata_buffer *value, uint64_t *until,
                 struct strata_error *err);
/* Checks what an engine's function returned, and hands its iterator to the caller. */
int db_adopt_iter(struct strata *db, int rc, struct strata_iter *iter, struct strata_iter **out,
                  struct strata_error *err);
/* NOT_SUPPORTED: "04_x has no WHAT". */
int db_lacks(const struct strata *db, const char *what, struct strata_error *err);
static inline void db_count(struct strata *db, enum db_counter which, uint64_t many)
{
    striped_add(&db->counters, which, many);
}
/* An engine's function, or NULL: it has none, or was compiled before there was one. */
#define DB_SLOT(engine, slot)                                                                      \
    ((engine)->size > offsetof(struct strata_engine, slot) ? (engine)->slot : NULL)

#endif
