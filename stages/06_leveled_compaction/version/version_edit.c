/* version_edit.c: a version as an edit: its tables as entries of the manifest, and back.
 *
 * While a manifest is read, its tables are only named: they have what the entry says, and no file.
 * version_open opens them at the end, when it is known which are still there, and compares. */
#include "version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Tables ---------------------------------------------------------------------------------- */

struct edit_table version_edit_table(unsigned level, const struct sstable *table)
{
    return (struct edit_table){.level = level,
                               .number = table->number,
                               .bytes = table->bytes,
                               .sum = table->sum,
                               .smallest = strata_buffer_slice(&table->smallest),
                               .largest = strata_buffer_slice(&table->largest)};
}

int version_add(struct edit *edit, unsigned level, struct sstable *table, struct strata_error *err)
{
    struct edit_table entry = version_edit_table(level, table);

    entry.table = table;
    return edit_add(edit, &entry, err);
}

bool version_is(const struct sstable *table, const struct edit_table *entry)
{
    const struct sstable_sum *a = &table->sum, *b = &entry->sum;

    return table->number == entry->number && table->bytes == entry->bytes &&
           a->digest == b->digest && a->records == b->records && a->tombstones == b->tombstones &&
           a->first == b->first && a->last == b->last &&
           strata_compare(strata_buffer_slice(&table->smallest), entry->smallest) == 0 &&
           strata_compare(strata_buffer_slice(&table->largest), entry->largest) == 0;
}

static const struct sstable_kind named_kind = {.close = sstable_free};

struct sstable *version_make_table(const struct edit_table *entry)
{
    struct sstable *table = entry->table ? entry->table : calloc(1, sizeof *table);

    if (entry->table)
        sstable_ref(table);
    if (entry->table || !table)
        return table;
    table->kind = &named_kind;
    table->refs = 1;
    table->number = entry->number;
    table->bytes = entry->bytes;
    table->sum = entry->sum;
    if (strata_buffer_append(&table->smallest, entry->smallest.data, entry->smallest.size) == 0 &&
        strata_buffer_append(&table->largest, entry->largest.data, entry->largest.size) == 0)
        return table;
    sstable_unref(table);
    return NULL;
}

int version_open(struct version *v, version_open_table *open_table, const struct strata_env *env,
                 void *common, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->count; i++) {
        struct sstable *named = v->all[i], *table;
        struct edit_table entry = version_edit_table(0, named);
        if (named->kind != &named_kind)
            continue;
        rc = open_table(env, common, named->number, &table, err);
        if (rc < 0)
            break;
        if (!version_is(table, &entry))
            rc =
                strata_fail(err, STRATA_ERR_CORRUPT, table->path, table->bytes,
                            "not the table that the manifest names: that one has %" PRIu64 " bytes",
                            named->bytes);
        v->all[i] = table;
        sstable_unref(named);
    }
    return rc;
}

/* ---- The whole of it ------------------------------------------------------------------------- */

int version_tell(const struct version *v, struct edit *edit, struct strata_error *err)
{
    int rc = 0;

    *edit = (struct edit){.next = v->next, .has_logs = true, .log_count = v->log_count};
    memcpy(edit->logs, v->logs, sizeof edit->logs);
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++) {
        for (size_t i = 0; rc == 0 && i < v->levels[level].count; i++)
            rc = version_add(edit, level, v->levels[level].tables[i], err);
        if (v->cursors[level].size)
            edit_set_cursor(edit, level, strata_buffer_slice(&v->cursors[level]));
    }
    return rc;
}
