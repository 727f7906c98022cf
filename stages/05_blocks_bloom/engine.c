/* engine.c: stage 5, tables of blocks, with an index, Bloom filters and a block cache.
 *
 * How does a read touch one block, not one table? A table is a sequence of blocks of about 4 KiB,
 * each compressed and checked as a whole. A sparse index, with one entry for each block, and a
 * Bloom filter of all keys stay in memory: the filter says of most absent keys that they are
 * absent, and the index says which block may have the others. Blocks that were read stay in a
 * cache, up to a budget.
 *
 * Any thread may call anything. Log, memtable, flush and merge are stage 4's. A clean close leaves
 * no log to be read: it costs one more table, and tables are cheap to read now. */
#include "04_memtable_sstable/iter/merge_iter.h"
#include "04_memtable_sstable/store.h"
#include "table/table.h"

#include <stdlib.h>

/* ---- Writing --------------------------------------------------------------------------------- */

/* One of the threads that write leads: it appends the batches of all to the log, syncs it if asked
 * for, and adds them to the memtable. */
static int write_batch(void *self, const struct strata_op *ops, size_t count, bool sync,
                       struct strata_error *err)
{
    struct write_path *path = &((struct store *)self)->path;
    return group_write(&path->group, ops, count, sync, write_path_commit, path, err);
}

static int sync_log(void *self, struct strata_error *err)
{
    return write_batch(self, NULL, 0, true, err);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int open_tables(const struct strata_env *env, void **self, struct strata_error *err)
{
    static const struct store_parts parts = {&table_kind, 0};
    return store_open(env, &parts, self, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* All that is newer is asked before all that is older: the first that has a version of the key has
 * the newest. */
static int get(void *self, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err)
{
    uint64_t sequence;
    struct view *view = store_pin(self, &sequence);
    struct strata_slice found;
    unsigned type = memtable_get(view->memtable, key, sequence, &found);
    int rc = type ? 0 : STRATA_NOT_FOUND;

    if (type && strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    for (size_t i = 0; rc == STRATA_NOT_FOUND && i < view->count; i++)
        if (sstable_compare_key(view->runs[i], key) == 0)
            rc = table_get(view->runs[i], key, &type, value, err);
    view_unref(view);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

/* A merge of memtable and tables, as they are now. */
static int merge_view(const struct view *view, uint64_t sequence, struct cursor **out,
                      struct strata_error *err)
{
    struct cursor **sources = malloc((view->count + 1) * sizeof(struct cursor *));
    int rc;

    if (!sources)
        return strata_fail_memory(err, (view->count + 1) * sizeof(struct cursor *));
    sources[0] = memtable_cursor(view->memtable, sequence);
    for (size_t i = 0; i < view->count; i++)
        sources[i + 1] = table_cursor(view->runs[i], false);
    rc = merge_iter_new(sources, view->count + 1, false, out, err);
    free(sources);
    return rc;
}

static int iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    uint64_t sequence;
    struct view *view = store_pin(self, &sequence);
    struct cursor *cursor;
    int rc = merge_view(view, sequence, &cursor, err);

    if (rc < 0) {
        view_unref(view);
        return rc;
    }
    cursor_hold(cursor, view, view_unref); /* as long as the user has it */
    *out = &cursor->iter;
    return 0;
}

/* ---- Upkeep ---------------------------------------------------------------------------------- */

static int flush_and_merge_all(struct store *store, struct strata_error *err)
{
    int rc = memtable_count(store->view->memtable) ? store_flush(store, err) : 0;
    return rc < 0 ? rc : store_merge_all(store, err);
}

/* As the leader: nobody writes meanwhile. */
static int do_alone(struct store *store, int (*work)(struct store *store, struct strata_error *err),
                    struct strata_error *err)
{
    struct strata_error why;
    int rc;

    group_enter(&store->path.group);
    rc = group_usable(&store->path.group, store->env->dir, &why);
    if (rc == 0)
        rc = work(store, &why);
    group_leave(&store->path.group);
    return strata_fail_with(rc, &why, err);
}

static int flush(void *self, struct strata_error *err)
{
    return do_alone(self, store_flush_and_merge, err);
}

static int compact(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    int rc = do_alone(self, flush_and_merge_all, err);

    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return rc;
}

/* ---- The stage ------------------------------------------------------------------------------- */

static const struct strata_format *const formats[] = {&wal_format, &table_format, &tables_format,
                                                      &tail_format, NULL};

const struct strata_engine strata_stage_05_blocks_bloom = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 5,
    .format = 2,
    .name = "05_blocks_bloom",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = open_tables,
    .close = store_close,
    .get = get,
    .write = write_batch,
    .iter = iter,
    .sync = sync_log,
    .flush = flush,
    .compact = compact,
    .verify = store_verify,
    .check = store_check_memory,
    .stats = store_stats,
    .tables = store_tables,
    .approximate_size = store_approximate_size,
    .manifest = TABLES_NAME,
    .is_writable = store_is_writable,
};
