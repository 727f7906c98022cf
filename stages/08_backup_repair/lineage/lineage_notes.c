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

static bool is_input(const struct compaction *c, unsigned level, const struct sstable *table)
{
    const struct version_level *inputs = &c->pick.inputs[level];
    size_t at = level ? version_find(inputs, strata_buffer_slice(&table->largest)) : 0;

    while (level == 0 && at < inputs->count && inputs->tables[at] != table)
        at++;
    return at < inputs->count && inputs->tables[at] == table;
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
                           const struct version_level *tables, size_t at)
{
    if (level && at == 0)
        at = version_find(tables, strata_buffer_slice(&c->smallest));
    while (level == 0 && at < tables->count && !overlaps_output(c, tables->tables[at]))
        at++;
    return at < tables->count && overlaps_output(c, tables->tables[at]) ? at : tables->count;
}

/* All inputs; of many, those that overlap with the output. */
static int add_sources(const struct compaction *c, struct lineage *to, struct strata_error *err)
{
    size_t all = 0;
    int rc = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        all += c->pick.inputs[level].count;
    for (unsigned level = 0; level < LEVELS; level++) {
        const struct version_level *inputs = &c->pick.inputs[level];
        for (size_t i = 0; rc == 0 && i < inputs->count; i++) {
            if (all > SOURCES)
                i = next_overlap(c, level, inputs, i);
            if (i < inputs->count)
                rc = lineage_add(to, false, inputs->tables[i]->number, err);
        }
    }
    return rc;
}

static int add_above(const struct compaction *c, struct lineage *to, struct strata_error *err)
{
    int rc = 0;

    for (unsigned level = 0; level < c->pick.output; level++) {
        const struct version_level *l = &c->version->levels[level];
        size_t i = next_overlap(c, level, l, 0);
        for (; rc == 0 && i < l->count; i = next_overlap(c, level, l, i + 1))
            if (!is_input(c, level, l->tables[i]))
                rc = lineage_add(to, true, l->tables[i]->number, err);
    }
    return rc;
}

/* 8.I3. */
int lineage_notes(const struct compaction *c, struct strata_error *err)
{
    struct lineage lineage = {.level = c->pick.output,
                              .group = c->output_count ? c->outputs[0]->number : c->writer->number,
                              .ordinal = c->output_count + 1,
                              .last = c->ended};
    int rc = add_sources(c, &lineage, err);

    assert(c->writer && c->writer->sum.records);
    assert(c->output_count == 0 || c->outputs[0]->number < c->writer->number);
    if (rc == 0)
        rc = add_above(c, &lineage, err);
    if (rc == 0)
        rc = lineage_encode(&lineage, &c->writer->user, err);
    lineage_free(&lineage);
    return rc;
}
