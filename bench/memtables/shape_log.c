/* shape_log.c: an unsorted log: an entry goes behind the last one, and all are sorted when they are
 * to be written out. Until then a get looks at every entry, the newest first, and a scan would have
 * to sort them all. RocksDB has it as VectorRepFactory, for loading in bulk. */
#include "base/arena.h"
#include "shape.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)8 << 20)

struct slot {
    struct head head;
    const struct entry *entry;
};

struct log {
    struct arena arena; /* entries */
    struct slot *slots;
    size_t count, capacity;
};

static void *log_make(void)
{
    struct log *log = calloc(1, sizeof *log);
    if (log)
        log->arena.chunk_bytes = CHUNK;
    return log;
}

static void log_free(void *self)
{
    struct log *log = self;
    arena_free(&log->arena);
    free(log->slots);
    free(log);
}

static bool log_grow(struct log *log)
{
    size_t more = log->capacity ? 2 * log->capacity : 1024;
    struct slot *slots = realloc(log->slots, more * sizeof *slots);

    if (!slots)
        return false;
    log->slots = slots;
    log->capacity = more;
    return true;
}

static bool log_add(void *self, uint64_t sequence, struct strata_slice key,
                    struct strata_slice value)
{
    struct log *log = self;
    size_t size = offsetof(struct entry, bytes) + key.size + value.size;
    struct entry *entry;

    if (arena_reserve(&log->arena, size + ARENA_ALIGN, NULL) < 0 ||
        (log->count == log->capacity && !log_grow(log)))
        return false;
    entry = arena_take(&log->arena, size);
    entry->sequence = sequence;
    entry->key_size = (uint32_t)key.size;
    entry->value_size = (uint32_t)value.size;
    memcpy(entry->bytes, key.data, key.size);
    memcpy(entry->bytes + key.size, value.data, value.size);
    log->slots[log->count++] = (struct slot){shape_head(key), entry};
    return true;
}

static bool log_get(void *self, struct strata_slice key, struct strata_slice *value)
{
    const struct log *log = self;
    struct head head = shape_head(key);

    for (size_t i = log->count; i-- > 0;) {
        const struct slot *slot = &log->slots[i];
        if (slot->head.word[1] != head.word[1] || slot->head.word[0] != head.word[0] ||
            strata_compare(shape_key(slot->entry), key) != 0)
            continue;
        *value = shape_value(slot->entry);
        return true;
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    struct strata_slice key = shape_key(y->entry);

    if (x->entry == y->entry)
        return 0;
    return shape_before(&x->head, x->entry, &y->head, key, y->entry->sequence) ? -1 : 1;
}

static bool log_walk(void *self,
                     void (*each)(void *arg, struct strata_slice key, struct strata_slice value),
                     void *arg)
{
    const struct log *log = self;
    struct slot *sorted = malloc(log->count * sizeof *sorted); /* the log goes on as it is */

    if (!sorted)
        return log->count == 0;
    memcpy(sorted, log->slots, log->count * sizeof *sorted);
    qsort(sorted, log->count, sizeof *sorted, compare);
    for (size_t i = 0; i < log->count; i++)
        each(arg, shape_key(sorted[i].entry), shape_value(sorted[i].entry));
    free(sorted);
    return true;
}

static size_t log_used(const void *self)
{
    const struct log *log = self;
    return log->arena.used + log->capacity * sizeof *log->slots;
}

const struct shape shape_log = {
    .name = "unsorted log",
    .about = "an entry behind the other, sorted when it is written out",
    .make = log_make,
    .add = log_add,
    .get = log_get,
    .walk = log_walk,
    .bytes = log_used,
    .free = log_free,
};
