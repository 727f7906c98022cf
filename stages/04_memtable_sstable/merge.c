/* merge.c: runs are merged, so that they stay few: a read asks each of them.
 *
 * 4.I21: runs are in order of age, and all operations in one are newer than all in the next: so
 *        only neighbours are merged, and the outcome takes their place. */
#include "store.h"

#include <assert.h>
#include <stdlib.h>

#define MERGE_LEAST 4 /* runs of a size */

static int merge(struct store *store, size_t count, struct strata_error *err)
{
    struct sstable *const *runs = store->view->runs;
    struct store_change c = {.count = count};
    bool oldest = count == store->view->count;
    uint64_t range[2] = {runs[count - 1]->sum.first, runs[0]->sum.last};
    struct cursor **sources = malloc(count * sizeof(struct cursor *));
    int rc;

    assert(range[0] <= range[1]); /* 4.I21 */
    if (!sources)
        return strata_fail_memory(err, count * sizeof(struct cursor *));
    for (size_t i = 0; i < count; i++)
        sources[i] = runs[i]->kind->cursor(runs[i], true);
    rc = store_write_run(store, sources, count, !oldest, range, &c.run, err); /* 4.I20 */
    free(sources);
    return rc < 0 ? rc : store_install(store, &c, err);
}

static int merge_unlocked(struct store *store, size_t count, struct strata_error *err)
{
    uint64_t bytes = 0;
    int rc;

    for (size_t i = 0; i < count; i++)
        bytes += store->view->runs[i]->bytes;
    sync_unlock(&store->path.group.mutex);
    rc = merge(store, count, err);
    sync_lock(&store->path.group.mutex);
    store->merged_bytes += rc == 0 ? bytes : 0;
    return store_failed(store, rc, err);
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

/* Nobody asked for this merge: where it fails, that is only logged, and the write that led here is
 * not affected. A run that cannot be read and all older ones are quarantined: from then on only
 * newer ones are merged, as there would soon be more of them than can be opened. */
int store_merge_due(struct store *store, struct strata_error *err)
{
    const struct view *view = store->view;
    size_t count = count_of_a_size(view, view->count - store->quarantined), bad;
    int rc = count < MERGE_LEAST ? 0 : merge_unlocked(store, count, err);

    if (rc == 0 || store->path.group.failed)
        return rc;
    bad = store_unreadable_run(store, err);
    if (bad < view->count)
        store->quarantined = view->count - bad;
    assert(store->quarantined <= view->count);
    strata_env_warn(store->env, err, "a merge failed; %zu runs are quarantined",
                    store->quarantined);
    return 0;
}

/* Makes one run of all, without tombstones. */
static int merge_all(struct store *store, struct strata_error *err)
{
    const struct view *view = store->view;
    int rc;

    if (view->count == 0 || (view->count == 1 && view->runs[0]->sum.tombstones == 0))
        return 0;
    rc = merge_unlocked(store, view->count, err);
    if (rc == 0)
        store->quarantined = 0;
    return rc;
}

int store_flush_and_merge(struct store *store, bool all, struct strata_error *err)
{
    int rc = memtable_count(store->view->memtable) ? store_flush_memtable(store, err) : 0;

    if (rc < 0)
        return rc;
    return all ? merge_all(store, err) : store_merge_due(store, err);
}

int store_make_room(void *self, size_t operations, size_t bytes, struct strata_error *err)
{
    struct store *store = self;
    bool full = memtable_bytes(store->view->memtable) >= store->env->options->memtable_bytes;

    (void)bytes;
    return operations && full ? store_flush_and_merge(store, false, err) : 0;
}
