/* open.c: opening.
 *
 * I1: nothing is removed before all that TABLES names was found whole: with a wrong list in its
 *     place, from an earlier time say, the files are still there to be rescued.
 * I2: a log that was not closed cleanly is never written to again: its memtable is flushed, which
 *     puts on the device what was perhaps not there, and a new log begins (leveldb #1287, duckdb
 *     #14785: what comes after a torn tail may be lost). */
#include "open.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Files that are not live --------------------------------------------------------------- */

/* Is it the name of file `number`, with this suffix and nothing or ".tmp" behind it? */
static bool is_name(const char *name, uint64_t number, const char *suffix, bool temporary)
{
    char again[64];
    snprintf(again, sizeof again, "%06" PRIu64 "%s%s", number, suffix, temporary ? ".tmp" : "");
    return strcmp(again, name) == 0;
}

/* Is it a name that this store makes, and of no file that is live? */
static bool is_dead(const struct store *store, const char *name)
{
    const struct tables *tables = &store->tables;
    const char *suffix = store->kind->suffix;
    uint64_t number = strtoull(name, NULL, 10);

    if (is_name(name, number, ".log", false))
        return number != tables->log;
    for (uint32_t i = 0; i < tables->count; i++)
        if (number == tables->runs[i].number && is_name(name, number, suffix, false))
            return false;
    return is_name(name, number, suffix, false) || is_name(name, number, suffix, true) ||
           strcmp(name, TABLES_NAME ".tmp") == 0;
}

static int remove_dead(const struct store *store, struct strata_error *err)
{
    const struct strata_env *env = store->env;
    struct fs_names names;
    int rc = fs_list(env->fs, env->dir, &names, err);

    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        char *path;
        if (!is_dead(store, names.names[i]))
            continue;
        path = fs_join(env->dir, names.names[i]);
        rc = path ? fs_remove(env->fs, path, err) : strata_fail_memory(err, 64);
        free(path);
    }
    fs_names_free(&names);
    return rc;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

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

static int open_runs(struct store *store, struct sstable **runs, size_t *count,
                     struct strata_error *err)
{
    const struct tables *tables = &store->tables;
    uint64_t newest = tables->log_first;
    int rc = 0;

    for (*count = 0; rc == 0 && *count < tables->count;) {
        struct sstable *run;
        rc = store->kind->open(store->env, store->common, tables->runs[*count].number, &run, err);
        if (rc < 0)
            break;
        runs[*count] = run;
        rc = check_run(run, &tables->runs[(*count)++], newest, err);
        newest = run->sum.first;
    }
    return rc;
}

static int make_view(struct store *store, struct strata_error *err)
{
    size_t most = store->tables.count, count = 0;
    struct sstable **runs = calloc(most + 1, sizeof(struct sstable *));
    struct memtable *memtable = NULL;
    int rc = runs ? memtable_new(&memtable_skip, NULL, store->env->options->memtable_bytes,
                                 &memtable, err)
                  : strata_fail_memory(err, (most + 1) * sizeof(struct sstable *));

    if (rc == 0)
        rc = open_runs(store, runs, &count, err);
    if (rc == 0) {
        store->view = view_new(memtable, runs, count);
        rc = store->view ? 0 : strata_fail_memory(err, sizeof *store->view);
    }
    for (size_t i = 0; i < count; i++)
        sstable_unref(runs[i]); /* the view has them */
    memtable_unref(memtable);
    free(runs);
    return rc;
}

/* ---- The store ----------------------------------------------------------------------------- */

/* Log 1, and a list that names it. */
static int make_anew(struct store *store, struct strata_error *err)
{
    int rc = remove_dead(store, err); /* the list is empty: all of it */

    store->sequence = 1;
    store->tables = (struct tables){.next = 2, .log = 1, .log_first = 1, .sequence = 1};
    if (rc == 0)
        rc = make_view(store, err);
    if (rc == 0)
        rc = log_create(&store->log, store->env, NULL, 1, 1, err);
    store->tables.log_end = store->log.end;
    if (rc == 0)
        rc = fs_sync_dir(store->env->fs, store->env->dir, err);
    return rc < 0 ? rc : tables_write(store->env, &store->tables, err);
}

static int read_log(struct store *store, struct strata_error *err)
{
    struct replay *opened = &store->opened;
    int rc =
        log_open(&store->log, store->env, NULL, &store->tables, store->view->memtable, opened, err);

    if (rc < 0)
        return rc;
    store->sequence = opened->sequence;
    store->marker.there = mark_is(&store->log.tail);
    replay_report_torn(opened, store->env);
    return 0;
}

/* As a clean close leaves it, or one that was just made. */
static bool ended_cleanly(const struct store *store)
{
    return store->opened.end == store->tables.log_end &&
           store->log.file->end == store->tables.log_end;
}

int open_store(struct store *store, struct strata_error *err)
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
        rc = remove_dead(store, err);
    if (rc < 0 || env->options->read_only || ended_cleanly(store))
        return rc;
    group_enter(&store->group);
    rc = store_flush(store, err); /* I2 */
    if (rc == 0)
        rc = store_merge_due(store, err);
    group_leave(&store->group);
    return rc;
}
