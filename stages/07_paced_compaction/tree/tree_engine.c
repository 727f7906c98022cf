/* tree_engine.c: see tree_engine.h. In reading order: write, read, maintain, close. */
#include "07_paced_compaction/tree/tree_engine.h"
#include "07_paced_compaction/compaction/pace.h"

#include <assert.h>

/* ---- Writing --------------------------------------------------------------------------------- */

void tree_commit(void *self, struct group_commit *list)
{
    struct tree *tree = self;

    if (tree->parts->commit)
        tree->parts->commit(tree, list);
    else
        write_path_commit(&tree->path, list);
    assert(tree->path.memtable == tree->super->memtable);
    if (tree->parts->committed)
        tree->parts->committed(tree);
}

/* One of the threads that write leads: it does the quota of work of all, appends their batches to
 * the log, syncs it if asked for, and adds them to the memtable. */
int tree_write(void *self, const struct strata_op *ops, size_t count, bool sync,
               struct strata_error *err)
{
    struct tree *tree = self;
    return group_write(&tree->path.group, ops, count, sync, tree_commit, tree, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The newest version is in the first of them that has any. */
int tree_get(void *self, struct strata_slice key, struct strata_buffer *value,
             struct strata_error *err)
{
    struct tree *tree = self;
    struct super *super = tree_pin(tree);
    uint64_t sequence = tree_last(tree);
    struct strata_slice found;
    unsigned type = memtable_get(super->memtable, key, sequence, &found);
    int rc = 0;

    striped_add(&tree->gets, 0, 1);
    if (!type && super->immutable)
        type = memtable_get(super->immutable, key, sequence, &found);
    if (!type)
        rc = tree->parts->get(super->version, key, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    super_unref(super);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

static void release(void *arg)
{
    struct super *super = arg;
    struct tree *tree = super->tree;

    super_unref(super);
    tree_remove_unread(tree);
}

/* What is newer comes before what is older: memtable, immutable memtable, level 0, level 1, ... */
int tree_iter_of(struct super *super, uint64_t sequence, struct strata_iter **out,
                 struct strata_error *err)
{
    struct memtable *newer[] = {super->memtable, super->immutable};
    struct level_merge of = {.version = super->version, .sequence = sequence};
    struct cursor *cursor;
    int rc;

    for (int i = 0; i < 2; i++) /* what is written later is not looked for */
        if (newer[i] && memtable_count(newer[i]))
            of.newer[of.newer_count++] = newer[i];
    rc = level_merge_all(&of, super->tree->parts->merge, &cursor, err);
    if (rc == 0 && super->tree->parts->fetch_all)
        rc = super->tree->parts->fetch_all(super, &cursor, err);
    if (rc < 0) {
        release(super);
        return rc;
    }
    cursor_hold(cursor, super, release);
    *out = &cursor->iter;
    return 0;
}

int tree_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct super *super = tree_pin(self);

    return tree_iter_of(super, tree_last(self), out, err);
}

/* ---- Upkeep ---------------------------------------------------------------------------------- */

/* `all`: all tables; else those with keys from keys[0] on and before keys[1]; NULL: only what is
 * due. */
static int upkeep(struct tree *tree, bool all, const struct strata_slice *keys,
                  const struct strata_progress *progress, struct strata_error *err)
{
    struct strata_error why;
    int rc = tree_enter(tree, &why);

    if (rc == 0)
        rc = pace_flush(tree, &why);
    if (rc == 0 && all)
        rc = tree_compact_all(tree, progress, &why);
    if (rc == 0)
        rc = keys ? tree_compact_range(tree, keys[0], keys[1], progress, &why)
                  : pace_drain(tree, &why);
    tree_leave(tree, rc);
    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return strata_fail_with(rc, &why, err);
}

int tree_flush(void *self, struct strata_error *err)
{
    return upkeep(self, false, NULL, NULL, err);
}

int tree_compact(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    return upkeep(self, true, NULL, progress, err);
}

int tree_compact_keys(void *self, struct strata_slice from, struct strata_slice to,
                      const struct strata_progress *progress, struct strata_error *err)
{
    const struct strata_slice keys[2] = {from, to};
    return upkeep(self, false, keys, progress, err);
}

/* ---- Closing --------------------------------------------------------------------------------- */

int tree_close(void *self, struct strata_error *err)
{
    struct tree *tree = self;
    struct strata_error why;
    int rc = 0, freed;

    if (tree->parts->threads && tree->parts->threads->stop(tree))
        rc = group_usable(&tree->path.group, tree->env->dir, &why);
    if (!tree->path.group.failed && !tree->env->options->read_only) {
        rc = tree_enter(tree, &why);
        if (rc == 0)
            rc = pace_close(tree, &why);
        tree_leave(tree, rc);
    }
    freed = tree_del(tree, rc == 0 ? err : NULL);
    return rc < 0 ? strata_fail_with(rc, &why, err) : freed;
}
