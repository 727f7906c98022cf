/* store.c: what is done with a store: reading, flushing and compacting. Its kind of table
 * is the only thing here that another stage has another of. */
#include "store.h"

#include <stdlib.h>

/* ---- Reading --------------------------------------------------------------------------------- */

/* All that is newer is asked before all that is older: the first that has a version of the key has
 * the newest. */
int store_get(void *self, struct strata_slice key, struct strata_buffer *value,
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
            rc = view->runs[i]->kind->get(view->runs[i], key, &type, value, err);
    view_unref(view);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

/* A merge of memtable and runs, as they are now. */
static int merge_view(const struct view *view, uint64_t sequence, struct cursor **out,
                      struct strata_error *err)
{
    struct cursor **sources = malloc((view->count + 1) * sizeof(struct cursor *));
    int rc;

    if (!sources)
        return strata_fail_memory(err, (view->count + 1) * sizeof(struct cursor *));
    sources[0] = memtable_cursor(view->memtable, sequence);
    for (size_t i = 0; i < view->count; i++)
        sources[i + 1] = view->runs[i]->kind->cursor(view->runs[i], false);
    rc = merge_iter_new(sources, view->count + 1, false, out, err);
    free(sources);
    return rc;
}

int store_iter(void *self, struct strata_iter **out, struct strata_error *err)
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

/* As the leader: nobody writes meanwhile. */
static int upkeep(struct store *store, bool all, struct strata_error *err)
{
    struct strata_error why;
    int rc;

    group_enter(&store->path.group);
    rc = group_usable(&store->path.group, store->env->dir, &why);
    if (rc == 0)
        rc = store_flush_and_merge(store, all, &why);
    group_leave(&store->path.group);
    return strata_fail_with(rc, &why, err);
}

int store_flush(void *self, struct strata_error *err)
{
    return upkeep(self, false, err);
}

int store_compact(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    int rc = upkeep(self, true, err);

    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return rc;
}
