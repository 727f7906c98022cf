/* repair_order.c: on which level each live table is, when no manifest says so.
 *
 * 8.I7: of two tables that overlap one is newer in all keys that both have. If all its operations
 *       are newer it is that one. Else both were there when the later one of them was made, and
 * they were not inputs of one compaction; the later one noted (lineage.h) whether the other was on
 * a level above it, and so newer. Tables that overlap never change their order: a table is moved
 *       only to a level where it overlaps with none.
 * 8.I8: a table that is put below all newer ones that it overlaps with, and no deeper than that
 * asks for, is no deeper than it was: there are levels enough. */
#include "08_backup_repair/repair/repair.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Which is newer (8.I7) ------------------------------------------------------------------- */

bool repair_overlap(const struct repair_table *a, const struct repair_table *b)
{
    return strata_compare(a->entry.smallest, b->entry.largest) <= 0 &&
           strata_compare(b->entry.smallest, a->entry.largest) <= 0;
}

bool repair_is_newer(const struct repair_table *a, const struct repair_table *b)
{
    if (a->named && b->named && a->entry.level != b->entry.level)
        return a->entry.level < b->entry.level;
    if (a->entry.sum.first > b->entry.sum.last || b->entry.sum.first > a->entry.sum.last)
        return a->entry.sum.first > b->entry.sum.last;
    return a->entry.number > b->entry.number ? !lineage_is_above(&a->lineage, b->entry.number)
                                             : lineage_is_above(&b->lineage, a->entry.number);
}

/* ---- Levels (8.I8) --------------------------------------------------------------------------- */

/* It was made for level 0, and shares sequence numbers with no other such table. */
static bool is_of_level_0(const struct repair *r, const struct repair_table *t)
{
    bool alone = true; /* it overlaps with none: any level will do */

    if (t->lineage.level || (t->named && t->entry.level))
        return false;
    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (!other->live || other == t)
            continue;
        if (!other->lineage.level && other->entry.sum.first <= t->entry.sum.last &&
            t->entry.sum.first <= other->entry.sum.last)
            return false;
        alone &= !repair_overlap(t, other);
    }
    return !alone;
}

/* Below all newer ones that it overlaps with. */
static unsigned level_below(const struct repair *r, const struct repair_table *t,
                            const unsigned *levels, bool of_level_0)
{
    unsigned level = of_level_0 ? 0 : 1;

    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (!other->live || other == t || levels[i] < level || (of_level_0 && levels[i] == 0) ||
            !repair_overlap(t, other) || !repair_is_newer(other, t))
            continue;
        level = levels[i] + 1;
    }
    return level;
}

static bool sink(const struct repair *r, unsigned *levels, const bool *of_level_0)
{
    bool sunk = false;

    for (size_t i = r->count; i-- > 0;) {
        unsigned level;
        if (!r->tables[i].live)
            continue;
        level = level_below(r, &r->tables[i], levels, of_level_0[i]);
        sunk |= level > levels[i];
        levels[i] = level > levels[i] ? level : levels[i];
        if (levels[i] >= LEVELS)
            return false;
    }
    return sunk;
}

static int no_order(const struct repair *r, const struct repair_table *t, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, r->env->dir, STRATA_NO_OFFSET,
                       "the tables contradict each other: %06llu%s fits on no level; "
                       "move it away, and repair again",
                       (unsigned long long)t->entry.number, r->kind->suffix);
}

static int place_all(struct repair *r, unsigned *levels, bool *of_level_0, struct strata_error *err)
{
    for (size_t i = 0; i < r->count; i++) {
        of_level_0[i] = r->tables[i].live && is_of_level_0(r, &r->tables[i]);
        levels[i] = of_level_0[i] ? 0 : 1;
    }
    while (sink(r, levels, of_level_0))
        ;
    for (size_t i = 0; i < r->count; i++) {
        if (levels[i] >= LEVELS)
            return no_order(r, &r->tables[i], err);
        assert(!of_level_0[i] || levels[i] == 0);
        if (r->tables[i].live)
            r->tables[i].entry.level = levels[i];
    }
    return 0;
}

int repair_place(struct repair *r, struct strata_error *err)
{
    unsigned *levels = calloc(r->count + 1, sizeof *levels);
    bool *of_level_0 = calloc(r->count + 1, sizeof *of_level_0);
    int rc = levels && of_level_0 ? place_all(r, levels, of_level_0, err)
                                  : strata_fail_memory(err, r->count * sizeof *levels);

    free(levels);
    free(of_level_0);
    return rc;
}
