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
#define FS_NO_SITES /* tests/stages/06_repair_test.c cuts a repair at each of its calls */
#include "repair_aside.h"
#include "04_memtable_sstable/log.h"
#include "salvage.h"
#include "tree_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_dry(const struct repair *r)
{
    return r->env->options->read_only;
}

static void table_name(uint64_t number, char name[64])
{
    snprintf(name, 64, "%06" PRIu64 ".table", number);
}

/* ---- Salvage --------------------------------------------------------------------------------- */

struct salvaging {
    struct repair *repair;
    struct repair_table *table;
    struct sstable_writer *writer;
    uint64_t records;
    char name[64];
};

static int tell_range(struct repair *r, const char *name, const struct strata_slice *after,
                      const struct strata_slice *before)
{
    r->to->range(r->to->arg, name, after, before);
    r->sum->ranges++;
    r->sum->lost = true;
    return 0;
}

static int take_gap(void *arg, struct strata_slice after, struct strata_slice before,
                    struct strata_error *err)
{
    struct salvaging *s = arg;

    (void)err;
    return tell_range(s->repair, s->name, &after, &before);
}

static int take_entry(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                      struct strata_error *err)
{
    struct salvaging *s = arg;
    int rc = 0;

    s->records++;
    if (is_dry(s->repair))
        return 0;
    if (!s->writer)
        rc = table_kind.writer_new(s->repair->env, s->table->made, &s->writer, err);
    return rc < 0 ? rc : table_kind.writer_add(s->writer, type, key, value, err);
}

static int put_notes(const struct repair *r, const struct repair_table *t,
                     struct sstable_writer *writer, struct strata_error *err)
{
    struct lineage lineage = {
        .level = t->entry.level, .repaired = true, .group = t->made, .place = 1, .last = true};
    int rc = lineage_add(&lineage, false, t->entry.number, err);

    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (other != t && other->counts && repair_overlap(other, t) && repair_is_newer(other, t))
            rc = lineage_add(&lineage, true, other->made ? other->made : other->entry.number, err);
    }
    if (rc == 0)
        rc = lineage_encode(&lineage, &writer->notes, err);
    lineage_free(&lineage);
    return rc;
}

/* The entry of the table that was written. */
static int take_made(struct repair *r, struct edit_table *entry, struct strata_buffer *smallest,
                     struct strata_buffer *largest, uint64_t number, struct strata_error *err)
{
    struct sstable *made;
    int rc = table_kind.open(r->env, r->common, number, &made, err);

    if (rc < 0)
        return rc;
    *entry = (struct edit_table){.level = entry->level,
                                 .number = number,
                                 .bytes = made->bytes,
                                 .digest = made->sum.digest,
                                 .records = made->sum.records,
                                 .tombstones = made->sum.tombstones,
                                 .first = made->sum.first,
                                 .last = made->sum.last};
    strata_buffer_free(smallest);
    strata_buffer_free(largest);
    *smallest = made->smallest;
    *largest = made->largest;
    made->smallest = made->largest = (struct strata_buffer){0};
    entry->smallest = strata_buffer_slice(smallest);
    entry->largest = strata_buffer_slice(largest);
    sstable_unref(made);
    return 0;
}

static int end_salvage(struct salvaging *s, int rc, struct strata_error *err)
{
    struct repair_table *t = s->table;

    if (!s->writer)
        return rc;
    if (rc == 0)
        rc = put_notes(s->repair, t, s->writer, err);
    if (rc == 0)
        rc = table_kind.writer_finish(s->writer, t->entry.first, t->entry.last, err);
    table_kind.writer_del(s->writer, rc == 0);
    return rc;
}

static void tell_salvaged(struct salvaging *s)
{
    struct repair *r = s->repair;
    const struct repair_table *t = s->table;
    char why[400];

    snprintf(why, sizeof why, "@%" PRIu64 ": %.200s; %" PRIu64 " of %" PRIu64 " records read",
             t->why.offset == STRATA_NO_OFFSET ? 0 : t->why.offset, t->why.message, s->records,
             t->entry.records);
    r->to->file(r->to->arg, s->name, s->records ? STRATA_FATE_SALVAGED : STRATA_FATE_LOST, why);
    *(s->records ? &r->sum->tables_salvaged : &r->sum->tables_lost) += 1;
}

static int salvage(struct repair *r, struct repair_table *t, struct strata_error *err)
{
    struct salvaging s = {.repair = r, .table = t};
    struct salvage_to to = {take_entry, take_gap, &s};
    struct salvage from;
    struct strata_error why;
    int rc = salvage_open(&from, r->env, t->entry.number, &why, err);

    table_name(t->entry.number, s.name);
    if (rc == 0)
        rc = salvage_read(&from, t->entry.smallest, t->entry.largest, &to, err);
    rc = end_salvage(&s, rc, err);
    salvage_close(&from);
    if (rc < 0)
        return rc;
    tell_salvaged(&s);
    t->counts = s.records > 0;
    return 0;
}

/* The entries change when all are written: who is above whom is asked of the old ones. */
static int salvage_all(struct repair *r, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->count; i++)
        if (r->tables[i].counts && r->tables[i].made)
            rc = salvage(r, &r->tables[i], err);
    for (size_t i = 0; rc == 0 && !is_dry(r) && i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        if (t->counts && t->made)
            rc = take_made(r, &t->entry, &t->smallest, &t->largest, t->made, err);
    }
    return rc;
}

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
        rc = lineage_encode(&lineage, &writer->notes, err);
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
            rc = table_kind.writer_add(writer, cursor->type, cursor->key, value, err);
        if (rc == 0)
            rc = cursor->ops->next(cursor, err);
    }
    if (cursor)
        cursor->ops->free(cursor);
    return rc < 0 ? rc : 0;
}

static int write_log_table(struct repair *r, struct strata_error *err)
{
    struct sstable_writer *writer;
    int rc;

    if (!r->memtable || !r->memtable->skip.count)
        return 0;
    r->log_table = r->next++;
    if (is_dry(r))
        return 0;
    rc = table_kind.writer_new(r->env, r->log_table, &writer, err);
    if (rc < 0)
        return rc;
    rc = write_entries(r, writer, err);
    if (rc == 0)
        rc = note_logs(r, writer, err);
    if (rc == 0)
        rc = table_kind.writer_finish(writer, r->memtable->first, r->memtable->last, err);
    table_kind.writer_del(writer, rc == 0);
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
        memcpy(edit->logs, r->state.logs, sizeof edit->logs);
        edit->log_count = r->state.log_count;
        return 0;
    }
    rc = log_create(&log, r->env, number, r->sequence, err);
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
        rc = take_made(r, logged, &keys[0], &keys[1], r->log_table, err);
    if (rc == 0 && r->log_table)
        rc = edit_add(edit, logged, err);
    for (unsigned level = 0; rc == 0 && r->exact && level < LEVELS; level++)
        if (r->state.cursors[level].size)
            rc = edit_cursor(edit, level, strata_buffer_slice(&r->state.cursors[level]), err);
    return rc;
}

/* What could not be read again is not written. */
static int check_state(const struct edit *edit, struct strata_error *err)
{
    struct state state = {0};
    int rc = state_apply(&state, edit, err);

    state_free(&state);
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
        for (uint32_t i = 0; r->keep_logs && i < r->state.log_count; i++)
            if (r->state.logs[i].number == number)
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
            rc = aside_keep(r, r->names.names[i], err);
    return rc < 0 ? rc : aside_sync(r, err);
}

static int drop(const struct repair *r, struct strata_error *err)
{
    for (size_t i = 0; i < r->names.count; i++)
        if (goes(r, r->names.names[i]) && strcmp(r->names.names[i], CURRENT_NAME) != 0)
            aside_drop(r, r->names.names[i]);
    return fs_sync_dir(r->env->fs, r->env->dir, err);
}

int repair_write(struct repair *r, struct strata_error *err)
{
    int rc = is_dry(r) ? 0 : keep_aside(r, err);

    if (rc == 0)
        rc = salvage_all(r, err);
    if (rc == 0)
        rc = write_log_table(r, err);
    if (rc < 0 || is_dry(r))
        return rc;
    rc = write_manifest(r, err);
    return rc < 0 ? rc : drop(r, err);
}
