/* expiry.h: values that are gone at a time which was stored with them. */
#ifndef STRATA_13_EXPIRY_H
#define STRATA_13_EXPIRY_H

#include "strata_engine.h"

#define EXPIRY_BYTES 16u /* of a stored value, at its end, that say when it expires */

/* Puts behind the value when it expires, if that is a time (0: never) or must be said. NO_MEMORY,
 * INVALID: it would be too large. */
int expiry_seal(struct strata_buffer *value, uint64_t until, struct strata_error *err);
/* Cuts that off: `stored` becomes the value, *until its time. NOT_FOUND: it has expired. */
int expiry_open(const struct strata_options *options, struct strata_slice *stored, uint64_t *until);
/* What a read has found, `rc`, as the program sees it: NOT_FOUND without a value if it has expired.
 */
int expiry_found(const struct strata_options *options, int rc, struct strata_buffer *value);
/* The same, and if it is there *until becomes its time. */
int expiry_found_until(const struct strata_options *options, int rc, struct strata_buffer *value,
                       uint64_t *until);

/* The operations as they are stored: *batch, which is the caller's; NULL: as they are. NO_MEMORY,
 * INVALID. */
int expiry_seal_ops(const struct strata_op *ops, size_t count, struct strata_batch **batch,
                    struct strata_error *err);

/* *iter without what has expired, in its place: what engine and transactions return as iterator.
 * `rc`: what that returned. */
int expiry_iter(const struct strata_options *options, int rc, struct strata_iter **iter,
                struct strata_error *err);
/* Slot of an engine: the time of the entry at which an iterator of expiry_iter stands. */
uint64_t expiry_iter_until(const struct strata_iter *iter);

#endif
