/* repair_write.c: what a repair writes, in this order:
 *
 *   lost/NAME             second names of what will not count     (repair_aside.c)
 *   tables, log           new ones, on the device
 *   manifest, CURRENT     <- the commit
 *   NAME                  goes
 *
 * I1: what is cut off before the commit leaves a database as it was, and files that tell that a
 *     repair made them: their sources are still there (lineage.h).
 * I2: nothing that was told is different without a dry run: both read the same. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "db/aside.h"
#include "repair.h"
#include "04_memtable_sstable/log.h"
#include "09_fast_paths/table/pax_table.h"
#include "09_fast_paths/log/single_op_log.h"
#include "07_paced_compaction/tree/tree_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What the logs had ----------------------------------------------------------------------- */

static int note_logs(const struct repair *r, struct sstable_writer *writer,
                     struct strata_error *err)
{
    struct lineage lineage = {.repaired = true, .group = writer->number, .place = 1, .last = true};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->log_count; i++)
        if (r->logs[i].taken)
            rc = lineage_add(&lineage, false, r->logs[i].number, err);
    if (rc == 0)
        rc = lineage_encode(&lineage, pax_table_writer_notes(writer), err);
    lineage_free(&lineage);
    return rc;
}

static int write_entries(const struct repair *r, struct sstable_writer *writer,
                         struct strata_error *err)
{
    struct cursor *cursor = memtable_cursor(r->memtable, UINT64_MAX);
    struct strata_slice value;
    int rc = cursor ? cursor_first(cursor, err) : strata_fail_memory(err, sizeof *cursor);

    while (rc == 0) {
        rc = cursor_value(cursor, &value, err);
        if (rc == 0)
            rc = pax_table_kind.writer_add(writer, cursor->type, cursor->iter.key, value, err);
        if (rc == 0)
            rc = cursor_next(cursor, err);
    }
    if (cursor)
        cursor_free(cursor);
    return rc < 0 ? rc : 0;
}

static int write_log_table(struct repair *r, struct strata_error *err)
{
    struct sstable_writer *writer;
    int rc;

    if (!r->memtable || !memtable_count(r->memtable))
        return 0;
    r->log_table = r->next++;
    if (repair_is_dry(r))
        return 0;
    rc = pax_table_kind.writer_new(r->env, r->log_table, &writer, err);
    if (rc < 0)
        return rc;
    rc = write_entries(r, writer, err);
    if (rc == 0)
        rc = note_logs(r, writer, err);
    if (rc == 0)
        rc = pax_table_kind.writer_finish(writer, r->memtable->first, r->memtable->last, err);
    if (rc == 0)
        rc = sstable_writer_publish(writer, err);
    pax_table_kind.writer_del(writer, rc == 0);
    return rc;
}

/* ---- The new state --------------------------------------------------------------------------- */

static int add_log(struct repair *r, struct edit *edit, struct strata_error *err)
{
    struct log log;
    uint64_t number = r->next++;
    int rc;

    edit->has_logs = true;
    if (r->keep_logs) {
        memcpy(edit->logs, repair_version(r)->logs, sizeof edit->logs);
        edit->log_count = repair_version(r)->log_count;
        return 0;
    }
    rc = log_create(&log, r->env, &single_op_log, number, r->sequence, err);
    edit->logs[0] = (struct edit_log){number, r->sequence, log.end, r->sequence};
    edit->log_count = 1;
    log_close(&log, rc < 0, NULL); /* it was synced */
    return rc;
}

static int add_tables(struct repair *r, struct edit *edit, struct edit_table *logged,
                      struct strata_buffer keys[2], struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->count; i++)
        if (r->tables[i].counts)
            rc = edit_add(edit, &r->tables[i].entry, err);
    if (rc == 0 && r->log_table)
        rc = repair_take_made(r, logged, &keys[0], &keys[1], r->log_table, err);
    if (rc == 0 && r->log_table)
        rc = edit_add(edit, logged, err);
    for (unsigned level = 0; rc == 0 && r->exact && level < LEVELS; level++)
        if (repair_version(r)->cursors[level].size)
            rc = edit_cursor(edit, level, strata_buffer_slice(&repair_version(r)->cursors[level]),
                             err);
    return rc;
}

/* What could not be read again is not written. */
static int check_state(const struct edit *edit, struct strata_error *err)
{
    struct version *version = NULL;
    int rc = version_apply(&version, edit, NULL, 0, err);

    version_unref(version);
    return rc;
}

static int write_manifest(struct repair *r, struct strata_error *err)
{
    struct edit_table logged = {0};
    struct strata_buffer keys[2] = {{0}};
    struct manifest manifest = {0};
    struct edit edit = {0};
    int rc = add_log(r, &edit, err);

    if (rc == 0)
        rc = add_tables(r, &edit, &logged, keys, err);
    edit.next = r->next + 1;
    if (rc == 0)
        rc = check_state(&edit, err);
    if (rc == 0)
        rc = fs_sync_dir(r->env->fs, r->env->dir, err);
    if (rc == 0) {
        rc = manifest_create(&manifest, r->env, r->next, &edit, err);
        manifest_close(&manifest);
    }
    edit_free(&edit);
    strata_buffer_free(&keys[0]);
    strata_buffer_free(&keys[1]);
    return rc;
}

/* ---- What goes ------------------------------------------------------------------------------- */

/* A file of the database that the new state does not name. */
static bool goes(const struct repair *r, const char *name)
{
    uint64_t number = strtoull(name, NULL, 10);
    const struct repair_table *t = repair_find(r, number);

    if (tree_is_name(name, number, ".log")) {
        for (uint32_t i = 0; r->keep_logs && i < repair_version(r)->log_count; i++)
            if (repair_version(r)->logs[i].number == number)
                return false;
        return true;
    }
    if (tree_is_name(name, number, ".table"))
        return t && (!t->counts || t->made);
    return tree_is_name(name, number, ".manifest") || strcmp(name, CURRENT_NAME) == 0;
}

static int keep_aside(const struct repair *r, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->names.count; i++)
        if (goes(r, r->names.names[i]))
            rc = aside_keep(r->env, r->names.names[i], err);
    return rc < 0 ? rc : aside_sync(r->env, err);
}

static int drop(const struct repair *r, struct strata_error *err)
{
    for (size_t i = 0; i < r->names.count; i++)
        if (goes(r, r->names.names[i]) && strcmp(r->names.names[i], CURRENT_NAME) != 0)
            aside_drop(r->env, r->names.names[i]);
    return fs_sync_dir(r->env->fs, r->env->dir, err);
}

int repair_write(struct repair *r, struct strata_error *err)
{
    int rc = repair_is_dry(r) ? 0 : keep_aside(r, err);

    if (rc == 0)
        rc = repair_salvage(r, err);
    if (rc == 0)
        rc = write_log_table(r, err);
    if (rc < 0 || repair_is_dry(r))
        return rc;
    rc = write_manifest(r, err);
    return rc < 0 ? rc : drop(r, err);
}
