/* lineage_notes.c: see lineage_notes.h.
 *
 * 8.I3: an output notes which tables it replaces, and which tables that it overlaps with are newer,
 *       of all that were there when its compaction began. What is flushed later is newer than all
 * of them by its sequence numbers. */
#include "08_backup_repair/lineage/lineage_notes.h"
#include "08_backup_repair/lineage/lineage.h"
#include "base/cost.h"

#include <assert.h>

#define SOURCES 64 /* so many inputs are noted by every output */

/* Of tables in order of their keys: the first that does not end before `key`. */
static size_t find_from(struct sstable *const *tables, size_t count, struct strata_slice key)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        cost_so_far.comparisons++;
        if (strata_compare(strata_buffer_slice(&tables[middle]->largest), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_input(const struct compaction *c, unsigned level, const struct sstable *table)
{
    struct sstable *const *inputs = c->pick.tables[level];
    size_t count = c->pick.count[level], at = 0;

    if (level)
        at = find_from(inputs, count, strata_buffer_slice(&table->largest));
    while (level == 0 && at < count && inputs[at] != table)
        at++;
    return at < count && inputs[at] == table;
}

/* Of the present output, whose keys end before the next one that is to be written. */
static bool overlaps_output(const struct compaction *c, const struct sstable *table)
{
    cost_so_far.comparisons++;
    return strata_compare(strata_buffer_slice(&table->largest),
                          strata_buffer_slice(&c->smallest)) >= 0 &&
           (c->ended ||
            strata_compare(strata_buffer_slice(&table->smallest), c->from->iter.key) < 0);
}

/* Of tables of a level, from `at` on: the first that overlaps with the present output; count: there
 * is none. From level 1 down they are in order, and those that overlap are next to each other. */
static size_t next_overlap(const struct compaction *c, unsigned level,
                           struct sstable *const *tables, size_t count, size_t at)
{
    if (level && at == 0)
        at = find_from(tables, count, strata_buffer_slice(&c->smallest));
    while (level == 0 && at < count && !overlaps_output(c, tables[at]))
        at++;
    return at < count && overlaps_output(c, tables[at]) ? at : count;
}

static int add_all_sources(const struct compaction *c, struct lineage *to, struct strata_error *err)
{
    int rc = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < c->pick.count[level]; i++)
            rc = lineage_add(to, false, c->pick.tables[level][i]->number, err);
    return rc;
}

static int add_sources(const struct compaction *c, struct lineage *to, struct strata_error *err)
{
    size_t all = 0;
    int rc = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        all += c->pick.count[level];
    if (all <= SOURCES)
        return add_all_sources(c, to, err);
    for (unsigned level = 0; level < LEVELS; level++) {
        struct sstable *const *tables = c->pick.tables[level];
        size_t count = c->pick.count[level], i = next_overlap(c, level, tables, count, 0);
        for (; rc == 0 && i < count; i = next_overlap(c, level, tables, count, i + 1))
            rc = lineage_add(to, false, tables[i]->number, err);
    }
    return rc;
}

static int add_above(const struct compaction *c, struct lineage *to, struct strata_error *err)
{
    int rc = 0;

    for (unsigned level = 0; level < c->pick.output; level++) {
        const struct version_level *l = &c->version->levels[level];
        size_t i = next_overlap(c, level, l->tables, l->count, 0);
        for (; rc == 0 && i < l->count; i = next_overlap(c, level, l->tables, l->count, i + 1))
            if (!is_input(c, level, l->tables[i]))
                rc = lineage_add(to, true, l->tables[i]->number, err);
    }
    return rc;
}

/* 8.I3. */
int lineage_notes(const struct compaction *c, struct strata_buffer *to, struct strata_error *err)
{
    struct lineage lineage = {.level = c->pick.output,
                              .group = c->output_count ? c->outputs[0]->number : c->writer->number,
                              .ordinal = c->output_count + 1,
                              .last = c->ended};
    int rc;

    rc = add_sources(c, &lineage, err);
    if (rc == 0)
        rc = add_above(c, &lineage, err);
    if (rc == 0)
        rc = lineage_encode(&lineage, to, err);
    lineage_free(&lineage);
    return rc;
}
