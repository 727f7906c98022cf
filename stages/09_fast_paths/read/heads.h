/* heads.h: the head of a key: eight bytes of it as a number, which orders keys as far as it can
 * tell them apart. What all keys of the tables begin with is passed over, so that the eight are
 * those that differ. Equal heads leave it open. */
#ifndef STRATA_09_HEADS_H
#define STRATA_09_HEADS_H

#include "base/coding.h"

#include <string.h>

/* The first `size` of eight bytes, zeros for the others. */
static inline uint64_t head_cut(uint64_t head, size_t size)
{
    return size >= 8 ? head : size ? head & ~(uint64_t)0 << (64 - 8 * size) : 0;
}

/* Of what follows the first `pass` bytes, zeros behind its end. */
static inline uint64_t head_behind(struct strata_slice key, size_t pass)
{
    uint8_t bytes[8] = {0};

    if (key.size <= pass)
        return 0;
    if (key.size - pass >= 8)
        return head_load(key.data + pass);
    memcpy(bytes, key.data + pass, key.size - pass);
    return head_load(bytes);
}

/* The same behind `prefix`, for a key that need not begin with it: before all heads of those that
 * do, or behind them, if it stands there. */
static inline uint64_t head_of(struct strata_slice key, struct strata_slice prefix)
{
    size_t size = key.size < prefix.size ? key.size : prefix.size;
    int order = size ? memcmp(key.data, prefix.data, size) : 0;

    if (order == 0 && key.size >= prefix.size)
        return head_behind(key, prefix.size);
    return order > 0 ? UINT64_MAX : 0;
}

#endif
