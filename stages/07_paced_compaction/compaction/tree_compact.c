/* tree_compact.c: compactions of a tree: what is due is picked, written in steps, and installed. */
#include "07_paced_compaction/tree/change.h"

#include <assert.h>

/* One edit: the inputs go, and what came of them is on the output level. `made`: NULL: they are
 * moved there themselves. */
static int install(struct tree *tree, const struct pick *pick, const struct compaction *made,
                   struct strata_error *err)
{
    struct change c = {.new_files = made && made->output_count > 0};
    int rc;

    sync_lock(&tree->installing);
    rc = pick_remove_inputs(pick, &c.edit, err);
    for (size_t i = 0; made && rc == 0 && i < made->output_count; i++)
        rc = version_add(&c.edit, pick->output, made->outputs[i], err);
    for (unsigned level = 0; !made && level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < pick->inputs[level].count; i++)
            rc = version_add(&c.edit, pick->output, pick->inputs[level].tables[i], err);
    rc = change_install(tree, &c, rc, err);
    sync_unlock(&tree->installing);
    return rc < 0 ? rc : COMPACT_DONE;
}

static int install_move(struct tree *tree, const struct pick *pick, struct strata_error *err)
{
    int rc = install(tree, pick, NULL, err);

    assert(rc < 0 || tree_is_whole(tree));
    if (rc == COMPACT_DONE)
        tree_notify_moves(tree, pick);
    return rc;
}

static int install_compaction(struct tree *tree, struct strata_error *err)
{
    int rc = install(tree, &tree->compaction->of.pick, &tree->compaction->of, err);

    if (rc == COMPACT_DONE)
        tree_notify_ended(tree, tree->compaction);
    return rc;
}

/* Takes the pick, of this version. `paced`: as in compact_new. */
static int begin_compaction(struct tree *tree, struct version *version, struct pick *pick,
                            bool paced, struct strata_error *err)
{
    int rc;

    assert(!tree->compaction);
    rc = compact_new(&tree->work, version, pick, NULL, paced, &tree->compaction, err);
    if (rc == 0)
        tree_notify_begun(tree, tree->compaction);
    return rc;
}

static int continue_compaction(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    int rc = compact_step(tree->compaction, budget, err);

    if (rc == COMPACT_DONE)
        rc = install_compaction(tree, err);
    return tree_end_work(tree, &tree->compaction, rc, err);
}

static struct policy_input policy_of(const struct tree *tree, const struct version *version)
{
    return policy_input(version, tree->env->options, &tree->quarantined, tree->draining);
}

/* `nothing_due` is set before it is known: who clears it meanwhile is not overwritten. */
static int pick_next(struct tree *tree, struct version *version, struct pick *pick,
                     struct strata_error *err)
{
    struct policy_input of = policy_of(tree, version);
    int rc;

    tree->nothing_due = true;
    rc = policy_pick(&of, pick, err);
    tree->stale = rc == STRATA_NOT_FOUND && tree->parts->pick_stale;
    if (tree->stale)
        rc = tree->parts->pick_stale(tree, version, pick, err);
    if (rc != STRATA_NOT_FOUND)
        tree->nothing_due = false;
    return rc;
}

static int begin_next(struct tree *tree, struct version *version, struct strata_error *err)
{
    struct pick pick;
    int rc = pick_next(tree, version, &pick, err);

    if (rc == 0)
        rc = pick.move ? install_move(tree, &pick, err)
                       : begin_compaction(tree, version, &pick, !tree->draining, err);
    pick_free(&pick);
    return rc;
}

/* The version is pinned, as others may be installed meanwhile. */
int tree_compact_step(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    struct super *super;
    int rc;

    if (tree->compaction)
        return continue_compaction(tree, budget, err);
    if (tree->nothing_due)
        return STRATA_NOT_FOUND;
    super = tree_pin(tree);
    rc = begin_next(tree, super->version, err);
    super_unref(super);
    return rc == 0 ? continue_compaction(tree, budget, err) : rc;
}

/* ---- Asked for ------------------------------------------------------------------------------- */

/* Of so many bytes of inputs. */
static uint64_t left_of(const struct compact *c, uint64_t bytes)
{
    return (uint64_t)((double)compact_left(c) / (double)(c->bytes + 1) * (double)bytes);
}

/* What was picked with this outcome, to its end. `done`: bytes of what came before it; `total`: of
 * all; 0: it is not known. */
static int carry_out(struct tree *tree, int rc, struct pick *pick, uint64_t *done, uint64_t total,
                     const struct strata_progress *progress, struct strata_error *err)
{
    uint64_t bytes = pick->bytes;

    if (rc == 0)
        rc = begin_compaction(tree, tree->super->version, pick, false, err);
    pick_free(pick);
    if (rc == STRATA_NOT_FOUND)
        return 0;
    while (rc == 0) {
        uint64_t budget = 1 << 20;
        rc = continue_compaction(tree, &budget, err);
        if (progress && tree->compaction)
            progress->tick(progress->arg, *done + bytes - left_of(tree->compaction, bytes), total);
    }
    *done += bytes;
    return rc < 0 ? rc : 0;
}

static int compact_all(struct tree *tree, const struct strata_progress *progress,
                       struct strata_error *err)
{
    struct policy_input of = policy_of(tree, tree->super->version);
    struct pick pick;
    uint64_t done = 0;
    int rc = policy_pick_all(&of, &pick, err);

    if (rc == 0 && pick.move) {
        pick.inputs[pick.output].count = 0; /* those are there */
        rc = install_move(tree, &pick, err);
        pick_free(&pick);
        return rc < 0 ? rc : 0;
    }
    return carry_out(tree, rc, &pick, &done, pick.bytes, progress, err);
}

/* A table that cannot be read, or a full disk, has nothing to do with what is written next. */
static int note_failure(struct tree *tree, int rc, const struct strata_error *err)
{
    if (compaction_error_is_tolerable(&tree->versions, rc, err))
        return rc;
    return write_path_spoil(&tree->path, rc, err);
}

/* Then what could not be compacted before is tried again. */
int tree_compact_all(struct tree *tree, const struct strata_progress *progress,
                     struct strata_error *err)
{
    int rc;

    tree_abandon(tree);
    rc = compact_all(tree, progress, err);
    if (rc < 0)
        return note_failure(tree, rc, err);
    sync_lock(&tree->path.group.mutex); /* tree_report_stats reads it */
    policy_quarantine_clear(&tree->quarantined);
    sync_unlock(&tree->path.group.mutex);
    tree->compaction_paused = false;
    return 0;
}

int tree_compact_range(struct tree *tree, struct strata_slice from, struct strata_slice to,
                       const struct strata_progress *progress, struct strata_error *err)
{
    unsigned deepest = policy_deepest_level(tree->super->version, from, to);
    uint64_t done = 0;
    int rc = 0;

    tree_abandon(tree);
    for (unsigned level = 0; rc == 0 && level < deepest; level++) {
        struct policy_input of = policy_of(tree, tree->super->version);
        struct pick pick;
        rc = policy_pick_range(&of, level, from, to, &pick, err);
        rc = carry_out(tree, rc, &pick, &done, 0, progress, err);
    }
    return rc < 0 ? note_failure(tree, rc, err) : rc;
}
