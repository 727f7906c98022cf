/* throttle.c: when the writer does which work. LevelDB delays each write by 1 ms when level 0 has 8
 * tables, to leave the processor to its compaction thread, and stops all writes at 12. Here the
 * thread that writes compacts, so its delay is a compaction:
 *
 *   tables of level 0    a write
 *   0 to 7               goes on
 *   8 to 11              does one compaction, the most urgent, and goes on    slowdown trigger
 *   12                   compacts until there are fewer                       stop trigger
 *
 * The write that finds the memtable full flushes it, and does one compaction, too. All of these are
 * write stalls.
 *
 * A compaction that nobody asked for may fail (a table that cannot be read, a full disk): what is
 * written has nothing to do with it. It is reported to the log, compactions are paused until the
 * next flush, and writes go on, whatever level 0 has. */
#include "lsm_tree.h"

#include <assert.h>

/* 0: one was done; NOT_FOUND: none is due, or may be done. */
static int compact_one(struct lsm_tree *tree, struct strata_error *err)
{
    int rc;

    if (tree->paused)
        return STRATA_NOT_FOUND;
    rc = lsm_tree_compact(tree, false, err);
    if (rc >= 0 || !compaction_error_is_tolerable(&tree->versions, rc, err))
        return rc;
    tree->paused = true;
    strata_env_warn(tree->env, err, "no compactions until the next flush");
    return STRATA_NOT_FOUND;
}

static int work(struct lsm_tree *tree, bool full, struct strata_error *err)
{
    int rc = full ? lsm_tree_flush(tree, err) : 0;

    if (rc == 0)
        rc = compact_one(tree, err);
    while (rc == 0 && tree->versions.current->levels[0].count >= THROTTLE_STOP)
        rc = compact_one(tree, err);
    return rc < 0 ? rc : 0;
}

static int stall(struct lsm_tree *tree, bool full, struct strata_error *err)
{
    int rc;

    sync_unlock(&tree->path.group.mutex);
    rc = work(tree, full, err);
    sync_lock(&tree->path.group.mutex);
    assert(rc < 0 || tree->paused || tree->versions.current->levels[0].count < THROTTLE_STOP);
    tree->stalls++;
    return write_path_spoil(&tree->path, rc, err);
}

int throttle_write(void *self, size_t operations, size_t bytes, struct strata_error *err)
{
    struct lsm_tree *tree = self;
    bool full = memtable_bytes(tree->path.memtable) >= tree->env->options->memtable_bytes;
    bool many = tree->versions.current->levels[0].count >= THROTTLE_SLOWDOWN && !tree->paused;
    int rc = operations && (full || many) ? stall(tree, full, err) : 0;

    tree->figures.bytes_in += rc == 0 ? bytes : 0;
    return rc;
}

/* ---- Asked for ------------------------------------------------------------------------------- */

int throttle_drain(struct lsm_tree *tree, bool all, struct strata_error *err)
{
    int rc = all ? lsm_tree_compact(tree, true, err) : 0;

    while (rc == 0)
        rc = lsm_tree_compact(tree, false, err);
    if (rc >= 0 || compaction_error_is_tolerable(&tree->versions, rc, err))
        return rc < 0 ? rc : 0;
    return write_path_spoil(&tree->path, rc, err);
}
