/* bptree.h: a B+tree in memory whose leaves are appended to. Entries are found and added in a few
 * steps, most of them in the processor's caches, and never move.
 *
 * Entries are ordered by key, ascending, then by sequence number, descending: of several versions
 * of a key the newest comes first. Nothing is removed or changed.
 *
 * Threads: one at a time adds. Any number read at the same time, without a lock; a reader sees
 * every entry that was added before it began, and perhaps later ones. */
#ifndef STRATA_09_BPTREE_H
#define STRATA_09_BPTREE_H

#include "04_memtable_sstable/memtable/memtable.h"

struct bptree_entry {
    uint64_t sequence;      /* of the operation */
    uint32_t value_size;    /* bytes */
    uint32_t key_size : 24; /* bytes */
    uint32_t type : 8;      /* enum strata_op_type */
    uint8_t bytes[];        /* key, value */
};

struct bptree_node;
struct bptree_leaf;

struct bptree {
    struct arena *arena; /* borrowed */
    _Atomic(struct bptree_node *) root;
    /* The writer's: */
    const struct bptree_entry *largest; /* NULL: it is empty */
    struct bptree_leaf *rightmost;      /* the last leaf: `largest` is in it */
    size_t leaves, inners;              /* nodes in use */
    unsigned height;                    /* levels of inner nodes */
    /* Nodes that readers may still look at, lists: replaced since the last bptree_recycle, and
     * between that and the one before. */
    struct bptree_node *replaced, *waiting;
    struct bptree_node *spare[2]; /* that none looks at: leaves, inner nodes */
};

/* Its invariants hold (bptree_check.c). For tests; nobody adds meanwhile. */
bool bptree_check(const void *tree);

/* As struct memtable_kind's (bptree_read.c); `tree` is the kind's self. */
unsigned bptree_get(const void *tree, struct strata_slice key, uint64_t sequence,
                    struct strata_slice *value);
uint64_t bptree_number(const void *tree, struct strata_slice key, uint64_t sequence);
struct cursor *bptree_cursor(const void *tree, uint64_t sequence);
struct cursor *bptree_versions(const void *tree, const uint64_t *readers, size_t count);

static inline struct strata_slice bptree_key(const struct bptree_entry *entry)
{
    return strata_bytes(entry->bytes, entry->key_size);
}

static inline struct strata_slice bptree_value(const struct bptree_entry *entry)
{
    return strata_bytes(entry->bytes + entry->key_size, entry->value_size);
}

extern const struct memtable_kind memtable_bptree;

#endif
