/* policy_range.c: compactions that are asked for: of all tables, or of those that hold a range of
 * keys. 7.I12 and 7.I13 hold here, too. */
#include "policy_inside.h"

#include <stdlib.h>

static bool holds(const struct sstable *table, struct strata_slice from, struct strata_slice to)
{
    return strata_compare(strata_buffer_slice(&table->largest), from) >= 0 &&
           (!to.size || strata_compare(strata_buffer_slice(&table->smallest), to) < 0);
}

/* How many tables of the level do; `range`: of all their keys. */
static size_t find_holders(const struct version_level *l, struct strata_slice from,
                           struct strata_slice to, struct pick_range *range)
{
    size_t count = 0;

    for (size_t i = 0; i < l->count; i++) {
        if (!holds(l->tables[i], from, to))
            continue;
        if (count++ == 0)
            *range = pick_range_of(l->tables[i]);
        pick_widen(range, l->tables[i]);
    }
    return count;
}

unsigned policy_deepest_level(const struct version *version, struct strata_slice from,
                              struct strata_slice to)
{
    struct pick_range range;
    unsigned level = LEVELS - 1;

    while (level > 1 && !find_holders(&version->levels[level], from, to, &range))
        level--;
    return level;
}

int policy_pick_range(const struct policy_input *of, unsigned level, struct strata_slice from,
                      struct strata_slice to, struct pick *out, struct strata_error *err)
{
    const struct version_level *l = &of->version->levels[level];
    struct pick_range range;
    int rc;

    *out = (struct pick){.level = level, .output = policy_next_level(of, level)};
    if (!find_holders(l, from, to, &range))
        return STRATA_NOT_FOUND;
    if (level == 0)
        pick_close_over(l, &range);
    rc = pick_take_overlapping(out, of->version, level, &range, err);
    return rc < 0 ? rc : pick_take_overlapping(out, of->version, out->output, &range, err);
}

/* ---- Everything ------------------------------------------------------------------------------ */

/* Nothing in it is to be dropped, and the compaction that takes it from there does not become
 * large. */
static bool can_stay(const struct sstable *table, const struct pick *pick, unsigned level,
                     const struct strata_options *options)
{
    return !table->sum.tombstones &&
           (level == pick->output || table->bytes <= PICK_TIMES * options->table_bytes);
}

static int compare_smallest(const void *a, const void *b)
{
    const struct sstable *const *one = a, *const *other = b;
    return strata_compare(strata_buffer_slice(&(*one)->smallest),
                          strata_buffer_slice(&(*other)->smallest));
}

/* Of tables in any order: no two have keys between those of the other. */
static bool is_one_run(struct sstable **tables, size_t count)
{
    qsort(tables, count, sizeof *tables, compare_smallest);
    for (size_t i = 1; i < count; i++)
        if (strata_compare(strata_buffer_slice(&tables[i - 1]->largest),
                           strata_buffer_slice(&tables[i]->smallest)) >= 0)
            return false;
    return true;
}

/* A merge would make fewer than half as many. */
static bool are_small(const struct pick *pick, size_t count, const struct strata_options *options)
{
    return count > 2 * (pick->bytes / options->table_bytes + 1);
}

/* Would a merge make nearly the same tables once more? */
static int all_can_move(const struct pick *pick, const struct strata_options *options, bool *can,
                        struct strata_error *err)
{
    struct sstable **tables;
    size_t count = 0, n = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        count += pick->inputs[level].count;
    tables = malloc((count + 1) * sizeof(struct sstable *));
    if (!tables)
        return strata_fail_memory(err, (count + 1) * sizeof(struct sstable *));
    *can = true;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < pick->inputs[level].count; i++) {
            tables[n++] = pick->inputs[level].tables[i];
            *can &= can_stay(tables[n - 1], pick, level, options);
        }
    *can = *can && !are_small(pick, count, options) && is_one_run(tables, count);
    free(tables);
    return 0;
}

int policy_pick_all(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    int levels = pick_take_all(out, of->version, err);

    if (levels < 0)
        return levels;
    out->output = policy_level_for(out->bytes, out->output, of->options);
    if (levels == 0 || (levels == 1 && out->inputs[out->output].count && !of->version->tombstones))
        return STRATA_NOT_FOUND;
    return all_can_move(out, of->options, &out->move, err);
}
