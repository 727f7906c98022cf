/* engine.c: stage 6, leveled compaction.
 *
 * How does it stay fast for ever? Tables are on levels, each level ten times as large as the one
 * above it. A flush adds a table to level 0; from level 1 on no two tables of a level overlap, so a
 * read asks one of each. When a level has too much, one of its tables is merged with those that it
 * overlaps on the next level: what is merged is small, whatever the database's size. A manifest
 * records, edit by edit, which tables are on which level.
 *
 * Any thread may call anything. One mutex, as in stage 4: it is held to write, and by a reader to
 * pin a memtable and a version, which are read without it. Everything is done by the thread that
 * writes, and at once: so some writes wait for a whole compaction (throttle.c). */
#include "05_blocks_bloom/table/table.h"
#include "lsm_tree.h"

#include <stdlib.h>

/* ---- Opening and closing --------------------------------------------------------------------- */

static int tree_free(struct lsm_tree *tree, struct strata_error *err)
{
    int rc = write_path_close(&tree->path, err);

    memtable_unref(tree->path.memtable);
    version_set_free(&tree->versions);
    if (tree->work.common)
        tree->work.kind->common_del(tree->work.common);
    free(tree);
    return rc;
}

static int open_tree(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct lsm_tree *tree = calloc(1, sizeof *tree);
    struct strata_error why;
    int rc = tree ? group_init(&tree->path.group, err) : strata_fail_memory(err, sizeof *tree);

    if (rc < 0) {
        free(tree);
        return rc;
    }
    tree->env = tree->path.env = tree->versions.env = env;
    tree->path.make_room = throttle_write;
    tree->path.store = tree;
    tree->versions.kind = &table_kind;
    tree->work = (struct compaction_env){
        .env = env, .kind = &table_kind, .next = &tree->versions.next, .merge = level_merge_new};
    rc = table_kind.common_new(env, &tree->work.common, &why);
    if (rc == 0)
        rc = lsm_tree_open(tree, &why);
    if (rc == 0)
        *self = tree;
    else
        tree_free(tree, NULL);
    return strata_fail_with(rc, &why, err);
}

static int flush_memtable(struct lsm_tree *tree, struct strata_error *err)
{
    int rc = memtable_count(tree->path.memtable) ? lsm_tree_flush(tree, err) : 0;
    return write_path_spoil(&tree->path, rc, err);
}

/* What a clean close leaves: an empty log, and CURRENT that says how far the manifest reaches. */
static int close_tree(void *self, struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct strata_error why = {0};
    int rc = 0, freed;

    if (!tree->path.group.failed && !tree->env->options->read_only) {
        rc = flush_memtable(tree, &why);
        if (rc == 0)
            rc = version_set_settle(&tree->versions, &why);
        mark_end(&tree->path.marker, tree->env, rc == 0);
    }
    freed = tree_free(tree, rc == 0 ? err : NULL);
    return rc < 0 ? strata_fail_with(rc, &why, err) : freed;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The memtable has the newest version, if it has any; then the tables, level by level. */
static int get(void *self, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct lsm_tree_pinned p;
    struct strata_slice found;
    unsigned type;
    int rc = 0;

    atomic_fetch_add_explicit(&tree->gets, 1, memory_order_relaxed);
    lsm_tree_pin(tree, &p);
    type = memtable_get(p.memtable, key, p.sequence, &found);
    if (!type)
        rc = version_get(p.version, key, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    lsm_tree_unpin(&p);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

static void release(void *pinned)
{
    lsm_tree_unpin(pinned);
    free(pinned);
}

/* Over what is pinned, until it is freed. */
static int iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct lsm_tree_pinned *pinned = malloc(sizeof *pinned);
    struct level_merge of = {.newer_count = 1};
    struct cursor *cursor;
    int rc;

    if (!pinned)
        return strata_fail_memory(err, sizeof *pinned);
    lsm_tree_pin(self, pinned);
    of.version = pinned->version;
    of.newer[0] = pinned->memtable;
    of.sequence = pinned->sequence;
    rc = level_merge_all(&of, level_merge_new, &cursor, err);
    if (rc < 0) {
        release(pinned);
        return rc;
    }
    cursor_hold(cursor, pinned, release);
    *out = &cursor->iter;
    return 0;
}

/* ---- Upkeep ---------------------------------------------------------------------------------- */

/* As the leader: nobody writes meanwhile. What is due is compacted; with `all` every table is. */
static int upkeep(struct lsm_tree *tree, bool all, struct strata_error *err)
{
    struct strata_error why;
    int rc;

    group_enter(&tree->path.group);
    sync_unlock(&tree->path.group.mutex);
    rc = group_usable(&tree->path.group, tree->env->dir, &why);
    if (rc == 0)
        rc = flush_memtable(tree, &why);
    if (rc == 0)
        rc = throttle_drain(tree, all, &why);
    sync_lock(&tree->path.group.mutex);
    group_leave(&tree->path.group);
    return strata_fail_with(rc, &why, err);
}

static int flush(void *self, struct strata_error *err)
{
    return upkeep(self, false, err);
}

static int compact(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    int rc = upkeep(self, true, err);

    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return rc;
}

static int approximate_size(void *self, struct strata_slice from, struct strata_slice to,
                            uint64_t *bytes, struct strata_error *err)
{
    struct lsm_tree_pinned p;
    int rc;

    lsm_tree_pin(self, &p);
    rc = sstable_add_sizes(p.version->all, p.version->count, from, to, bytes, err);
    lsm_tree_unpin(&p);
    return rc;
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &wal_format, &table_format, &manifest_format, &current_format, &tail_format, NULL};

const struct strata_engine strata_stage_06_leveled_compaction = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 6,
    .format = 2,
    .name = "06_leveled_compaction",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = open_tree,
    .close = close_tree,
    .get = get,
    .write = write_path_write,
    .iter = iter,
    .flush = flush,
    .compact = compact,
    .verify = lsm_tree_verify,
    .check = lsm_tree_check,
    .stats = lsm_tree_stats,
    .tables = lsm_tree_tables,
    .approximate_size = approximate_size,
    .manifest = CURRENT_NAME,
    .is_writable = write_path_is_writable,
};
