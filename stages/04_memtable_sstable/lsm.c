/* lsm.c: see lsm.h. Writes gather in the memtable and its log; the write that finds it full flushes
 * it to a run. A read asks the memtable and then the runs, the newest first; a scan merges them
 * all.
 *
 * One mutex, as in stage 3, but it is only held to write, and by a reader to take hold of a view:
 * memtable and runs are read without it. Flush and merge are done by the thread whose write found
 * the memtable full. */
#include "lsm.h"
#include "open.h"

#include <stdlib.h>

#define GROUP_BYTES ((size_t)1 << 20) /* gathered for one append */

/* ---- Opening and closing ------------------------------------------------------------------- */

static int store_free(struct store *store, struct strata_error *err)
{
    int rc = log_close(&store->log, false, err);
    mark_end(&store->marker, store->env, false);
    view_unref(store->view);
    if (store->common)
        store->kind->common_del(store->common);
    tables_free(&store->tables);
    group_free(&store->group);
    free(store);
    return rc;
}

int lsm_open(const struct strata_env *env, const struct sstable_kind *kind, uint64_t log_left,
             void **self, struct strata_error *err)
{
    struct store *store = calloc(1, sizeof *store);
    struct strata_error why;
    int rc;

    if (!store)
        return strata_fail_memory(err, sizeof *store);
    rc = group_init(&store->group, err);
    if (rc < 0) {
        free(store);
        return rc;
    }
    store->env = env;
    store->kind = kind;
    store->log_left = log_left;
    rc = kind->common_new ? kind->common_new(env, &store->common, &why) : 0;
    if (rc == 0)
        rc = open_store(store, &why);
    if (rc == 0)
        *self = store;
    else
        store_free(store, NULL);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* The memtable becomes a run; then runs of a size are merged, or all. */
static int flush_and_merge(struct store *store, bool all, struct strata_error *err)
{
    int rc = store_usable(store, err);

    if (rc == 0 && memtable_count(store->view->memtable))
        rc = store_flush(store, err);
    if (rc == 0)
        rc = all ? store_merge_all(store, err) : store_merge_due(store, err);
    return rc;
}

/* What a clean close leaves: a short log, all on the device, and word of where it ends; or, of a
 * long one, a run. In any case no room behind it: the next open takes that for a crash. */
static int leave_tidy(struct store *store, struct strata_error *err)
{
    struct tables *tables = &store->tables;
    bool is_long = memtable_count(store->view->memtable) && store->log.end > store->log_left;
    int rc = is_long ? flush_and_merge(store, false, err) : 0;

    if (rc == 0)
        rc = fs_trim(store->log.file, err);
    if (rc < 0 || is_long || !store->written)
        return rc;
    rc = fs_sync(store->log.file, err);
    if (rc < 0)
        mark_doubt(&store->marker, store->env, store->log.number, store->log.synced);
    tables->log_end = store->log.end;
    tables->sequence = store->sequence;
    return rc < 0 ? rc : tables_write(store->env, tables, err);
}

int lsm_close(void *self, struct strata_error *err)
{
    struct store *store = self;
    struct strata_error why = {0};
    int rc = 0, freed;

    if (!store->failed && !store->env->options->read_only) {
        group_enter(&store->group);
        rc = leave_tidy(store, &why);
        mark_end(&store->marker, store->env, rc == 0);
        group_leave(&store->group);
    }
    if (rc < 0 && err)
        *err = why;
    freed = store_free(store, rc == 0 ? err : NULL);
    return rc < 0 ? rc : freed;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* A full memtable makes way; and all that is to be written will fit. */
static int make_room(struct store *store, const struct group_commit *list, bool *sync,
                     struct strata_error *err)
{
    size_t operations = 0, bytes = 0;
    int rc = store_usable(store, err);

    for (const struct group_commit *c = list; c; c = c->next) {
        operations += c->count;
        *sync |= c->sync;
        for (size_t i = 0; i < c->count; i++)
            bytes += c->ops[i].key.size + c->ops[i].value.size;
    }
    if (rc == 0 && operations &&
        memtable_bytes(store->view->memtable) >= store->env->options->memtable_bytes)
        rc = flush_and_merge(store, false, err);
    return rc < 0 ? rc : memtable_reserve(store->view->memtable, operations, bytes, err);
}

/* Into the memtable, in steps that cannot fail; then readers may see it. */
static void apply(struct store *store, const struct group_commit *list)
{
    uint64_t sequence = store->sequence;

    for (const struct group_commit *c = list; c; c = c->next)
        for (size_t i = 0; i < c->count; i++)
            memtable_add(store->view->memtable, sequence++, c->ops[i].type, c->ops[i].key,
                         c->ops[i].value);
    store->sequence = sequence;
}

/* Append, sync if asked for, apply, answer: stage 3's order. */
static int commit(struct store *store, const struct group_commit *list, struct strata_error *err)
{
    bool sync = false;
    int rc = make_room(store, list, &sync, err);

    if (rc < 0)
        return rc;
    log_mark(&store->log, &store->marker, list);
    rc = log_append(&store->log, list, store->sequence, err);
    store->written = true;
    if (rc == 0 && (sync || log_due(&store->log)))
        rc = log_sync(&store->log, &store->marker, &store->group.mutex, err);
    else if (rc == 0)
        log_write_back(&store->log);
    if (rc == 0)
        apply(store, list);
    return store_spoil(store, rc, err);
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

int lsm_write(void *self, const struct strata_op *ops, size_t count, bool sync,
              struct strata_error *err)
{
    struct store *store = self;
    struct group_commit commit; /* its error is not zeroed for every put */
    int rc;

    commit.ops = ops;
    commit.count = count;
    commit.sync = sync;
    rc = group_submit(&store->group, &commit, GROUP_BYTES, commit_list, store);
    if (rc < 0 && err)
        *err = commit.err;
    return rc;
}

int lsm_sync(void *self, struct strata_error *err)
{
    return lsm_write(self, NULL, 0, true, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The database as it is now: a view, and the number of the last operation in it. */
static struct view *take_view(struct store *store, uint64_t *sequence)
{
    struct view *view;

    pthread_mutex_lock(&store->group.mutex);
    view = store->view;
    view_ref(view);
    *sequence = store->sequence - 1;
    pthread_mutex_unlock(&store->group.mutex);
    return view;
}

int lsm_get(void *self, struct strata_slice key, struct strata_buffer *value,
            struct strata_error *err)
{
    uint64_t sequence;
    struct view *view = take_view(self, &sequence);
    int rc = view_get(view, sequence, key, value, err);

    view_unref(view);
    return rc;
}

int lsm_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    uint64_t sequence;
    struct view *view = take_view(self, &sequence);
    int rc = view_iter(view, sequence, out, err);

    view_unref(view);
    return rc;
}

/* ---- Upkeep ---------------------------------------------------------------------------------- */

static int alone(struct store *store, bool all, struct strata_error *err)
{
    struct strata_error why;
    int rc;

    group_enter(&store->group);
    rc = flush_and_merge(store, all, &why);
    group_leave(&store->group);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

int lsm_flush(void *self, struct strata_error *err)
{
    return alone(self, false, err);
}

int lsm_compact(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    int rc = alone(self, true, err);
    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return rc;
}

static int another_list(const struct store *store, struct strata_error *err)
{
    char *path = fs_join(store->env->dir, TABLES_NAME);
    int rc = strata_fail(err, STRATA_ERR_CORRUPT, path ? path : TABLES_NAME, 0,
                         "the list is whole, but not the one that was written last");
    free(path);
    return rc;
}

static int verify_log_and_list(struct store *store, struct strata_error *err)
{
    struct tables there;
    int rc = tables_read(store->env, &there, err);

    if (rc < 0)
        return rc;
    if (!store->failed && !tables_same(&there, &store->tables))
        rc = another_list(store, err);
    tables_free(&there);
    return rc < 0 ? rc : log_verify(&store->log, &store->tables, store->sequence, err);
}

int lsm_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct store *store = self;
    uint64_t sequence;
    struct view *view;
    int rc;

    group_enter(&store->group);
    rc = verify_log_and_list(store, err);
    group_leave(&store->group);
    view = take_view(store, &sequence);
    for (size_t i = 0; rc == 0 && i <= view->count; i++) {
        if (progress)
            progress->tick(progress->arg, i + 1, view->count + 1);
        rc = i < view->count ? store->kind->verify(view->runs[i], err) : 0;
    }
    view_unref(view);
    return rc;
}

int lsm_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
              struct strata_error *err)
{
    struct store *store = self;
    struct strata_stat stats[] = {
        {"sequence", "", "number of the next operation", 0},
        {"commits", "batches", "committed since open", 0},
        {"groups", "groups", "appends that they were gathered into", 0},
        {"memtable_bytes", "bytes", "of memory in use by the memtable", 0},
        {"runs", "files", "sorted ones", 0},
        {"run_bytes", "bytes", "in them", 0},
        {"run_records", "records", "in them", 0},
        {"flushes", "runs", "written from the memtable since open", 0},
        {"merges", "runs", "written from others since open", 0},
        {"merged_bytes", "bytes", "of the runs that were merged", 0},
        {"open_replayed", "bytes", "of log that opening read", 0},
        {"open_dropped", "bytes", "of a torn tail that opening dropped", 0},
    };

    (void)err;
    pthread_mutex_lock(&store->group.mutex);
    stats[0].value = store->sequence;
    stats[1].value = store->group.commits;
    stats[2].value = store->group.leads;
    stats[3].value = memtable_bytes(store->view->memtable);
    stats[4].value = store->view->count;
    for (size_t i = 0; i < store->view->count; i++) {
        stats[5].value += store->view->runs[i]->bytes;
        stats[6].value += store->view->runs[i]->sum.records;
    }
    stats[7].value = store->flushes;
    stats[8].value = store->merges;
    stats[9].value = store->merged_bytes;
    stats[10].value = store->opened.end;
    stats[11].value = store->opened.dropped;
    pthread_mutex_unlock(&store->group.mutex);
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    if (store->kind->stats)
        store->kind->stats(store->common, each, arg);
    return 0;
}

int lsm_tables(void *self, void (*each)(void *arg, const struct strata_table *table), void *arg,
               struct strata_error *err)
{
    uint64_t sequence;
    struct view *view = take_view(self, &sequence);

    (void)err;
    for (size_t i = 0; i < view->count; i++) {
        const struct sstable *run = view->runs[i];
        struct strata_table table = {.number = run->number,
                                     .smallest = strata_buffer_slice(&run->smallest),
                                     .largest = strata_buffer_slice(&run->largest),
                                     .bytes = run->bytes,
                                     .records = run->sum.records,
                                     .tombstones = run->sum.tombstones};
        each(arg, &table);
    }
    view_unref(view);
    return 0;
}

int lsm_approximate_size(void *self, struct strata_slice from, struct strata_slice to,
                         uint64_t *bytes, struct strata_error *err)
{
    uint64_t sequence;
    struct view *view = take_view(self, &sequence);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < view->count; i++)
        rc = sstable_add_size(view->runs[i], from, to, bytes, err);
    view_unref(view);
    return rc;
}
