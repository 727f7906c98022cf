/* pace.c: see pace.h.
 *
 * What is owed is spread over the bytes that may be written until it must be done: with o bytes of
 * work owed and room for r, a write of b bytes does o * b / r of it. So it is done in time whatever
 * comes, and nearly evenly: the share changes only when r and o do.
 *
 *   owed                             must be done when
 *   flush of the sealed memtable     the memtable is half full
 *   compactions that are due         level 0 has 8 tables; tiered: 5, and 3 for each tier
 *
 * I1: a memtable is sealed only when the one before it is in a table: there are two at most.
 * I2: level 0 never gets 4 tables more than that, unless compaction rests: somebody waits before.
 * I3: where neither of them makes it wait, nor what open has left to the first one, a write of
 *     b bytes does no more than
 *       - move PIECE bytes of inputs and one entry, and its own share, b * (o / r), of which there
 *         is one for the flush, where o / r is at most 16, and one for compactions;
 *       - wait for the device once, for a piece of an output (compact.c), or twice, where an edit
 *         is installed (the directory, the manifest), or four times, where a memtable is sealed
 *         (the new log, the end of the old one, directory, manifest): after any of these the rest
 *         of the work is left to the next write;
 *       - cut so many bytes off files that are named no more (remove_obsolete_share).
 *     Tiered: what is owed grows with the tables, and so does o / r; and a table of level 0 is one,
 *     however large: the write that ends it makes the filter of all its keys, too.
 *     Why: a look at what is owed is taken so often that a share between two is no more than PIECE
 *     (pace_bytes_of); a step ends at its first wait; a table's end and the edit that names it are
 * two steps; and nothing that a step does takes longer the more tables there are, but the edit
 *     (change.c: a copy of the list, 1 ms for some thousand tables). */
#include "07_paced_compaction/compaction/pace.h"
#include "07_paced_compaction/events/tree_events.h"

#include <errno.h>
#include <string.h>

#define L0_MORE 4u                /* tables than it should have, level 0 has at most */
#define MOST ((uint64_t)1 << 40)  /* bytes of a memtable, for reckoning */
#define GRAIN ((uint64_t)2 << 10) /* bytes that are written between two looks at what is owed */
#define PIECE ((uint64_t)8 << 10) /* of work, between two writes */
#define OBSOLETE_LEAST ((uint64_t)1 << 20)
#define OBSOLETE_MOST ((uint64_t)8 << 20)

static uint64_t quota(uint64_t debt, uint64_t bytes, uint64_t room)
{
    double part = room ? (double)bytes / (double)room : 1;
    return part < 1 ? (uint64_t)((double)debt * part) + 1 : debt + 1;
}

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

static uint64_t flush_debt(const struct tree *tree)
{
    if (!tree->super->immutable)
        return 0;
    return tree->flush ? compact_left(tree->flush) : memtable_bytes(tree->super->immutable);
}

/* Bytes until the memtable is half full; then and shortly before not less than keeps the share
 * bearable. */
static uint64_t flush_room(const struct tree *tree)
{
    uint64_t budget = tree->env->options->memtable_bytes, half = budget / 2;
    uint64_t used = memtable_bytes(tree->super->memtable);

    return used + budget / 16 < half ? half - used : budget / 16;
}

static int flush_quota(struct tree *tree, uint64_t bytes, struct strata_error *err)
{
    uint64_t budget = quota(flush_debt(tree), bytes, flush_room(tree));
    int rc = tree->super->immutable ? tree_flush_step(tree, &budget, err) : 0;
    return rc < 0 ? rc : 0;
}

int pace_flush(struct tree *tree, struct strata_error *err)
{
    int rc = finish_flush(tree, err); /* I1 */

    if (rc == 0 && (memtable_count(tree->super->memtable) || tree->recovery_pending))
        rc = tree_switch_memtable(tree, err);
    return rc < 0 ? rc : finish_flush(tree, err);
}

/* ---- Compaction ------------------------------------------------------------------------------ */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The table that could not be read; NULL: it was something else. (An error has the end of a long
 * path.) */
static const struct sstable *blamed(const struct tree *tree, const struct strata_error *err)
{
    const struct version *v = tree->super->version;

    for (size_t i = 0; i < v->count; i++)
        if (strcmp(name_of(v->all[i]->path), name_of(err->file)) == 0)
            return v->all[i];
    return NULL;
}

static void warn(const struct tree *tree, const char *what, const struct strata_error *err)
{
    char text[600];
    strata_env_log(tree->env, STRATA_LOG_WARNING, "%s: %s", what,
                   strata_error_text(err, text, sizeof text));
}

/* Memory, disk, descriptors: the lack is nobody's fault, and may end. */
static bool is_shortage(int rc, int sys)
{
    return rc == STRATA_ERR_NO_MEMORY || sys == ENOSPC || sys == EDQUOT || sys == EMFILE ||
           sys == ENFILE || sys == ENOMEM;
}

static bool spare(struct tree *tree, const struct sstable *table)
{
    bool quarantined;

    pthread_mutex_lock(&tree->group.mutex); /* tree_report_stats reads it */
    quarantined = table && policy_quarantine_add(&tree->quarantined, table->number, NULL) == 0;
    pthread_mutex_unlock(&tree->group.mutex);
    return quarantined;
}

/* Nobody asked for it: that a table cannot be read, or that there is no room for a new one, has
 * nothing to do with what is written. The table is left alone from then on; and when it was the
 * room, compaction is tried again after the next flush. */
static int tolerate_error(struct tree *tree, int rc, struct strata_error *err)
{
    bool scarce = is_shortage(rc, err->sys);
    const struct sstable *table;

    if (rc >= 0 || tree->edit_uncertain)
        return rc;
    table = scarce ? NULL : blamed(tree, err);
    if (rc == STRATA_ERR_IO && !scarce && !table)
        return rc;
    if (spare(tree, table)) {
        warn(tree, "this table is left alone by compactions", err);
        return 0;
    }
    tree->compaction_paused = true;
    warn(tree, "nothing is compacted before the next flush", err);
    return STRATA_NOT_FOUND;
}

static int compact_step_unasked(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    struct strata_error why = {0};
    int rc = tree->compaction_paused
                 ? STRATA_NOT_FOUND
                 : tolerate_error(tree, tree_compact_step(tree, budget, &why), &why);

    if (rc < 0 && err)
        *err = why;
    return rc;
}

static uint64_t debt(const struct tree *tree)
{
    uint64_t all = policy_debt(tree->super->version, tree->env->options), done = 0;

    if (tree->compaction) {
        done = tree->compaction->bytes - compact_left(tree->compaction);
        all = all > tree->compaction->bytes ? all : tree->compaction->bytes;
    }
    return all > done ? all - done : tree->compaction != NULL; /* its end is still to be written */
}

static uint64_t slowdown_trigger(const struct tree *tree)
{
    return policy_slowdown_trigger(tree->super->version, tree->env->options);
}

/* Bytes that may be written until level 0 has as many tables as it should; at the end not less than
 * keeps the share bearable. */
static uint64_t room(const struct tree *tree)
{
    uint64_t memtable = tree->env->options->memtable_bytes;
    uint64_t budget = memtable < MOST ? memtable : MOST;
    uint64_t tables = tree->super->version->levels[0].count + (tree->super->immutable != NULL);
    uint64_t used = memtable_bytes(tree->super->memtable);
    uint64_t aim = slowdown_trigger(tree), all = tables < aim ? (aim - tables) * budget : 0;

    return all > used + budget / 8 ? all - used : budget / 8;
}

/* Until the first wait for the device. */
static int compact_quota(struct tree *tree, uint64_t bytes, struct strata_error *err)
{
    uint64_t work = debt(tree), budget;
    int rc = 0;

    if (!work || tree->compaction_paused || tree->nothing_due)
        return 0;
    budget = quota(work, bytes, room(tree));
    while (rc == 0 && budget)
        rc = compact_step_unasked(tree, &budget, err);
    return rc < 0 ? rc : 0;
}

int pace_compact(struct tree *tree, struct strata_error *err)
{
    uint64_t budget = UINT64_MAX;
    return compact_step_unasked(tree, &budget, err);
}

int pace_drain(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    tree->draining = true;
    tree->nothing_due = false;
    while (rc >= 0 && rc != STRATA_NOT_FOUND)
        rc = pace_compact(tree, err);
    tree->draining = false;
    return rc < 0 ? rc : 0;
}

static int wait_for_stop_trigger(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    while (rc >= 0 && rc != STRATA_NOT_FOUND &&
           tree->super->version->levels[0].count >= slowdown_trigger(tree) + L0_MORE)
        rc = pace_compact(tree, err);
    return rc < 0 ? rc : 0;
}

/* ---- Writes ---------------------------------------------------------------------------------- */

static bool is_full(const struct tree *tree)
{
    return memtable_bytes(tree->super->memtable) >= tree->env->options->memtable_bytes &&
           memtable_count(tree->super->memtable);
}

/* For the device, by whoever has this file system. */
static uint64_t waits_of(const struct tree *tree)
{
    const struct strata_fs *fs = tree->env->fs;
    return atomic_load_explicit(&fs->calls[FS_CALL_SYNC], memory_order_relaxed) +
           atomic_load_explicit(&fs->calls[FS_CALL_SYNC_DIR], memory_order_relaxed);
}

/* What open has left to the first write (tree_open.c I4, I5). */
static int begin_writing(struct tree *tree, struct strata_error *err)
{
    int rc = tree->names_unsynced ? tree_sync_names(tree, err) : 0;
    return rc == 0 && tree->recovery_pending ? pace_flush(tree, err) : rc;
}

static int begin_memtable(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    if (is_full(tree)) {
        rc = finish_flush(tree, err); /* I1 */
        if (rc == 0)
            rc = tree_switch_memtable(tree, err);
    }
    return rc == 0 && !tree->log_named ? tree_name_log(tree, err) : rc;
}

/* Few pieces of a log, as each may be a wait (trash.h). */
static void remove_obsolete_share(struct tree *tree)
{
    uint64_t bytes = tree->env->options->memtable_bytes / 8;

    bytes = bytes > OBSOLETE_LEAST ? bytes : OBSOLETE_LEAST;
    obsolete_remove(&tree->obsolete, tree->env->fs, bytes < OBSOLETE_MOST ? bytes : OBSOLETE_MOST);
}

/* I3: what is left out now is part of the next share, as the room for it is less then. */
static int work(struct tree *tree, uint64_t bytes, struct strata_error *err)
{
    int rc = begin_writing(tree, err);
    uint64_t waits = waits_of(tree); /* those of open do not count */

    if (rc == 0)
        rc = begin_memtable(tree, err);
    if (rc == 0 && waits_of(tree) == waits)
        rc = flush_quota(tree, bytes, err);
    if (rc == 0 && waits_of(tree) == waits)
        rc = compact_quota(tree, bytes, err);
    if (rc == 0)
        rc = wait_for_stop_trigger(tree, err); /* I2 */
    remove_obsolete_share(tree);
    return rc;
}

/* So many bytes written have a share of PIECE. */
static uint64_t pace_bytes_of(const struct tree *tree)
{
    uint64_t rate = 1 + flush_debt(tree) / (flush_room(tree) + 1);

    if (!tree->compaction_paused && !tree->nothing_due)
        rate += debt(tree) / (room(tree) + 1);
    return PIECE / rate < GRAIN ? PIECE / rate : GRAIN;
}

static bool is_due(const struct tree *tree)
{
    uint64_t sixteenth = tree->env->options->memtable_bytes / 16;
    return tree->unpaced_bytes >= tree->pace_bytes || tree->unpaced_bytes >= sixteenth ||
           !tree->log_named || tree->recovery_pending || tree->names_unsynced || is_full(tree);
}

static void note_stall(struct tree_stats *stats, uint64_t took)
{
    uint64_t least = 1000000;

    stats->stalls++;
    stats->stall_ns += took;
    if (took > stats->longest_ns)
        stats->longest_ns = took;
    for (size_t i = 0; i < TREE_STALLS && took >= least; i++, least *= 10)
        stats->stalled[i]++;
}

int pace_write(struct tree *tree, uint64_t bytes, struct strata_error *err)
{
    uint64_t began, took;
    int rc;

    tree->unpaced_bytes += bytes;
    if (!is_due(tree))
        return 0;
    bytes = tree->unpaced_bytes;
    pthread_mutex_unlock(&tree->group.mutex);
    began = fs_now(tree->env->fs);
    rc = work(tree, bytes, err);
    tree->pace_bytes = pace_bytes_of(tree);
    took = fs_now(tree->env->fs) - began;
    tree_notify_stall(tree, took);
    pthread_mutex_lock(&tree->group.mutex);
    if (rc == 0)
        tree->unpaced_bytes = 0;
    note_stall(&tree->stats, took);
    return tree_note_failure(tree, rc, err);
}
