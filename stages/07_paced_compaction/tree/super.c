/* super.c: see super.h. What is newer comes before what is older: memtable, immutable memtable,
 * level 0, level 1, ... */
#include "super.h"

#include <assert.h>
#include <stdlib.h>

struct super *super_new(const struct tree_parts *parts, struct memtable *memtable,
                        struct memtable *immutable, struct version *version)
{
    struct super *super = malloc(sizeof *super);

    if (!super)
        return NULL;
    assert(memtable != immutable && version);
    *super = (struct super){1, parts, memtable, immutable, version};
    memtable_ref(memtable);
    if (immutable)
        memtable_ref(immutable);
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
    memtable_unref(super->immutable);
    version_unref(super->version);
    free(super);
}

/* A reader that has dropped its reference did all of its reading before. */
bool super_is_read(const struct super *super)
{
    struct super *s = (struct super *)(uintptr_t)super;
    return atomic_load_explicit(&s->refs, memory_order_acquire) > 1 ||
           atomic_load_explicit(&s->memtable->refs, memory_order_acquire) > 1;
}

/* ---- Iterating ------------------------------------------------------------------------------- */

int super_cursor(const struct super *super, uint64_t sequence, struct cursor **out,
                 struct strata_error *err)
{
    struct memtable *newer[] = {super->memtable, super->immutable};
    struct level_merge of = {.version = super->version, .sequence = sequence};

    for (int i = 0; i < 2; i++) /* what is written later is not looked for */
        if (newer[i] && memtable_count(newer[i]))
            of.newer[of.newer_count++] = newer[i];
    return level_merge_all(&of, super->parts->merge, out, err);
}
