/* change.c: see change.h. New files are written, then an edit names them in place of others, then
 * those are obsolete (7.I4).
 *
 *   switch    log 9 <- first frame      named; log 5 synced, then log 9
 *             edit: logs 5 9            <- the commit; from now on log 9 is written to
 *   flush     table 10 <- memtable      synced, named; the directory synced
 *             edit: + 10, log 9         <- the commit
 *             log 5                     obsolete
 *   compact   tables 12 13 <- 3 4 10    synced, named; the directory synced
 *             edit: - 3 4 10 + 12 13    <- the commit
 *             tables 3 4 10             obsolete; each is removed when nobody reads it any more
 *
 * What a crash cuts off before the commit leaves files that no edit names; what it cuts off after
 * it leaves obsolete files: the next open removes either. */
#include "change.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static int prepare(struct tree *tree, struct change *c, struct strata_error *err)
{
    int rc = version_set_prepare(&tree->versions, &c->edit, &c->version, err);

    if (rc == 0 && tree->parts->index)
        rc = tree->parts->index(c->version, err);
    if (rc < 0)
        return rc;
    c->super = super_new(tree, tree->super->memtable, c->flushed ? NULL : tree->super->immutable,
                         c->version);
    return c->super ? 0 : strata_fail_memory(err, sizeof *c->super);
}

/* What was only moved stays. */
static void remove_tables(struct tree *tree, const struct version *old, const struct edit *edit)
{
    for (size_t i = 0; i < edit->removed_count; i++) {
        struct sstable *table = version_table(old, edit->removed[i].number);
        if (!version_table(tree->versions.current, table->number))
            obsolete_add(&tree->obsolete, tree->env, strdup(table->path), table->bytes, table);
    }
}

/* From now on the tree is as the edit says (7.I3). */
static void swap(struct tree *tree, struct change *c)
{
    struct super *super = tree->super;
    struct version *old = tree->versions.current;

    assert(tree->versions.next >= c->version->next && super->version == old);
    sync_lock(&tree->path.group.mutex);
    tree_publish(tree, c->super);
    tree->versions.current = c->version;
    tree->nothing_due = false;
    tree->stats.of.looked_in += atomic_load_explicit(&old->looked_in, memory_order_relaxed);
    sync_unlock(&tree->path.group.mutex);
    remove_tables(tree, old, &c->edit);
    if (tree->parts->installed)
        tree->parts->installed(tree);
    c->super = super;
    c->version = old;
}

int change_install(struct tree *tree, struct change *c, int rc, struct strata_error *err)
{
    assert(!tree->env->options->read_only);
    assert(!sync_trylock(&tree->installing)); /* 7.I7 */
    if (rc == 0)                              /* the leader may have failed meanwhile */
        rc = group_usable(&tree->path.group, tree->env->dir, err);
    if (rc == 0)
        rc = prepare(tree, c, err);
    if (rc == 0 && (c->new_files || c->edit.has_logs || tree->names_unsynced))
        rc = tree_sync_names(tree, err);
    if (rc == 0)
        rc = version_set_write(&tree->versions, &c->edit, c->version, err);
    if (rc == 0)
        swap(tree, c);
    else if (tree->versions.uncertain)
        tree->path.group.failed = err->sys ? err->sys : EIO;
    edit_free(&c->edit);
    version_unref(c->version);
    tree_retire(tree, c->super);
    return rc;
}
