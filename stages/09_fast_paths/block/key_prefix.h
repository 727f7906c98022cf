/* key_prefix.h: a key prefix: 8 bytes of a key as one number (big-endian), which orders keys as far
 * as it can tell them apart, in one comparison without a look at the key ("abbreviated keys" in
 * PostgreSQL). Bytes that all keys of a table or node have in common, their common prefix, are
 * skipped, so that the 8 are those that differ. Bytes after the end of a key count as 0. Equal key
 * prefixes leave the order open: then the keys are compared. */
#ifndef STRATA_09_KEY_PREFIX_H
#define STRATA_09_KEY_PREFIX_H

#include "base/bytes.h"
#include "base/coding.h"

#include <string.h>

/* Its first `size` bytes, zeros for the others. */
static inline uint64_t key_prefix_cut(uint64_t key_prefix, size_t size)
{
    return size >= 8 ? key_prefix : size ? key_prefix & ~(uint64_t)0 << (64 - 8 * size) : 0;
}

/* Of the bytes after the first `skip`. */
static inline uint64_t key_prefix_of(struct strata_slice key, size_t skip)
{
    uint64_t key_prefix = 0;

    if (key.size >= skip + 8)
        return head_load(key.data + skip);
    for (size_t i = skip; i < key.size; i++)
        key_prefix |= (uint64_t)key.data[i] << (56 - 8 * (i - skip));
    return key_prefix;
}

/* 0: the key begins with the common prefix; < 0: it is before all keys that do; > 0: after them. */
static inline int key_beside(struct strata_slice key, struct strata_slice common)
{
    size_t size = key.size < common.size ? key.size : common.size;
    int order = size ? memcmp(key.data, common.data, size) : 0;

    return order ? order : -(key.size < common.size);
}

/* Of the bytes after a common prefix, for a key that may not begin with it: it is before all key
 * prefixes of keys that do, or after them. */
static inline uint64_t key_prefix_after(struct strata_slice key, struct strata_slice common)
{
    int beside = key_beside(key, common);

    return beside == 0 ? key_prefix_of(key, common.size) : beside > 0 ? UINT64_MAX : 0;
}

/* The first of `count` key prefixes in order that is not before this one. Each step adds half of
 * what is left or nothing, by a mask: of a condition gcc makes a branch, which is mispredicted
 * every second time (measured with 32 key prefixes: 24 ns, and so 5). */
static inline size_t key_prefix_find(const uint64_t *key_prefixes, size_t count,
                                     uint64_t key_prefix)
{
    const uint64_t *from = key_prefixes;

    while (count > 1) {
        size_t half = count / 2;
        count -= half;
        from += half & -(size_t)(from[half - 1] < key_prefix);
    }
    return (size_t)(from - key_prefixes) + (count && *from < key_prefix);
}

/* Bytes that both keys begin with. */
static inline size_t key_shared_size(struct strata_slice a, struct strata_slice b)
{
    size_t both = a.size < b.size ? a.size : b.size, n = 0;

    while (n + 8 <= both && memcmp(a.data + n, b.data + n, 8) == 0)
        n += 8;
    while (n < both && a.data[n] == b.data[n])
        n++;
    return n;
}

#endif
