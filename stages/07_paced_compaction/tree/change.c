/* change.c: see change.h. New files are written, then an edit names them in place of others, then
 * those are obsolete (7.I4).
 *
 *   switch    log 9 <- first frame      synced, named; log 5 synced
 *             edit: logs 5 9            <- the commit; from now on log 9 is written to
 *   flush     table 10 <- memtable      synced, named; the directory synced
 *             edit: + 10, log 9         <- the commit
 *             log 5                     obsolete
 *   compact   tables 12 13 <- 3 4 10    synced, named; the directory synced
 *             edit: - 3 4 10 + 12 13    <- the commit
 *             tables 3 4 10             obsolete; each is removed when nobody reads it any more
 *
 * What a crash cuts off before the commit leaves files that no edit names; what it cuts off after
 * it leaves obsolete files: the next open removes either. 7.I28: an edit is checked against the
 * version before it is written: what could not be read again is not written. */
#include "change.h"
#include "base/cost.h"

void change_free(struct change *c)
{
    edit_free(&c->edit);
    version_unref(c->version);
    super_unref(c->super);
}

static int prepare(struct tree *tree, struct change *c, struct strata_error *err)
{
    int rc;

    c->edit.next = tree->next;
    c->version = tree->version;
    version_ref(c->version);
    rc = version_apply(&c->version, &c->edit, c->tables, c->count, err); /* 7.I28 */
    if (rc == 0 && tree->parts->index)
        rc = tree->parts->index(c->version, err);
    if (rc < 0)
        return rc;
    c->super = super_new(tree->parts, tree->super->memtable, c->immutable, c->version);
    return c->super ? 0 : strata_fail_memory(err, sizeof *c->super);
}

static int write_manifest(struct tree *tree, const struct version *version,
                          struct strata_error *err)
{
    struct manifest manifest;
    struct edit whole;
    int rc = version_tell(version, &whole, err);

    whole.next = tree->next + 1;
    if (rc == 0) {
        rc = manifest_create(&manifest, tree->env, tree->next++, &whole, err);
        tree->edit_uncertain = rc < 0 && manifest.known;
        if (rc < 0)
            manifest_close(&manifest);
    }
    edit_free(&whole);
    if (rc < 0)
        return rc;
    if (tree->manifest.path) /* if that fails, the next open does it */
        fs_remove(tree->env->fs, tree->manifest.path, NULL);
    pthread_mutex_lock(&tree->group.mutex);
    tree->stats.manifest_bytes += tree->manifest.written;
    manifest_close(&tree->manifest);
    tree->manifest = manifest;
    pthread_mutex_unlock(&tree->group.mutex);
    return 0;
}

int change_roll_over(struct tree *tree, struct strata_error *err)
{
    return write_manifest(tree, tree->version, err);
}

static int commit(struct tree *tree, struct change *c, struct strata_error *err)
{
    int rc;

    if (manifest_is_long(&tree->manifest))
        return write_manifest(tree, c->version, err);
    rc = manifest_append(&tree->manifest, &c->edit, err);
    tree->edit_uncertain = rc < 0 && rc != STRATA_ERR_NO_MEMORY;
    return rc;
}

/* What was only moved stays. Level by level, not edit by edit: a compaction may take all of them.
 */
static void remove_tables(struct tree *tree, const struct version *old, const struct edit *edit)
{
    bool any[LEVELS] = {false};

    for (size_t i = 0; i < edit->removed_count; i++)
        any[edit->removed[i].level] = true;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; any[level] && i < old->levels[level].count; i++) {
            struct sstable *table = old->levels[level].tables[i];
            cost_so_far.comparisons++;
            if (!version_table(tree->version, table->number))
                obsolete_add_table(&tree->obsolete, tree->env, table);
        }
}

/* From now on the tree is as the edit says (7.I3). */
static void swap(struct tree *tree, struct change *c)
{
    struct super *super = tree->super;
    struct version *old = tree->version;

    pthread_mutex_lock(&tree->group.mutex);
    tree_publish(tree, c->super);
    tree->version = c->version;
    tree->nothing_due = false;
    tree->stats.looked_in += atomic_load_explicit(&old->looked_in, memory_order_relaxed);
    pthread_mutex_unlock(&tree->group.mutex);
    remove_tables(tree, old, &c->edit);
    c->super = super;
    c->version = old;
}

int change_install(struct tree *tree, struct change *c, struct strata_error *err)
{
    int rc = prepare(tree, c, err);

    if (rc == 0 && (c->count || c->edit.has_logs || tree->names_unsynced))
        rc = tree_sync_names(tree, err);
    if (rc == 0)
        rc = commit(tree, c, err);
    if (rc == 0)
        swap(tree, c);
    change_free(c);
    return rc;
}

int change_add(struct change *c, unsigned level, const struct sstable *table,
               struct strata_error *err)
{
    struct edit_table added = version_entry(level, table);
    return edit_add(&c->edit, &added, err);
}
