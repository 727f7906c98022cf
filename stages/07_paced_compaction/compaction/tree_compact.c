/* tree_compact.c: compactions of a tree: what is due is picked, written in steps, and installed. */
#include "07_paced_compaction/tree/change.h"
#include "07_paced_compaction/tree/tree_check.h"

#include <assert.h>

/* Inputs go; where the level's next one begins is behind them. */
static int add_inputs(struct change *c, const struct pick *pick, struct strata_error *err)
{
    int rc = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < pick->count[level]; i++)
            rc = edit_remove(&c->edit, level, pick->tables[level][i]->number, err);
    if (rc == 0 && pick->level) {
        const struct sstable *last = pick->tables[pick->level][pick->count[pick->level] - 1];
        rc = edit_cursor(&c->edit, pick->level, strata_buffer_slice(&last->largest), err);
    }
    return rc;
}

static int install_tables(struct tree *tree, const struct pick *pick,
                          struct sstable *const *outputs, size_t count, struct strata_error *err)
{
    struct change c = {.immutable = tree->super->immutable, .tables = outputs, .count = count};
    int rc = add_inputs(&c, pick, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = change_add(&c, pick->output, outputs[i], err);
    if (rc == 0)
        return change_install(tree, &c, err);
    change_free(&c);
    return rc;
}

/* The same tables, deeper: only an edit. */
static int install_move(struct tree *tree, const struct pick *pick, struct strata_error *err)
{
    struct change c = {.immutable = tree->super->immutable};
    int rc = add_inputs(&c, pick, err);

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < pick->count[level]; i++)
            rc = change_add(&c, pick->output, pick->tables[level][i], err);
    if (rc < 0) {
        change_free(&c);
        return rc;
    }
    rc = change_install(tree, &c, err);
    if (rc < 0)
        return rc;
    assert(tree_check(tree, NULL) == 0);
    tree_notify_moves(tree, pick);
    return COMPACT_DONE;
}

static int install_compaction(struct tree *tree, struct strata_error *err)
{
    const struct compaction *c = &tree->compaction->of;
    int rc = install_tables(tree, &c->pick, c->outputs, c->output_count, err);

    if (rc < 0)
        return rc;
    tree_notify_ended(tree, tree->compaction);
    return COMPACT_DONE;
}

/* Takes the pick. `paced`: as in compact_new. */
static int begin_compaction(struct tree *tree, struct pick *pick, bool paced,
                            struct strata_error *err)
{
    int rc;

    assert(!tree->compaction);
    rc = compact_new(&tree->work, tree->super->version, pick, NULL, paced, &tree->compaction, err);
    if (rc == 0)
        tree_notify_begun(tree, tree->compaction);
    return rc;
}

static int continue_compaction(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    int rc = compact_step(tree->compaction, budget, err);

    if (rc == COMPACT_DONE)
        rc = install_compaction(tree, err);
    return tree_end_work(tree, &tree->compaction, rc);
}

int tree_compact_step(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    struct policy_input of = {.version = tree->super->version,
                              .options = tree->env->options,
                              .cursors = tree->versions.current->cursors,
                              .quarantined = &tree->quarantined,
                              .drain = tree->draining};
    struct pick pick;
    int rc;

    if (tree->compaction)
        return continue_compaction(tree, budget, err);
    if (tree->nothing_due)
        return STRATA_NOT_FOUND;
    rc = policy_pick(&of, &pick, err);
    tree->nothing_due = rc == STRATA_NOT_FOUND;
    if (rc == 0)
        rc = pick.move ? install_move(tree, &pick, err)
                       : begin_compaction(tree, &pick, !tree->draining, err);
    pick_free(&pick);
    return rc == 0 ? continue_compaction(tree, budget, err) : rc;
}

/* ---- Asked for ------------------------------------------------------------------------------- */

/* What was picked with this outcome, to its end. `done`: bytes of what came before it; `total`: of
 * all; 0: it is not known. */
static int carry_out(struct tree *tree, int rc, struct pick *pick, uint64_t *done, uint64_t total,
                     const struct strata_progress *progress, struct strata_error *err)
{
    uint64_t bytes = pick->bytes;

    if (rc == 0)
        rc = begin_compaction(tree, pick, false, err);
    pick_free(pick);
    if (rc == STRATA_NOT_FOUND)
        return 0;
    while (rc == 0) {
        uint64_t budget = 1 << 20;
        rc = continue_compaction(tree, &budget, err);
        if (progress && tree->compaction)
            progress->tick(progress->arg, *done + bytes - compact_left(tree->compaction), total);
    }
    *done += bytes;
    return rc < 0 ? rc : 0;
}

static int compact_all(struct tree *tree, const struct strata_progress *progress,
                       struct strata_error *err)
{
    struct pick pick;
    uint64_t done = 0;
    int rc = policy_pick_all(tree->super->version, tree->env->options, &pick, err);

    if (rc == 0 && pick.move) {
        pick.count[pick.output] = 0; /* those are there */
        rc = install_move(tree, &pick, err);
        pick_free(&pick);
        return rc < 0 ? rc : 0;
    }
    return carry_out(tree, rc, &pick, &done, pick.bytes, progress, err);
}

/* A table that cannot be read, or a full disk, has nothing to do with what is written next. */
static int note_failure(struct tree *tree, int rc, const struct strata_error *err)
{
    if (!tree->versions.uncertain && compaction_error_is_tolerable(tree->versions.current, rc, err))
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
    pthread_mutex_lock(&tree->path.group.mutex); /* tree_report_stats reads it */
    policy_quarantine_clear(&tree->quarantined);
    pthread_mutex_unlock(&tree->path.group.mutex);
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
        struct pick pick;
        rc = policy_pick_range(tree->super->version, tree->env->options, level, from, to, &pick,
                               err);
        rc = carry_out(tree, rc, &pick, &done, 0, progress, err);
    }
    return rc < 0 ? note_failure(tree, rc, err) : rc;
}
