/* policy_small.c: small tables are merged with their neighbours, whether or not their keys overlap.
 * A trivial move leaves a table as it is: sessions that each put one key, in ascending order, would
 * leave as many tables as there were sessions, and every open would read the end of each.
 *
 *   level 0   [s][r][q][p]                    small tables that do not overlap
 *   level 6   [a........f][g.......l][m..n][o]    [o] has no more bytes than they have, nor has
 *   becomes                                       [m..n] than all of these; [g.......l] has
 *   level 6   [a........f][g.......l][m......s]
 *
 * 7.I19: a table is small below a quarter of table_bytes and an eighth of memtable_bytes: a full
 *        memtable in ascending order is still moved, not rewritten. And small tables that overlap
 *        with no large one are no more than half of memtable_bytes: a close finishes that
 *        (pace_close).
 * 7.I20: a neighbor is taken when it has no more bytes than all inputs before it. So a table that
 * is rewritten only for this reason at least doubles: an entry is rewritten so at most log2(small /
 * its first table) times. And next to each other, small tables of a level at least double from one
 * to the next: there are few. 7.I21: at most MOST neighbors at a time: so many files one compaction
 * opens. */
#include "policy_inside.h"

#define MOST 512u

static uint64_t small_bytes(const struct strata_options *options)
{
    uint64_t table = options->table_bytes / 4, memtable = options->memtable_bytes / 8;
    return table < memtable ? table : memtable;
}

struct pick_range policy_range_down(const struct policy_input *of, unsigned level, size_t at)
{
    const struct version_level *l = &of->version->levels[level];
    struct pick_range range = pick_range_of(l->tables[at]);
    uint64_t small = small_bytes(of->options), bytes = l->tables[at]->bytes;

    if (level)
        return range;
    while (at && bytes < small && l->tables[at - 1]->bytes < small &&
           !policy_is_quarantined(of->quarantined, l->tables[at - 1])) {
        pick_widen(&range, l->tables[--at]);
        bytes += l->tables[at]->bytes;
    }
    pick_close_over(l, &range);
    return range;
}

/* 7.I20. Inputs of so many bytes take their neighbor. */
static bool takes(const struct policy_input *of, uint64_t bytes, const struct sstable *neighbor)
{
    return bytes < small_bytes(of->options) && neighbor->bytes <= bytes &&
           !policy_is_quarantined(of->quarantined, neighbor);
}

void policy_widen_small(const struct policy_input *of, unsigned level, uint64_t bytes,
                        struct pick_range *range)
{
    const struct version_level *l = &of->version->levels[level];
    size_t at = version_find(l, range->low), end = at; /* [at, end) overlap with the range */

    while (end < l->count && sstable_compare_key(l->tables[end], range->high) >= 0)
        end++;
    for (unsigned taken = 0; taken < MOST; taken++) { /* 7.I21 */
        const struct sstable *next;
        if (at && takes(of, bytes, l->tables[at - 1]))
            next = l->tables[--at];
        else if (end < l->count && takes(of, bytes, l->tables[end]))
            next = l->tables[end++];
        else
            return;
        pick_widen(range, next);
        bytes += next->bytes;
    }
}
