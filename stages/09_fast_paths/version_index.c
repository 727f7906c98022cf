/* version_index.c: see version_index.h. */
#include "version_index.h"

#include <stdlib.h>

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

int version_index_new(struct version *v, struct strata_error *err)
{
    size_t size = sizeof(struct version_index) + 2 * v->count * sizeof(uint64_t);
    struct version_index *index = malloc(size);

    if (!index)
        return strata_fail_memory(err, size);
    index->prefix = find_prefix(v);
    index->lows = index->heads + v->count;
    for (size_t i = 0; i < v->count; i++) {
        index->heads[i] = head_behind(strata_buffer_slice(&v->all[i]->largest), index->prefix.size);
        index->heads[v->count + i] =
            head_behind(strata_buffer_slice(&v->all[i]->smallest), index->prefix.size);
    }
    v->index = index;
    v->index_free = free;
    return 0;
}

static struct run run_of(const struct version *v, const struct version_level *l, size_t at,
                         size_t count)
{
    return (struct run){l->tables + at, count,
                        version_index_of(v)->heads + (l->tables - v->all) + at};
}

size_t version_index_find(const struct version *v, unsigned level, struct strata_slice key)
{
    struct run run = run_of(v, &v->levels[level], 0, v->levels[level].count);
    return run_find(&run, version_index_of(v)->prefix, key);
}

size_t version_run_count(const struct version *version)
{
    size_t count = version->levels[0].count;

    for (unsigned level = 1; level < LEVELS; level++)
        count += version->levels[level].count > 0;
    return count;
}

void version_runs(const struct version *v, struct run *out) /* 06_leveled_compaction/version.c I1 */
{
    const struct version_level *l = &v->levels[0];
    size_t n = 0;

    for (; n < l->count; n++)
        out[n] = run_of(v, l, n, 1);
    for (unsigned level = 1; level < LEVELS; level++) {
        l = &v->levels[level];
        if (l->count)
            out[n++] = run_of(v, l, 0, l->count);
    }
}
