/* lease.c: a process reads while another one writes (STRATA_PROMISE_READERS).
 *
 *   writer   LOCK     locked exclusively, as at every stage: there is one
 *   reader   STRATA   its marker, locked shared from before it reads which files there are until it
 *                     closes: the lease. It takes no lock on LOCK
 *   writer   STRATA   locked exclusively for an instant, before it removes, cuts or renames
 *                     obsolete files. Refused: somebody has a lease, and the files stay; it
 *                     tries again later
 *
 * The system takes a lease back when its process ends, however it does: no table of readers can be
 * full, or name one that was killed. LMDB's is, and does; and RocksDB has no lease: its
 * OpenForReadOnly and secondary fail when the primary has deleted a file (facebook/rocksdb #14125,
 * #12469) or cut one (#13395).
 *
 * I5: a file is obsolete before the writer looks for leases, and a lease is taken before its reader
 *     looks for files: a reader who takes one after that look finds no obsolete file named. So one
 *     look is enough for all files that are obsolete by then: readers need not be kept out.
 *
 * I6: a lease is on the file that has the marker's name. Only strata_destroy and strata_repair
 *     replace the marker of a database that was made, and they keep readers out. */
#include "db/db.h"
#include "db/marker.h"
#include "threads/sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 100
#define PAUSE_NS 1000000u

static int lock_named(struct strata_fs *fs, const char *dir, const char *name, enum fs_lock kind,
                      struct fs_file **out, struct strata_error *err)
{
    char *path = fs_join(dir, name);
    int rc;

    *out = NULL;
    if (!path)
        return strata_fail_memory(err, strlen(dir) + strlen(name) + 2);
    rc = fs_lock(fs, path, kind, out, err);
    free(path);
    return rc;
}

/* A process that only asks whether a file is locked locks it for an instant: a writer that looks
 * for leases, a reader that looks for a writer. A writer, repair or removal keeps its lock for
 * longer. */
int db_lock(struct strata *db, const char *name, enum fs_lock kind, struct strata_error *err)
{
    int rc;

    for (int i = 0;; i++) {
        rc = lock_named(db->env.fs, db->dir, name, kind, &db->lock, err);
        if (rc != STRATA_ERR_LOCKED || i == TRIES)
            return rc;
        sync_sleep(PAUSE_NS);
    }
}

int db_take_lease(struct strata *db, struct strata_error *err)
{
    int rc = db_lock(db, MARKER_NAME, FS_LOCK_SHARED, err);

    db->env.is_leased = rc == 0;
    return rc;
}

/* I6: the marker may have been replaced since it was first read, by a removal and a new database.
 */
int db_check_lease(struct strata *db, struct strata_error *err)
{
    uint64_t links;

    if (!db->env.is_leased || fs_links(db->lock, &links, NULL) < 0 || links)
        return 0;
    return strata_fail(err, STRATA_ERR_LOCKED, db->dir, STRATA_NO_OFFSET,
                       "the database was replaced by another one: open it again");
}

int db_refuse_leases(struct strata_fs *fs, const char *dir, struct fs_file **out,
                     struct strata_error *err)
{
    struct strata_error why;
    int rc = lock_named(fs, dir, MARKER_NAME, FS_LOCK_ALONE, out, &why);

    return rc == STRATA_ERR_IO && why.sys == ENOENT ? 0 : strata_fail_with(rc, &why, err);
}

bool strata_env_is_read(const struct strata_env *env, bool *warned)
{
    struct strata_error why;
    struct fs_file *lock;
    int rc = lock_named(env->fs, env->dir, MARKER_NAME, FS_LOCK_ALONE, &lock, &why);
    bool unknown = rc < 0 && rc != STRATA_ERR_LOCKED;

    if (unknown && !(warned && *warned))
        strata_env_warn(env, &why, "obsolete files stay for now: are there readers?");
    if (warned)
        *warned = unknown;
    if (rc == 0 && fs_close(lock, &why) < 0)
        strata_env_warn(env, &why, "%s: closed after a look for readers", env->dir);
    return rc < 0;
}

bool strata_env_is_written(const struct strata_env *env)
{
    struct fs_file *lock;
    int rc;

    if (!env->is_leased) /* a repair reads alone, and looks for damage */
        return false;
    rc = lock_named(env->fs, env->dir, LOCK_NAME, FS_LOCK_SHARED, &lock, NULL);
    fs_close(lock, NULL);
    return rc == STRATA_ERR_LOCKED;
}
