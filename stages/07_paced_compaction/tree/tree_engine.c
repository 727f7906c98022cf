/* tree_engine.c: see tree_engine.h. In reading order: write, read, maintain, close. */
#include "07_paced_compaction/tree/tree_engine.h"
#include "07_paced_compaction/compaction/pace.h"
#include "07_paced_compaction/tree/tree_open.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Writing --------------------------------------------------------------------------------- */

/* Where there are no readers now, those that begin later find nothing of what was replaced until
 * now: its memory is used again. */
static void commit(void *self, struct group_commit *list)
{
    struct tree *tree = self;
    bool is_read;

    write_path_commit(&tree->path, list);
    assert(tree->path.memtable == tree->super->memtable);
    if (tree->parts->threads) {
        tree->parts->threads->committed(tree);
        return;
    }
    sync_lock(&tree->reading);
    is_read = super_is_read(tree->super);
    sync_unlock(&tree->reading);
    if (!is_read)
        memtable_recycle_all(tree->path.memtable);
}

/* One of the threads that write leads: it does the quota of work of all, appends their batches to
 * the log, syncs it if asked for, and adds them to the memtable. */
int tree_write(void *self, const struct strata_op *ops, size_t count, bool sync,
               struct strata_error *err)
{
    struct tree *tree = self;
    return group_write(&tree->path.group, ops, count, sync, commit, tree, err);
}

int tree_sync(void *self, struct strata_error *err)
{
    return tree_write(self, NULL, 0, true, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The newest version is in the first of them that has any. */
int tree_get(void *self, struct strata_slice key, struct strata_buffer *value,
             struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = tree_pin(self, 1, &sequence);
    struct strata_slice found;
    unsigned type = memtable_get(super->memtable, key, sequence, &found);
    int rc = 0;

    if (!type && super->immutable)
        type = memtable_get(super->immutable, key, sequence, &found);
    if (!type)
        rc = super->parts->get(super->version, key, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    super_unref(super);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

/* What an iterator reads from. */
struct pinned {
    struct tree *tree;
    struct super *super;
};

static void release(void *arg)
{
    struct pinned *pinned = arg;

    super_unref(pinned->super);
    tree_remove_unread(pinned->tree);
    free(pinned);
}

int tree_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    uint64_t last;
    struct super *super = tree_pin(self, 0, &last);

    return tree_iter_of(self, super, last, out, err);
}

int tree_iter_of(struct tree *tree, struct super *super, uint64_t sequence,
                 struct strata_iter **out, struct strata_error *err)
{
    struct pinned *pinned = malloc(sizeof *pinned);
    struct cursor *cursor;
    int rc;

    if (!pinned) {
        super_unref(super);
        return strata_fail_memory(err, sizeof *pinned);
    }
    *pinned = (struct pinned){tree, super};
    rc = super_cursor(super, sequence, &cursor, err);
    if (rc < 0) {
        release(pinned);
        return rc;
    }
    cursor_hold(cursor, pinned, release);
    *out = &cursor->iter;
    return 0;
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
    rc = tree_leave(tree, rc, &why, err);
    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return rc;
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
    struct strata_error why = {0};
    int rc = 0, freed;

    if (tree->parts->threads)
        tree->parts->threads->end(tree);
    if (!tree->path.group.failed && !tree->env->options->read_only) {
        rc = tree_enter(tree, &why);
        if (rc == 0)
            rc = pace_close(tree, &why);
        tree_leave(tree, rc, &why, err);
    }
    freed = tree_del(tree, rc == 0 ? err : NULL);
    return rc < 0 ? rc : freed;
}

bool tree_is_writable(void *self)
{
    return !((struct tree *)self)->path.group.failed;
}
