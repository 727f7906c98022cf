/* policy_range.c: compactions that are asked for: of all tables, or of those that hold a range of
 * keys. 7.I12 and 7.I13 hold here, too. */
#include "policy_inside.h"

#include <stdlib.h>
#include <string.h>

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

/* Nothing in any of them is to be dropped, and the compaction that takes it from there does not
 * become large. */
static bool can_stay(const struct pick *pick, const struct strata_options *options)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < pick->inputs[level].count; i++) {
            const struct sstable *table = pick->inputs[level].tables[i];
            if (table->sum.tombstones ||
                (level != pick->output && table->bytes > PICK_TIMES * options->table_bytes))
                return false;
        }
    return true;
}

static int compare_smallest(const void *a, const void *b)
{
    const struct sstable *const *one = a, *const *other = b;
    return strata_compare(strata_buffer_slice(&(*one)->smallest),
                          strata_buffer_slice(&(*other)->smallest));
}

/* No two tables of the version have keys between those of the other. */
static int is_one_run(const struct version *v, bool *is, struct strata_error *err)
{
    size_t bytes = v->count * sizeof(struct sstable *);
    struct sstable **tables = malloc(bytes);

    if (!tables)
        return strata_fail_memory(err, bytes);
    memcpy(tables, v->all, bytes);
    qsort(tables, v->count, sizeof *tables, compare_smallest);
    *is = true;
    for (size_t i = 1; i < v->count; i++)
        *is &= strata_compare(strata_buffer_slice(&tables[i - 1]->largest),
                              strata_buffer_slice(&tables[i]->smallest)) < 0;
    free(tables);
    return 0;
}

int policy_pick_all(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    int levels = pick_take_all(out, of->version, err);
    uint64_t tables;

    if (levels < 0)
        return levels;
    out->output = policy_level_for(out->bytes, out->output, of->options);
    if (levels == 0 || (levels == 1 && out->inputs[out->output].count && !of->version->tombstones))
        return STRATA_NOT_FOUND;
    tables = out->bytes / of->options->table_bytes + 1; /* that a merge would make, about */
    if (of->version->count > 2 * tables || !can_stay(out, of->options))
        return 0;
    return is_one_run(of->version, &out->move, err);
}
