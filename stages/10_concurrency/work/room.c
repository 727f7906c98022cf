/* room.c: how a writer gets room: see background.h.
 *
 *     memtable full   it becomes immutable; if the one before still is, the flush is waited for
 *     level 0         at the stop trigger compactions are waited for (7.I10)
 *     debt            the work falls behind what is written: a wait in proportion (ledger.h) */
#include "07_paced_compaction/compaction/pace.h"
#include "10_concurrency/work/background.h"

#include <assert.h>

/* ---- Limits ---------------------------------------------------------------------------------- */

/* The worker installs what it has done while the leader looks at super: in a section, as a reader
 * does. (With a reference it might be the last one, and free a memtable, with work's mutex held.)
 */
static bool has_immutable(const struct background *b)
{
    struct epoch_section section = epoch_enter(b->epoch);
    const struct super *super = b->tree->super;
    bool has = super->immutable != NULL;

    epoch_leave(section);
    return has;
}

static bool may_switch(void *arg)
{
    struct background *b = arg;
    return b->tree->path.group.failed || b->flush_error || !has_immutable(b);
}

static bool may_write(void *arg)
{
    struct background *b = arg;
    const struct tree *tree = b->tree;
    struct epoch_section section = epoch_enter(b->epoch);
    const struct super *super = tree->super;
    bool may = tree->path.group.failed || tree->compaction_paused || tree->nothing_due ||
               pace_is_below_stop(tree, super->version);

    epoch_leave(section);
    return may;
}

static int flush_rests(struct background *b, struct strata_error *err)
{
    int rc;

    sync_lock(&b->tree->path.group.mutex);
    rc = b->rc;
    if (err)
        *err = b->why;
    sync_unlock(&b->tree->path.group.mutex);
    strata_error_prefix(err, "the memtable is full, and its flush is tried again later; ");
    return rc;
}

/* Of so many bytes. A log that cannot be made changes nothing; an edit that cannot be written does.
 */
static int switch_memtable(struct background *b, uint64_t bytes, struct strata_error *err)
{
    struct tree *tree = b->tree;
    struct strata_error why;
    int rc;

    if (!may_switch(b)) {
        background_queue(b, BACKGROUND_FLUSH); /* 10.I12 */
        work_wait(&b->work, may_switch, b);
    }
    rc = group_usable(&tree->path.group, tree->env->dir, err);
    if (rc == 0 && has_immutable(b))
        return flush_rests(b, err);
    if (rc < 0)
        return rc;
    rc = tree_switch_memtable(tree, &why);
    if (rc < 0 && compaction_error_is_shortage(rc, &why))
        return strata_fail_with(rc, &why, err);
    if (rc == 0) {
        b->flush_left = bytes;
        rc = tree_name_log(tree, &why);
    }
    if (rc == 0)
        background_queue(b, BACKGROUND_FLUSH);
    return strata_fail_with(write_path_spoil(&tree->path, rc, &why), &why, err);
}

/* ---- Debt ------------------------------------------------------------------------------------ */

/* As in stage 7: of what makes space as much is done as is written. */
static void raise_debt(struct debt *debt)
{
    if (debt->work < debt->room)
        debt->work = debt->room;
}

/* The mutex is held: super stays. */
static void find_debts(const struct background *b, struct debt debts[LEDGER_KINDS])
{
    const struct tree *tree = b->tree;
    const struct super *super = tree->super;

    /* Stage 7 flushes in the first half of a memtable: a put that is late does the rest. Here the
     * next one must be nearly full before any put waits for that. */
    debts[LEDGER_FLUSH] =
        debt_of_flush(super->immutable ? b->flush_left : 0,
                      tree->env->options->memtable_bytes / 2 * 3, memtable_bytes(super->memtable));
    debts[LEDGER_COMPACTION] = pace_compaction_debt(tree, b->compaction_bytes, b->compaction_done);
    if (tree->stale && b->compaction_bytes && debts[LEDGER_COMPACTION].work)
        raise_debt(&debts[LEDGER_COMPACTION]);
}

/* How long the writer is to wait, ns. The mutex is held, and free while a job is queued: that may
 * be logged. */
static uint64_t charge(struct background *b)
{
    struct tree *tree = b->tree;
    struct debt debts[LEDGER_KINDS];
    uint64_t bytes = tree->unpaced_bytes;

    find_debts(b, debts);
    tree->unpaced_bytes = 0;
    tree->pace_bytes = debt_next_look(debts[LEDGER_FLUSH], debts[LEDGER_COMPACTION]);
    if (ledger_is_due(debts[LEDGER_COMPACTION])) {
        sync_unlock(&tree->path.group.mutex);
        background_compact(b, false);
        sync_lock(&tree->path.group.mutex);
    } else if (!tree->compaction_paused && !tree->stale) /* those go on */
        b->compaction_due = false;
    ledger_charge(&b->ledger, debts, b->compaction_bytes > 0, bytes);
    return b->work.by_callers ? 0 : ledger_wait(&b->ledger, bytes);
}

/* ---- Room ------------------------------------------------------------------------------------ */

/* What open has left, and a log that is not named yet: alone, as stage 7 does it. */
static int first_write(struct background *b, size_t operations, size_t bytes,
                       struct strata_error *err)
{
    struct sync_mutex *mutex = &b->tree->path.group.mutex;
    int rc;

    sync_unlock(mutex);
    background_pause(b);
    sync_lock(mutex);
    rc = pace_write(b->tree, operations, bytes, err);
    sync_unlock(mutex);
    background_resume(b, rc < 0);
    sync_lock(mutex);
    return rc;
}

/* `full`: bytes of the memtable, if it is full; else 0. The mutex is free. */
static int wait_for_room(struct background *b, uint64_t full, uint64_t ns, struct strata_error *err)
{
    uint64_t began = fs_now(b->tree->env->fs);
    int rc = 0;

    if (ns)
        sync_sleep(ns);
    if (full)
        rc = switch_memtable(b, full, err);
    while (rc == 0 && !may_write(b)) { /* 10.I12; again, as an install may have made more due */
        background_compact(b, false);
        work_wait(&b->work, may_write, b);
    }
    tree_notify_stall(b->tree, began);
    return rc == 0 ? group_usable(&b->tree->path.group, b->tree->env->dir, err) : rc;
}

int background_make_room(struct background *b, size_t operations, size_t bytes,
                         struct strata_error *err)
{
    struct tree *tree = b->tree;
    uint64_t ns = 0, full;
    int rc = 0;

    if (b->work.by_callers) {
        sync_unlock(&tree->path.group.mutex);
        work_run(&b->work);
        sync_lock(&tree->path.group.mutex);
    }
    if (pace_is_first(tree))
        return first_write(b, operations, bytes, err);
    tree->unpaced_bytes += operations * PACE_ENTRY_BYTES + bytes;
    full = operations && pace_is_full(tree) ? memtable_bytes(tree->path.memtable) : 0;
    if (operations && (full || tree->unpaced_bytes >= tree->pace_bytes))
        ns = charge(b);
    if (full || ns || (operations && !pace_is_below_stop(tree, tree->super->version))) {
        sync_unlock(&tree->path.group.mutex);
        rc = wait_for_room(b, full, ns, err);
        sync_lock(&tree->path.group.mutex);
    }
    assert(rc < 0 || !pace_is_first(tree)); /* 7.I2 */
    if (rc == 0)
        tree->stats.of.bytes_in += bytes;
    return rc;
}
