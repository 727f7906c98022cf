/* open.c: from a directory to a store, and back.
 *
 * 4.I22: nothing is removed before all that TABLES names was found whole: with a wrong list in its
 *        place, from an earlier time say, the files are still there to be rescued.
 * 4.I23: a log that was not closed cleanly is never written to again: its memtable is flushed,
 *        which puts on the device what was perhaps not there, and a new log begins (leveldb #1287,
 *        duckdb #14785: what comes after a torn tail may be lost). */
#include "store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is it a name that this store makes, and of no file that is live? */
static bool is_dead(const void *arg, const char *name)
{
    const struct store *store = arg;
    const struct tables *tables = &store->tables;
    const char *suffix = store->parts->table->suffix;
    uint64_t number = strtoull(name, NULL, 10);
    char temporary[64];

    if (fs_is_name(name, number, LOG_SUFFIX))
        return number != tables->log.number;
    for (uint32_t i = 0; i < tables->count; i++)
        if (number == tables->runs[i].number && fs_is_name(name, number, suffix))
            return false;
    snprintf(temporary, sizeof temporary, "%s.tmp", suffix);
    return fs_is_name(name, number, suffix) || fs_is_name(name, number, temporary) ||
           strcmp(name, TABLES_NAME ".tmp") == 0;
}

/* The run is the one that the list names, and older than those before it. */
static int check_run(const struct sstable *run, const struct tables_run *entry, uint64_t newest,
                     struct strata_error *err)
{
    if (run->bytes != entry->bytes || run->sum.digest != entry->digest)
        return strata_fail(err, STRATA_ERR_CORRUPT, run->path, run->bytes,
                           "not the run that " TABLES_NAME " names: that one has %" PRIu64 " bytes",
                           entry->bytes);
    if (run->sum.last >= newest)
        return strata_fail(err, STRATA_ERR_CORRUPT, run->path, run->bytes,
                           "the run holds operation %" PRIu64 ", and should end before %" PRIu64,
                           run->sum.last, newest);
    return 0;
}

static int open_run(struct store *store, size_t at, uint64_t newest, struct strata_error *err)
{
    const struct tables_run *entry = &store->tables.runs[at];
    struct sstable *run;
    int rc = store->parts->table->open(store->env, store->common, entry->number, &run, err);

    if (rc < 0)
        return rc;
    view_set(store->view, at, run);
    sstable_unref(run); /* the view has it */
    return check_run(run, entry, newest, err);
}

/* A new memtable, and the runs of the list. */
static int make_view(struct store *store, struct strata_error *err)
{
    const struct strata_env *env = store->env;
    uint64_t newest = store->tables.log.first;
    struct memtable *memtable;
    int rc = memtable_new(&memtable_skip, NULL, env->options->memtable_bytes, &memtable, err);

    if (rc < 0)
        return rc;
    store->view = view_new(memtable, store->tables.count);
    store->path.memtable = memtable;
    memtable_unref(memtable); /* the view has it, if there is one */
    if (!store->view)
        return strata_fail_memory(err, sizeof *store->view);
    for (size_t i = 0; rc == 0 && i < store->tables.count; i++) {
        rc = open_run(store, i, newest, err);
        newest = rc == 0 ? store->view->runs[i]->sum.first : 0;
    }
    return rc;
}

/* Log 1, and a list that names it. */
static int make_anew(struct store *store, struct strata_error *err)
{
    const struct strata_env *env = store->env;
    int rc = fs_remove_dead(env->fs, env->dir, is_dead, store, err); /* no file is live */

    store->path.sequence = 1;
    store->tables = (struct tables){.next = 2, .log = {1, 1, 0, 1}};
    if (rc == 0)
        rc = make_view(store, err);
    if (rc == 0)
        rc = log_create(&store->path.log, env, NULL, 1, 1, true, err);
    store->tables.log.end = store->path.log.end;
    if (rc == 0)
        rc = fs_sync_dir(env->fs, env->dir, err);
    return rc < 0 ? rc : tables_write(env, &store->tables, err);
}

static int read_log(struct store *store, struct strata_error *err)
{
    struct write_path *path = &store->path;
    struct replay *opened = &store->opened;
    int rc = log_open(&path->log, store->env, NULL, &store->tables.log, log_fill, path->memtable,
                      opened, err);

    if (rc < 0)
        return rc;
    path->sequence = opened->sequence;
    path->marker.there = mark_is(&path->log.tail);
    replay_report_torn(opened, store->env);
    return 0;
}

/* As a clean close leaves it, or one that was just made. */
static bool ended_cleanly(const struct store *store)
{
    return store->opened.end == store->tables.log.end &&
           store->path.log.file->end == store->tables.log.end;
}

static int open_files(struct store *store, struct strata_error *err)
{
    const struct strata_env *env = store->env;
    int rc;

    if (env->is_new)
        return make_anew(store, err);
    rc = tables_read(env, &store->tables, err);
    if (rc == 0)
        rc = make_view(store, err);
    if (rc == 0)
        rc = read_log(store, err);
    if (rc == 0 && !env->options->read_only)
        rc = fs_remove_dead(env->fs, env->dir, is_dead, store, err);
    if (rc < 0 || env->options->read_only || ended_cleanly(store))
        return rc;
    group_enter(&store->path.group);
    rc = store_flush_memtable(store, err); /* 4.I23 */
    if (rc == 0)
        rc = store_merge_due(store, err);
    group_leave(&store->path.group);
    return rc;
}

static int store_free(struct store *store, struct strata_error *err)
{
    int rc = write_path_close(&store->path, err);

    view_unref(store->view);
    if (store->common)
        store->parts->table->common_del(store->common);
    tables_free(&store->tables);
    free(store);
    return rc;
}

int store_open(const struct strata_env *env, const struct store_parts *parts, void **out,
               struct strata_error *err)
{
    struct store *store = calloc(1, sizeof *store);
    struct strata_error why;
    int rc = store ? group_init(&store->path.group, err) : strata_fail_memory(err, sizeof *store);

    if (rc < 0) {
        free(store);
        return rc;
    }
    store->env = store->path.env = env;
    store->parts = parts;
    store->path.store = store;
    store->path.make_room = store_make_room;
    if (parts->table->common_new)
        rc = parts->table->common_new(env, &store->common, &why);
    if (rc == 0)
        rc = open_files(store, &why);
    if (rc < 0) {
        store_free(store, NULL);
        return strata_fail_with(rc, &why, err);
    }
    assert(store_check(store));
    *out = store;
    return 0;
}

/* No room is left behind the log's end: the next open takes that for a crash. */
static int leave_tidy(struct store *store, struct strata_error *err)
{
    struct log *log = &store->path.log;
    struct tables *tables = &store->tables;
    int rc = 0;

    assert(!store->unknown && store_check(store)); /* 4.I19 */
    if (memtable_count(store->view->memtable) && log->end > store->parts->log_left)
        rc = store_flush_and_merge(store, false, err);
    if (rc == 0)
        rc = fs_trim(log->file, err);
    if (rc < 0 || log->end == tables->log.end)
        return rc;
    rc = fs_sync(log->file, err);
    if (rc < 0)
        mark_doubt(&store->path.marker, store->env, log->number, log->synced);
    tables->log.end = log->end;
    tables->log.sequence = store->path.sequence;
    return rc < 0 ? rc : tables_write(store->env, tables, err);
}

int store_close(void *self, struct strata_error *err)
{
    struct store *store = self;
    struct strata_error why = {0};
    int rc = 0, freed;

    if (!store->path.group.failed && !store->env->options->read_only) {
        group_enter(&store->path.group);
        rc = leave_tidy(store, &why);
        mark_end(&store->path.marker, store->env, rc == 0);
        group_leave(&store->path.group);
    }
    freed = store_free(store, rc == 0 ? err : NULL);
    return rc < 0 ? strata_fail_with(rc, &why, err) : freed;
}
