/* backup.c: a copy of the database in another directory, while writing goes on.
 *
 * Tables never change: the copy has the same files under another name (a hard link), or copies of
 * them where another file system does not let it. The logs go on growing: of them is copied what
 * they hold at this moment. A new manifest tells of both; all keep their numbers, which their
 * checks are seeded with.
 *
 * I1: version, state and ends of the logs are taken at one moment, alone with the tree: together
 *     they hold every write that was acknowledged, and of no batch a part.
 * I2: no file of that moment goes before the copy has it: tables are referred to, and a log that is
 *     named no more is not cut meanwhile. */
#include "backup.h"
#include "07_paced_compaction/leveled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)256 << 10) /* bytes copied at a time */

struct moment {
    struct super *super;
    uint64_t next; /* number of the next file */
    struct fs_file *logs[2];
    uint64_t ends[2]; /* of their last frames */
    const struct strata_progress *progress;
    uint64_t done, total; /* bytes */
};

static void moment_free(struct moment *m)
{
    super_unref(m->super);
    for (size_t i = 0; i < 2; i++)
        fs_close(m->logs[i], NULL); /* it was only read */
}

static void tick(struct moment *m, uint64_t bytes)
{
    m->done += bytes;
    if (m->progress)
        m->progress->tick(m->progress->arg, m->done, m->total);
}

/* ---- The moment (I1) ------------------------------------------------------------------------- */

static uint64_t end_of(const struct tree *tree, uint64_t number)
{
    const struct tree_log *logs[] = {&tree->live, &tree->sealed, &tree->older};

    for (size_t i = 0; i < 3; i++)
        if (logs[i]->log.file && logs[i]->log.number == number)
            return logs[i]->log.end;
    return 0;
}

/* As the leader. */
static int seize(struct tree *tree, struct moment *m, struct strata_error *err)
{
    int rc = tree_usable(tree, err);

    if (rc < 0)
        return rc;
    m->super = tree->super;
    super_ref(m->super);
    m->next = tree->next;
    for (uint32_t i = 0; rc == 0 && i < m->super->version->log_count; i++) {
        uint64_t number = m->super->version->logs[i].number;
        char *path = log_path(tree->env, number);
        rc = path ? fs_open(tree->env->fs, path, FS_READ, &m->logs[i], err)
                  : strata_fail_memory(err, 64);
        m->ends[i] = end_of(tree, number);
        m->total += m->ends[i];
        free(path);
    }
    for (size_t i = 0; i < m->super->version->count; i++)
        m->total += m->super->version->all[i]->bytes;
    return rc;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int copy_pieces(struct moment *m, struct fs_file *from, uint64_t size, struct fs_file *to,
                       struct strata_error *err)
{
    uint8_t *piece = malloc(PIECE);
    int rc = piece ? 0 : strata_fail_memory(err, PIECE);

    for (uint64_t at = 0; rc == 0 && at < size;) {
        size_t wanted = size - at < PIECE ? (size_t)(size - at) : PIECE, got = 0;
        rc = fs_read_at(from, at, piece, wanted, &got, err);
        if (rc == 0 && got < wanted)
            rc = strata_fail(err, STRATA_ERR_CORRUPT, from->path, at + got,
                             "the file ends before it did");
        if (rc == 0) {
            struct strata_slice part = strata_bytes(piece, got);
            rc = fs_append(to, &part, 1, err);
        }
        at += got;
        if (rc == 0)
            tick(m, got);
    }
    free(piece);
    return rc;
}

/* The first `size` bytes, on the device. */
static int copy_file(struct moment *m, struct fs_file *from, uint64_t size, const char *to,
                     struct strata_error *err)
{
    struct fs_file *file;
    int rc = fs_open(from->fs, to, FS_WRITE | FS_CREATE | FS_EXCLUSIVE, &file, err), closed;

    if (rc < 0)
        return rc;
    rc = copy_pieces(m, from, size, file, err);
    if (rc == 0)
        rc = fs_sync(file, err);
    closed = fs_close(file, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

/* Two file systems, one that knows no links, or as many links as a file can have. */
static bool cannot_be_linked(const struct strata_error *err)
{
    return err->sys == EXDEV || err->sys == EPERM || err->sys == EMLINK || err->sys == ENOSYS ||
           err->sys == EOPNOTSUPP;
}

static int copy_table(struct moment *m, struct strata_fs *fs, const struct sstable *table,
                      const char *to, struct strata_error *err)
{
    struct fs_file *file;
    int rc = fs_open(fs, table->path, FS_READ, &file, err);

    if (rc == 0)
        rc = copy_file(m, file, table->bytes, to, err);
    fs_close(file, NULL);
    return rc;
}

static int take_table(struct moment *m, struct strata_fs *fs, const struct sstable *table,
                      const char *dir, struct strata_error *err)
{
    const char *slash = strrchr(table->path, '/');
    char *to = fs_join(dir, slash ? slash + 1 : table->path);
    struct strata_error why = {0};
    int rc = to ? fs_link(fs, table->path, to, &why) : strata_fail_memory(&why, 64);

    if (rc == 0)
        tick(m, table->bytes);
    else if (to && cannot_be_linked(&why))
        rc = copy_table(m, fs, table, to, &why);
    if (rc < 0 && err)
        *err = why;
    free(to);
    return rc;
}

static int take_log(struct moment *m, const struct strata_env *env, uint32_t i,
                    struct strata_error *err)
{
    char *to = log_path(env, m->super->version->logs[i].number);
    int rc = to ? copy_file(m, m->logs[i], m->ends[i], to, err) : strata_fail_memory(err, 64);

    free(to);
    return rc;
}

/* The commit, as far as the files of a tree are concerned; it brings all names to the device. */
static int tell(struct moment *m, const struct strata_env *env, struct strata_error *err)
{
    struct manifest manifest = {0};
    struct edit whole;
    int rc = version_tell(m->super->version, &whole, err);

    whole.next = m->next + 1;
    if (rc == 0) {
        rc = manifest_create(&manifest, env, m->next, &whole, err);
        if (rc == 0)
            rc = manifest_settle(&manifest, err);
        manifest_close(&manifest);
    }
    edit_free(&whole);
    return rc;
}

static int take_logs(struct moment *m, const struct strata_env *env, struct strata_error *err)
{
    int rc = 0;

    tick(m, 0);
    for (uint32_t i = 0; rc == 0 && i < m->super->version->log_count; i++)
        rc = take_log(m, env, i, err);
    return rc;
}

static int take_tables(struct moment *m, const struct strata_env *env, struct strata_error *err)
{
    const struct version *v = m->super->version;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->count; i++)
        rc = take_table(m, env->fs, v->all[i], env->dir, err);
    return rc;
}

int leveled_backup(void *self, const char *to, const struct strata_progress *progress,
                   struct strata_error *err)
{
    struct tree *tree = self;
    struct strata_env env = *tree->env;
    struct moment m = {.progress = progress};
    int rc;

    env.dir = to;
    group_enter(&tree->group);
    pthread_mutex_unlock(&tree->group.mutex);
    atomic_fetch_add_explicit(&tree->trash.log_readers, 1, memory_order_relaxed); /* I2 */
    rc = seize(tree, &m, err);
    pthread_mutex_lock(&tree->group.mutex);
    group_leave(&tree->group);
    if (rc == 0)
        rc = take_logs(&m, &env, err);
    atomic_fetch_sub_explicit(&tree->trash.log_readers, 1, memory_order_release);
    if (rc == 0)
        rc = take_tables(&m, &env, err);
    if (rc == 0)
        rc = tell(&m, &env, err);
    moment_free(&m);
    tree_remove_unread(tree);
    return rc;
}
