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
        free(pick->tables[level]);
    *pick = (struct pick){0};
}

int pick_remove_inputs(const struct pick *pick, struct edit *edit, struct strata_error *err)
{
    int rc = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < pick->count[level]; i++)
            rc = edit_remove(edit, level, pick->tables[level][i]->number, err);
    if (rc == 0 && pick->level) {
        const struct sstable *last = pick->tables[pick->level][pick->count[pick->level] - 1];
        rc = edit_cursor(edit, pick->level, strata_buffer_slice(&last->largest), err);
    }
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

int pick_take_room(struct pick *pick, unsigned level, size_t count, struct strata_error *err)
{
    pick->tables[level] = malloc((count + 1) * sizeof(struct sstable *));
    return pick->tables[level] ? 0
                               : strata_fail_memory(err, (count + 1) * sizeof(struct sstable *));
}

void pick_take(struct pick *pick, unsigned level, struct sstable *table)
{
    assert(pick->tables[level] && table->kind->close);
    pick->tables[level][pick->count[level]++] = table;
    pick->bytes += table->bytes;
    pick->records += table->sum.records;
}

int pick_take_tables(struct pick *pick, const struct version *v, unsigned level, size_t at,
                     size_t end, struct strata_error *err)
{
    int rc = pick_take_room(pick, level, end - at, err);

    for (; rc == 0 && at < end; at++)
        pick_take(pick, level, v->levels[level].tables[at]);
    return rc;
}

/* Tables [at, end) of a level may overlap with the range; the others do not. */
static void may_overlap(const struct version *v, unsigned level, const struct pick_range *range,
                        size_t *at, size_t *end)
{
    const struct version_level *l = &v->levels[level];

    *at = level ? version_find(l, range->low) : 0;
    *end = level ? *at : l->count;
    while (level && *end < l->count && overlaps(range, l->tables[*end]))
        ++*end;
}

int pick_take_overlapping(struct pick *pick, const struct version *v, unsigned level,
                          const struct pick_range *range, struct strata_error *err)
{
    size_t at, end;
    int rc;

    may_overlap(v, level, range, &at, &end);
    rc = pick_take_room(pick, level, end - at, err);
    for (; rc == 0 && at < end; at++)
        if (overlaps(range, v->levels[level].tables[at]))
            pick_take(pick, level, v->levels[level].tables[at]);
    return rc;
}

int pick_take_all(struct pick *pick, const struct version *v, struct strata_error *err)
{
    int levels = 0, rc = 0;

    *pick = (struct pick){.output = 1};
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++) {
        const struct version_level *l = &v->levels[level];
        rc = pick_take_tables(pick, v, level, 0, l->count, err);
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
    uint64_t bytes = 0;
    size_t at = 0, end = 0;

    if (level < LEVELS)
        may_overlap(v, level, range, &at, &end);
    for (; at < end; at++)
        if (overlaps(range, v->levels[level].tables[at]))
            bytes += v->levels[level].tables[at]->bytes;
    return bytes;
}
