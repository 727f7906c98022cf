/* room.c: how a writer gets room: see background.h.
 *
 *     memtable full   it becomes immutable; if the one before still is, the flush is waited for
 *     level 0         at the stop trigger compactions are waited for (7.I10)
 *     debt            the work falls behind what is written: a wait in proportion (ledger.h) */
#include "07_paced_compaction/compaction/pace.h"
#include "10_concurrency/work/background.h"

#include <assert.h>

#define ENTRY_BYTES ((size_t)64) /* that an operation takes beside key and value, about */

/* ---- Limits ---------------------------------------------------------------------------------- */

/* The worker installs what it has done while the leader looks at super: it is pinned. */
static bool has_immutable(struct tree *tree)
{
    uint64_t sequence;
    struct super *super = tree_pin(tree, 0, &sequence);
    bool has = super->immutable != NULL;

    super_unref(super);
    return has;
}

static bool may_switch(void *arg)
{
    struct background *b = arg;
    return b->tree->path.group.failed || b->flush_rests || !has_immutable(b->tree);
}

static bool is_below_stop(struct tree *tree, const struct version *v)
{
    return v->levels[0].count < policy_slowdown_trigger(v, tree->env->options) + PACE_STOP_MORE;
}

static bool may_write(void *arg)
{
    struct background *b = arg;
    struct tree *tree = b->tree;
    uint64_t sequence;
    struct super *super;
    bool may = tree->path.group.failed || tree->compaction_paused || tree->nothing_due;

    if (may)
        return true;
    super = tree_pin(tree, 0, &sequence);
    may = is_below_stop(tree, super->version);
    super_unref(super);
    return may;
}

/* 10.I12. Again, where it is not so after all: a flush that was installed, or a snapshot that was
 * released, may have made something due when the job had just found nothing. */
static void wait_for(struct background *b, enum background_job job, bool (*is_so)(void *arg))
{
    while (!is_so(b)) {
        if (job == BACKGROUND_COMPACTION)
            background_compact(b);
        else
            work_queue(&b->work, job);
        work_wait(&b->work, is_so, b);
        assert(job == BACKGROUND_COMPACTION || is_so(b));
    }
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

    wait_for(b, BACKGROUND_FLUSH, may_switch);
    rc = group_usable(&tree->path.group, tree->env->dir, err);
    if (rc == 0 && has_immutable(tree))
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
        work_queue(&b->work, BACKGROUND_FLUSH);
    return strata_fail_with(write_path_spoil(&tree->path, rc, &why), &why, err);
}

/* ---- Debt ------------------------------------------------------------------------------------ */

static uint64_t compaction_left(const struct background *b, const struct version *v)
{
    uint64_t all = policy_debt(v, b->tree->env->options), done = b->compaction_done;

    if (all < b->compaction_bytes)
        all = b->compaction_bytes;
    return all > done ? all - done : 0;
}

/* The mutex is held: super stays. */
static void find_debts(const struct background *b, struct debt debts[LEDGER_KINDS])
{
    struct tree *tree = b->tree;
    const struct super *super = tree->super;
    const struct version *v = super->version;
    uint64_t budget = tree->env->options->memtable_bytes, used = memtable_bytes(super->memtable);

    debts[LEDGER_FLUSH] = debt_of_flush(super->immutable ? b->flush_left : 0, budget, used);
    debts[LEDGER_COMPACTION] = (struct debt){0, 0};
    if (!tree->compaction_paused && !tree->nothing_due)
        debts[LEDGER_COMPACTION] = debt_of_compaction(
            compaction_left(b, v), budget, used, v->levels[0].count + (super->immutable != NULL),
            policy_slowdown_trigger(v, tree->env->options));
}

/* How long the writer is to wait, ns. */
static uint64_t charge(struct background *b)
{
    struct tree *tree = b->tree;
    struct debt debts[LEDGER_KINDS];
    uint64_t bytes = tree->unpaced_bytes;

    find_debts(b, debts);
    tree->unpaced_bytes = 0;
    tree->pace_bytes = debt_next_look(debts[LEDGER_FLUSH], debts[LEDGER_COMPACTION]);
    if (ledger_is_due(debts[LEDGER_COMPACTION]))
        background_compact(b);
    else if (!tree->compaction_paused && !tree->stale) /* those go on */
        b->compaction_due = false;
    ledger_charge(&b->ledger, debts, bytes);
    return b->work.thread_count ? ledger_wait(&b->ledger, bytes) : 0;
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
    background_resume(b);
    sync_lock(mutex);
    return rc;
}

/* `full`: bytes of the memtable, if it is full; else 0. The mutex is free. */
static int wait_for_room(struct background *b, uint64_t full, uint64_t ns, struct strata_error *err)
{
    struct strata_event event = {.type = STRATA_EVENT_STALL};
    uint64_t began = fs_now(b->tree->env->fs);
    int rc = 0;

    if (ns)
        sync_sleep(ns);
    if (full)
        rc = switch_memtable(b, full, err);
    if (rc == 0)
        wait_for(b, BACKGROUND_COMPACTION, may_write);
    event.ns = fs_now(b->tree->env->fs);
    event.took_ns = event.ns - began;
    tree_notify(b->tree, event, NULL);
    return rc == 0 ? group_usable(&b->tree->path.group, b->tree->env->dir, err) : rc;
}

int background_make_room(struct background *b, size_t operations, size_t bytes,
                         struct strata_error *err)
{
    struct tree *tree = b->tree;
    uint64_t ns = 0, full;
    int rc = 0;

    if (!b->work.thread_count) {
        sync_unlock(&tree->path.group.mutex);
        work_run(&b->work);
        sync_lock(&tree->path.group.mutex);
    }
    if (pace_is_first(tree))
        return first_write(b, operations, bytes, err);
    tree->unpaced_bytes += operations * ENTRY_BYTES + bytes;
    full = operations && pace_is_full(tree) ? memtable_bytes(tree->path.memtable) : 0;
    if (operations && (full || tree->unpaced_bytes >= tree->pace_bytes))
        ns = charge(b);
    if (full || ns || (operations && !is_below_stop(tree, tree->super->version))) {
        sync_unlock(&tree->path.group.mutex);
        rc = wait_for_room(b, full, ns, err);
        sync_lock(&tree->path.group.mutex);
    }
    assert(rc < 0 || !pace_is_first(tree)); /* 7.I2 */
    if (rc == 0)
        tree->stats.of.bytes_in += bytes;
    return rc;
}
