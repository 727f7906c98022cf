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
#include "09_fast_paths/table/pax_table.h"
#include "throttle.h"
#include "version/level_iter.h"

#include <stdlib.h>

#define TABLE_KIND (&pax_table_kind)
#define GROUP_BYTES ((size_t)1 << 20) /* gathered for one append */

/* ---- Opening and closing --------------------------------------------------------------------- */

static int tree_free(struct lsm_tree *tree, struct strata_error *err)
{
    int rc = log_close(&tree->log, false, err);

    mark_end(&tree->marker, tree->env, false);
    memtable_unref(tree->memtable);
    version_unref(tree->version);
    if (tree->common)
        tree->kind->common_del(tree->common);
    manifest_close(&tree->manifest);
    group_free(&tree->group);
    free(tree);
    return rc;
}

static int open_tree(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct lsm_tree *tree = calloc(1, sizeof *tree);
    struct strata_error why;
    int rc;

    if (!tree)
        return strata_fail_memory(err, sizeof *tree);
    rc = group_init(&tree->group, err);
    if (rc < 0) {
        free(tree);
        return rc;
    }
    tree->env = env;
    tree->kind = TABLE_KIND;
    rc = tree->kind->common_new ? tree->kind->common_new(env, &tree->common, &why) : 0;
    tree->work = (struct compaction_env){env, tree->kind, tree->common, &tree->next};
    if (rc == 0)
        rc = lsm_tree_open(tree, &why);
    if (rc == 0)
        *self = tree;
    else
        tree_free(tree, NULL);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

static int flush_memtable(struct lsm_tree *tree, struct strata_error *err)
{
    return memtable_count(tree->memtable) ? lsm_tree_flush(tree, err) : 0;
}

/* What a clean close leaves: an empty log, and word of how far the manifest reaches. */
static int leave_tidy(struct lsm_tree *tree, struct strata_error *err)
{
    int rc = flush_memtable(tree, err);

    if (rc == 0)
        rc = manifest_settle(&tree->manifest, err);
    mark_end(&tree->marker, tree->env, rc == 0);
    return rc;
}

static int close_tree(void *self, struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct strata_error why = {0};
    int rc = 0, freed;

    if (!tree->failed && !tree->env->options->read_only)
        rc = leave_tidy(tree, &why);
    if (rc < 0 && err)
        *err = why;
    freed = tree_free(tree, rc == 0 ? err : NULL);
    return rc < 0 ? rc : freed;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* A full memtable is flushed, level 0 is not too long, and all that is to be written will fit. */
static int make_room(struct lsm_tree *tree, const struct group_commit *list, bool *sync,
                     struct strata_error *err)
{
    size_t operations = 0, bytes = 0;
    int rc = lsm_tree_usable(tree, err);

    for (const struct group_commit *c = list; c; c = c->next) {
        operations += c->count;
        *sync |= c->sync;
        for (size_t i = 0; i < c->count; i++)
            bytes += c->ops[i].key.size + c->ops[i].value.size;
    }
    if (rc == 0 && operations)
        rc = throttle_write(tree, err);
    if (rc == 0)
        rc = memtable_reserve(tree->memtable, operations, bytes, err);
    if (rc == 0)
        tree->stats.bytes_in += bytes;
    return rc;
}

/* Into the memtable, in steps that cannot fail; then readers may see it. */
static void apply(struct lsm_tree *tree, const struct group_commit *list)
{
    uint64_t sequence = tree->sequence;

    for (const struct group_commit *c = list; c; c = c->next)
        for (size_t i = 0; i < c->count; i++)
            memtable_add(tree->memtable, sequence++, c->ops[i].type, c->ops[i].key,
                         c->ops[i].value);
    tree->sequence = sequence;
}

/* Throttle, append, sync if asked for, apply, answer. */
static int commit(struct lsm_tree *tree, const struct group_commit *list, struct strata_error *err)
{
    struct log *log = &tree->log;
    bool sync = false;
    uint64_t end;
    int rc = make_room(tree, list, &sync, err);

    if (rc < 0)
        return rc;
    end = log->end;
    log_mark(log, &tree->marker, list);
    rc = log_append(log, list, tree->sequence, err);
    tree->stats.log_bytes += log->end - end;
    if (rc == 0 && (sync || log_due(log)))
        rc = log_sync(log, &tree->marker, &tree->group.mutex, err);
    else if (rc == 0)
        log_write_back(log);
    if (rc == 0)
        apply(tree, list);
    return lsm_tree_spoil(tree, rc, err);
}

static void commit_list(void *arg, struct group_commit *list)
{
    struct strata_error err; /* not zeroed: 528 bytes, for every put */
    int rc = commit(arg, list, &err);

    for (struct group_commit *c = list; c; c = c->next) {
        c->rc = rc;
        if (rc < 0)
            c->err = err;
    }
}

static int write_ops(void *self, const struct strata_op *ops, size_t count, bool sync,
                     struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct group_commit commit; /* its error is not zeroed for every put */
    int rc;

    commit.ops = ops;
    commit.count = count;
    commit.sync = sync;
    rc = group_submit(&tree->group, &commit, GROUP_BYTES, commit_list, tree);
    if (rc < 0 && err)
        *err = commit.err;
    return rc;
}

static int sync_log(void *self, struct strata_error *err)
{
    return write_ops(self, NULL, 0, true, err);
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

static int merge_all(const struct lsm_tree_pinned *p, struct cursor **out, struct strata_error *err)
{
    struct run *runs = malloc((version_run_count(p->version) + 1) * sizeof *runs);
    struct level_merge of = {.has_memtable = true, .runs = runs};
    int rc;

    if (!runs)
        return strata_fail_memory(err, sizeof *runs);
    version_runs(p->version, runs);
    of.run_count = version_run_count(p->version);
    of.memtable = memtable_cursor(p->memtable, p->sequence);
    rc = level_merge_new(&of, out, err);
    free(runs);
    return rc;
}

/* Over what is pinned, until it is freed. */
static int iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct lsm_tree_pinned *pinned = malloc(sizeof *pinned);
    struct cursor *cursor;
    int rc;

    if (!pinned)
        return strata_fail_memory(err, sizeof *pinned);
    lsm_tree_pin(self, pinned);
    rc = merge_all(pinned, &cursor, err);
    if (rc < 0) {
        release(pinned);
        return rc;
    }
    cursor_hold(cursor, pinned, release);
    *out = &cursor->iter;
    return 0;
}

/* ---- Upkeep ---------------------------------------------------------------------------------- */

/* As the leader: nobody writes meanwhile. */
static int do_alone(struct lsm_tree *tree,
                    int (*work)(struct lsm_tree *tree, struct strata_error *err),
                    struct strata_error *err)
{
    struct strata_error why;
    int rc;

    group_enter(&tree->group);
    pthread_mutex_unlock(&tree->group.mutex);
    rc = lsm_tree_usable(tree, &why);
    if (rc == 0)
        rc = lsm_tree_spoil(tree, work(tree, &why), &why);
    pthread_mutex_lock(&tree->group.mutex);
    group_leave(&tree->group);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

static int flush_and_drain(struct lsm_tree *tree, struct strata_error *err)
{
    int rc = flush_memtable(tree, err);
    return rc < 0 ? rc : throttle_drain(tree, err);
}

static int flush(void *self, struct strata_error *err)
{
    return do_alone(self, flush_and_drain, err);
}

static int compact_all(struct lsm_tree *tree, struct strata_error *err)
{
    int rc = flush_memtable(tree, err);

    if (rc == 0)
        rc = lsm_tree_compact_all(tree, err);
    return rc < 0 ? rc : throttle_drain(tree, err);
}

static int compact(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    int rc = do_alone(self, compact_all, err);

    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return rc;
}

static int approximate_size(void *self, struct strata_slice from, struct strata_slice to,
                            uint64_t *bytes, struct strata_error *err)
{
    struct lsm_tree_pinned p;
    int rc = 0;

    lsm_tree_pin(self, &p);
    for (size_t i = 0; rc == 0 && i < p.version->count; i++)
        rc = sstable_add_size(p.version->all[i], from, to, bytes, err);
    lsm_tree_unpin(&p);
    return rc;
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &wal_format, &pax_table_format, &manifest_format, &current_format, &tail_format, NULL};

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
    .write = write_ops,
    .iter = iter,
    .sync = sync_log,
    .flush = flush,
    .compact = compact,
    .verify = lsm_tree_verify,
    .stats = lsm_tree_stats,
    .tables = lsm_tree_tables,
    .approximate_size = approximate_size,
    .manifest = CURRENT_NAME,
};
