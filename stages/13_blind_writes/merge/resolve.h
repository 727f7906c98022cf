/* resolve.h: merges become puts: of a batch, on what operations before it have left. */
#ifndef STRATA_13_RESOLVE_H
#define STRATA_13_RESOLVE_H

#include "10_concurrency/snapshot_tree.h"

/* Becomes a delete if the key has a value that has expired or that options.filter drops; else
 * nothing. */
#define OP_FILTER ((enum strata_op_type)15)

/* The value, as stored, of a key which no operation before has written: 0, NOT_FOUND, or < 0.
 * `value` is empty. */
typedef int resolve_find(void *arg, struct strata_slice key, struct strata_buffer *value,
                         struct strata_error *err);

/* A batch without merges: of those the results, each once. */
struct resolved {
    struct resolved *next;
    struct strata_op *ops;
    struct resolved_value {
        struct strata_buffer bytes;
        bool merged;    /* they are the value of this operation, which was a merge */
        uint64_t until; /* when that expires; 0: never */
    } * values;
    size_t count;
    bool alone; /* it is of one operation, which the resolver need not know of */
};

/* Set the first three, zero the rest. */
struct resolver {
    const struct strata_options *options; /* borrowed */
    resolve_find *find;
    void *arg;
    struct resolved *all;           /* what was resolved, the newest first; owned */
    const struct strata_op **slots; /* the last operation of each key: a hash table */
    size_t slot_count, used;
    const void *last;          /* the caller's: up to which batch it has added all */
    struct range_keys *ranges; /* range.c's */
};

/* Frees what was resolved, too. */
void resolver_free(struct resolver *r);
/* Later batches come after these operations, which are borrowed. NO_MEMORY. */
int resolver_add(struct resolver *r, const struct strata_op *ops, size_t count,
                 struct strata_error *err);
/* Forgets all operations. */
void resolver_forget(struct resolver *r);

/* Resolves a batch, whose keys and values are borrowed. Its operations are to be added before
 * others are resolved. 0; or < 0, as `find`, or INVALID, NO_MEMORY: then all are to be forgotten.
 * O(operations), and what is read. */
int resolver_resolve(struct resolver *r, const struct strata_op *ops, size_t count,
                     struct resolved **out, struct strata_error *err);

#endif
