/* db_open.c: opening, making and closing a database; with what options, and by which stage, is
 * decided in db_options.c.
 *
 * Making one, in this order (durable: each step synced, at stages that promise the power cut):
 *
 *   directory, LOCK taken      nothing of ours but an empty file
 *   STRATA = creating          the directory is ours; the parent's entry is synced too
 *   engine makes its files     a crash may come anywhere: the next open with `create` starts anew
 *   STRATA = ready             <- the commit: from here on a missing file is damage
 *
 * A copy (db_open_filling) writes STRATA = filling in place of creating, and the entries before the
 * commit, which db_close_filled makes.
 *
 * I1: a write is acknowledged only in a directory whose marker says ready.
 * I2: a directory with data and no marker is never written to.
 * I3: the marker counts only when it was read under the lock.
 * I4: directory entries are durable before anything relies on them: the process that made them may
 *     have been killed between the rename and the sync of the directory; then a power cut could
 *     still undo the rename. */
#include "db/db.h"
#include "fs/fs_posix.h"
#include "fs/lock.h"
#include "db/marker.h"
#include "db/stages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The directory --------------------------------------------------------------------- */

static int absent(const struct strata *db, const char *why, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_ABSENT, db->dir, STRATA_NO_OFFSET, "%s", why);
}

/* May a database be made with these options? Checked before anything is created. */
static int check_new(struct strata *db, struct strata_error *err)
{
    int rc = db_check_unmarked(db, err);
    if (rc < 0)
        return rc;
    return db_check_sync(db->engine ? db->engine : db_newest_stage(), db->options.sync, err);
}

static int make_dir(struct strata *db, struct strata_error *err)
{
    struct strata_error why = {0};
    int rc = fs_mkdir(db->env.fs, db->dir, &why);
    if (rc == STRATA_ERR_IO && why.sys == EEXIST)
        return 0;
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* Or whatever else works on the files of a database that no engine has open. */
static bool is_repair(const struct strata *db)
{
    return db->bare && !db->filling && !db->options.read_only;
}

/* Before the lock: does the database that has this marker give leases? (Else, or if it is no longer
 * so, an error says why.) */
static bool may_lease(const struct strata *db, const struct marker *marker)
{
    const struct strata_engine *engine = db->engine;

    return db->options.read_only && !db->bare && marker->state == MARKER_READY &&
           db_marked_engine(db->dir, marker, true, &engine, NULL) == 0 &&
           engine->promises & STRATA_PROMISE_READERS;
}

/* If the lock cannot be taken because nothing can be written, no other process can write either. */
static int take_lock(struct strata *db, bool lease, struct strata_error *err)
{
    struct strata_error why = {0};
    int rc;

    if (lease)
        return db_take_lease(db, err);
    rc = db_lock(db, LOCK_NAME, db->options.read_only ? FS_LOCK_SHARED : FS_LOCK_EXCLUSIVE, &why);
    if (rc == STRATA_ERR_IO && db->options.read_only && why.sys == ENOENT) {
        strata_env_log(&db->env, STRATA_LOG_INFO, "%s: read without a lock: there is no file %s",
                       db->dir, LOCK_NAME);
        return 0;
    }
    if (rc == 0 && is_repair(db))
        rc = db_refuse_leases(db->env.fs, db->dir, &db->alone, &why);
    return strata_fail_with(rc, &why, err);
}

static bool durable(const struct strata *db)
{
    return db->engine->promises & STRATA_PROMISE_POWER_CUT;
}

static int write_marker(struct strata *db, enum marker_state state, struct strata_error *err)
{
    struct marker marker = {db->engine->stage, db->engine->format, state};
    return marker_write(db->env.fs, db->dir, &marker, durable(db), err);
}

/* Syncs the directory's own entry, so that a power cut does not remove the whole database. */
static int sync_parent(struct strata *db, struct strata_error *err)
{
    char *parent;
    int rc;

    if (!durable(db))
        return 0;
    parent = fs_parent(db->dir);
    if (!parent)
        return strata_fail_memory(err, strlen(db->dir) + 1);
    rc = fs_sync_dir(db->env.fs, parent, err);
    free(parent);
    return rc;
}

static int engine_open(struct strata *db, struct strata_error *err)
{
    int rc = db_resolve_sync(db, err);
    return rc < 0 ? rc : db->engine->open(&db->env, &db->self, err);
}

static int make(struct strata *db, struct strata_error *err)
{
    int rc = db_resolve_sync(db, err);
    if (rc == 0)
        rc = write_marker(db, db->filling ? MARKER_FILLING : MARKER_CREATING, err);
    if (rc == 0)
        rc = sync_parent(db, err);
    db->env.is_new = true;
    if (rc == 0 && !db->bare)
        rc = engine_open(db, err);
    if (rc < 0 || db->filling)
        return rc;
    rc = write_marker(db, MARKER_READY, err);
    if (rc < 0)
        db->engine->close(db->self, NULL);
    return rc;
}

/* The engine guarantees I4. */
static bool may_be_unsynced(const struct strata *db)
{
    const struct strata_engine *engine = db->engine;

    return DB_SLOT(engine, open_unsynced) && db->options.sync != STRATA_SYNC_ALWAYS;
}

static int open_ready(struct strata *db, struct strata_error *err)
{
    int rc = 0;

    if (!db->options.read_only && durable(db)) {
        if (!db->bare && may_be_unsynced(db))
            return db->engine->open_unsynced(&db->env, &db->self, err);
        rc = fs_sync_dir(db->env.fs, db->dir, err); /* I4 */
    }
    if (rc < 0 || db->bare)
        return rc;
    rc = db->engine->open(&db->env, &db->self, err);
    if (rc == STRATA_ERR_CORRUPT && db->env.is_leased) /* or a writer has just been killed */
        rc = db->engine->open(&db->env, &db->self, err);
    return rc;
}

/* For reading or repair: the files keep the format that the marker names. */
static bool may_be_older(const struct strata *db)
{
    return db->options.read_only || (db->bare && !db->filling);
}

static int open_marked(struct strata *db, const struct marker *marker, struct strata_error *err)
{
    int rc;
    if (marker->state == MARKER_FILLING)
        return absent(db,
                      "it is incomplete: a copy into it was cut short, or its removal: remove the "
                      "directory, and copy again",
                      err);
    if (marker->state == MARKER_CREATING && !db->options.create)
        return absent(db, "its creation was cut short, nothing was ever stored", err);
    if (marker->state == MARKER_READY && db->options.exclusive)
        return strata_fail(err, STRATA_ERR_EXISTS, db->dir, STRATA_NO_OFFSET,
                           "there is a database, and a new one was asked for");
    if (marker->state == MARKER_CREATING) {
        db->engine = db->engine ? db->engine : db_newest_stage();
        return make(db, err);
    }
    rc = db_marked_engine(db->dir, marker, may_be_older(db), &db->engine, err);
    if (rc == 0 && !db->options.read_only)
        rc = fs_remove_if_there(db->env.fs, db->dir, MARKER_NAME ".tmp", err);
    if (rc == 0)
        rc = db_resolve_sync(db, err);
    return rc < 0 ? rc : open_ready(db, err);
}

static int open_dir(struct strata *db, struct strata_error *err)
{
    struct marker marker;
    bool lease = false;
    int rc = db_asked_engine(&db->options, &db->engine, err);

    if (rc == 0) { /* before the lock, which would leave a file in a foreign directory */
        rc = db_find_marker(db, &marker, err);
        lease = rc == 0 && may_lease(db, &marker);
    }
    if (rc == STRATA_NOT_FOUND) {
        rc = check_new(db, err);
        if (rc == 0)
            rc = make_dir(db, err);
    }
    if (rc == 0)
        rc = take_lock(db, lease, err);
    if (rc == 0) /* I3 */
        rc = db_find_marker(db, &marker, err);
    if (rc == 0)
        rc = db_check_lease(db, err);
    if (rc == 0)
        rc = db_remark(db, &marker, err);
    if (rc != STRATA_NOT_FOUND)
        return rc < 0 ? rc : open_marked(db, &marker, err);
    rc = check_new(db, err);
    if (rc < 0)
        return rc;
    db->engine = db->engine ? db->engine : db_newest_stage();
    return make(db, err);
}

/* ---- The handle ------------------------------------------------------------------------ */

static int free_handle(struct strata *db, struct strata_error *err)
{
    struct fs_file *locks[] = {db->alone, db->lock};
    int rc = 0;

    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++)
        rc = fs_close(locks[i], err);
    if (db->own_fs)
        fs_free(db->env.fs);
    free(db->dir);
    free(db);
    return rc;
}

static int open_handle(const char *dir, const struct strata_options *options, bool filling,
                       bool bare, struct strata **out, struct strata_error *err)
{
    struct strata *db;
    int rc;

    if (out)
        *out = NULL;
    if (!out || !dir || !*dir)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "strata_open: no %s",
                           out ? "directory" : "pointer for the handle");
    db = calloc(1, sizeof *db);
    if (!db)
        return strata_fail_memory(err, sizeof *db);
    rc = db_take_options(db, options, err);
    db->dir = strdup(dir);
    db->own_fs = !db->options.fs;
    db->filling = filling;
    db->bare = bare;
    db->forks = lock_forks();
    db->env = (struct strata_env){db->own_fs ? fs_posix_new() : db->options.fs, db->dir,
                                  &db->options, false};
    if (rc == 0 && (!db->dir || !db->env.fs))
        rc = strata_fail_memory(err, strlen(dir) + 1);
    if (rc == 0)
        rc = open_dir(db, err);
    if (rc < 0) {
        free_handle(db, NULL);
        return rc;
    }
    *out = db;
    return 0;
}

int strata_open(const char *dir, const struct strata_options *options, struct strata **out,
                struct strata_error *err)
{
    return open_handle(dir, options, false, false, out, err);
}

static int open_copy(const char *dir, const struct strata_options *options, bool bare,
                     struct strata **out, struct strata_error *err)
{
    struct strata_options own = *options;

    own.create = own.exclusive = true;
    own.sync = STRATA_SYNC_NEVER; /* db_close_filled syncs */
    return open_handle(dir, &own, true, bare, out, err);
}

int db_open_filling(const char *dir, const struct strata_options *options, struct strata **out,
                    struct strata_error *err)
{
    return open_copy(dir, options, false, out, err);
}

int db_open_bare(const char *dir, const struct strata_options *options, struct strata **out,
                 struct strata_error *err)
{
    return open_copy(dir, options, true, out, err);
}

int db_open_closed(const char *dir, const struct strata_options *options, struct strata **out,
                   struct strata_error *err)
{
    return open_handle(dir, options, false, true, out, err);
}

static int check_close(struct strata *db, struct strata_error *err)
{
    uint64_t open;

    if (db->forks != lock_forks())
        return db_check(db, err);
    open = atomic_load(&db->open) + striped_sum(&db->counters, DB_VIEWS);
    if (open)
        return strata_fail(err, STRATA_ERR_BUSY, db->dir, STRATA_NO_OFFSET,
                           "%llu iterators, snapshots, views or transactions are still open",
                           (unsigned long long)open);
    return 0;
}

/* `rc` is the result of closing so far; the first failure is reported. */
static int close_engine(struct strata *db, int rc, struct strata_error *err)
{
    int closed = db->bare ? 0 : db->engine->close(db->self, rc == 0 ? err : NULL);
    return rc == 0 ? closed : rc;
}

int strata_close(struct strata *db, struct strata_error *err)
{
    int rc, unlocked;

    if (!db)
        return 0;
    rc = check_close(db, err);
    if (rc < 0)
        return rc;
    rc = close_engine(db, 0, err);
    unlocked = free_handle(db, rc == 0 ? err : NULL);
    return rc < 0 ? rc : unlocked;
}

int db_close_filled(struct strata *db, struct strata_error *err)
{
    int rc = check_close(db, err), unlocked;

    if (rc < 0)
        return rc;
    if (durable(db) && !db->bare)
        rc = db_sync(db, err);
    rc = close_engine(db, rc, err);
    if (rc == 0)
        rc = write_marker(db, MARKER_READY, err);
    unlocked = free_handle(db, rc == 0 ? err : NULL);
    return rc < 0 ? rc : unlocked;
}
