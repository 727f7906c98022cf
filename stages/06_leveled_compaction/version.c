/* version.c: see version.h.
 *
 * I1: what is on a level is newer, key by key, than what is on the levels below it; so the first
 *     level that has a key has its newest version. Table by table this cannot be said: what was
 *     merged holds operations of long ago and of today. So a source is as new as its place. */
#include "version.h"

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

/* What all keys begin with: so do the smallest and the largest of them. */
static struct strata_slice find_prefix(const struct version *v)
{
    struct strata_slice smallest, largest;

    if (!v->count)
        return strata_bytes(NULL, 0);
    smallest = strata_buffer_slice(&v->all[0]->smallest);
    largest = strata_buffer_slice(&v->all[0]->largest);
    for (size_t i = 1; i < v->count; i++) {
        struct strata_slice low = strata_buffer_slice(&v->all[i]->smallest);
        struct strata_slice high = strata_buffer_slice(&v->all[i]->largest);
        smallest = strata_compare(low, smallest) < 0 ? low : smallest;
        largest = strata_compare(high, largest) > 0 ? high : largest;
    }
    smallest.size = fence_common(smallest, largest);
    return smallest;
}

static int take_heads(struct version *v, struct strata_error *err)
{
    size_t size = 2 * v->count * sizeof *v->heads;

    v->heads = malloc(size + 1);
    if (!v->heads)
        return strata_fail_memory(err, size);
    v->prefix = find_prefix(v);
    for (size_t i = 0; i < v->count; i++) {
        v->heads[i] = head_behind(strata_buffer_slice(&v->all[i]->largest), v->prefix.size);
        v->heads[v->count + i] =
            head_behind(strata_buffer_slice(&v->all[i]->smallest), v->prefix.size);
    }
    for (unsigned level = 0; level < LEVELS; level++) {
        struct version_level *l = &v->levels[level];
        l->heads = v->heads + (l->tables - v->all);
        l->lows = l->heads + v->count;
        l->prefix = v->prefix;
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
    if (rc == 0)
        rc = take_heads(v, err);
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
    free(version->heads);
    free(version);
}

/* ---- All of it ------------------------------------------------------------------------------- */

size_t version_find(const struct version_level *level, struct strata_slice key)
{
    struct run run = {level->tables, level->count, level->heads};
    return run_find(&run, level->prefix, key);
}

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
        out[n] = (struct run){l->tables + n, 1, l->heads + n};
    for (unsigned level = 1; level < LEVELS; level++) {
        l = &version->levels[level];
        if (l->count)
            out[n++] = (struct run){l->tables, l->count, l->heads};
    }
}
