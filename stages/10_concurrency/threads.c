/* threads.c: what stands between the threads of a tree. Readers take no lock: they look at the
 * current super in a section (work/epoch.h), copy what they found, and leave it; or refer to it,
 * for longer.
 *
 * 10.I14: super before the number. Who has a number, and then loads super, may find one without
 *        the memtable that held what the number sees: a flush keeps the newest version, and what
 *        snapshots see.
 * 10.I15: a node of the memtable that was replaced is used again after a grace period, and when no
 *        iterator that may have begun before it refers to the memtable. */
#include "09_fast_paths/fast_parts.h"
#include "snapshot_tree.h"

#define OPERATIONS 32u /* between two looks at the sections of all readers */

/* ---- Readers --------------------------------------------------------------------------------- */

static struct super *pin(struct tree *tree)
{
    struct epoch_section section = epoch_enter(&((struct snapshot_tree *)tree)->epoch);
    struct super *super = tree->super; /* 10.I14 */

    super_ref(super);
    epoch_leave(section);
    sync_point();
    return super;
}

static void wait_for_readers(struct tree *tree)
{
    epoch_wait(&((struct snapshot_tree *)tree)->epoch);
}

/* An iterator that began before the period has its reference by its end (10.I15). */
static void recycle(struct snapshot_tree *t)
{
    uint64_t now = t->tree.path.sequence;

    if (now - t->looked < OPERATIONS)
        return;
    t->looked = now;
    if (!epoch_passed(&t->epoch, t->recycled) || fast_is_read(&t->tree))
        return;
    memtable_recycle(t->tree.path.memtable);
    t->recycled = epoch_ticket(&t->epoch);
}

/* ---- The background thread ------------------------------------------------------------------- */

static struct background *background_of(struct tree *tree)
{
    return ((struct snapshot_tree *)tree)->background;
}

static void pause(struct tree *tree)
{
    if (background_of(tree))
        background_pause(background_of(tree));
}

static void resume(struct tree *tree, bool failed)
{
    if (background_of(tree))
        background_resume(background_of(tree), failed);
}

static bool unread(struct tree *tree)
{
    if (background_of(tree))
        background_unread(background_of(tree));
    return background_of(tree) != NULL;
}

static bool stop(struct tree *tree)
{
    bool unreported = background_of(tree) && background_del(background_of(tree));

    ((struct snapshot_tree *)tree)->background = NULL; /* not before: its thread reads it */
    return unreported;
}

const struct tree_threads snapshot_threads = {pause, resume, pin, wait_for_readers, unread, stop};

void snapshot_committed(struct tree *tree)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;

    if (t->background && tree->path.group.failed) {
        t->background->reported |= tree->path.sequence == t->written;
        sync_unlock(&tree->path.group.mutex);
        background_forgive(t->background);
        sync_lock(&tree->path.group.mutex);
    }
    t->written = tree->path.sequence;
    recycle(t);
}
