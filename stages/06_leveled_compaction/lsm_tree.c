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
 * 6.I7: a crash before the commit leaves files that no edit names, and one after it leaves files
 *     that are not named any more: the next open removes both.
 * 6.I8: an edit is checked against the state before it is written: what could not be read again is
 *     not written.
 * 6.I9: when an edit could not be written it is not known which state is durable: the files of both
 *     stay.
 * 6.I10: a log is removed after the edit that adds the table of its memtable.
 * 6.I11: a file number is used once. */
#include "lsm_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- Failure --------------------------------------------------------------------------------- */

int lsm_tree_spoil(struct lsm_tree *tree, int rc, const struct strata_error *err)
{
    if (rc < 0 && ((rc != STRATA_ERR_NO_MEMORY && rc != STRATA_ERR_CORRUPT) || tree->unknown))
        tree->failed = err->sys ? err->sys : -1;
    return rc;
}

int lsm_tree_usable(const struct lsm_tree *tree, struct strata_error *err)
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

/* ---- Readers --------------------------------------------------------------------------------- */

void lsm_tree_pin(struct lsm_tree *tree, struct memtable **memtable, struct version **version,
                  uint64_t *sequence)
{
    pthread_mutex_lock(&tree->group.mutex);
    *memtable = tree->memtable;
    *version = tree->version;
    *sequence = tree->sequence - 1;
    memtable_ref(*memtable);
    version_ref(*version);
    pthread_mutex_unlock(&tree->group.mutex);
}

/* ---- Installing an edit ---------------------------------------------------------------------- */

/* What is to be. All zero is one that changes nothing. */
struct change {
    struct edit edit;
    struct sstable *const *tables; /* new ones, that the edit adds; borrowed */
    size_t count;
    struct memtable *memtable; /* a new one, with its log, or NULL; the tree takes both */
    struct log *log;
    struct version *version; /* that they make: made by install */
};

static void change_free(struct change *c)
{
    edit_free(&c->edit);
    version_unref(c->version);
}

static int prepare(const struct lsm_tree *tree, struct change *c, struct strata_error *err)
{
    c->edit.next = tree->next;
    c->version = tree->version;
    version_ref(c->version);
    return version_apply(&c->version, &c->edit, c->tables, c->count, err); /* 6.I13 */
}

/* A manifest with the whole version in its first edit; it gives its own number away, too. */
static int write_manifest(struct lsm_tree *tree, const struct version *version,
                          struct strata_error *err)
{
    struct manifest manifest;
    struct edit whole;
    int rc = version_tell(version, &whole, err);

    whole.next = tree->next + 1;
    if (rc == 0) {
        rc = manifest_create(&manifest, tree->env, tree->next++, &whole, err);
        tree->unknown = rc < 0 && manifest.known;
        if (rc < 0)
            manifest_close(&manifest);
    }
    edit_free(&whole);
    if (rc < 0)
        return rc;
    if (tree->manifest.path) /* else, or when it fails, the next open removes it */
        fs_remove(tree->env->fs, tree->manifest.path, NULL);
    pthread_mutex_lock(&tree->group.mutex);
    tree->stats.manifest_bytes += tree->manifest.written;
    manifest_close(&tree->manifest);
    tree->manifest = manifest;
    pthread_mutex_unlock(&tree->group.mutex);
    return 0;
}

int lsm_tree_roll_over(struct lsm_tree *tree, struct strata_error *err)
{
    return write_manifest(tree, tree->version, err);
}

static int commit(struct lsm_tree *tree, struct change *c, struct strata_error *err)
{
    int rc;

    if (manifest_is_long(&tree->manifest))
        return write_manifest(tree, c->version, err);
    rc = manifest_append(&tree->manifest, &c->edit, err);
    tree->unknown = rc < 0 && rc != STRATA_ERR_NO_MEMORY;
    return rc;
}

/* What the edit removed and did not add again, as a move does. */
static void remove_tables(const struct version *old, const struct version *new,
                          const struct edit *edit)
{
    for (size_t i = 0; i < edit->removed_count; i++)
        if (!version_table(new, edit->removed[i].number))
            sstable_remove(version_table(old, edit->removed[i].number));
}

/* From now on readers see the new version, and writers have the new memtable and log. */
static void swap(struct lsm_tree *tree, struct change *c)
{
    struct version *old = tree->version;
    struct memtable *full = c->memtable ? tree->memtable : NULL;
    struct log log = tree->log;

    pthread_mutex_lock(&tree->group.mutex);
    tree->version = c->version;
    if (c->memtable) {
        tree->memtable = c->memtable;
        tree->log = *c->log;
    }
    tree->stats.looked_in += atomic_load_explicit(&old->looked_in, memory_order_relaxed);
    pthread_mutex_unlock(&tree->group.mutex);
    if (c->memtable)
        log_close(&log, true, NULL); /* 6.I15 */
    remove_tables(old, tree->version, &c->edit);
    memtable_unref(full);
    c->version = old;
}

/* The change is freed in any case. */
static int install(struct lsm_tree *tree, struct change *c, struct strata_error *err)
{
    int rc = prepare(tree, c, err);

    if (rc == 0 && (c->count || c->log))
        rc = fs_sync_dir(tree->env->fs, tree->env->dir, err);
    if (rc == 0)
        rc = commit(tree, c, err);
    if (rc == 0)
        swap(tree, c);
    change_free(c);
    return rc;
}

static int add_table(struct change *c, unsigned level, const struct sstable *table,
                     struct strata_error *err)
{
    struct edit_table added = version_entry(level, table);
    return edit_add(&c->edit, &added, err);
}

/* ---- Flush ----------------------------------------------------------------------------------- */

static struct compaction_env work_env(struct lsm_tree *tree)
{
    return (struct compaction_env){tree->env, tree->kind, tree->common, &tree->next};
}

/* The memtable as a table; *out is NULL when there is nothing in it. */
static int write_table(struct lsm_tree *tree, struct compaction **out, struct strata_error *err)
{
    struct compaction_env of = work_env(tree);
    int rc = 0;

    *out = NULL;
    if (memtable_count(tree->memtable))
        rc = compaction_new_flush(&of, tree->version, tree->memtable, out, err);
    return rc == 0 && *out ? compaction_run(*out, err) : rc;
}

/* The log as it was made: of what it holds no more is known for sure. */
static int begin_log(struct lsm_tree *tree, struct change *c, struct strata_error *err)
{
    int rc = log_create(c->log, tree->env, NULL, tree->next++, tree->sequence, err);

    c->edit.has_logs = true;
    c->edit.log_count = 1;
    c->edit.logs[0] =
        (struct edit_log){c->log->number, tree->sequence, c->log->end, tree->sequence};
    return rc;
}

static int install_flush(struct lsm_tree *tree, struct compaction *flush, struct strata_error *err)
{
    struct log log;
    struct change c = {.log = &log};
    int rc =
        memtable_new(&memtable_skip, NULL, tree->env->options->memtable_bytes, &c.memtable, err);

    if (rc < 0)
        return rc;
    rc = begin_log(tree, &c, err);
    if (rc == 0 && flush && flush->output_count) {
        assert(flush->output_count == 1);
        c.tables = flush->outputs;
        c.count = 1;
        rc = add_table(&c, 0, flush->outputs[0], err);
    }
    if (rc == 0)
        rc = install(tree, &c, err);
    else
        change_free(&c);
    if (rc < 0) {
        log_close(&log, !tree->unknown, NULL); /* 6.I9 */
        memtable_unref(c.memtable);
    }
    return rc;
}

int lsm_tree_flush(struct lsm_tree *tree, struct strata_error *err)
{
    struct compaction *flush;
    int rc = write_table(tree, &flush, err);

    if (rc == 0)
        rc = install_flush(tree, flush, err);
    pthread_mutex_lock(&tree->group.mutex);
    if (rc == 0) {
        tree->paused = false;
        tree->stats.log_bytes += tree->log.end;
        tree->stats.flushes += flush != NULL;
        tree->stats.flushed_bytes += flush ? flush->written : 0;
    }
    tree->stats.table_bytes += flush ? flush->written : 0;
    pthread_mutex_unlock(&tree->group.mutex);
    compaction_del(flush, rc == 0 || tree->unknown);
    return rc;
}

int lsm_tree_name_log(struct lsm_tree *tree, struct strata_error *err)
{
    struct change c = {.edit = {.has_logs = true, .log_count = 1}};
    int rc = fs_trim(tree->log.file, err); /* no room behind it: the next open would see a crash */

    if (rc == 0)
        rc = fs_sync(tree->log.file, err);
    if (rc < 0) {
        mark_doubt(&tree->marker, tree->env, tree->log.number, tree->log.synced);
        return rc;
    }
    c.edit.logs[0] = (struct edit_log){tree->log.number, lsm_tree_entry(tree)->first, tree->log.end,
                                       tree->sequence};
    rc = install(tree, &c, err);
    return rc;
}

/* ---- Compaction ------------------------------------------------------------------------------ */

/* The inputs are removed; the level's next compaction begins behind them. */
static int remove_inputs(struct change *c, const struct pick *pick, struct strata_error *err)
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

/* `added`: tables of `count`, of which those that are no inputs are new. */
static int install_tables(struct lsm_tree *tree, const struct pick *pick,
                          struct sstable *const *added, size_t count, struct strata_error *err)
{
    struct change c = {.tables = added, .count = pick->move ? 0 : count};
    int rc = remove_inputs(&c, pick, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_table(&c, pick->output, added[i], err);
    if (rc == 0)
        return install(tree, &c, err);
    change_free(&c);
    return rc;
}

static int move_table(struct lsm_tree *tree, const struct pick *pick, struct strata_error *err)
{
    int rc;

    assert(pick->count[pick->level] == 1 && pick->count[pick->output] == 0);
    rc = install_tables(tree, pick, pick->tables[pick->level], 1, err);
    pthread_mutex_lock(&tree->group.mutex);
    tree->stats.levels[pick->output].moves += rc == 0;
    pthread_mutex_unlock(&tree->group.mutex);
    return rc;
}

static int merge_tables(struct lsm_tree *tree, struct pick *pick, struct strata_error *err)
{
    struct compaction_env of = work_env(tree);
    struct compaction *c;
    int rc = compaction_new(&of, tree->version, pick, &c, err);

    if (rc == 0)
        rc = compaction_run(c, err);
    if (rc == 0)
        rc = install_tables(tree, &c->pick, c->outputs, c->output_count, err);
    pthread_mutex_lock(&tree->group.mutex);
    if (rc == 0) {
        tree->stats.levels[c->pick.output].compactions++;
        tree->stats.levels[c->pick.output].read_bytes += c->pick.bytes;
        tree->stats.levels[c->pick.output].written_bytes += c->written;
    }
    tree->stats.table_bytes += c ? c->written : 0;
    pthread_mutex_unlock(&tree->group.mutex);
    compaction_del(c, rc == 0 || tree->unknown);
    return rc;
}

int lsm_tree_compact(struct lsm_tree *tree, struct strata_error *err)
{
    struct pick pick;
    int rc = pick_compaction(tree->version, tree->env->options, tree->version->cursors, &pick, err);

    if (rc == 0)
        rc = pick.move ? move_table(tree, &pick, err) : merge_tables(tree, &pick, err);
    pick_free(&pick);
    return rc;
}

int lsm_tree_compact_all(struct lsm_tree *tree, struct strata_error *err)
{
    struct pick pick;
    int rc = pick_everything(tree->version, tree->env->options, &pick, err);

    if (rc == 0)
        rc = merge_tables(tree, &pick, err);
    pick_free(&pick);
    return rc == STRATA_NOT_FOUND ? 0 : rc;
}
