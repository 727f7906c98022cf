/* version_index.c: see version_index.h. */
#include "version_index.h"

#include <assert.h>
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
    assert(strata_compare(smallest, largest) <= 0);
    smallest.size = key_shared_size(smallest, largest);
    return smallest;
}

int version_index_new(struct version *v, struct strata_error *err)
{
    size_t size = sizeof(struct version_index) + 2 * v->count * sizeof(uint64_t);
    struct version_index *index = malloc(size);

    if (!index)
        return strata_fail_memory(err, size);
    index->prefix = find_prefix(v);
    index->lows = index->key_prefixes + v->count;
    for (size_t i = 0; i < v->count; i++) {
        index->key_prefixes[i] =
            key_prefix_of(strata_buffer_slice(&v->all[i]->largest), index->prefix.size);
        index->key_prefixes[v->count + i] =
            key_prefix_of(strata_buffer_slice(&v->all[i]->smallest), index->prefix.size);
    }
    v->index = index;
    v->index_free = free;
    return 0;
}

struct fast_run version_index_run(const struct version *v, const struct version_level *run)
{
    uintptr_t at = (uintptr_t)run->tables, all = (uintptr_t)v->all;
    bool own = at >= all && at < all + v->count * sizeof *v->all;

    return (struct fast_run){run->tables, run->count,
                             own ? version_index(v)->key_prefixes + (run->tables - v->all) : NULL};
}
