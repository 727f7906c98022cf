/* sorted.h: an iterator for stages that keep nothing in order: it takes every (key, position),
 * sorts them once, and reads values when asked. Stages 1 to 3 use it. Making one costs
 * O(n log n) time and O(n) memory; what it costs is the reason for stage 4. */
#ifndef STRATA_01_SORTED_H
#define STRATA_01_SORTED_H

#include "strata_engine.h"

struct sorted_entry {
    union {
        const uint8_t *key; /* once sorted */
        size_t key_at;      /* while adding: offset in `keys`, which still moves */
    };
    uint64_t position;
    uint64_t order; /* of adding: of two entries with one key, the later wins */
    uint32_t key_size;
    bool deleted;
};

/* All zero is a valid empty list. */
struct sorted {
    struct sorted_entry *entries;
    size_t count, capacity;
    struct strata_buffer keys;
};

/* Adds the newest record of `key`: its position, or that it is a delete. Copies the key. What
 * `position` means is the stage's business. */
int sorted_add(struct sorted *list, struct strata_slice key, uint64_t position, bool deleted,
               struct strata_error *err);
void sorted_free(struct sorted *list);

/* Where an iterator's values come from. */
struct sorted_source {
    int (*read)(void *arg, uint64_t position, struct strata_slice key, struct strata_buffer *value,
                struct strata_error *err);
    void (*release)(void *arg); /* when the iterator is freed; may be NULL */
    void *arg;
};

/* Sorts the list and makes an iterator of it. Takes the list over (it is empty afterwards, also
 * on failure); source->release is called on failure too. */
int sorted_iter_new(struct sorted *list, const struct sorted_source *source,
                    struct strata_iter **out, struct strata_error *err);

#endif
