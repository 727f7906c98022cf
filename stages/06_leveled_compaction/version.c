/* version.c: see version.h.
 *
 * I1: what is on a level is newer, key by key, than what is on the levels below it; so the first
 *     level that has a key has its newest version. Table by table this cannot be said: what was
 *     merged holds operations of long ago and of today. So a source is as new as its place. */
#include "version.h"
#include "base/cost.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Its life -------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = (*(struct sstable *const *)a)->number, y = (*(struct sstable *const *)b)->number;
    return (x > y) - (x < y);
}

static struct sstable *find(struct sstable *const *sorted, size_t count, uint64_t number)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && sorted[low]->number == number ? sorted[low] : NULL;
}

/* Takes the tables from `sorted`, which has all that there can be. */
static int fill(struct version *v, const struct state *state, struct sstable *const *sorted,
                size_t count, struct strata_error *err)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        const struct state_level *from = &state->levels[level];
        v->levels[level] = (struct version_level){
            .tables = v->all + v->count, .count = from->count, .bytes = from->bytes};
        for (size_t i = 0; i < from->count; i++) {
            struct sstable *table = find(sorted, count, from->tables[i].number);
            if (!table)
                return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                                   "table %" PRIu64 " is not open", from->tables[i].number);
            sstable_ref(table);
            v->all[v->count++] = table;
            v->tombstones += table->sum.tombstones;
        }
    }
    return 0;
}

int version_new(const struct state *state, const struct version *old, struct sstable *const *more,
                size_t more_count, struct version **out, struct strata_error *err)
{
    size_t old_count = old ? old->count : 0, count = old_count + more_count;
    size_t size = sizeof(struct version) + state->count * sizeof(struct sstable *);
    struct sstable **sorted = malloc((count + 1) * sizeof(struct sstable *));
    struct version *v = calloc(1, size);
    int rc = v && sorted ? 0 : strata_fail_memory(err, size);

    if (rc == 0) {
        v->refs = 1;
        for (size_t i = 0; i < count; i++)
            sorted[i] = i < old_count ? old->all[i] : more[i - old_count];
        qsort(sorted, count, sizeof *sorted, by_number);
        rc = fill(v, state, sorted, count, err);
    }
    free(sorted);
    if (rc == 0)
        *out = v;
    else if (v && v->refs)
        version_unref(v);
    else
        free(v);
    return rc;
}

void version_ref(struct version *version)
{
    atomic_fetch_add_explicit(&version->refs, 1, memory_order_relaxed);
}

void version_unref(struct version *version)
{
    if (!version || atomic_fetch_sub_explicit(&version->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < version->count; i++)
        sstable_unref(version->all[i]);
    if (version->index)
        version->index_free(version->index);
    free(version);
}

size_t version_find(const struct version_level *level, struct strata_slice key)
{
    size_t low = 0, high = level->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        cost_so_far.comparisons++;
        if (strata_compare(strata_buffer_slice(&level->tables[middle]->largest), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int ask(struct version *v, struct sstable *table, struct strata_slice key, unsigned *type,
               struct strata_buffer *value, struct strata_error *err)
{
    if (sstable_compare_key(table, key) != 0)
        return STRATA_NOT_FOUND;
    atomic_fetch_add_explicit(&v->looked_in, 1, memory_order_relaxed);
    return table->kind->get(table, key, type, value, err);
}

int version_get(struct version *v, struct strata_slice key, unsigned *type,
                struct strata_buffer *value, struct strata_error *err) /* I1 */
{
    const struct version_level *l = &v->levels[0];
    int rc = STRATA_NOT_FOUND;

    for (size_t i = 0; rc == STRATA_NOT_FOUND && i < l->count; i++)
        rc = ask(v, l->tables[i], key, type, value, err);
    for (unsigned level = 1; rc == STRATA_NOT_FOUND && level < LEVELS; level++) {
        size_t at = version_find(&v->levels[level], key);
        if (at < v->levels[level].count)
            rc = ask(v, v->levels[level].tables[at], key, type, value, err);
    }
    return rc;
}

/* ---- All of it ------------------------------------------------------------------------------- */

size_t version_run_count(const struct version *version)
{
    size_t count = version->levels[0].count;

    for (unsigned level = 1; level < LEVELS; level++)
        count += version->levels[level].count > 0;
    return count;
}

void version_runs(const struct version *version, struct run *out) /* I1 */
{
    const struct version_level *l = &version->levels[0];
    size_t n = 0;

    for (; n < l->count; n++)
        out[n] = (struct run){l->tables + n, 1};
    for (unsigned level = 1; level < LEVELS; level++) {
        l = &version->levels[level];
        if (l->count)
            out[n++] = (struct run){l->tables, l->count};
    }
}
