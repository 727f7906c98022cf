/* own_writes.h: the writes of a transaction, which nobody else sees: in the order in which they
 * were made, to be committed as a batch; and, once there are many or an iterator asks, in the order
 * of their keys, in a memtable of its own. */
#ifndef STRATA_11_OWN_WRITES_H
#define STRATA_11_OWN_WRITES_H

#include "04_memtable_sstable/memtable/memtable.h"

/* All zero is an empty one. */
struct own_writes {
    struct strata_batch *batch; /* NULL: there are none */
    struct memtable *sorted;    /* of all of them; or NULL */
};

void own_writes_free(struct own_writes *own);

size_t own_writes_count(const struct own_writes *own);
/* Copies key and value. NO_MEMORY: it was not added. */
int own_writes_add(struct own_writes *own, const struct strata_op *op, struct strata_error *err);
/* The last write of the key: its type, and its value, borrowed until the next write. 0: none. */
unsigned own_writes_get(const struct own_writes *own, struct strata_slice key,
                        struct strata_slice *value);
/* Keeps the first `count` of them. NO_MEMORY: all are kept. */
int own_writes_cut(struct own_writes *own, size_t count, struct strata_error *err);
/* A cursor over the last write of each key, deletes too, as they are now: later writes are not
 * seen; there are some. Its sequence numbers are above those of all operations of a database. To be
 * freed before
 * `*held` is given to memtable_unref. NO_MEMORY. */
int own_writes_cursor(struct own_writes *own, struct cursor **out, struct memtable **held,
                      struct strata_error *err);

#endif
