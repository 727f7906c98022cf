/* flush.c: from a memtable to a run.
 *
 * 4.I20: a tombstone is dropped only when nothing older is left: by a merge that reaches the oldest
 *        run, or a flush when there is none. */
#include "store.h"

#include <assert.h>

static int copy_all(const struct sstable_kind *kind, struct cursor *from, struct sstable_writer *to,
                    struct strata_error *err)
{
    struct strata_slice value;
    int rc = cursor_first(from, err);

    while (rc == 0) {
        rc = cursor_value(from, &value, err);
        if (rc == 0)
            rc = kind->writer_add(to, from->type, from->iter.key, value, err);
        if (rc == 0)
            rc = cursor_next(from, err);
    }
    return rc < 0 ? rc : 0;
}

int store_write_run(struct store *store, struct cursor *const *sources, size_t count,
                    bool tombstones, const uint64_t range[2], struct sstable **out,
                    struct strata_error *err)
{
    const struct sstable_kind *kind = store->parts->table;
    uint64_t number = store->tables.next++;
    struct sstable_writer *writer = NULL;
    struct cursor *merged;
    int rc = merge_iter_new(sources, count, tombstones, &merged, err);

    *out = NULL;
    assert(range[0] <= range[1]);
    if (rc < 0)
        return rc;
    rc = kind->writer_new(store->env, number, &writer, err);
    if (rc == 0)
        rc = copy_all(kind, merged, writer, err);
    cursor_free(merged);
    if (rc == 0 && writer->sum.records) {
        rc = kind->writer_finish(writer, range[0], range[1], err);
        if (rc == 0)
            rc = fs_output_publish(&writer->out, err);
        if (rc == 0)
            rc = kind->open(store->env, store->common, number, out, err);
    }
    if (writer)
        kind->writer_del(writer, *out != NULL);
    return rc;
}

static int flush(struct store *store, struct strata_error *err)
{
    const struct strata_env *env = store->env;
    struct memtable *full = store->view->memtable;
    uint64_t range[2] = {full->first, full->last};
    struct cursor *source;
    struct store_change c = {0};
    int rc = memtable_new(&memtable_skip, NULL, env->options->memtable_bytes, &c.memtable, err);

    assert(full == store->path.memtable && (!memtable_count(full) || range[0] <= range[1]));
    if (rc == 0 && memtable_count(full)) {
        source = memtable_cursor(full, UINT64_MAX);
        rc = store_write_run(store, &source, 1, store->view->count > 0, range, &c.run, err);
    }
    if (rc == 0) {
        rc = log_create(&c.log, env, NULL, store->tables.next++, store->path.sequence, true, err);
        if (rc == 0)
            return store_install(store, &c, err);
        log_close(&c.log, true, NULL);
        sstable_remove(c.run);
    }
    memtable_unref(c.memtable);
    sstable_unref(c.run);
    return rc;
}

int store_flush_memtable(struct store *store, struct strata_error *err)
{
    int rc;

    sync_unlock(&store->path.group.mutex);
    rc = flush(store, err);
    sync_lock(&store->path.group.mutex);
    return store_failed(store, rc, err);
}
