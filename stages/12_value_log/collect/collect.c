/* collect.c: see collect.h.
 *
 *   garbage   a file of which value_garbage percent are dead. All such files are collected at once,
 *             by every compaction that meets a value in one of them
 *   picked    where nothing else is due: the table with most bytes in such files is rewritten where
 *             it is; so a file goes also when nobody writes to its keys any more
 *   hidden    what newer tables replace is dead only when a compaction has met both: tables of
 *             pointers are small, and merged late. When upper tables point to a 24th of what all
 *             do, all tables are merged, if that costs little beside what may be found
 *
 * 12.I8: a pick leaves less of what it was picked for: no table points into a garbage file any more
 *        that was rewritten; after all tables were merged no key is in two of them. So picks come
 *        to an end. */
#include "collect.h"
#include "12_value_log/values/live.h"

#include <stdlib.h>

#define HIDDEN 24u /* the part of all live bytes that upper tables may have, at most */
#define COST 16u   /* of what may be found, the part that is merged for it, at most */

/* ---- What a compaction relocates ------------------------------------------------------------- */

static int open_entries(struct compaction *c, const struct level_merge *of,
                        struct strata_error *err)
{
    int rc = snapshot_keep(c, of, err);
    return rc == STRATA_NOT_FOUND ? c->of.merge(of, &c->from, err) : rc;
}

/* A flush has what was written last: its files are none with garbage yet. */
int collect_keep(struct compaction *c, const struct level_merge *of, struct strata_error *err)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    int rc = 0;

    if (of && read_at_is_coded(of))
        rc = value_set_garbage(value_set_of(c->of.common), &numbers, &count, err);
    if (rc == 0 && !numbers)
        return snapshot_keep(c, of, err);
    if (rc == 0)
        rc = open_entries(c, of, err);
    if (rc < 0) {
        free(numbers);
        return rc;
    }
    return relocate_begin(c, numbers, count, err);
}

/* ---- Which tables ---------------------------------------------------------------------------- */

static uint64_t live_bytes(const struct sstable *table)
{
    uint64_t bytes = 0;

    for (size_t i = live_count(&table->user); i--;)
        bytes += live_at(&table->user, i).bytes;
    return bytes;
}

static int pick_garbage(struct tree *tree, struct version *v, struct pick *pick,
                        struct strata_error *err)
{
    uint64_t *numbers, most = 0;
    size_t count, at = 0;
    int rc = value_set_garbage(value_set_of(tree->common), &numbers, &count, err);

    if (rc < 0)
        return rc;
    for (unsigned level = 0; numbers && level < LEVELS; level++)
        for (size_t i = 0; i < v->levels[level].count; i++) {
            const struct sstable *table = v->levels[level].tables[i];
            uint64_t bytes = collect_bytes_in(table, numbers, count);
            if (bytes <= most || policy_is_quarantined(&tree->quarantined, table))
                continue;
            most = bytes;
            pick->level = pick->output = level;
            at = i;
        }
    free(numbers);
    return most ? pick_take(pick, v, pick->level, at, at + 1, err) : STRATA_NOT_FOUND;
}

/* Bytes that the tables point to which are not the largest, or on the deepest level: at most so
 * many replace what is below them. */
static bool hides_much(const struct version *v)
{
    uint64_t all = 0, tables = 0, deepest = 0;

    for (unsigned level = 0; level < LEVELS; level++) {
        uint64_t of_level = 0;
        for (size_t i = 0; i < v->levels[level].count; i++) {
            uint64_t bytes = live_bytes(v->levels[level].tables[i]);
            of_level = level || bytes < of_level ? of_level + (level ? bytes : 0) : bytes;
            all += bytes;
            tables += v->levels[level].tables[i]->bytes;
        }
        if (of_level)
            deepest = of_level;
    }
    return all - deepest > all / HIDDEN && tables < (all - deepest) / COST;
}

static int pick_hidden(struct tree *tree, struct version *v, struct pick *pick,
                       struct strata_error *err)
{
    struct policy_input of;

    if (!hides_much(v) || tree->quarantined.count)
        return STRATA_NOT_FOUND;
    of = policy_input(v, tree->env->options, &tree->quarantined, false);
    return policy_pick_all(&of, pick, err);
}

bool collect_is_due(const struct tree *tree, const struct version *version)
{
    return value_set_has_garbage(value_set_of(tree->common)) || hides_much(version);
}

int collect_pick(struct tree *tree, struct version *version, struct pick *pick,
                 struct strata_error *err)
{
    int rc = snapshot_pick_stale(tree, version, pick, err);

    if (rc == STRATA_NOT_FOUND) {
        pick_free(pick);
        *pick = (struct pick){0};
        rc = pick_garbage(tree, version, pick, err);
    }
    return rc == STRATA_NOT_FOUND ? pick_hidden(tree, version, pick, err) : rc;
}
