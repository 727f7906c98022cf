/* writes.h: the model of the engine target. A handful of keys, sorted once and for all, and a
 * history of writes to them; what a database holds after the first n of them is, for each key, what
 * the operation that wrote it last has made of it. What is put is made from the operation's number:
 * no two values of two bytes are alike, and none that expires has fewer. So two states that look
 * the same are the same later, too, whatever has expired by then. */
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
    enum strata_op_type type;
    unsigned key, to; /* to: a range's end; KEYS: it has none */
    bool unwanted;    /* it fails: what is there is no number, or too large a one */
    bool is_number;   /* it is given one, `operand`, and leaves one */
    int64_t operand, number;
    uint64_t until; /* when the value expires; 0: never */
    size_t base;    /* merges: 1 + the operation whose value was there; 0: none was */
    uint32_t size;  /* of what is given: a value, or an operand */
    uint64_t hash;  /* of the value that it leaves */
};

struct writes {
    struct op ops[WRITES_OPS];
    size_t op_count;
    size_t ends[WRITES_OPS + 1]; /* write number n has the operations from ends[n - 1] to ends[n] */
    size_t count;                /* of writes */
};

extern uint64_t writes_time; /* what the clock shows */

/* Adds an operation to the write that is being made: a put or a delete. false: there is no room. */
bool writes_add(struct writes *writes, unsigned key, bool is_delete, unsigned size_code);
/* Any other: `kind` says which. One that is `unwanted` must be refused, and the whole write is. */
bool writes_add_blind(struct writes *writes, unsigned key, unsigned size_code, uint8_t kind);
size_t writes_commit(struct writes *writes); /* returns its number, from 1 */
void writes_drop(struct writes *writes);     /* the write being made */
void writes_cut(struct writes *writes, size_t n);
/* What the operation is given: a value, an operand, a range's end. Ours until the next call. */
struct strata_slice writes_given(const struct writes *writes, size_t op);
/* The operator STRATA_OP_MERGE of the target. */
int writes_merge(void *arg, struct strata_slice key, const struct strata_slice *value,
                 struct strata_slice operand, struct strata_buffer *result);

/* What a database holds, with what expires. */
struct held {
    bool there[KEYS];
    uint64_t hash[KEYS];  /* of the values; 0 where there is none */
    uint64_t until[KEYS]; /* when they expire; 0: never */
    size_t op[KEYS];      /* whose they are */
};
struct held writes_after(const struct writes *writes, size_t n);
struct held writes_before(const struct writes *writes, size_t op); /* that operation */
bool held_has(const struct held *held, unsigned key);              /* now */
bool held_equal(const struct held *a, const struct held *b);
uint64_t held_hash(struct strata_slice value);

#endif
