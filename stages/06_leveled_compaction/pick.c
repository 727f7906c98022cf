/* pick.c: see pick.h. As LevelDB does it (doc/impl.md): level 0 is due by the number of its tables,
 * because each costs every read, the others by their bytes; the one that is most in excess is
 * first.
 *
 *   level 0   [a........q] [c.....z] [b..f]      due with 4: the oldest, and all that overlap
 *   level 1   [a.d][e...k][l...p][r..z]          due above level_bytes: one table, round robin,
 *   level 2   [a][b.c][e.f][g.h][i.k][m]...      with all that it overlaps on the next level
 *
 * I1: the inputs of level 0 are closed: no table of that level that is left out overlaps with them.
 *     So what goes down is older than all that stays above it, key by key.
 * I2: the inputs of the output level are all that overlap with the others.
 * I3: a table that cannot be read is no input, and by I1 and I2 whatever would need it is none. The
 *     next one that does not is taken instead. What must stay on level 0 for its sake is merged
 *     there, by size, to one table of the newest ones: so they do not gather without end. */
#include "pick_inside.h"

#include <stdlib.h>

#define L0_URGENT 8u /* tables from which on level 0 is compacted before all others */

void pick_free(struct pick *pick)
{
    for (unsigned level = 0; level < LEVELS; level++)
        free(pick->tables[level]);
    *pick = (struct pick){0};
}

/* ---- How much -------------------------------------------------------------------------------- */

uint64_t pick_target(const struct strata_options *options, unsigned level)
{
    uint64_t target = options->level_bytes;

    for (; level > 1; level--)
        target = target > UINT64_MAX / PICK_TIMES ? UINT64_MAX : target * PICK_TIMES;
    return target;
}

/* In thousandths; what is due has more than 1000. The last level has nowhere to go. */
static uint64_t score(const struct version *v, const struct strata_options *options, unsigned level)
{
    uint64_t target = pick_target(options, level), bytes = v->levels[level].bytes;

    if (level == 0)
        return v->levels[0].count >= L0_URGENT
                   ? UINT64_MAX
                   : (uint64_t)v->levels[0].count * 1000 / PICK_L0_TABLES + 1;
    if (level + 1 == LEVELS || bytes <= target)
        return 0;
    return bytes / target * 1000 + bytes % target / (target / 1000 + 1);
}

/* What is too much on a level goes down, with what it overlaps there, and is too much there. */
uint64_t pick_owed(const struct version *version, const struct strata_options *options)
{
    const struct version_level *l = version->levels;
    uint64_t owed = 0, coming = 0;

    if (options->compaction == STRATA_COMPACTION_TIERED)
        return pick_tiered_owed(version);
    if (l[0].count >= PICK_L0_TABLES) {
        coming = l[0].bytes;
        owed = coming + l[1].bytes;
    }
    for (unsigned level = 1; level + 1 < LEVELS; level++) {
        uint64_t bytes = l[level].bytes + coming, target = pick_target(options, level), times;
        coming = bytes > target ? bytes - target : 0;
        if (!coming)
            continue;
        times = l[level + 1].bytes / bytes;
        owed += coming * (1 + (times < PICK_TIMES ? times : PICK_TIMES));
    }
    return owed;
}

unsigned pick_level0_aim(const struct version *version, const struct strata_options *options)
{
    return options->compaction == STRATA_COMPACTION_TIERED ? pick_tiered_aim(version) : L0_URGENT;
}

/* ---- Which ----------------------------------------------------------------------------------- */

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
    pick->tables[level][pick->count[level]++] = table;
    pick->bytes += table->bytes;
    pick->records += table->sum.records;
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

/* All tables of a level that overlap, the newest first, or in order of their keys. */
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

/* I1: as long as a table widens the range, others may have come into it. */
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

/* The table that begins behind the level's cursor, or, behind the last one, the first. */
static size_t next_of(const struct version_level *l, struct strata_slice cursor)
{
    size_t at = cursor.size ? version_find(l, cursor) : 0;

    if (at < l->count && cursor.size && sstable_compare_key(l->tables[at], cursor) >= 0)
        at++; /* it has been there */
    return at < l->count ? at : 0;
}

static uint64_t bytes_over(const struct version *v, unsigned level, const struct pick_range *range)
{
    uint64_t bytes = 0;
    size_t at = 0, end = 0;

    if (level < LEVELS)
        may_overlap(v, level, range, &at, &end);
    for (; at < end; at++)
        bytes += v->levels[level].tables[at]->bytes;
    return bytes;
}

/* ---- Tables that cannot be read (I3) --------------------------------------------------------- */

int pick_spare(struct pick_spared *spared, uint64_t number, struct strata_error *err)
{
    size_t room = spared->room ? 2 * spared->room : 4;
    uint64_t *bigger = spared->numbers;

    if (spared->count == spared->room)
        bigger = realloc(spared->numbers, room * sizeof *bigger);
    if (!bigger)
        return strata_fail_memory(err, room * sizeof *bigger);
    if (spared->count == spared->room)
        spared->room = room;
    spared->numbers = bigger;
    spared->numbers[spared->count++] = number;
    return 0;
}

void pick_spare_none(struct pick_spared *spared)
{
    free(spared->numbers);
    *spared = (struct pick_spared){0};
}

bool pick_is_spared(const struct pick_spared *spared, const struct sstable *table)
{
    for (size_t i = 0; i < spared->count; i++)
        if (spared->numbers[i] == table->number)
            return true;
    return false;
}

static bool has_spared(const struct pick *pick, const struct pick_spared *spared)
{
    for (unsigned level = 0; spared->count && level < LEVELS; level++)
        for (size_t i = 0; i < pick->count[level]; i++)
            if (pick_is_spared(spared, pick->tables[level][i]))
                return true;
    return false;
}

/* ---- One level ------------------------------------------------------------------------------- */

/* The inputs that table `at` of the level needs. */
static int take_inputs(struct pick *out, const struct version *v, unsigned level, size_t at,
                       const struct strata_options *options, struct strata_error *err)
{
    const struct version_level *l = &v->levels[level];
    struct pick_range range = pick_range_of(l->tables[at]);
    int rc;

    if (level == 0)
        pick_close_over(l, &range);
    pick_free(out);
    out->level = level;
    out->output = level + 1;
    rc = pick_take_overlapping(out, v, level, &range, err);
    if (rc == 0)
        rc = pick_take_overlapping(out, v, level + 1, &range, err); /* I2 */
    out->move = rc == 0 && out->count[level] == 1 && out->count[level + 1] == 0 &&
                level + 1 != options->pack_from_level &&
                bytes_over(v, level + 2, &range) <= PICK_TIMES * options->table_bytes;
    return rc;
}

/* Round robin; of level 0 the oldest. */
static int pick_level(const struct version *v, unsigned level, struct strata_slice cursor,
                      const struct strata_options *options, const struct pick_spared *spared,
                      struct pick *out, struct strata_error *err)
{
    const struct version_level *l = &v->levels[level];
    size_t first = level ? next_of(l, cursor) : 0;

    for (size_t i = 0; i < l->count; i++) {
        size_t at = level ? (first + i) % l->count : l->count - 1 - i;
        int rc = take_inputs(out, v, level, at, options, err);
        if (rc < 0 || !has_spared(out, spared))
            return rc;
    }
    return STRATA_NOT_FOUND;
}

/* How many tables of level 0, from the newest on, are of a size: none larger than all newer ones
 * together (as stage 4's store_merge_due); and all can be read. */
static size_t count_of_a_size(const struct version_level *l, const struct pick_spared *spared)
{
    uint64_t newer = 0;
    size_t count = 0;

    while (count < l->count && !pick_is_spared(spared, l->tables[count]) &&
           (count == 0 || l->tables[count]->bytes <= newer))
        newer += l->tables[count++]->bytes;
    return count;
}

/* Neighbours, by age: so that their outcome can take their place on level 0. */
static int pick_newest(const struct version *v, const struct pick_spared *spared, struct pick *out,
                       struct strata_error *err)
{
    const struct version_level *l = &v->levels[0];
    size_t count = count_of_a_size(l, spared);
    int rc;

    pick_free(out);
    if (count < PICK_L0_TABLES)
        return STRATA_NOT_FOUND;
    rc = pick_take_room(out, 0, count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        pick_take(out, 0, l->tables[i]);
    return rc;
}

/* Of those that are not left out. */
static unsigned most_urgent(const struct version *v, const struct strata_options *options,
                            const bool left_out[LEVELS])
{
    unsigned level = LEVELS - 1; /* which is never due */

    for (unsigned i = 0; i < LEVELS; i++)
        if (!left_out[i] && score(v, options, i) > score(v, options, level))
            level = i;
    return level;
}

int pick_due(const struct version *version, const struct strata_buffer cursors[LEVELS],
             const struct strata_options *options, const struct pick_spared *spared,
             struct pick *out, struct strata_error *err)
{
    bool left_out[LEVELS] = {false};
    int rc = STRATA_NOT_FOUND;

    *out = (struct pick){0};
    if (options->compaction == STRATA_COMPACTION_TIERED)
        return pick_tiered(version, options, spared, out, err);
    while (rc == STRATA_NOT_FOUND) {
        unsigned level = most_urgent(version, options, left_out);
        if (score(version, options, level) <= 1000)
            return STRATA_NOT_FOUND;
        rc = pick_level(version, level, strata_buffer_slice(&cursors[level]), options, spared, out,
                        err);
        if (rc == STRATA_NOT_FOUND && level == 0)
            rc = pick_newest(version, spared, out, err);
        left_out[level] = true;
    }
    return rc;
}

/* ---- Everything ------------------------------------------------------------------------------ */

unsigned pick_level_for(uint64_t bytes, unsigned least, const struct strata_options *options)
{
    while (least + 1 < LEVELS && bytes > pick_target(options, least))
        least++;
    return least;
}

static bool nothing_to_gain(const struct pick *pick, unsigned levels)
{
    bool tombstones = false;

    for (size_t i = 0; i < pick->count[pick->output]; i++)
        tombstones |= pick->tables[pick->output][i]->sum.tombstones > 0;
    return levels == 0 || (levels == 1 && pick->count[pick->output] && !tombstones);
}

int pick_all(const struct version *version, const struct strata_options *options, struct pick *out,
             struct strata_error *err)
{
    unsigned levels = 0;
    int rc = 0;

    *out = (struct pick){.output = 1};
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++) {
        const struct version_level *l = &version->levels[level];
        rc = pick_take_room(out, level, l->count, err);
        for (size_t i = 0; rc == 0 && i < l->count; i++)
            pick_take(out, level, l->tables[i]);
        levels += l->count > 0;
        if (level && l->count)
            out->output = level;
    }
    out->output = pick_level_for(out->bytes, out->output, options);
    if (rc == 0 && nothing_to_gain(out, levels))
        rc = STRATA_NOT_FOUND;
    return rc;
}
