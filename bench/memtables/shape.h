/* shape.h: what the memtables that are compared have in common: entries in memory, of a key, a
 * sequence number and a value, in the order of skip.h. They differ in where an entry goes. */
#ifndef STRATA_BENCH_SHAPE_H
#define STRATA_BENCH_SHAPE_H

#include "strata.h"

struct shape {
    const char *name;
    const char *about;   /* one line */
    void *(*make)(void); /* NULL: no memory; so are the others' falses */
    bool (*add)(void *self, uint64_t sequence, struct strata_slice key, struct strata_slice value);
    /* The newest version's value. False: there is none. */
    bool (*get)(void *self, struct strata_slice key, struct strata_slice *value);
    /* All entries in order. What must be sorted for it is sorted now. */
    bool (*walk)(void *self,
                 void (*each)(void *arg, struct strata_slice key, struct strata_slice value),
                 void *arg);
    size_t (*bytes)(const void *self); /* of memory in use */
    void (*free)(void *self);
};

extern const struct shape shape_skip, shape_btree, shape_append, shape_log;

/* ---- Entries of the two that are made here --------------------------------------------------- */

/* A key's first 16 bytes as two numbers, as in skip.c: most comparisons end with them. */
struct head {
    uint64_t word[2];
};

struct entry {
    uint64_t sequence;
    uint32_t key_size, value_size;
    uint8_t bytes[]; /* key, value */
};

static inline uint64_t shape_word(struct strata_slice key, size_t from)
{
    uint64_t word = 0;

    if (key.size >= from + 8) {
        for (size_t i = 0; i < 8; i++)
            word |= (uint64_t)key.data[from + i] << (56 - 8 * i);
        return word;
    }
    for (size_t i = from; i < key.size; i++)
        word |= (uint64_t)key.data[i] << (56 - 8 * (i - from));
    return word;
}

static inline struct head shape_head(struct strata_slice key)
{
    return (struct head){{shape_word(key, 0), shape_word(key, 8)}};
}

static inline struct strata_slice shape_key(const struct entry *entry)
{
    return strata_bytes(entry->bytes, entry->key_size);
}

static inline struct strata_slice shape_value(const struct entry *entry)
{
    return strata_bytes(entry->bytes + entry->key_size, entry->value_size);
}

/* Is the entry, with its head, before (key, sequence), whose head is `than`? */
static inline bool shape_before(const struct head *head, const struct entry *entry,
                                const struct head *than, struct strata_slice key, uint64_t sequence)
{
    int order;

    if (head->word[0] != than->word[0])
        return head->word[0] < than->word[0];
    if (head->word[1] != than->word[1])
        return head->word[1] < than->word[1];
    order = strata_compare(shape_key(entry), key);
    return order ? order < 0 : entry->sequence > sequence;
}

#endif
