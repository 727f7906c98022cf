/* merge.c: runs are merged, so that they stay few: a read asks each of them.
 *
 * 4.I21: runs are in order of age, and all operations in one are newer than all in the next: so
 *        only neighbours are merged, and the outcome takes their place. */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define MERGE_LEAST 4 /* runs of a size */

/* `written`: the new run is whole; from there on a failure may be one of the list. */
static int merge(struct store *store, size_t count, bool *written, struct strata_error *err)
{
    struct sstable *const *runs = store->view->runs;
    struct store_change c = {.count = count};
    bool oldest = count == store->view->count;
    uint64_t range[2] = {runs[count - 1]->sum.first, runs[0]->sum.last};
    struct cursor **sources = malloc(count * sizeof(struct cursor *));
    int rc;

    *written = false;
    if (!sources)
        return strata_fail_memory(err, count * sizeof(struct cursor *));
    for (size_t i = 0; i < count; i++)
        sources[i] = runs[i]->kind->cursor(runs[i], true);
    rc = store_write_run(store, sources, count, !oldest, range, &c.run, err); /* 4.I20 */
    free(sources);
    *written = rc == 0;
    return rc < 0 ? rc : store_install(store, &c, err);
}

static int merge_unlocked(struct store *store, size_t count, bool *written,
                          struct strata_error *err)
{
    uint64_t bytes = 0;
    int rc;

    for (size_t i = 0; i < count; i++)
        bytes += store->view->runs[i]->bytes;
    pthread_mutex_unlock(&store->path.group.mutex);
    rc = merge(store, count, written, err);
    pthread_mutex_lock(&store->path.group.mutex);
    store->merged_bytes += rc == 0 ? bytes : 0;
    return rc;
}

/* How many runs, from the newest on, are of a size: none larger than all newer ones together. So
 * each merge at least doubles the run that an entry is in, and there are few runs: some for each
 * doubling (size-tiered, as in Cassandra; Bigtable's merging compaction). */
static size_t count_of_a_size(const struct view *view, size_t most)
{
    uint64_t newer = 0;
    size_t count = 0;

    while (count < most && (count == 0 || view->runs[count]->bytes <= newer))
        newer += view->runs[count++]->bytes;
    return count;
}

/* Nobody asked for this merge. So that an old run cannot be read, or that the new one finds no
 * memory or disk space, is only reported to the log: the write that led here is not affected. The
 * run that cannot be read and all older ones, else all runs, are quarantined: from then on only
 * newer ones are merged, as there would soon be more of them than can be opened. */
int store_merge_due(struct store *store, struct strata_error *err)
{
    const struct view *view = store->view;
    size_t count = count_of_a_size(view, view->count - store->quarantined), bad;
    bool written, full;
    int rc = count < MERGE_LEAST ? 0 : merge_unlocked(store, count, &written, err);
    char text[600];

    if (rc == 0)
        return 0;
    bad = sstable_blamed(view->runs, count, err);
    full = !written && (err->sys == ENOSPC || err->sys == EDQUOT);
    if (bad == count && rc == STRATA_ERR_IO && !full)
        return write_path_spoil(&store->path, rc, err);
    store->quarantined = view->count - (bad < count ? bad : 0);
    assert(store->quarantined <= view->count);
    strata_env_log(store->env, STRATA_LOG_WARNING, "%zu runs are merged no more: %s",
                   store->quarantined, strata_error_text(err, text, sizeof text));
    return 0;
}

int store_merge_all(struct store *store, struct strata_error *err)
{
    const struct view *view = store->view;
    bool written;
    int rc;

    if (view->count == 0 || (view->count == 1 && view->runs[0]->sum.tombstones == 0))
        return 0;
    rc = merge_unlocked(store, view->count, &written, err);
    if (rc == 0)
        store->quarantined = 0;
    return write_path_spoil(&store->path, rc, err);
}
