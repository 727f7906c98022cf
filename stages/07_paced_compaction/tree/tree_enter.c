/* tree_enter.c: who may use a tree at a time: readers, and one thread that changes it. */
#include "tree.h"

#include <errno.h>

#define UNREAD ((uint64_t)1 << 20) /* bytes of files that are removed at a time */

/* ---- Alone with the tree --------------------------------------------------------------------- */

void tree_be_alone(struct tree *tree)
{
    group_enter(&tree->path.group);
    sync_unlock(&tree->path.group.mutex); /* a step that is under way needs it */
    if (tree->parts->threads)
        tree->parts->threads->pause(tree);
}

void tree_end_alone(struct tree *tree, bool failed)
{
    if (tree->parts->threads)
        tree->parts->threads->resume(tree, failed);
    sync_lock(&tree->path.group.mutex);
    group_leave(&tree->path.group);
}

int tree_enter(struct tree *tree, struct strata_error *err)
{
    tree_be_alone(tree);
    return group_usable(&tree->path.group, tree->env->dir, err);
}

void tree_leave(struct tree *tree, int rc)
{
    if (rc == 0)
        obsolete_remove(&tree->obsolete, tree->env->fs, UINT64_MAX);
    tree_end_alone(tree, rc < 0);
}

int tree_sync_names(struct tree *tree, struct strata_error *err)
{
    int rc = fs_sync_dir(tree->env->fs, tree->env->dir, err);

    if (rc == 0)
        tree->names_unsynced = false;
    else if (err->sys != EMFILE && err->sys != ENFILE) /* those come before any sync */
        tree->names_doubted = true;
    return rc;
}

/* ---- Readers --------------------------------------------------------------------------------- */

void tree_publish(struct tree *tree, struct super *super)
{
    sync_lock(&tree->reading);
    tree->super = super;
    tree->path.memtable = super->memtable;
    sync_unlock(&tree->reading);
}

void tree_retire(struct tree *tree, struct super *super)
{
    if (tree->parts->threads)
        tree->parts->threads->wait_for_readers(tree);
    super_unref(super);
}

struct super *tree_pin(struct tree *tree)
{
    struct super *super;

    if (tree->parts->threads)
        return tree->parts->threads->pin(tree);
    sync_lock(&tree->reading);
    super = tree->super;
    super_ref(super);
    sync_unlock(&tree->reading);
    return super;
}

/* A piece at a time: a writer who comes meanwhile waits no longer than that. */
void tree_remove_unread(struct tree *tree)
{
    struct group *group = &tree->path.group;
    bool more = !tree->parts->threads || !tree->parts->threads->unread(tree);

    while (more) {
        sync_lock(&group->mutex);
        if (group->busy || group->first || !tree->obsolete.count) {
            sync_unlock(&group->mutex);
            return;
        }
        group->busy = true;
        sync_unlock(&group->mutex);
        more = obsolete_remove(&tree->obsolete, tree->env->fs, UNREAD);
        sync_lock(&group->mutex);
        group_leave(group);
    }
}
