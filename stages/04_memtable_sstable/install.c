/* install.c: which files there are, for readers and on disk: new files are written, then the
 * list names them in place of others.
 *
 *   flush   run 6 <- memtable      synced, named
 *           log 7 <- first frame   synced, named
 *           the directory          synced
 *           TABLES: log 7, runs 6 4 2          <- the commit: one rename, then synced
 *           log 5                  removed
 *
 *   merge   run 8 <- runs 6 4 2    synced, named; the directory synced
 *           TABLES: log 7, run 8               <- the commit
 *           runs 6 4 2             removed, each when nobody reads it any more
 *
 * 4.I18: a crash before the commit leaves files that no list names, and one after it files that the
 *        list names no more: the next open removes both.
 * 4.I19: when TABLES could not be replaced it is not known which list is on the device: the files
 *        of both are left as they are. */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- Views --------------------------------------------------------------------------------- */

struct view *view_new(struct memtable *memtable, size_t count)
{
    struct view *view = calloc(1, sizeof *view + count * sizeof(struct sstable *));

    if (!view)
        return NULL;
    view->refs = 1;
    view->memtable = memtable;
    memtable_ref(memtable);
    view->count = count;
    return view;
}

void view_set(struct view *view, size_t at, struct sstable *run)
{
    assert(at < view->count && !view->runs[at]);
    sstable_ref(run);
    view->runs[at] = run;
}

void view_unref(void *self)
{
    struct view *view = self;

    assert(!view || view->refs > 0);
    if (!view || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1)
        return;
    memtable_unref(view->memtable);
    for (size_t i = 0; i < view->count; i++)
        sstable_unref(view->runs[i]);
    free(view);
}

struct view *store_pin(struct store *store, uint64_t *sequence)
{
    struct view *view;

    sync_lock(&store->path.group.mutex);
    view = store->view;
    assert(view->refs > 0);
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
    *sequence = store->path.sequence - 1;
    sync_unlock(&store->path.group.mutex);
    return view;
}

bool store_check(const struct store *store)
{
    const struct view *view = store->view;
    const struct tables *t = &store->tables;
    uint64_t newest = t->log.first;
    bool good = t->log.number == store->path.log.number && t->count == view->count &&
                view->memtable == store->path.memtable && newest <= store->path.sequence &&
                (!memtable_count(view->memtable) || view->memtable->first >= newest);

    for (size_t i = 0; good && i < view->count; i++) { /* 4.I21 */
        const struct sstable *run = view->runs[i];
        good = run->number == t->runs[i].number && run->sum.last < newest &&
               run->sum.first <= run->sum.last && run->sum.records > 0;
        newest = run->sum.first;
    }
    return good;
}

/* Memory, disk space or file descriptors: there may be enough of them later. */
static bool lacks_room(const struct strata_error *err)
{
    return err->code == STRATA_ERR_NO_MEMORY || err->sys == ENOSPC || err->sys == EDQUOT ||
           err->sys == EMFILE || err->sys == ENFILE;
}

static struct view *make_view(const struct store *store, const struct store_change *c,
                              struct strata_error *err)
{
    const struct view *old = store->view;
    size_t count = old->count - c->count + (c->run != NULL), n = 0;
    struct view *view = view_new(c->memtable ? c->memtable : old->memtable, count);

    if (!view) {
        strata_fail_memory(err, sizeof *view);
        return NULL;
    }
    if (c->run)
        view_set(view, n++, c->run);
    for (size_t i = c->count; i < old->count; i++)
        view_set(view, n++, old->runs[i]);
    assert(n == count);
    return view;
}

static int make_tables(const struct store *store, const struct store_change *c,
                       const struct view *view, struct tables *t, struct strata_error *err)
{
    *t = store->tables;
    t->count = (uint32_t)view->count;
    t->runs = malloc((t->count + 1) * sizeof *t->runs);
    if (!t->runs)
        return strata_fail_memory(err, (t->count + 1) * sizeof *t->runs);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct sstable *run = view->runs[i];
        t->runs[i] = (struct tables_run){run->number, run->bytes, run->sum.digest};
    }
    if (c->memtable)
        t->log = (struct live_log){c->log.number, store->path.sequence, c->log.end,
                                   store->path.sequence};
    return 0;
}

/* From now on the store is as the list says; what it names no more is removed. */
static void swap(struct store *store, struct store_change *c, struct view *view,
                 struct tables *tables)
{
    struct view *old = store->view;
    struct log log = store->path.log;

    sync_lock(&store->path.group.mutex);
    store->view = view;
    tables_free(&store->tables);
    store->tables = *tables;
    if (c->memtable) {
        store->path.log = c->log;
        store->path.memtable = c->memtable;
    }
    store->flushes += c->memtable && c->run;
    store->merges += !c->memtable && c->run;
    assert(store_check(store));
    sync_unlock(&store->path.group.mutex);
    if (c->memtable)
        log_close(&log, true, NULL); /* the run holds all of it */
    for (size_t i = 0; i < c->count; i++)
        sstable_remove(old->runs[i]);
    view_unref(old);
}

size_t store_unreadable_run(const struct store *store, const struct strata_error *err)
{
    const struct view *view = store->view;

    return lacks_room(err) ? view->count : sstable_blamed(view->runs, view->count, err);
}

int store_failed(struct store *store, int rc, const struct strata_error *err)
{
    if (rc == 0 || (!store->unknown &&
                    (lacks_room(err) || store_unreadable_run(store, err) < store->view->count)))
        return rc;
    return write_path_spoil(&store->path, rc, err);
}

int store_install(struct store *store, struct store_change *c, struct strata_error *err)
{
    const struct strata_env *env = store->env;
    struct view *view = make_view(store, c, err);
    int rc = view ? 0 : STRATA_ERR_NO_MEMORY;
    struct tables tables = {0};

    assert(c->count <= store->view->count && !store->unknown); /* 4.I19 */
    if (rc == 0)
        rc = make_tables(store, c, view, &tables, err);
    if (rc == 0 && (c->run || c->memtable))
        rc = fs_sync_dir(env->fs, env->dir, err);
    if (rc == 0) {
        rc = tables_write(env, &tables, err); /* the commit */
        store->unknown = rc < 0 && rc != STRATA_ERR_NO_MEMORY;
    }
    if (rc == 0) {
        swap(store, c, view, &tables);
    } else {
        if (c->memtable)
            log_close(&c->log, !store->unknown, NULL); /* 4.I19 */
        if (!store->unknown)
            sstable_remove(c->run);
        tables_free(&tables);
        view_unref(view);
    }
    memtable_unref(c->memtable); /* the view has them */
    sstable_unref(c->run);
    return rc;
}
