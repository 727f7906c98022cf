/* backup.c: a copy of the database in another directory, while writes go on.
 *
 *   tables      never change: each gets a second name there (a hard link), or is copied where the
 *               file system has no links
 *   logs        grow: what they hold now is copied
 *   manifest    a new one that names both                                         <- the commit
 *
 * All files keep their numbers, as their checksums are seeded with them.
 *
 * 8.I1: version, manifest state and log ends are captured together, by the leader: they have every
 *       acknowledged write, and no part of a batch.
 * 8.I2: no captured file is removed or cut before the copy has it: the version is pinned, and
 *       obsolete logs wait for `log_readers`. */
#include "backup.h"
#include "07_paced_compaction/tree/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct backup {
    struct super *super; /* pinned (8.I2) */
    uint64_t next;       /* number of the next file */
    struct fs_file *logs[2];
    uint64_t log_ends[2]; /* bytes, up to their last frames */
    const struct strata_progress *progress;
    uint64_t done, total; /* bytes */
};

static void backup_free(struct backup *b)
{
    super_unref(b->super);
    for (size_t i = 0; i < 2; i++)
        fs_close(b->logs[i], NULL); /* it was only read */
}

static void tick(void *arg, uint64_t bytes)
{
    struct backup *b = arg;

    b->done += bytes;
    assert(b->done <= b->total);
    if (b->progress)
        b->progress->tick(b->progress->arg, b->done, b->total);
}

/* ---- Capture (8.I1) -------------------------------------------------------------------------- */

static int capture_log(const struct tree *tree, struct backup *b, uint32_t i,
                       struct strata_error *err)
{
    uint64_t number = b->super->version->logs[i].number;
    char *path = fs_join_number(tree->env->dir, number, LOG_SUFFIX);
    int rc = path ? fs_open(tree->env->fs, path, FS_READ, &b->logs[i], err)
                  : strata_fail_memory(err, 64);

    b->log_ends[i] = tree_log(tree, number)->end;
    assert(rc < 0 || b->log_ends[i]);
    b->total += b->log_ends[i];
    free(path);
    return rc;
}

static int capture(struct tree *tree, struct backup *b, struct strata_error *err)
{
    int rc = group_usable(&tree->path.group, tree->env->dir, err);

    if (rc < 0)
        return rc;
    b->super = tree->super;
    super_ref(b->super);
    b->next = tree->versions.next;
    for (uint32_t i = 0; rc == 0 && i < b->super->version->log_count; i++)
        rc = capture_log(tree, b, i, err);
    for (size_t i = 0; i < b->super->version->count; i++)
        b->total += b->super->version->all[i]->bytes;
    return rc;
}

/* As the leader. From here on no log is removed (8.I2). */
static int capture_alone(struct tree *tree, struct backup *b, struct strata_error *err)
{
    int rc;

    tree_be_alone(tree);
    atomic_fetch_add_explicit(&tree->obsolete.log_readers, 1, memory_order_relaxed);
    rc = capture(tree, b, err);
    tree_end_alone(tree, false);
    return rc;
}

/* ---- Copy ------------------------------------------------------------------------------------ */

static int copy_logs(struct backup *b, const struct strata_env *to, struct strata_error *err)
{
    const struct fs_copied copied = {tick, b};
    int rc = 0;

    tick(b, 0);
    for (uint32_t i = 0; rc == 0 && i < b->super->version->log_count; i++) {
        char *path = fs_join_number(to->dir, b->super->version->logs[i].number, LOG_SUFFIX);
        rc = path ? fs_copy(b->logs[i], b->log_ends[i], path, &copied, err)
                  : strata_fail_memory(err, 64);
        free(path);
    }
    return rc;
}

static int link_table(struct backup *b, const struct strata_env *to, const struct sstable *table,
                      struct strata_error *err)
{
    const struct fs_copied copied = {tick, b};
    uint64_t end = b->done + table->bytes;
    char *path = fs_join_number(to->dir, table->number, table->kind->suffix);
    int rc = path ? fs_link_or_copy(to->fs, table->path, table->bytes, path, &copied, err)
                  : strata_fail_memory(err, 64);

    if (rc == 0)
        tick(b, end - b->done); /* of a link: all of it */
    free(path);
    return rc;
}

static int link_tables(struct backup *b, const struct strata_env *to, struct strata_error *err)
{
    const struct version *v = b->super->version;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->count; i++)
        rc = link_table(b, to, v->all[i], err);
    return rc;
}

/* The commit of the copy; it also makes all names durable. */
static int write_manifest(struct backup *b, const struct strata_env *to, struct strata_error *err)
{
    struct manifest manifest = {0};
    struct edit whole;
    int rc = version_tell(b->super->version, &whole, err);

    whole.next = b->next + 1;
    if (rc == 0) {
        rc = manifest_create(&manifest, to, b->next, &whole, err);
        if (rc == 0)
            rc = manifest_settle(&manifest, err);
        manifest_close(&manifest);
    }
    edit_free(&whole);
    return rc;
}

int backup_tree(void *self, const char *to, const struct strata_progress *progress,
                struct strata_error *err)
{
    struct tree *tree = self;
    struct strata_env env = *tree->env; /* of the copy */
    struct backup b = {.progress = progress};
    int rc;

    env.dir = to;
    rc = capture_alone(tree, &b, err);
    if (rc == 0)
        rc = copy_logs(&b, &env, err);
    atomic_fetch_sub_explicit(&tree->obsolete.log_readers, 1, memory_order_release);
    if (rc == 0)
        rc = link_tables(&b, &env, err);
    if (rc == 0 && tree->parts->link_beside)
        rc = tree->parts->link_beside(tree, b.super->version, to, err);
    assert(rc < 0 || b.done == b.total);
    if (rc == 0)
        rc = write_manifest(&b, &env, err);
    backup_free(&b);
    tree_remove_unread(tree);
    return rc;
}
