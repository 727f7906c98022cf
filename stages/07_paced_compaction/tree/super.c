/* super.c: see super.h. */
#include "tree.h"

#include <assert.h>
#include <stdlib.h>

struct super *super_new(struct tree *tree, struct memtable *memtable, struct memtable *immutable,
                        struct version *version)
{
    struct super *super = malloc(sizeof *super);

    if (!super)
        return NULL;
    assert(memtable != immutable && version);
    *super = (struct super){1, tree, memtable, immutable, version};
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
