/* pick.c: see pick.h: tables and the ranges of their keys. Which of them are due is in
 * pick_fixed.c.
 *
 * 6.I13: the inputs of level 0 are closed: no table of level 0 that is left out overlaps with them.
 *     So what goes down is older than everything that stays above it, key by key.
 * 6.I14: the inputs of the output level are all tables there that overlap with the others: the
 *     outputs overlap with nothing that stays. */
#include "06_leveled_compaction/compaction/pick.h"

#include <assert.h>
#include <stdlib.h>

void pick_free(struct pick *pick)
{
    for (unsigned level = 0; level < LEVELS; level++)
        free(pick->inputs[level].tables);
    *pick = (struct pick){0};
}

int pick_remove_inputs(const struct pick *pick, struct edit *edit, struct strata_error *err)
{
    const struct version_level *due = &pick->inputs[pick->level];
    int rc = 0;

    assert(!pick->level || due->count);
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < pick->inputs[level].count; i++)
            rc = edit_remove(edit, level, pick->inputs[level].tables[i]->number, err);
    if (pick->level)
        edit_set_cursor(edit, pick->level,
                        strata_buffer_slice(&due->tables[due->count - 1]->largest));
    return rc;
}

struct pick_range pick_range_of(const struct sstable *table)
{
    return (struct pick_range){strata_buffer_slice(&table->smallest),
                               strata_buffer_slice(&table->largest)};
}

void pick_widen(struct pick_range *range, const struct sstable *table)
{
    struct pick_range more = pick_range_of(table);

    if (strata_compare(more.low, range->low) < 0)
        range->low = more.low;
    if (strata_compare(more.high, range->high) > 0)
        range->high = more.high;
}

static bool overlaps(const struct pick_range *range, const struct sstable *table)
{
    return sstable_compare_key(table, range->high) >= 0 &&
           sstable_compare_key(table, range->low) <= 0;
}

int pick_take(struct pick *pick, const struct version *v, unsigned level, size_t at, size_t end,
              struct strata_error *err)
{
    struct version_level *inputs = &pick->inputs[level];
    size_t size = (v->levels[level].count + 1) * sizeof *inputs->tables;

    if (!inputs->tables)
        inputs->tables = malloc(size);
    if (!inputs->tables)
        return strata_fail_memory(err, size);
    for (; at < end; at++) {
        struct sstable *table = v->levels[level].tables[at];
        assert(inputs->count < v->levels[level].count);
        inputs->tables[inputs->count++] = table;
        inputs->bytes += table->bytes;
        pick->bytes += table->bytes;
        if (!pick->records || table->sum.first < pick->first)
            pick->first = table->sum.first;
        if (table->sum.last > pick->last)
            pick->last = table->sum.last;
        pick->records += table->sum.records;
    }
    return 0;
}

/* The first table of the level, from this one on, that overlaps; count: there is none. From level 1
 * on those that overlap are next to each other. */
static size_t next_overlapping(const struct version_level *l, unsigned level,
                               const struct pick_range *range, size_t at)
{
    if (level)
        at = at ? at : version_find(l, range->low);
    else
        while (at < l->count && !overlaps(range, l->tables[at]))
            at++;
    return at < l->count && overlaps(range, l->tables[at]) ? at : l->count;
}

int pick_take_overlapping(struct pick *pick, const struct version *v, unsigned level,
                          const struct pick_range *range, struct strata_error *err)
{
    const struct version_level *l = &v->levels[level];
    size_t at = next_overlapping(l, level, range, 0);
    int rc = 0;

    for (; rc == 0 && at < l->count; at = next_overlapping(l, level, range, at + 1))
        rc = pick_take(pick, v, level, at, at + 1, err);
    return rc;
}

int pick_take_all(struct pick *pick, const struct version *v, struct strata_error *err)
{
    int levels = 0, rc = 0;

    *pick = (struct pick){.output = 1};
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++) {
        const struct version_level *l = &v->levels[level];
        rc = pick_take(pick, v, level, 0, l->count, err);
        levels += l->count > 0;
        if (level && l->count)
            pick->output = level;
    }
    return rc < 0 ? rc : levels;
}

/* 6.I13: as long as a table widens the range, others may have come into it. */
void pick_close_over(const struct version_level *l, struct pick_range *range)
{
    size_t before = 0, count = 1;

    while (count != before) {
        before = count;
        count = 0;
        for (size_t i = 0; i < l->count; i++)
            if (overlaps(range, l->tables[i])) {
                pick_widen(range, l->tables[i]);
                count++;
            }
    }
}

size_t pick_behind(const struct version_level *l, struct strata_slice cursor)
{
    size_t at = cursor.size ? version_find(l, cursor) : 0;

    if (at < l->count && cursor.size && sstable_compare_key(l->tables[at], cursor) >= 0)
        at++; /* it has been there */
    return at < l->count ? at : 0;
}

uint64_t pick_bytes_over(const struct version *v, unsigned level, const struct pick_range *range)
{
    const struct version_level *l = &v->levels[level];
    uint64_t bytes = 0;

    if (level == LEVELS)
        return 0;
    for (size_t at = next_overlapping(l, level, range, 0); at < l->count;
         at = next_overlapping(l, level, range, at + 1))
        bytes += l->tables[at]->bytes;
    return bytes;
}
