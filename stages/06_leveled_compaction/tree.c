/* tree.c: what changes the files of a database: new ones are written, then an edit names them in
 * place of others, then those are removed.
 *
 *   seal      log 9 <- first frame      synced, named; log 5 synced
 *             edit: logs 5 9            <- the commit; from now on log 9 is written to
 *   flush     table 10 <- memtable      synced, named; the directory synced
 *             edit: + 10, log 9         <- the commit
 *             log 5                     removed
 *   compact   tables 12 13 <- 3 4 10    synced, named; the directory synced
 *             edit: - 3 4 10 + 12 13    <- the commit
 *             tables 3 4 10             removed, each when nobody reads it any more
 *
 * I1: what a crash cuts off before the commit leaves files that no edit names: the next open
 * removes them. What it cuts off after it leaves files that are named no more: likewise. I2: a log
 * is written to only when an edit names it; and it is sealed only when all of it is on the device:
 * so what the next one holds never comes without it. I3: an edit is checked against the state
 * before it is written: what cannot be read again is not written. I4: when an edit could not be
 * written it is not known which state is on the device: the files of both are left as they are. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* ---- Failure --------------------------------------------------------------------------------- */

int tree_spoil(struct tree *tree, int rc, const struct strata_error *err)
{
    if (rc < 0 && ((rc != STRATA_ERR_NO_MEMORY && rc != STRATA_ERR_CORRUPT) || tree->unknown))
        tree->failed = err->sys ? err->sys : -1;
    return rc;
}

int tree_usable(const struct tree *tree, struct strata_error *err)
{
    if (!tree->failed)
        return 0;
    if (tree->failed > 0)
        strata_fail_sys(err, tree->failed, tree->env->dir, STRATA_NO_OFFSET, "earlier");
    else
        strata_fail(err, STRATA_ERR_IO, tree->env->dir, STRATA_NO_OFFSET, "earlier failure");
    strata_error_prefix(err, "refused since a write or sync failed; open it again; ");
    return STRATA_ERR_IO;
}

/* ---- An edit --------------------------------------------------------------------------------- */

/* What is to be. */
struct change {
    struct edit edit;
    struct memtable *sealed; /* from now on; borrowed */
    struct sstable **tables; /* new ones, that the edit adds; borrowed */
    size_t count;
    struct state state;
    struct version *version;
    struct super *super;
};

static void change_free(struct change *c)
{
    edit_free(&c->edit);
    state_free(&c->state);
    version_unref(c->version);
    super_unref(c->super);
}

static int prepare(struct tree *tree, struct change *c, struct strata_error *err)
{
    int rc = state_copy(&tree->state, &c->state, err);

    c->edit.next = tree->next;
    if (rc == 0)
        rc = state_apply(&c->state, &c->edit, err); /* I3 */
    if (rc == 0)
        rc = version_new(&c->state, tree->super->version, c->tables, c->count, &c->version, err);
    if (rc < 0)
        return rc;
    c->super = super_new(tree->super->memtable, c->sealed, c->version);
    return c->super ? 0 : strata_fail_memory(err, sizeof *c->super);
}

static int write_manifest(struct tree *tree, struct state *state, struct strata_error *err)
{
    struct manifest manifest;
    struct edit whole;
    int rc;

    state->next = tree->next + 1;
    rc = state_tell(state, &whole, err);
    if (rc == 0) {
        rc = manifest_create(&manifest, tree->env, tree->next++, &whole, err);
        tree->unknown = rc < 0 && manifest.known;
        if (rc < 0)
            manifest_close(&manifest);
    }
    edit_free(&whole);
    if (rc < 0)
        return rc;
    if (tree->manifest.path) /* else the next open does it */
        fs_remove(tree->env->fs, tree->manifest.path, NULL);
    manifest_close(&tree->manifest);
    tree->manifest = manifest;
    return 0;
}

int tree_roll_over(struct tree *tree, struct strata_error *err)
{
    return write_manifest(tree, &tree->state, err);
}

static int commit(struct tree *tree, struct change *c, struct strata_error *err)
{
    int rc;

    if (manifest_is_long(&tree->manifest))
        return write_manifest(tree, &c->state, err);
    rc = manifest_append(&tree->manifest, &c->edit, err);
    tree->unknown = rc < 0 && rc != STRATA_ERR_NO_MEMORY;
    return rc;
}

static bool is_added(const struct edit *edit, uint64_t number)
{
    for (size_t i = 0; i < edit->added_count; i++)
        if (edit->added[i].number == number)
            return true;
    return false;
}

/* What was only moved stays. */
static void remove_tables(const struct version *old, const struct edit *edit)
{
    for (size_t i = 0; i < edit->removed_count; i++) {
        const struct edit_removed *r = &edit->removed[i];
        const struct version_level *l = &old->levels[r->level];
        for (size_t j = 0; j < l->count && !is_added(edit, r->number); j++)
            if (l->tables[j]->number == r->number)
                sstable_remove(l->tables[j]);
    }
}

/* From now on the tree is as the edit says. */
static void swap(struct tree *tree, struct change *c)
{
    struct super *super = tree->super;
    struct state state = tree->state;

    pthread_mutex_lock(&tree->group.mutex);
    tree->super = c->super;
    tree->state = c->state;
    pthread_mutex_unlock(&tree->group.mutex);
    remove_tables(super->version, &c->edit);
    c->super = super;
    c->state = state;
}

/* Makes the change, which is freed in any case. */
static int install(struct tree *tree, struct change *c, struct strata_error *err)
{
    int rc = prepare(tree, c, err);

    if (rc == 0 && (c->count || c->edit.has_logs))
        rc = fs_sync_dir(tree->env->fs, tree->env->dir, err);
    if (rc == 0)
        rc = commit(tree, c, err);
    if (rc == 0)
        swap(tree, c);
    change_free(c);
    return rc;
}

static int add_output(struct change *c, unsigned level, const struct sstable *table,
                      struct strata_error *err)
{
    struct edit_table added = {.level = level,
                               .number = table->number,
                               .bytes = table->bytes,
                               .digest = table->sum.digest,
                               .records = table->sum.records,
                               .tombstones = table->sum.tombstones,
                               .first = table->sum.first,
                               .last = table->sum.last,
                               .smallest = strata_buffer_slice(&table->smallest),
                               .largest = strata_buffer_slice(&table->largest)};
    return edit_add(&c->edit, &added, err);
}

/* ---- Memtables and logs ---------------------------------------------------------------------- */

static int make_log(struct tree *tree, struct tree_log *log, struct strata_error *err)
{
    int rc = log_create(&log->log, tree->env, tree->next++, tree->sequence, err);

    log->first = tree->sequence;
    log->made = log->log.end;
    if (rc < 0)
        log_close(&log->log, true, NULL);
    return rc;
}

int tree_seal(struct tree *tree, struct strata_error *err)
{
    struct super *old = tree->super, *super = NULL;
    struct memtable *memtable;
    struct tree_log log;
    int rc = memtable_new(tree->env->options->memtable_bytes, &memtable, err);

    if (rc < 0)
        return rc;
    super = super_new(memtable, old->memtable, old->version);
    memtable_unref(memtable); /* super has it */
    rc = super ? make_log(tree, &log, err) : strata_fail_memory(err, sizeof *super);
    if (rc < 0) {
        super_unref(super);
        return rc;
    }
    pthread_mutex_lock(&tree->group.mutex);
    tree->super = super;
    tree->sealed = tree->live;
    tree->live = log;
    tree->named = false;
    pthread_mutex_unlock(&tree->group.mutex);
    super_unref(old);
    return 0;
}

/* The log as it was made: of what it holds no more is known for sure. */
static void tell_live(const struct tree *tree, struct edit *edit)
{
    const struct tree_log *l = &tree->live;

    edit->has_logs = true;
    edit->logs[edit->log_count++] = (struct edit_log){l->log.number, l->first, l->made, l->first};
}

int tree_name_log(struct tree *tree, struct strata_error *err)
{
    const struct tree_log *sealed = &tree->sealed;
    struct change c = {.sealed = tree->super->sealed};
    int rc = c.sealed ? log_sync(&tree->sealed.log, NULL, err) : 0; /* I2 */

    if (rc < 0)
        return rc;
    if (c.sealed)
        c.edit.logs[c.edit.log_count++] =
            (struct edit_log){sealed->log.number, sealed->first, sealed->log.end, tree->live.first};
    tell_live(tree, &c.edit);
    rc = install(tree, &c, err);
    tree->named = rc == 0;
    return rc;
}

/* ---- Flush ----------------------------------------------------------------------------------- */

static int install_flush(struct tree *tree, struct strata_error *err)
{
    struct compact *flush = tree->flush;
    struct change c = {.tables = flush->outputs, .count = flush->output_count};
    int rc = flush->output_count ? add_output(&c, 0, flush->outputs[0], err) : 0;

    tell_live(tree, &c.edit);
    if (rc < 0)
        change_free(&c);
    else
        rc = install(tree, &c, err);
    if (rc < 0)
        return rc;
    tree->named = true;
    log_close(&tree->sealed.log, true, NULL); /* the table holds all of it */
    log_close(&tree->older.log, true, NULL);
    pthread_mutex_lock(&tree->group.mutex);
    tree->figures.flushes++;
    tree->figures.flushed_bytes += flush->written;
    pthread_mutex_unlock(&tree->group.mutex);
    return COMPACT_DONE;
}

static int end_work(const struct tree *tree, struct compact **work, int rc)
{
    if (rc != 0) {
        compact_del(*work, rc > 0 || tree->unknown); /* I4 */
        *work = NULL;
    }
    return rc;
}

int tree_flush_step(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    int rc = tree->flush
                 ? 0
                 : compact_new_flush(tree->env, tree->kind, tree->common, &tree->next,
                                     tree->super->version, tree->super->sealed, &tree->flush, err);

    if (rc < 0)
        return rc;
    rc = compact_step(tree->flush, budget, err);
    if (rc == COMPACT_DONE)
        rc = install_flush(tree, err);
    return end_work(tree, &tree->flush, rc);
}

/* ---- Compaction ------------------------------------------------------------------------------ */

/* Inputs go; where the level's next one begins is behind them. */
static int tell_inputs(struct change *c, const struct pick *pick, struct strata_error *err)
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

static int install_tables(struct tree *tree, const struct pick *pick, struct sstable **outputs,
                          size_t count, struct strata_error *err)
{
    struct change c = {.sealed = tree->super->sealed, .tables = outputs, .count = count};
    int rc = tell_inputs(&c, pick, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_output(&c, pick->output, outputs[i], err);
    if (rc == 0)
        return install(tree, &c, err);
    change_free(&c);
    return rc;
}

/* The same table, a level deeper: only an edit. */
static int install_move(struct tree *tree, const struct pick *pick, struct strata_error *err)
{
    struct change c = {.sealed = tree->super->sealed};
    int rc = tell_inputs(&c, pick, err);

    if (rc == 0)
        rc = add_output(&c, pick->output, pick->tables[pick->level][0], err);
    if (rc < 0) {
        change_free(&c);
        return rc;
    }
    rc = install(tree, &c, err);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&tree->group.mutex);
    tree->figures.levels[pick->output].moves++;
    pthread_mutex_unlock(&tree->group.mutex);
    return COMPACT_DONE;
}

static int install_compaction(struct tree *tree, struct strata_error *err)
{
    struct compact *c = tree->compaction;
    unsigned level = c->pick.output;
    int rc = install_tables(tree, &c->pick, c->outputs, c->output_count, err);

    if (rc < 0)
        return rc;
    pthread_mutex_lock(&tree->group.mutex);
    tree->figures.levels[level].compactions++;
    tree->figures.levels[level].read_bytes += c->bytes;
    tree->figures.levels[level].written_bytes += c->written;
    pthread_mutex_unlock(&tree->group.mutex);
    return COMPACT_DONE;
}

/* Takes the pick. */
static int begin(struct tree *tree, struct pick *pick, struct strata_error *err)
{
    return compact_new(tree->env, tree->kind, tree->common, &tree->next, tree->super->version, pick,
                       &tree->compaction, err);
}

static int go_on(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    int rc = compact_step(tree->compaction, budget, err);

    if (rc == COMPACT_DONE)
        rc = install_compaction(tree, err);
    return end_work(tree, &tree->compaction, rc);
}

int tree_compact_step(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    struct pick pick;
    int rc;

    if (tree->compaction)
        return go_on(tree, budget, err);
    rc = pick_due(tree->super->version, tree->state.cursors, tree->env->options, &pick, err);
    if (rc == 0)
        rc = pick.move ? install_move(tree, &pick, err) : begin(tree, &pick, err);
    pick_free(&pick);
    return rc == 0 ? go_on(tree, budget, err) : rc;
}

int tree_compact_all(struct tree *tree, const struct strata_progress *progress,
                     struct strata_error *err)
{
    struct pick pick;
    int rc = pick_all(tree->super->version, tree->env->options, &pick, err);

    tree_abandon(tree);
    if (rc == 0)
        rc = begin(tree, &pick, err);
    pick_free(&pick);
    while (rc == 0) {
        uint64_t budget = 1 << 20;
        rc = go_on(tree, &budget, err);
        if (progress && tree->compaction)
            progress->tick(progress->arg, tree->compaction->bytes - compact_left(tree->compaction),
                           tree->compaction->bytes);
    }
    return rc < 0 ? rc : 0;
}

void tree_abandon(struct tree *tree)
{
    compact_del(tree->flush, false);
    compact_del(tree->compaction, false);
    tree->flush = tree->compaction = NULL;
}
