/* repair_write.c: what a repair writes, in this order:
 *
 *   lost/NAME            second names of what will not be live (common/db/aside.c)
 *   tables               of what damaged ones and the logs have, durable
 *   log                  a new one, empty, durable
 *   manifest, CURRENT                                                 <- the commit
 *   NAME                 removed
 *
 * 8.I11: a crash before the commit leaves the database as it was, and new files whose notes say
 * that a repair made them, of files that are still there: the next repair ignores them. 8.I12: a
 * dry run takes the same way, and reports the same; only the calls that write are left out.
 */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "04_memtable_sstable/log.h"
#include "06_leveled_compaction/manifest/manifest.h"
#include "06_leveled_compaction/version/version_set.h"
#include "08_backup_repair/repair/repair.h"
#include "db/aside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- A table --------------------------------------------------------------------------------- */

/* Ends the table, which a repair made of the sources in `lineage`: takes that. `rc` is what came of
 * its entries. */
static int end_table(const struct repair *r, struct sstable_writer *writer, struct lineage *lineage,
                     uint64_t first, uint64_t last, int rc, struct strata_error *err)
{
    lineage->repaired = lineage->last = true;
    lineage->group = writer->number;
    lineage->ordinal = 1;
    if (rc == 0)
        rc = lineage_encode(lineage, &writer->user, err);
    if (rc == 0)
        rc = r->kind->writer_finish(writer, first, last, err);
    if (rc == 0)
        rc = fs_output_publish(&writer->out, err);
    r->kind->writer_del(writer, rc == 0);
    lineage_free(lineage);
    return rc;
}

/* Table `number`, which was just written, is what `t` will be; `t` keeps its own number. */
static int take_written(const struct repair *r, struct repair_table *t, uint64_t number,
                        struct strata_error *err)
{
    struct edit_table entry;
    struct sstable *table;
    int rc = r->kind->open(r->env, r->common, number, &table, err);

    if (rc < 0)
        return rc;
    entry = version_edit_table(t->entry.level, table);
    assert(entry.sum.records && entry.number == number);
    entry.number = t->entry.number;
    rc = repair_take_entry(t, &entry, err);
    sstable_unref(table);
    return rc;
}

/* ---- Salvage of damaged tables --------------------------------------------------------------- */

struct salvaging {
    struct repair *repair;
    struct repair_table *table;
    struct sstable_writer *writer; /* of the table that replaces it; NULL: no entry yet */
    uint64_t records;              /* that could be read */
};

static void take_gap(void *arg, struct strata_slice after, struct strata_slice before)
{
    struct salvaging *s = arg;

    repair_report_range(s->repair, s->table, &after, &before);
}

static int take_entry(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                      struct strata_error *err)
{
    struct salvaging *s = arg;
    const struct repair *r = s->repair;
    int rc = 0;

    if (type == SSTABLE_CODED && r->parts->salvage->can_read &&
        !r->parts->salvage->can_read(r->common, key, value)) {
        repair_report_range(s->repair, s->table, &key, &key);
        return 0;
    }
    s->records++;
    if (repair_is_dry(r))
        return 0;
    if (!s->writer)
        rc = r->kind->writer_new(r->env, s->table->salvaged_as, &s->writer, err);
    return rc < 0 ? rc : r->kind->writer_add(s->writer, type, key, value, err);
}

/* It replaces the damaged one, and is as new as that among the others. */
static int list_relatives(const struct repair *r, const struct repair_table *t,
                          struct lineage *lineage, struct strata_error *err)
{
    int rc = lineage_add(lineage, false, t->entry.number, err);

    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (other != t && other->live && repair_overlap(other, t) && repair_is_newer(other, t))
            rc = lineage_add(lineage, true,
                             other->salvaged_as ? other->salvaged_as : other->entry.number, err);
    }
    return rc;
}

static int end_salvaged(const struct salvaging *s, int rc, struct strata_error *err)
{
    const struct repair_table *t = s->table;
    struct lineage lineage = {.level = t->entry.level};

    if (!s->writer)
        return rc;
    if (rc == 0)
        rc = list_relatives(s->repair, t, &lineage, err);
    return end_table(s->repair, s->writer, &lineage, t->entry.sum.first, t->entry.sum.last, rc,
                     err);
}

static void report_salvaged(const struct salvaging *s)
{
    const struct repair_table *t = s->table;
    char why[400];

    snprintf(why, sizeof why, "@%" PRIu64 ": %.200s; %" PRIu64 " of %" PRIu64 " records read",
             t->why.offset == STRATA_NO_OFFSET ? 0 : t->why.offset, t->why.message, s->records,
             t->entry.sum.records);
    repair_report_table(s->repair, t, s->records ? STRATA_FATE_SALVAGED : STRATA_FATE_LOST, why);
}

static int salvage_table(struct repair *r, struct repair_table *t, struct strata_error *err)
{
    struct salvaging s = {.repair = r, .table = t};
    const struct salvage_sink sink = {take_entry, take_gap, &s};
    struct salvage *from;
    struct strata_error why;
    int rc = salvage_open(r->parts->salvage, r->env, t->entry.number, &from, &why, err);

    assert(t->condition == REPAIR_DAMAGED && t->salvaged_as > t->entry.number);
    if (rc < 0)
        return rc;
    from->table->sum.last = t->entry.sum.last; /* what the new table will say */
    rc = salvage_read(from, t->entry.smallest, t->entry.largest, &sink, err);
    rc = end_salvaged(&s, rc, err);
    salvage_close(from);
    if (rc < 0)
        return rc;
    report_salvaged(&s);
    t->live = s.records > 0;
    return s.writer ? take_written(r, t, t->salvaged_as, err) : 0;
}

static int salvage_tables(struct repair *r, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->count; i++)
        if (r->tables[i].live && r->tables[i].salvaged_as)
            rc = salvage_table(r, &r->tables[i], err);
    return rc;
}

/* ---- A table of what the logs had ------------------------------------------------------------ */

static int write_entries(const struct repair *r, struct sstable_writer *writer,
                         struct strata_error *err)
{
    struct cursor *cursor = memtable_cursor(r->memtable, UINT64_MAX);
    struct strata_slice value;
    int rc = cursor ? cursor_first(cursor, err) : strata_fail_memory(err, sizeof *cursor);

    while (rc == 0) {
        rc = cursor_value(cursor, &value, err);
        if (rc == 0)
            rc = r->kind->writer_add(writer, cursor->type, cursor->iter.key, value, err);
        if (rc == 0)
            rc = cursor_next(cursor, err);
    }
    if (cursor)
        cursor_free(cursor);
    return rc < 0 ? rc : 0;
}

static int write_logged(struct repair *r, uint64_t number, struct strata_error *err)
{
    struct lineage lineage = {0};
    struct sstable_writer *writer;
    struct repair_table *t;
    int rc = r->kind->writer_new(r->env, number, &writer, err);

    if (rc < 0)
        return rc;
    rc = write_entries(r, writer, err);
    for (size_t i = 0; rc == 0 && i < r->log_count; i++)
        if (r->logs[i].taken)
            rc = lineage_add(&lineage, false, r->logs[i].number, err);
    rc = end_table(r, writer, &lineage, r->memtable->first, r->memtable->last, rc, err);
    if (rc == 0)
        rc = repair_add_table(r, number, &t, err);
    if (rc < 0)
        return rc;
    t->live = true;
    return take_written(r, t, number, err);
}

static int write_log_table(struct repair *r, struct strata_error *err)
{
    uint64_t number = r->next;
    int rc;

    if (!r->memtable || !memtable_count(r->memtable))
        return 0;
    assert(!r->keep_logs);
    r->next++;
    rc = repair_is_dry(r) ? 0 : write_logged(r, number, err);
    if (rc == 0)
        repair_report(r, number, r->kind->suffix, STRATA_FATE_MADE,
                      "of what was taken from the logs");
    return rc;
}

/* ---- The new state --------------------------------------------------------------------------- */

static int add_log(struct repair *r, struct edit *edit, struct strata_error *err)
{
    const struct version *v = repair_version(r);
    uint64_t number = r->next++;
    struct log log;
    int rc;

    edit->has_logs = true;
    if (r->keep_logs) {
        memcpy(edit->logs, v->logs, sizeof edit->logs);
        edit->log_count = v->log_count;
        return 0;
    }
    rc = log_create(&log, r->env, r->parts->tree->log, number, r->sequence, true, err);
    edit->logs[0] = (struct live_log){number, r->sequence, log.end, r->sequence};
    edit->log_count = 1;
    log_close(&log, rc < 0, NULL); /* it was synced */
    return rc;
}

static int add_tables(const struct repair *r, struct edit *edit, struct strata_error *err)
{
    const struct version *v = repair_version(r);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        const struct repair_table *t = &r->tables[i];
        struct edit_table entry = t->entry;
        assert(!t->live || (!t->leftover && !t->obsolete && entry.level < LEVELS));
        entry.number = t->salvaged_as ? t->salvaged_as : entry.number;
        if (t->live)
            rc = edit_add(edit, &entry, err);
    }
    for (unsigned level = 0; r->exact && level < LEVELS; level++)
        if (v->cursors[level].size)
            edit_set_cursor(edit, level, strata_buffer_slice(&v->cursors[level]));
    return rc;
}

/* What could not be read again is not written. */
static int check_edit(const struct edit *edit, struct strata_error *err)
{
    struct version *version = NULL;
    int rc = version_apply(NULL, edit, &version, err);

    version_unref(version);
    return rc;
}

static int write_manifest(struct repair *r, struct strata_error *err)
{
    struct manifest manifest = {0};
    struct edit edit = {0};
    int rc;

    assert(!repair_is_dry(r)); /* 8.I12 */
    rc = add_log(r, &edit, err);
    if (rc == 0)
        rc = add_tables(r, &edit, err);
    edit.next = r->next + 1;
    if (rc == 0)
        rc = check_edit(&edit, err);
    if (rc == 0)
        rc = fs_sync_dir(r->env->fs, r->env->dir, err);
    if (rc == 0) {
        rc = manifest_create(&manifest, r->env, r->next, &edit, err);
        manifest_close(&manifest);
    }
    edit_free(&edit);
    return rc;
}

/* ---- What is removed ------------------------------------------------------------------------- */

/* A file of the database that the new state does not name. */
static bool is_dropped(const struct repair *r, const char *name)
{
    uint64_t number = strtoull(name, NULL, 10);
    const struct repair_table *t = repair_find(r, number);

    if (fs_is_name(name, number, ".log")) {
        for (uint32_t i = 0; r->keep_logs && i < repair_version(r)->log_count; i++)
            if (repair_version(r)->logs[i].number == number)
                return false;
        return true;
    }
    if (fs_is_name(name, number, r->kind->suffix))
        return t && (!t->live || t->salvaged_as);
    return fs_is_name(name, number, ".manifest") || strcmp(name, CURRENT_NAME) == 0;
}

/* Of a file beside the tables, when some table is not whole: it may have what that referred to, and
 * what no table needs is removed by the next open. */
static bool is_beside(const struct repair *r, const char *name)
{
    const char *beside = r->parts->tree->beside;
    bool whole = true;

    if (!beside || !fs_is_name(name, strtoull(name, NULL, 10), beside))
        return false;
    for (size_t i = 0; i < r->count; i++)
        whole &= r->tables[i].condition == REPAIR_WHOLE;
    return !whole;
}

static int keep_aside(const struct repair *r, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->names.count; i++)
        if (is_dropped(r, r->names.names[i]) || is_beside(r, r->names.names[i]))
            rc = aside_keep(r->env, r->names.names[i], err);
    return rc < 0 ? rc : aside_sync(r->env, err);
}

static int drop(const struct repair *r, struct strata_error *err)
{
    for (size_t i = 0; i < r->names.count; i++)
        if (is_dropped(r, r->names.names[i]) && strcmp(r->names.names[i], CURRENT_NAME) != 0)
            aside_drop(r->env, r->names.names[i]);
    return fs_sync_dir(r->env->fs, r->env->dir, err);
}

int repair_write(struct repair *r, struct strata_error *err)
{
    int rc = repair_is_dry(r) ? 0 : keep_aside(r, err);

    if (rc == 0)
        rc = salvage_tables(r, err);
    if (rc == 0)
        rc = write_log_table(r, err);
    if (rc < 0 || repair_is_dry(r))
        return rc;
    rc = write_manifest(r, err);
    return rc < 0 ? rc : drop(r, err);
}
