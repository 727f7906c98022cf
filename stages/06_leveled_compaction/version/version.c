/* version.c: see version.h: its life, and looking things up in it. How an edit makes the next one
 * is in version_builder.c, and the edit that makes all of it in version_edit.c.
 *
 * 6.I8: what is on a level is newer, key by key, than what is on the levels below it; so the first
 *     level that has a key has its newest version. Table by table this cannot be said: what was
 *     merged holds operations of long ago and of today. So a source is as new as its level. */
#include "version.h"
#include "base/cost.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Its life ------------------------------------------------------------------------------ */

void version_ref(struct version *version)
{
    atomic_fetch_add_explicit(&version->refs, 1, memory_order_relaxed);
}

void version_unref(struct version *version)
{
    assert(!version || version->refs > 0);
    if (!version || atomic_fetch_sub_explicit(&version->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < version->count; i++)
        sstable_unref(version->all[i]);
    for (unsigned level = 0; level < LEVELS; level++)
        strata_buffer_free(&version->cursors[level]);
    if (version->index)
        version->index_free(version->index);
    index_free(&version->numbers);
    free(version->all);
    free(version);
}

/* ---- Looking things up --------------------------------------------------------------------- */

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

static int search_table(struct version *v, struct sstable *table, struct strata_slice key,
                        unsigned *type, struct strata_buffer *value, struct strata_error *err)
{
    if (sstable_compare_key(table, key) != 0)
        return STRATA_NOT_FOUND;
    atomic_fetch_add_explicit(&v->looked_in, 1, memory_order_relaxed);
    return table->kind->get(table, key, type, value, err);
}

int version_get(struct version *v, struct strata_slice key, unsigned *type,
                struct strata_buffer *value, struct strata_error *err) /* 6.I8 */
{
    const struct version_level *l = &v->levels[0];
    int rc = STRATA_NOT_FOUND;

    for (size_t i = 0; rc == STRATA_NOT_FOUND && i < l->count; i++)
        rc = search_table(v, l->tables[i], key, type, value, err);
    for (unsigned level = 1; rc == STRATA_NOT_FOUND && level < LEVELS; level++) {
        size_t at = version_find(&v->levels[level], key);
        if (at < v->levels[level].count)
            rc = search_table(v, v->levels[level].tables[at], key, type, value, err);
    }
    return rc;
}
