/* report.c: what a store says of itself: whether its files are sound, and figures. */
#include "store.h"

#include <stdlib.h>

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
    if (!store->path.group.failed && !tables_same(&there, &store->tables))
        rc = another_list(store, err);
    tables_free(&there);
    return rc < 0 ? rc
                  : log_verify(&store->path.log, &store->tables.log, store->path.sequence, err);
}

int store_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct store *store = self;
    uint64_t sequence;
    struct view *view;
    int rc;

    group_enter(&store->path.group);
    rc = verify_log_and_list(store, err);
    group_leave(&store->path.group);
    view = store_pin(store, &sequence);
    if (rc == 0)
        rc = sstable_verify_all(view->runs, view->count, progress, err);
    view_unref(view);
    return rc;
}

int store_check_memory(void *self, struct strata_error *err)
{
    struct store *store = self;
    const char *wrong = NULL;

    group_enter(&store->path.group);
    if (!store_check(store))
        wrong = "the list of tables";
    else if (!memtable_check(store->view->memtable))
        wrong = "the memtable";
    else if (!sstable_common_check(store->parts->table, store->common))
        wrong = "the block cache";
    group_leave(&store->path.group);
    return wrong ? strata_fail(err, STRATA_ERR_CORRUPT, store->env->dir, STRATA_NO_OFFSET,
                               "%s in memory breaks its invariants", wrong)
                 : 0;
}

int store_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                struct strata_error *err)
{
    struct store *store = self;
    uint64_t bytes = 0, records = 0;

    (void)err;
    sync_lock(&store->path.group.mutex);
    for (size_t i = 0; i < store->view->count; i++) {
        bytes += store->view->runs[i]->bytes;
        records += store->view->runs[i]->sum.records;
    }
    const struct strata_stat stats[] = {
        {"sequence", "", "number of the next operation", store->path.sequence},
        {"commits", "batches", "committed since open", store->path.group.commits},
        {"groups", "groups", "appends that they were gathered into", store->path.group.leads},
        {"memtable_bytes", "bytes", "of memory in use by the memtable",
         memtable_bytes(store->view->memtable)},
        {"runs", "files", "sorted ones", store->view->count},
        {"run_bytes", "bytes", "in them", bytes},
        {"run_records", "records", "in them", records},
        {"flushes", "runs", "written from the memtable since open", store->flushes},
        {"merges", "runs", "written from others since open", store->merges},
        {"merged_bytes", "bytes", "of the runs that were merged", store->merged_bytes},
        {"open_replayed", "bytes", "of log that opening read", store->opened.end},
        {"open_dropped", "bytes", "of a torn tail that opening dropped", store->opened.dropped},
    };
    sync_unlock(&store->path.group.mutex);
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    if (store->parts->table->stats)
        store->parts->table->stats(store->common, each, arg);
    return 0;
}

int store_tables(void *self, void (*each)(void *arg, const struct strata_table *table), void *arg,
                 struct strata_error *err)
{
    uint64_t sequence;
    struct view *view = store_pin(self, &sequence);

    (void)err;
    sstable_report_all(view->runs, view->count, 0, each, arg);
    view_unref(view);
    return 0;
}
