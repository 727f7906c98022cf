/* store.c: flush and merge: new files are written, then the list names them instead of others.
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
 * I1: whatever is cut off before the commit leaves files that no list names: the next open removes
 *     them. What is cut off after it leaves files that the list names no more: likewise.
 * I2: runs are in order of age, and all operations in one are newer than all in the next: so merged
 *     are only neighbours, and their outcome takes their place.
 * I3: a tombstone is dropped only when nothing older is left: from a merge that reaches the oldest
 *     run, or a flush when there is none.
 * I4: when TABLES could not be replaced it is not known which list is on the device: the files of
 *     both are left as they are. */
#include "store.h"
#include "04_memtable_sstable/iter/merge_iter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MERGE_LEAST 4 /* runs of a size */

/* ---- Failure ----------------------------------------------------------------------------- */

int store_spoil(struct store *store, int rc, const struct strata_error *err)
{
    if (rc < 0 && rc != STRATA_ERR_NO_MEMORY && rc != STRATA_ERR_CORRUPT)
        store->failed = err->sys ? err->sys : EIO;
    return rc;
}

int store_usable(const struct store *store, struct strata_error *err)
{
    if (!store->failed)
        return 0;
    strata_fail_sys(err, store->failed, store->env->dir, STRATA_NO_OFFSET, "earlier");
    strata_error_prefix(err, "refused since a write or sync failed; open it again; ");
    return STRATA_ERR_IO;
}

/* ---- Writing a run ----------------------------------------------------------------------- */

static int copy_all(const struct sstable_kind *kind, struct cursor *from, struct sstable_writer *to,
                    struct strata_error *err)
{
    int rc = cursor_first(from, err);

    while (rc == 0) {
        struct strata_slice value;
        rc = cursor_value(from, &value, err);
        if (rc == 0)
            rc = kind->writer_add(to, from->type, from->iter.key, value, err);
        if (rc == 0)
            rc = cursor_next(from, err);
    }
    return rc < 0 ? rc : 0;
}

/* All of a cursor as run `number`; *out is NULL when there is nothing. */
static int write_entries(struct store *store, struct cursor *from, uint64_t number,
                         const uint64_t range[2], struct sstable **out, struct strata_error *err)
{
    const struct sstable_kind *kind = store->kind;
    struct sstable_writer *writer;
    int rc = kind->writer_new(store->env, number, &writer, err);

    if (rc < 0)
        return rc;
    rc = copy_all(kind, from, writer, err);
    if (rc == 0 && writer->sum.records) {
        rc = kind->writer_finish(writer, range[0], range[1], err);
        if (rc == 0)
            rc = sstable_writer_publish(writer, err);
        if (rc == 0)
            rc = kind->open(store->env, store->common, number, out, err);
    }
    kind->writer_del(writer, *out != NULL);
    return rc;
}

/* The merge of these sources as a new run; *out is NULL when nothing is left of them. */
static int write_run(struct store *store, struct cursor *const *sources, size_t count,
                     bool tombstones, const uint64_t range[2], struct sstable **out,
                     struct strata_error *err)
{
    struct cursor *merged;
    int rc = merge_iter_new(sources, count, tombstones, &merged, err);

    *out = NULL;
    if (rc < 0)
        return rc;
    rc = write_entries(store, merged, store->tables.next++, range, out, err);
    cursor_free(merged);
    return rc;
}

/* ---- Installing -------------------------------------------------------------------------- */

/* What is to be: runs[at, at + count) make way for one, or for none. */
struct change {
    size_t at, count;
    struct sstable *run;       /* or NULL */
    struct memtable *memtable; /* a new one, with its log; or NULL: as before */
    struct log log;
    struct tables tables; /* made of the above */
    struct view *view;
};

static int make_view(const struct store *store, struct change *c, struct strata_error *err)
{
    const struct view *old = store->view;
    size_t count = old->count - c->count + (c->run != NULL);
    struct sstable **runs = malloc((count + 1) * sizeof(struct sstable *));

    if (!runs)
        return strata_fail_memory(err, (count + 1) * sizeof(struct sstable *));
    memcpy(runs, old->runs, c->at * sizeof(struct sstable *));
    if (c->run)
        runs[c->at] = c->run;
    memcpy(runs + c->at + (c->run != NULL), old->runs + c->at + c->count,
           (old->count - c->at - c->count) * sizeof(struct sstable *));
    c->view = view_new(c->memtable ? c->memtable : old->memtable, runs, count);
    free(runs);
    return c->view ? 0 : strata_fail_memory(err, sizeof *c->view);
}

static int make_tables(const struct store *store, struct change *c, struct strata_error *err)
{
    struct tables *t = &c->tables;

    *t = store->tables;
    t->count = (uint32_t)c->view->count;
    t->runs = malloc((t->count + 1) * sizeof *t->runs);
    if (!t->runs)
        return strata_fail_memory(err, (t->count + 1) * sizeof *t->runs);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct sstable *run = c->view->runs[i];
        t->runs[i] = (struct tables_run){run->number, run->bytes, run->sum.digest};
    }
    if (c->memtable) {
        t->log = c->log.number;
        t->log_end = c->log.end;
        t->log_first = t->sequence = store->sequence;
    }
    return 0;
}

/* From now on the store is as the list says; what it names no more is removed. */
static void swap(struct store *store, struct change *c)
{
    struct view *old = store->view;
    struct tables before = store->tables;
    struct log log = store->log;

    pthread_mutex_lock(&store->group.mutex);
    store->view = c->view;
    store->tables = c->tables;
    if (c->memtable)
        store->log = c->log;
    store->flushes += c->memtable && c->run;
    store->merges += !c->memtable && c->run;
    pthread_mutex_unlock(&store->group.mutex);
    if (c->memtable)
        log_close(&log, true, NULL); /* the run holds all of it */
    for (size_t i = c->at; i < c->at + c->count; i++)
        sstable_remove(old->runs[i]);
    tables_free(&before);
    view_unref(old);
    c->view = NULL;
    c->tables = (struct tables){0};
}

/* Makes the change, or, when it fails, takes its files away again (I4). */
static int install(struct store *store, struct change *c, struct strata_error *err)
{
    int rc = make_view(store, c, err);
    bool unknown = false;

    if (rc == 0)
        rc = make_tables(store, c, err);
    if (rc == 0 && (c->run || c->memtable))
        rc = fs_sync_dir(store->env->fs, store->env->dir, err);
    if (rc == 0) {
        rc = tables_write(store->env, &c->tables, err); /* the commit */
        unknown = rc < 0 && rc != STRATA_ERR_NO_MEMORY;
    }
    if (rc == 0) {
        swap(store, c);
    } else {
        if (c->memtable)
            log_close(&c->log, !unknown, NULL);
        if (!unknown)
            sstable_remove(c->run);
        tables_free(&c->tables);
        view_unref(c->view);
    }
    memtable_unref(c->memtable); /* the view has them */
    sstable_unref(c->run);
    return rc;
}

/* ---- Flush ------------------------------------------------------------------------------- */

static int flush(struct store *store, struct strata_error *err)
{
    struct memtable *full = store->view->memtable;
    uint64_t range[2] = {full->first, full->last};
    struct cursor *source;
    struct change c = {0};
    int rc =
        memtable_new(&memtable_skip, NULL, store->env->options->memtable_bytes, &c.memtable, err);

    if (rc == 0 && memtable_count(full)) {
        source = memtable_cursor(full, UINT64_MAX);
        rc = write_run(store, &source, 1, store->view->count > 0, range, &c.run, err); /* I3 */
    }
    if (rc == 0) {
        rc = log_create(&c.log, store->env, NULL, store->tables.next++, store->sequence, err);
        if (rc == 0)
            return install(store, &c, err);
        log_close(&c.log, true, NULL);
        sstable_remove(c.run);
    }
    memtable_unref(c.memtable);
    sstable_unref(c.run);
    return rc;
}

int store_flush(struct store *store, struct strata_error *err)
{
    int rc;

    pthread_mutex_unlock(&store->group.mutex);
    rc = flush(store, err);
    pthread_mutex_lock(&store->group.mutex);
    return store_spoil(store, rc, err);
}

/* ---- Merge ------------------------------------------------------------------------------- */

/* `written`: the new run is whole; from there on a failure may be one of the list. */
static int merge(struct store *store, size_t at, size_t count, bool *written,
                 struct strata_error *err)
{
    struct sstable *const *runs = store->view->runs + at;
    struct change c = {.at = at, .count = count};
    bool oldest = at + count == store->view->count;
    uint64_t range[2] = {runs[count - 1]->sum.first, runs[0]->sum.last};
    struct cursor **sources = malloc(count * sizeof(struct cursor *));
    int rc;

    *written = false;
    if (!sources)
        return strata_fail_memory(err, count * sizeof(struct cursor *));
    for (size_t i = 0; i < count; i++)
        sources[i] = store->kind->cursor(runs[i], true);
    rc = write_run(store, sources, count, !oldest, range, &c.run, err); /* I3 */
    free(sources);
    *written = rc == 0;
    return rc < 0 ? rc : install(store, &c, err);
}

static int merge_unlocked(struct store *store, size_t count, bool *written,
                          struct strata_error *err)
{
    uint64_t bytes = 0;
    int rc;

    for (size_t i = 0; i < count; i++)
        bytes += store->view->runs[i]->bytes;
    pthread_mutex_unlock(&store->group.mutex);
    rc = merge(store, 0, count, written, err);
    pthread_mutex_lock(&store->group.mutex);
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

/* Which of the first runs the error is of; `count`: of none. (An error has the end of a long path.)
 */
static size_t blamed(const struct view *view, size_t count, const struct strata_error *err)
{
    const char *name = strrchr(err->file, '/');
    size_t i = 0;

    while (i < count && (!name || strcmp(strrchr(view->runs[i]->path, '/'), name) != 0))
        i++;
    return i;
}

/* Nobody asked for it: that an old run cannot be read, or that memory or disk have no room for the
 * new one, is told to the log; what is written has nothing to do with it. The run that cannot be
 * read and all older ones, else all, are left as they are from then on. Newer ones are still
 * merged: there would soon be more of them than can be opened. */
int store_merge_due(struct store *store, struct strata_error *err)
{
    const struct view *view = store->view;
    size_t count = count_of_a_size(view, view->count - store->spared), bad;
    bool written, full;
    int rc = count < MERGE_LEAST ? 0 : merge_unlocked(store, count, &written, err);
    char text[600];

    if (rc == 0)
        return 0;
    bad = blamed(view, count, err);
    full = !written && (err->sys == ENOSPC || err->sys == EDQUOT);
    if (bad == count && rc == STRATA_ERR_IO && !full)
        return store_spoil(store, rc, err);
    store->spared = view->count - (bad < count ? bad : 0);
    strata_env_log(store->env, STRATA_LOG_WARNING, "%zu runs are merged no more: %s", store->spared,
                   strata_error_text(err, text, sizeof text));
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
        store->spared = 0;
    return store_spoil(store, rc, err);
}
