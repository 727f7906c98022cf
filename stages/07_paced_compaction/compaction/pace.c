/* pace.c: see pace.h.
 *
 * The debt is spread over the bytes that may be written until it must be paid: with a debt of d
 * bytes and room for r, a write of b bytes does d * b / r of the work. So it is paid in time
 * whatever comes, and nearly evenly: the quota changes only when r and d do.
 *
 *     debt
 *      |\         each write does a little
 *      | \
 *      |  \       debt                              must be paid when
 *      |   \      flush of the immutable memtable   the memtable is half full
 *      |    \     compactions that are due          level 0 has as many tables as the slowdown
 *      +-----\--> bytes written                     trigger: 8; tiered: 5, and 3 for each tier
 *       room  it must be paid here
 *
 * 7.I10: level 0 never has STOP_MORE tables more than the slowdown trigger, the stop trigger,
 * unless compaction is paused: a write waits before. 7.I11: a write of b bytes that neither the
 * stop trigger, nor a flush that is late (7.I1), nor what open has left to the first write makes
 * wait, does no more than
 *   - read DEBT_PIECE bytes of inputs and one entry, and its own quota, b * d / r, once for the
 *     flush, where d / r is at most 16, and once for compactions;
 *   - wait for the device once, for a piece of an output (compact.c), or twice, where an edit is
 *     installed (the directory, the manifest), or four times, where a memtable becomes immutable
 *     (the end of the old log, the new one, directory, manifest): after any of these the rest of
 * the work is left to the next write;
 *   - remove so many bytes of obsolete files (remove_some_obsolete).
 *
 * Tiered: the debt grows with the tables, and so does d / r; and a table of level 0 is one, however
 * large: the write that ends it makes the filter of all its keys, too.
 *
 * Why: the debt is looked at so often that a quota between two looks is no more than DEBT_PIECE
 * (debt_next_look); a step ends at its first wait; a table's end and the edit that names it are two
 * steps; and nothing that a step does takes longer the more tables there are, but the edit, which
 * copies the list of tables (measured: 0.3 ms for a thousand of them). */
#include "07_paced_compaction/compaction/pace.h"

#include <assert.h>

#define STOP_MORE 4u /* tables of level 0, from the slowdown trigger to the stop trigger */
#define OBSOLETE_LEAST ((uint64_t)1 << 20)
#define OBSOLETE_MOST ((uint64_t)8 << 20)

/* ---- Flush ----------------------------------------------------------------------------------- */

static int finish_flush(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    while (rc == 0 && tree->super->immutable) {
        uint64_t budget = UINT64_MAX;
        rc = tree_flush_step(tree, &budget, err);
    }
    return rc < 0 ? rc : 0;
}

static struct debt flush_debt(const struct tree *tree)
{
    const struct memtable *immutable = tree->super->immutable;
    uint64_t left = tree->flush ? compact_left(tree->flush)
                    : immutable ? memtable_bytes(immutable)
                                : 0;

    return debt_of_flush(left, tree->env->options->memtable_bytes,
                         memtable_bytes(tree->super->memtable));
}

static int do_flush_quota(struct tree *tree, uint64_t bytes, struct strata_error *err)
{
    uint64_t budget = debt_quota(flush_debt(tree), bytes);
    int rc = tree->super->immutable ? tree_flush_step(tree, &budget, err) : 0;
    return rc < 0 ? rc : 0;
}

int pace_flush(struct tree *tree, struct strata_error *err)
{
    int rc = finish_flush(tree, err); /* 7.I1 */

    if (rc == 0 && (memtable_count(tree->super->memtable) || tree->recovery_pending))
        rc = tree_switch_memtable(tree, err);
    if (rc == 0)
        rc = finish_flush(tree, err);
    return write_path_spoil(&tree->path, rc, err);
}

/* ---- Compaction ------------------------------------------------------------------------------ */

bool pace_quarantine(struct tree *tree, const struct strata_error *err)
{
    const struct version *v = tree->versions.current;
    size_t at = sstable_blamed(v->all, v->count, err);
    int rc;

    if (at == v->count)
        return false;
    sync_lock(&tree->path.group.mutex); /* tree_report_stats reads it */
    rc = policy_quarantine_add(&tree->quarantined, v->all[at]->number, NULL);
    sync_unlock(&tree->path.group.mutex);
    return rc == 0;
}

/* A step of a compaction that nobody asked for returned `rc`. That a table cannot be read, or that
 * there is no room for a new one, has nothing to do with what is being written: so the table is
 * quarantined; and where something is short, compaction is paused until the next flush. 0: go on;
 * NOT_FOUND: it is paused; < 0: nothing may be written any more. */
static int tolerate_error(struct tree *tree, int rc, const struct strata_error *err)
{
    if (rc >= 0 || !compaction_error_is_tolerable(&tree->versions, rc, err))
        return rc;
    if (!compaction_error_is_shortage(rc, err) && pace_quarantine(tree, err)) {
        strata_env_warn(tree->env, err, "this table is left alone by compactions");
        return 0;
    }
    tree->compaction_paused = true;
    strata_env_warn(tree->env, err, "nothing is compacted before the next flush");
    return STRATA_NOT_FOUND;
}

static int compact_some(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    struct strata_error why = {0};
    int rc = STRATA_NOT_FOUND;

    if (!tree->compaction_paused)
        rc = tolerate_error(tree, tree_compact_step(tree, budget, &why), &why);
    return strata_fail_with(rc, &why, err);
}

/* Up to the next wait for the device. NOT_FOUND: nothing is due. */
static int compact_piece(struct tree *tree, struct strata_error *err)
{
    uint64_t budget = UINT64_MAX;
    return compact_some(tree, &budget, err);
}

static uint64_t compaction_left(const struct tree *tree, uint64_t bytes, uint64_t done)
{
    uint64_t all = policy_debt(tree->super->version, tree->env->options);

    all = all > bytes ? all : bytes;
    return all > done ? all - done : 0;
}

struct debt pace_compaction_debt(const struct tree *tree, uint64_t bytes, uint64_t done)
{
    const struct super *super = tree->super;

    if (tree->compaction_paused || tree->nothing_due)
        return (struct debt){0, 0};
    return debt_of_compaction(compaction_left(tree, bytes, done),
                              tree->env->options->memtable_bytes, memtable_bytes(super->memtable),
                              super->version->levels[0].count + (super->immutable != NULL),
                              policy_slowdown_trigger(super->version, tree->env->options));
}

static struct debt compaction_debt(const struct tree *tree)
{
    const struct compact *work = tree->compaction;
    struct debt debt = pace_compaction_debt(tree, work ? work->bytes : 0,
                                            work ? work->bytes - compact_left(work) : 0);

    /* Its end is still to be written; or nobody has looked for stale tables yet. */
    if (debt.room && !debt.work)
        debt.work = work || tree->parts->pick_stale;
    if (tree->stale && debt.work < debt.room)
        debt.work = debt.room; /* as much as is written */
    return debt;
}

static int do_compaction_quota(struct tree *tree, uint64_t bytes, struct strata_error *err)
{
    struct debt debt = compaction_debt(tree);
    uint64_t budget = debt.work ? debt_quota(debt, bytes) : 0;
    int rc = 0;

    while (rc == 0 && budget) /* until the first wait for the device */
        rc = compact_some(tree, &budget, err);
    return rc < 0 ? rc : 0;
}

bool pace_is_below_stop(const struct tree *tree, const struct version *version)
{
    return version->levels[0].count <
           policy_slowdown_trigger(version, tree->env->options) + STOP_MORE;
}

/* 7.I10. */
static int wait_below_stop_trigger(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    while (rc >= 0 && rc != STRATA_NOT_FOUND && !pace_is_below_stop(tree, tree->super->version))
        rc = compact_piece(tree, err);
    return rc < 0 ? rc : 0;
}

int pace_drain(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    tree->draining = true;
    tree->nothing_due = false;
    while (rc >= 0 && rc != STRATA_NOT_FOUND)
        rc = compact_piece(tree, err);
    tree->draining = false;
    return write_path_spoil(&tree->path, rc < 0 ? rc : 0, err);
}

/* ---- Writes ---------------------------------------------------------------------------------- */

bool pace_is_full(const struct tree *tree)
{
    if (tree->parts->log_bytes && tree->path.log.end >= tree->parts->log_bytes(tree->env->options))
        return memtable_count(tree->super->memtable);
    return memtable_bytes(tree->super->memtable) >= tree->env->options->memtable_bytes &&
           memtable_count(tree->super->memtable);
}

/* Waits for the device, of all who use this file system. */
static uint64_t waits_of(const struct tree *tree)
{
    const struct strata_fs *fs = tree->env->fs;
    return atomic_load_explicit(&fs->calls[FS_CALL_SYNC], memory_order_relaxed) +
           atomic_load_explicit(&fs->calls[FS_CALL_SYNC_DIR], memory_order_relaxed);
}

/* What open has left to the first write (7.I8, 7.I9). */
static int begin_writing(struct tree *tree, struct strata_error *err)
{
    int rc = tree->names_unsynced ? tree_sync_names(tree, err) : 0;
    return rc == 0 && tree->recovery_pending ? pace_flush(tree, err) : rc;
}

static int switch_full_memtable(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    if (pace_is_full(tree)) {
        rc = finish_flush(tree, err); /* 7.I1 */
        if (rc == 0)
            rc = tree_switch_memtable(tree, err);
    }
    return rc == 0 && !tree->log_named ? tree_name_log(tree, err) : rc; /* 7.I2 */
}

/* Few pieces, as each may be a wait (obsolete.h). */
static void remove_some_obsolete(struct tree *tree)
{
    uint64_t bytes = tree->env->options->memtable_bytes / 8;

    bytes = bytes > OBSOLETE_LEAST ? bytes : OBSOLETE_LEAST;
    obsolete_remove(&tree->obsolete, tree->env->fs, bytes < OBSOLETE_MOST ? bytes : OBSOLETE_MOST);
}

/* 7.I11: what is left out now is part of the next quota, as there is less room for it then. */
static int do_quota(struct tree *tree, uint64_t bytes, struct strata_error *err)
{
    int rc = begin_writing(tree, err);
    uint64_t waits = waits_of(tree); /* those of open do not count */

    if (rc == 0)
        rc = switch_full_memtable(tree, err);
    if (rc == 0 && waits_of(tree) == waits)
        rc = do_flush_quota(tree, bytes, err);
    if (rc == 0 && waits_of(tree) == waits)
        rc = do_compaction_quota(tree, bytes, err);
    if (rc == 0)
        rc = wait_below_stop_trigger(tree, err);
    remove_some_obsolete(tree);
    return rc;
}

bool pace_is_first(const struct tree *tree)
{
    return !tree->log_named || tree->recovery_pending || tree->names_unsynced;
}

static bool is_due(const struct tree *tree)
{
    uint64_t sixteenth = tree->env->options->memtable_bytes / 16;
    return tree->unpaced_bytes >= tree->pace_bytes || tree->unpaced_bytes >= sixteenth ||
           pace_is_first(tree) || pace_is_full(tree);
}

/* The leader's: the mutex is held before and after. */
static int write_quota(struct tree *tree, struct strata_error *err)
{
    uint64_t began, bytes = tree->unpaced_bytes;
    int rc;

    sync_unlock(&tree->path.group.mutex);
    began = fs_now(tree->env->fs);
    rc = do_quota(tree, bytes, err);
    tree->pace_bytes = debt_next_look(flush_debt(tree), compaction_debt(tree));
    tree_notify_stall(tree, began);
    sync_lock(&tree->path.group.mutex);
    if (rc == 0)
        tree->unpaced_bytes = 0;
    assert(rc < 0 || !pace_is_first(tree)); /* 7.I2 */
    return write_path_spoil(&tree->path, rc, err);
}

/* A sync without operations is one of what came before, too. */
int pace_write(void *self, size_t operations, size_t bytes, struct strata_error *err)
{
    struct tree *tree = self;
    int rc = 0;

    tree->unpaced_bytes += operations * PACE_ENTRY_BYTES + bytes;
    if ((operations || pace_is_first(tree)) && is_due(tree))
        rc = write_quota(tree, err);
    if (rc == 0)
        tree->stats.of.bytes_in += bytes;
    return rc;
}

/* ---- Closing --------------------------------------------------------------------------------- */

/* A compaction that is nearly done is not thrown away. */
static int finish_compaction(struct tree *tree, struct strata_error *err)
{
    uint64_t little = tree->env->options->memtable_bytes / 2;
    int rc = 0;

    while (rc == 0 && tree->compaction && compact_left(tree->compaction) <= little)
        rc = compact_piece(tree, err);
    return rc < 0 ? rc : 0;
}

int pace_close(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    if (memtable_count(tree->super->memtable) || tree->super->immutable || tree->recovery_pending)
        rc = pace_flush(tree, err);
    if (rc == 0)
        rc = finish_compaction(tree, err);
    tree_abandon(tree);
    if (rc == 0)
        tree_notify(tree, (struct strata_event){.type = STRATA_EVENT_CLOSE}, NULL);
    if (rc == 0)
        rc = version_set_settle(&tree->versions, err);
    mark_end(&tree->path.marker, tree->env, rc == 0);
    return rc;
}
