/* super.c: see super.h. All that is newer stands before all that is older: memtable, sealed
 * memtable, level 0, level 1, ... */
#include "super.h"
#include "04_memtable_sstable/merge_iter.h"

#include <stdlib.h>

struct super *super_new(struct memtable *memtable, struct memtable *sealed, struct version *version)
{
    struct super *super = malloc(sizeof *super);

    if (!super)
        return NULL;
    *super = (struct super){1, memtable, sealed, version};
    memtable_ref(memtable);
    if (sealed)
        memtable_ref(sealed);
    version_ref(version);
    return super;
}

void super_ref(struct super *super)
{
    atomic_fetch_add_explicit(&super->refs, 1, memory_order_relaxed);
}

void super_unref(struct super *super)
{
    if (!super || atomic_fetch_sub_explicit(&super->refs, 1, memory_order_acq_rel) != 1)
        return;
    memtable_unref(super->memtable);
    memtable_unref(super->sealed);
    version_unref(super->version);
    free(super);
}

/* Who let go did all of its reading before that. */
bool super_is_read(const struct super *super)
{
    struct super *s = (struct super *)(uintptr_t)super;
    return atomic_load_explicit(&s->refs, memory_order_acquire) > 1 ||
           atomic_load_explicit(&s->memtable->refs, memory_order_acquire) > 1;
}

int super_get(const struct super *super, uint64_t sequence, struct strata_slice key,
              struct strata_buffer *value, struct strata_error *err)
{
    struct strata_slice found;
    unsigned type = memtable_get(super->memtable, key, sequence, &found);
    int rc = 0;

    if (!type && super->sealed)
        type = memtable_get(super->sealed, key, sequence, &found);
    if (!type)
        rc = version_get(super->version, key, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

/* ---- Iterating ------------------------------------------------------------------------------- */

static bool has_any(const struct memtable *memtable)
{
    return memtable && memtable_count(memtable);
}

/* One source that hides nothing needs no merge. */
static bool is_one_source(const struct super *super)
{
    return version_cursor_count(super->version) == 1 && !has_any(super->memtable) &&
           !has_any(super->sealed) && super->version->tombstones == 0;
}

int super_cursor(const struct super *super, uint64_t sequence, struct cursor **out,
                 struct strata_error *err)
{
    size_t most = version_cursor_count(super->version) + 2, n = 0;
    struct cursor **sources;
    int rc;

    if (is_one_source(super)) {
        version_cursors(super->version, out);
        return *out ? 0 : strata_fail_memory(err, sizeof **out);
    }
    sources = malloc(most * sizeof(struct cursor *));
    if (!sources)
        return strata_fail_memory(err, most * sizeof(struct cursor *));
    sources[n++] = memtable_cursor(super->memtable, sequence);
    if (super->sealed)
        sources[n++] = memtable_cursor(super->sealed, sequence);
    version_cursors(super->version, sources + n);
    rc = merge_iter_new(sources, n + version_cursor_count(super->version), false, out, err);
    free(sources);
    return rc;
}
