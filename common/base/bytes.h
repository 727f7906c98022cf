/* bytes.h: buffer functions that are not public (the public ones are in strata.h). */
#ifndef STRATA_COMMON_BYTES_H
#define STRATA_COMMON_BYTES_H

#include "strata.h"

#include <stdatomic.h>

/* Room for `more` bytes after buffer->size, so that they can be written in place. 0 or
 * STRATA_ERR_NO_MEMORY (sticky). Grows by doubling: n appends cost O(n). */
int buffer_reserve(struct strata_buffer *buffer, size_t more);
/* A copy of these bytes is all that the buffer holds. NO_MEMORY. */
int buffer_set(struct strata_buffer *buffer, struct strata_slice bytes, struct strata_error *err);

/* The slice without its first `size` bytes (size <= slice.size). No arithmetic on the pointer of an
 * empty slice, which may be NULL. */
static inline struct strata_slice slice_behind(struct strata_slice slice, size_t size)
{
    return size ? (struct strata_slice){slice.data + size, slice.size - size} : slice;
}

/* Copies a slice that was stored just before, as two loads, like the two stores that made it: a
 * single load of 16 bytes could not be forwarded from two entries of the processor's store buffer
 * and would wait. The fence is for the compiler only, which would merge the two loads. */
static inline void slice_pass_on(struct strata_slice *to, const struct strata_slice *from)
{
    to->data = from->data;
    atomic_signal_fence(memory_order_seq_cst);
    to->size = from->size;
}

#endif
