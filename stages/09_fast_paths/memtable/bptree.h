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
    struct bptree_node *replaced;       /* nodes that readers may still look at, a list */
    struct bptree_node *spare[2];       /* that none looks at: leaves of full size, inner nodes */
};

/* NO_MEMORY. Ended with its arena. */
int bptree_init(struct bptree *tree, struct arena *arena, struct strata_error *err);
/* Bytes that adding so many entries takes from the arena at most, `bytes` their keys and values.
 * SIZE_MAX: more than there can be. */
size_t bptree_room(const struct bptree *tree, size_t operations, size_t bytes);
/* Adds an entry; no other has this key and this sequence number. The arena has room for it. */
void bptree_add(struct bptree *tree, struct strata_slice key, uint64_t sequence, unsigned type,
                struct strata_slice value);
/* Nobody reads, and who begins to will see all that was done: what was replaced is used again. */
void bptree_recycle(struct bptree *tree);

/* The newest version of `key` up to `sequence`; NULL: there is none. */
const struct bptree_entry *bptree_get(const struct bptree *tree, struct strata_slice key,
                                      uint64_t sequence);
/* Over the newest version of each key up to `sequence`. NULL: no memory. */
struct cursor *bptree_cursor(const struct bptree *tree, uint64_t sequence);
/* Its invariants hold (bptree_check.c). For tests; nobody adds meanwhile. */
bool bptree_check(const struct bptree *tree);

static inline struct strata_slice bptree_key(const struct bptree_entry *entry)
{
    return strata_bytes(entry->bytes, entry->key_size);
}

static inline struct strata_slice bptree_value(const struct bptree_entry *entry)
{
    return strata_bytes(entry->bytes + entry->key_size, entry->value_size);
}

/* A memtable that is one. */
extern const struct memtable_kind memtable_bptree;

#endif
