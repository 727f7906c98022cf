/* db_stats.c: what an open database reports of itself: statistics, sizes, tables and events. */
#include "base/cost.h"
#include "db/db.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *unit, *help;
} counter_texts[DB_STATS] = {
    [DB_PUTS] = {"puts", "calls", "put operations since open"},
    [DB_DELETES] = {"deletes", "calls", "delete operations since open"},
    [DB_GETS_OTHER] = {"gets", "calls", "gets since open"},
    [DB_GETS_FOUND] = {"gets_found", "calls", "gets that found their key"},
    [DB_ITERATORS] = {"iterators", "calls", "iterators made since open"},
    [DB_MOVES] = {"iterator_moves", "calls",
                  "seeks and steps of iterators; an open iterator's last ones come later"},
};

static void report(void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   const char *name, const char *unit, const char *help, uint64_t value)
{
    struct strata_stat stat = {name, unit, help, value};
    each(arg, &stat);
}

static uint64_t counted(struct strata *db, enum db_counter which)
{
    uint64_t many = striped_sum(&db->counters, which);
    return which == DB_GETS_OTHER ? many + striped_sum(&db->counters, DB_GETS_FOUND) : many;
}

int strata_stats(struct strata *db, void (*each)(void *arg, const struct strata_stat *stat),
                 void *arg, struct strata_error *err)
{
    const struct strata_stat cost[] = {
        {"cost_comparisons", "keys", "compared by this thread, on all handles",
         cost_so_far.comparisons},
        {"cost_tables", "tables", "that gets asked, likewise", cost_so_far.tables},
        {"cost_filter_probes", "filters", "asked, likewise", cost_so_far.filter_probes},
        {"cost_blocks", "blocks", "looked at, likewise", cost_so_far.blocks},
        {"cost_blocks_loaded", "blocks", "read from a file, likewise", cost_so_far.blocks_loaded},
    };
    struct strata_fs *fs;
    int rc = db_check(db, err);

    if (rc == 0 && !each)
        rc = db_invalid(err, "strata_stats: the callback is NULL");
    if (rc < 0)
        return rc;
    fs = db->env.fs;
    for (int i = 0; i < DB_STATS; i++)
        report(each, arg, counter_texts[i].name, counter_texts[i].unit, counter_texts[i].help,
               counted(db, (enum db_counter)i));
    for (int i = 0; i < FS_CALL_COUNT; i++) {
        char name[32], help[64];
        snprintf(name, sizeof name, "fs_%s", fs_call_name((enum fs_call)i));
        snprintf(help, sizeof help, "%s calls of the file layer", fs_call_name((enum fs_call)i));
        report(each, arg, name, "calls", help, atomic_load(&fs->calls[i]));
    }
    report(each, arg, "fs_bytes_read", "bytes", "read from files", atomic_load(&fs->bytes_read));
    report(each, arg, "fs_bytes_written", "bytes", "written to files",
           atomic_load(&fs->bytes_written));
    for (size_t i = 0; i < sizeof cost / sizeof *cost; i++)
        each(arg, &cost[i]);
    return db->engine->stats ? db->engine->stats(db->self, each, arg, err) : 0;
}

/* The statistic that is looked for. */
struct wanted {
    const char *name;
    uint64_t *value;
    bool found;
};

static void look_at(void *arg, const struct strata_stat *stat)
{
    struct wanted *wanted = arg;

    if (strcmp(stat->name, wanted->name) != 0)
        return;
    *wanted->value = stat->value;
    wanted->found = true;
}

int strata_property(struct strata *db, const char *name, uint64_t *value, struct strata_error *err)
{
    struct wanted wanted = {name, value, false};
    int rc = db_check(db, err);

    if (rc == 0 && (!name || !value))
        rc = db_invalid(err, "strata_property: name or pointer for the value is NULL");
    if (rc < 0)
        return rc;
    rc = strata_stats(db, look_at, &wanted, err);
    return rc < 0 ? rc : wanted.found ? 0 : STRATA_NOT_FOUND;
}

/* ---- Sizes ----------------------------------------------------------------------------- */

/* For an engine without approximate_size: reads keys and values one by one. */
static int add_up(struct strata *db, struct strata_slice from, struct strata_slice to,
                  uint64_t *bytes, struct strata_error *err)
{
    struct strata_slice key, value;
    struct strata_iter *iter;
    int rc = strata_iter_new(db, &iter, err);

    if (rc < 0)
        return rc;
    for (rc = strata_iter_seek(iter, from, err); rc == 0; rc = strata_iter_next(iter, err)) {
        key = strata_iter_key(iter);
        if (to.size && strata_compare(key, to) >= 0)
            break;
        rc = strata_iter_value(iter, &value, err);
        if (rc < 0)
            break;
        *bytes += key.size + value.size;
    }
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

int strata_approximate_size(struct strata *db, struct strata_slice from, struct strata_slice to,
                            uint64_t *bytes, struct strata_error *err)
{
    int rc = db_check(db, err);

    if (rc == 0 && !bytes)
        rc = db_invalid(err, "strata_approximate_size: the pointer for the size is NULL");
    if (rc == 0)
        rc = db_check_key(from, err);
    if (rc == 0)
        rc = db_check_key(to, err);
    if (rc < 0)
        return rc;
    *bytes = 0;
    if (to.size && strata_compare(from, to) >= 0)
        return 0;
    if (!DB_SLOT(db->engine, approximate_size))
        return add_up(db, from, to, bytes, err);
    return db->engine->approximate_size(db->self, from, to, bytes, err);
}

/* ---- Tables and events ----------------------------------------------------------------- */

int strata_tables(struct strata *db, void (*each)(void *arg, const struct strata_table *table),
                  void *arg, struct strata_error *err)
{
    int rc = db_check(db, err);

    if (rc == 0 && !each)
        rc = db_invalid(err, "strata_tables: the callback is NULL");
    if (rc < 0)
        return rc;
    if (!DB_SLOT(db->engine, tables))
        return db_lacks(db, "sorted tables", err);
    return db->engine->tables(db->self, each, arg, err);
}

int strata_value_files(struct strata *db,
                       void (*each)(void *arg, const struct strata_value_file *file), void *arg,
                       struct strata_error *err)
{
    int rc = db_check(db, err);

    if (rc == 0 && !each)
        rc = db_invalid(err, "strata_value_files: the callback is NULL");
    if (rc < 0)
        return rc;
    if (!DB_SLOT(db->engine, value_files))
        return db_lacks(db, "value files", err);
    return db->engine->value_files(db->self, each, arg, err);
}

int strata_events(struct strata *db, void (*each)(void *arg, const struct strata_event *event),
                  void *arg, struct strata_error *err)
{
    int rc = db_check(db, err);

    if (rc == 0 && !each)
        rc = db_invalid(err, "strata_events: the callback is NULL");
    if (rc < 0)
        return rc;
    if (!DB_SLOT(db->engine, events))
        return db_lacks(db, "event log", err);
    return db->engine->events(db->self, each, arg, err);
}
