/* bytes.h: what the inside needs of buffers beyond strata.h. */
#ifndef STRATA_COMMON_BYTES_H
#define STRATA_COMMON_BYTES_H

#include "strata.h"

#include <stdatomic.h>

/* Room for `more` bytes after buffer->size, so that they can be written in place. 0 or
 * STRATA_ERR_NO_MEMORY (sticky). Grows by doubling: n appends cost O(n). */
int buffer_reserve(struct strata_buffer *buffer, size_t more);

/* What follows its first `size` bytes, which it has. Of an empty slice, which may point nowhere,
 * nothing is computed. */
static inline struct strata_slice slice_behind(struct strata_slice slice, size_t size)
{
    return size ? (struct strata_slice){slice.data + size, slice.size - size} : slice;
}

/* Copies a slice that was made a moment ago, by its halves, as it was made: one load of both would
 * wait until they have left the processor's store buffer, as neither of them has all of it. The
 * fence is the compiler's only, which would make one load of two. */
static inline void slice_pass_on(struct strata_slice *to, const struct strata_slice *from)
{
    to->data = from->data;
    atomic_signal_fence(memory_order_seq_cst);
    to->size = from->size;
}

#endif
