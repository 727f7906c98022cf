/* writes.h: the model of the engine target. A handful of keys, sorted once and for all, and a
 * history of writes to them; what a database holds after the first n of them is, for each key, the
 * operation that wrote it last. Values are made from the operation's number, so no two are alike.
 */
#ifndef STRATA_FUZZ_WRITES_H
#define STRATA_FUZZ_WRITES_H

#include "strata.h"

#define KEYS 20              /* ascending: key number 3 sorts before number 4 */
#define WRITES_OPS 512       /* of one run */
#define WRITES_BATCH 5       /* operations of a write */
#define VALUE_LARGEST 140000 /* beyond what a reader takes at once */

struct strata_slice key_at(unsigned number);
/* The number of a key; KEYS: it is none of them. */
unsigned key_number(struct strata_slice key);
/* One of the three keys that have the same hash in the index of stages 2 and 3. */
unsigned key_twin(uint64_t which);
/* How many keys sort before it. */
unsigned key_seek(struct strata_slice key);

struct op {
    unsigned key;
    bool is_delete;
    uint32_t size; /* of the value */
    uint64_t hash; /* ... and its hash */
};

struct writes {
    struct op ops[WRITES_OPS];
    size_t op_count;
    size_t ends[WRITES_OPS + 1]; /* write number n has the operations from ends[n - 1] to ends[n] */
    size_t count;                /* of writes */
};

/* Adds an operation to the write that is being made. false: there is no room. */
bool writes_add(struct writes *writes, unsigned key, bool is_delete, unsigned size_code);
size_t writes_commit(struct writes *writes); /* returns its number, from 1 */
void writes_drop(struct writes *writes);     /* the write being made */
void writes_cut(struct writes *writes, size_t n);
struct strata_slice writes_value(const struct writes *writes, size_t op); /* ours until the next */

/* What a database holds. */
struct held {
    bool there[KEYS];
    uint64_t hash[KEYS]; /* of the values; 0 where there is none */
};
struct held writes_after(const struct writes *writes, size_t n);
bool held_equal(const struct held *a, const struct held *b);
uint64_t held_hash(struct strata_slice value);

#endif
