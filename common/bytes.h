/* bytes.h: what the inside needs of buffers beyond strata.h. */
#ifndef STRATA_COMMON_BYTES_H
#define STRATA_COMMON_BYTES_H

#include "strata.h"

/* Room for `more` bytes after buffer->size, so that they can be written in place. 0 or
 * STRATA_ERR_NO_MEMORY (sticky). Grows by doubling: n appends cost O(n). */
int buffer_reserve(struct strata_buffer *buffer, size_t more);

/* What follows its first `size` bytes, which it has. Of an empty slice, which may point nowhere,
 * nothing is computed. */
static inline struct strata_slice slice_behind(struct strata_slice slice, size_t size)
{
    return size ? (struct strata_slice){slice.data + size, slice.size - size} : slice;
}

#endif
