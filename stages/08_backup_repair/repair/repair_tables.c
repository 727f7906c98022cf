/* repair_tables.c: the tables that are there: each is read whole. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "06_leveled_compaction/version/version_set.h"
#include "08_backup_repair/repair/repair.h"
#include "base/array.h"

#include <assert.h>
#include <stdlib.h>

/* ---- The list -------------------------------------------------------------------------------- */

/* The first whose number is not below this one. */
static size_t find_from(const struct repair *r, uint64_t number)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->tables[middle].entry.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct repair_table *repair_find(const struct repair *r, uint64_t number)
{
    size_t at = find_from(r, number);
    return at < r->count && r->tables[at].entry.number == number ? &r->tables[at] : NULL;
}

int repair_add_table(struct repair *r, uint64_t number, struct repair_table **out,
                     struct strata_error *err)
{
    assert(number && !repair_find(r, number));
    *out = array_insert(&r->tables, &r->count, &r->room, sizeof **out, find_from(r, number), err);
    if (!*out)
        return STRATA_ERR_NO_MEMORY;
    (*out)->entry.number = number;
    return 0;
}

int repair_take_entry(struct repair_table *t, const struct edit_table *entry,
                      struct strata_error *err)
{
    strata_buffer_clear(&t->smallest);
    strata_buffer_clear(&t->largest);
    if (strata_buffer_append(&t->smallest, entry->smallest.data, entry->smallest.size) < 0 ||
        strata_buffer_append(&t->largest, entry->largest.data, entry->largest.size) < 0)
        return strata_fail_memory(err, entry->smallest.size + entry->largest.size);
    t->entry = *entry;
    t->entry.smallest = strata_buffer_slice(&t->smallest);
    t->entry.largest = strata_buffer_slice(&t->largest);
    return 0;
}

/* ---- One table ------------------------------------------------------------------------------- */

/* Without readable notes the table is placed as a flush would be. */
static int take_properties(struct repair_table *t, const struct sstable *table,
                           struct strata_error *err)
{
    struct edit_table entry = version_edit_table(0, table);
    int rc = repair_take_entry(t, &entry, err);

    if (rc < 0)
        return rc;
    rc = lineage_decode(strata_buffer_slice(&table->user), &t->lineage, &t->notes_why);
    if (rc == STRATA_ERR_CORRUPT) {
        lineage_free(&t->lineage);
        return 0;
    }
    if (rc < 0 && err)
        *err = t->notes_why;
    return rc;
}

static int examine_damaged(const struct repair *r, struct repair_table *t, struct strata_error *err)
{
    struct salvage *salvage;
    struct strata_error why;
    int rc = salvage_open(r->parts->salvage, r->env, t->entry.number, &salvage, &why, err);

    t->condition = REPAIR_UNREADABLE;
    if (rc < 0)
        return rc;
    if (salvage->knows_properties) {
        t->condition = REPAIR_DAMAGED;
        rc = take_properties(t, salvage->table, err);
    }
    salvage_close(salvage);
    return rc;
}

static int examine_table(const struct repair *r, struct repair_table *t, struct strata_error *err)
{
    struct sstable *table = NULL;
    int rc = r->kind->open(r->env, r->common, t->entry.number, &table, &t->why);

    if (rc == 0)
        rc = r->kind->verify(table, &t->why);
    if (rc == 0)
        rc = take_properties(t, table, &t->why);
    sstable_unref(table);
    if (rc == STRATA_ERR_CORRUPT)
        return examine_damaged(r, t, err);
    if (rc < 0 && err)
        *err = t->why;
    return rc;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* Is there a table or log of this number? */
static bool is_present(const struct repair *r, uint64_t number)
{
    for (size_t i = 0; i < r->names.count; i++)
        if (fs_is_name(r->names.names[i], number, r->kind->suffix) ||
            fs_is_name(r->names.names[i], number, ".log"))
            return true;
    return false;
}

/* Made by a repair that was cut short: what it was made of is still there. */
static bool is_leftover(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; t->lineage.repaired && i < t->lineage.sources; i++)
        if (is_present(r, t->lineage.files[i]))
            return true;
    return false;
}

int repair_examine_tables(struct repair *r, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->names.count; i++) {
        uint64_t number = strtoull(r->names.names[i], NULL, 10);
        struct repair_table *t;
        if (!number || number > EDIT_NAME_MOST) /* no name that a database gives */
            continue;
        if (number >= r->next)
            r->next = number + 1;
        if (!fs_is_name(r->names.names[i], number, r->kind->suffix))
            continue;
        rc = repair_add_table(r, number, &t, err);
        if (rc == 0)
            rc = examine_table(r, t, err);
    }
    for (size_t i = 0; i < r->count; i++)
        r->tables[i].leftover = is_leftover(r, &r->tables[i]);
    return rc;
}
