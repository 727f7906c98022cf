/* lsm_tree.c: flush and compaction: new files are written, then an edit names them in place of
 * others, then those are removed.
 *
 *   flush     table 10 <- memtable      synced, named
 *             log 11 <- first frame     synced, named
 *             the directory             synced
 *             edit: + 10, log 11        appended to the manifest and synced: the commit
 *             log 5                     removed
 *
 *   compact   tables 12 13 <- 3 4 10    synced, named; the directory synced
 *             edit: - 3 4 10 + 12 13    the commit
 *             tables 3 4 10             removed, each when nobody reads it any more
 *
 * 6.I19: a crash before the commit leaves files that no edit names, and one after it leaves files
 *     that are not named any more: the next open removes both.
 * 6.I22: a log is removed after the edit that adds the table of its memtable. */
#include "lsm_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- Readers --------------------------------------------------------------------------------- */

void lsm_tree_pin(struct lsm_tree *tree, struct lsm_tree_pinned *out)
{
    sync_lock(&tree->path.group.mutex);
    *out = (struct lsm_tree_pinned){tree->path.memtable, tree->versions.current,
                                    tree->path.sequence - 1};
    memtable_ref(out->memtable);
    version_ref(out->version);
    sync_unlock(&tree->path.group.mutex);
}

void lsm_tree_unpin(struct lsm_tree_pinned *pinned)
{
    memtable_unref(pinned->memtable);
    version_unref(pinned->version);
}

/* ---- Installing an edit ---------------------------------------------------------------------- */

/* What is to be. All zero is one that changes nothing. */
struct change {
    struct edit edit;
    bool new_files;            /* their names are made durable first */
    struct memtable *memtable; /* a new one, with its log, or NULL; the tree takes both */
    struct log *log;
    struct version *version; /* that they make: made by install */
};

/* What the edit removed and did not add again, as a move does. */
static void remove_tables(const struct version *old, const struct version *new,
                          const struct edit *edit)
{
    for (size_t i = 0; i < edit->removed_count; i++) {
        struct sstable *table = version_table(old, edit->removed[i].number);
        assert(table);
        if (!version_table(new, table->number))
            sstable_remove(table);
    }
}

/* From now on readers see the new version, and writers have the new memtable and log. (A new tree
 * had none before.) */
static void swap(struct lsm_tree *tree, struct change *c)
{
    struct version *old = tree->versions.current;
    struct memtable *full = c->memtable ? tree->path.memtable : NULL;
    struct log log = tree->path.log;

    assert(tree->versions.next >= c->version->next); /* 6.I23 */
    sync_lock(&tree->path.group.mutex);
    tree->versions.current = c->version;
    if (c->memtable) {
        tree->path.memtable = c->memtable;
        tree->path.log = *c->log;
        tree->paused = false;
        tree->figures.log_bytes += log.end;
    }
    if (old)
        tree->figures.looked_in += atomic_load_explicit(&old->looked_in, memory_order_relaxed);
    sync_unlock(&tree->path.group.mutex);
    assert(lsm_tree_entry(tree)->number == tree->path.log.number); /* 6.I26 */
    if (c->memtable)
        log_close(&log, true, NULL); /* 6.I22 */
    remove_tables(old, c->version, &c->edit);
    memtable_unref(full);
    c->version = old;
}

/* Makes the change, if `rc`, of what made its edit, is 0. It is freed in any case. */
static int install(struct lsm_tree *tree, struct change *c, int rc, struct strata_error *err)
{
    struct version_set *set = &tree->versions;

    assert(!tree->path.group.failed && !tree->env->options->read_only);
    if (rc == 0)
        rc = version_set_prepare(set, &c->edit, &c->version, err);
    if (rc == 0 && c->new_files)
        rc = fs_sync_dir(tree->env->fs, tree->env->dir, err);
    if (rc == 0)
        rc = version_set_write(set, &c->edit, c->version, err);
    if (rc == 0)
        swap(tree, c);
    else if (set->uncertain) /* 6.I21 */
        tree->path.group.failed = err->sys ? err->sys : EIO;
    edit_free(&c->edit);
    version_unref(c->version);
    return rc;
}

/* The log as it was made: of what it holds no more is known for sure. */
static int begin_log(struct lsm_tree *tree, struct change *c, struct strata_error *err)
{
    uint64_t first = tree->path.sequence;
    int rc = log_create(c->log, tree->env, NULL, tree->versions.next++, first, true, err);

    c->edit.has_logs = true;
    c->edit.log_count = 1;
    c->edit.logs[0] = (struct live_log){c->log->number, first, c->log->end, first};
    return rc;
}

/* `table`: of the memtable; NULL: there was nothing in it. */
static int install_flush(struct lsm_tree *tree, struct sstable *table, struct strata_error *err)
{
    struct log log;
    struct change c = {.log = &log, .new_files = true};
    int rc =
        memtable_new(&memtable_skip, NULL, tree->env->options->memtable_bytes, &c.memtable, err);

    if (rc < 0)
        return rc;
    rc = begin_log(tree, &c, err);
    if (rc == 0 && table)
        rc = version_add(&c.edit, 0, table, err);
    rc = install(tree, &c, rc, err);
    if (rc < 0) {
        log_close(&log, !tree->versions.uncertain, NULL); /* 6.I21 */
        memtable_unref(c.memtable);
    }
    return rc;
}

/* In the place of the inputs. */
static int install_tables(struct lsm_tree *tree, const struct pick *pick, struct sstable **added,
                          size_t count, struct strata_error *err)
{
    struct change c = {.new_files = count && !pick->move};
    int rc = pick_remove_inputs(pick, &c.edit, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = version_add(&c.edit, pick->output, added[i], err);
    return install(tree, &c, rc, err);
}

/* ---- Flush and compaction -------------------------------------------------------------------- */

/* Work that is done, or that failed after so many bytes of tables. The pick of a flush is empty. */
static void count_work(struct lsm_tree *tree, const struct pick *pick, uint64_t written, bool done)
{
    struct version_figures *f = &tree->figures;

    sync_lock(&tree->path.group.mutex);
    f->table_bytes += written;
    if (done && pick->move) {
        f->levels[pick->output].moves++;
    } else if (done && pick->bytes) {
        f->levels[pick->output].compactions++;
        f->levels[pick->output].read_bytes += pick->bytes;
        f->levels[pick->output].written_bytes += written;
    } else if (done) {
        f->flushes += written > 0;
        f->flushed_bytes += written;
    }
    sync_unlock(&tree->path.group.mutex);
}

/* Of a pick, whose tables are merged; or of the memtable: a flush. */
static int run_compaction(struct lsm_tree *tree, struct pick *pick, struct memtable *memtable,
                          struct strata_error *err)
{
    struct compaction c;
    int rc = compaction_init(&c, &tree->work, tree->versions.current, pick, memtable, err);

    while (rc == 0)
        rc = compaction_run(&c, UINT64_MAX, err);
    if (rc > 0)
        rc = memtable ? install_flush(tree, c.output_count ? c.outputs[0] : NULL, err)
                      : install_tables(tree, &c.pick, c.outputs, c.output_count, err);
    count_work(tree, &c.pick, c.written, rc == 0);
    compaction_free(&c, rc == 0 || tree->versions.uncertain);
    return rc;
}

static int move_table(struct lsm_tree *tree, const struct pick *pick, struct strata_error *err)
{
    int rc;

    assert(pick->inputs[pick->level].count == 1 &&
           pick->inputs[pick->output].count == 0); /* 6.I14 */
    rc = install_tables(tree, pick, pick->inputs[pick->level].tables, 1, err);
    count_work(tree, pick, 0, rc == 0);
    return rc;
}

int lsm_tree_flush(struct lsm_tree *tree, struct strata_error *err)
{
    struct memtable *memtable = tree->path.memtable;
    bool any = memtable && memtable_count(memtable) > 0;

    return any ? run_compaction(tree, NULL, memtable, err) : install_flush(tree, NULL, err);
}

int lsm_tree_compact(struct lsm_tree *tree, bool all, struct strata_error *err)
{
    struct pick pick = {0};
    int rc = (all ? pick_everything : pick_compaction)(tree->versions.current, tree->env->options,
                                                       &pick, err);

    if (rc == 0)
        rc = pick.move ? move_table(tree, &pick, err) : run_compaction(tree, &pick, NULL, err);
    pick_free(&pick);
    return rc;
}
