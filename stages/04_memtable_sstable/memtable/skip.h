/* skip.h: a skip list: entries in order, found and added in O(log n) steps without ever moving one.
 * William Pugh: Skip Lists: A Probabilistic Alternative to Balanced Trees, CACM 33(6), 1990; with
 * one writer and readers that never wait, as in LevelDB's db/skiplist.h.
 *
 * Entries are ordered by key, ascending, and then by sequence number, descending: of several
 * versions of a key the newest comes first. Nothing is removed or changed.
 *
 * Threads: one at a time adds. Any number read at the same time, without a lock; a reader sees
 * every entry up to the sequence number that it has, and perhaps later ones. */
#ifndef STRATA_04_SKIP_H
#define STRATA_04_SKIP_H

#include "base/arena.h"
#include "base/prng.h"

#define SKIP_HEIGHT 16 /* levels; with one node in three a level higher: 40 million entries */

/* Bytes before it: the pointers to the next nodes, level 0 nearest. */
struct skip_node {
    uint64_t sequence;   /* of the operation */
    uint32_t key_size;   /* bytes */
    uint32_t value_size; /* bytes */
    uint8_t type;        /* enum strata_op_type */
    uint8_t bytes[];     /* key, value */
};

struct skip {
    struct arena *arena;     /* borrowed */
    struct skip_node *first; /* before all entries, of full height */
    struct prng prng;
    _Atomic int height; /* levels in use; a reader may see an older number, which is as good */
};

/* Bytes that skip_add takes from the arena at most. */
size_t skip_bytes(size_t key_size, size_t value_size);
/* NO_MEMORY. Ended with its arena. */
int skip_init(void *skip, struct arena *arena, struct strata_error *err);
/* Adds an entry; no other has this key and this sequence number. The arena has room for it. */
void skip_add(void *skip, uint64_t sequence, unsigned type, struct strata_slice key,
              struct strata_slice value);

struct strata_slice skip_key(const struct skip_node *node);
struct strata_slice skip_value(const struct skip_node *node);

/* The first entry at or behind (key, sequence): with the largest sequence number, the key's newest
 * version. NULL: there is none. */
const struct skip_node *skip_seek(const struct skip *skip, struct strata_slice key,
                                  uint64_t sequence);
/* The last entry before (key, sequence). */
const struct skip_node *skip_before(const struct skip *skip, struct strata_slice key,
                                    uint64_t sequence);
const struct skip_node *skip_last(const struct skip *skip);
const struct skip_node *skip_next(const struct skip_node *node);

/* Is every level in order, and on the level below it (4.I3)? For tests. */
bool skip_check(const void *skip);

#endif
