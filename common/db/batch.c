/* batch.c: operations that belong together. Keys and values are copied into chunks that never
 * move, so that the array of operations can point at them and be handed to an engine as it is.
 *
 *   ops[]  --> { PUT, key, value } ...
 *                      |    |
 *   chunk  --> [bytes bytes bytes      ] --> chunk --> ...
 */
#include "strata_engine.h"

#include "base/coding.h"
#include "db/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Each chunk is twice as large as the one before it. (glibc's malloc is slow from 1 KiB on.) */
#define CHUNK_FIRST ((size_t)960)
#define CHUNK_MOST ((size_t)16384)

struct chunk {
    struct chunk *next; /* older */
    size_t used, capacity;
    uint8_t bytes[];
};

struct strata_batch {
    struct strata_op *ops;
    size_t count, capacity;
    size_t bytes; /* of keys and values */
    struct chunk *chunks;
};

struct strata_batch *strata_batch_new(void)
{
    return calloc(1, sizeof(struct strata_batch));
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void strata_batch_free(struct strata_batch *batch)
{
    if (!batch)
        return;
    free_chunks(batch->chunks);
    free(batch->ops);
    free(batch);
}

void strata_batch_clear(struct strata_batch *batch)
{
    batch->count = 0;
    batch->bytes = 0;
    if (batch->chunks) { /* one chunk is kept for the next round */
        free_chunks(batch->chunks->next);
        batch->chunks->next = NULL;
        batch->chunks->used = 0;
    }
}

static uint8_t *room(struct strata_batch *batch, size_t size)
{
    struct chunk *chunk = batch->chunks;
    if (!chunk || size > chunk->capacity - chunk->used) {
        size_t capacity = chunk && chunk->capacity < CHUNK_MOST / 2 ? 2 * chunk->capacity
                          : chunk                                   ? CHUNK_MOST
                                                                    : CHUNK_FIRST;
        if (capacity < size)
            capacity = size;
        chunk = malloc(sizeof *chunk + capacity);
        if (!chunk)
            return NULL;
        *chunk = (struct chunk){batch->chunks, 0, capacity};
        batch->chunks = chunk;
    }
    chunk->used += size;
    return chunk->bytes + chunk->used - size;
}

static struct strata_slice copy(uint8_t *to, struct strata_slice from)
{
    if (from.data)
        memcpy(to, from.data, from.size);
    return (struct strata_slice){to, from.size};
}

static int add(struct strata_batch *batch, enum strata_op_type type, struct strata_slice key,
               struct strata_slice value, struct strata_error *err)
{
    size_t size = key.size + value.size;
    uint8_t *to;

    if (!batch)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "no batch");
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity ? 2 * batch->capacity : 16;
        struct strata_op *bigger = realloc(batch->ops, capacity * sizeof *bigger);
        if (!bigger)
            return strata_fail_memory(err, capacity * sizeof *bigger);
        batch->ops = bigger;
        batch->capacity = capacity;
    }
    to = room(batch, size);
    if (!to)
        return strata_fail_memory(err, size);
    batch->ops[batch->count++] =
        (struct strata_op){type, copy(to, key), copy(to + key.size, value)};
    batch->bytes += size;
    return 0;
}

int strata_batch_put(struct strata_batch *batch, struct strata_slice key, struct strata_slice value,
                     struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_PUT, key, value};
    int rc = op_check(&op, err);
    return rc < 0 ? rc : add(batch, op.type, key, value, err);
}

int strata_batch_delete(struct strata_batch *batch, struct strata_slice key,
                        struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_DELETE, key, {NULL, 0}};
    int rc = op_check(&op, err);
    return rc < 0 ? rc : add(batch, op.type, key, op.value, err);
}

int strata_batch_merge(struct strata_batch *batch, enum strata_op_type how, struct strata_slice key,
                       struct strata_slice operand, struct strata_error *err)
{
    struct strata_op op = {how, key, operand};
    int rc = merge_check(&op, err);
    return rc < 0 ? rc : add(batch, op.type, key, operand, err);
}

int strata_batch_put_until(struct strata_batch *batch, struct strata_slice key,
                           struct strata_slice value, uint64_t until, struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_PUT_UNTIL, key, value};
    int rc = op_check(&op, err);

    if (rc == 0 && value.size > STRATA_MAX_VALUE - UNTIL_BYTES)
        rc = strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                         "a value that expires of %zu bytes; at most %zu", value.size,
                         (size_t)STRATA_MAX_VALUE - UNTIL_BYTES);
    if (rc == 0)
        rc = add(batch, op.type, key, (struct strata_slice){NULL, value.size + 8}, err);
    if (rc < 0)
        return rc;
    uint8_t *to = (uint8_t *)(uintptr_t)batch->ops[batch->count - 1].value.data;
    copy(to, value);
    put_u64(to + value.size, until);
    return 0;
}

int strata_batch_delete_range(struct strata_batch *batch, struct strata_slice from,
                              struct strata_slice to, struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_DELETE_RANGE, from, to};
    int rc = range_check(&op, err);
    return rc < 0 ? rc : add(batch, op.type, from, to, err);
}

int batch_add(struct strata_batch *batch, const struct strata_op *op, struct strata_error *err)
{
    return add(batch, op->type, op->key, op->value, err);
}

/* The bytes of the last operation. They end where the newest chunk that is in use does. */
static void give_back(struct strata_batch *batch, size_t size)
{
    struct chunk *chunk = batch->chunks;

    while (chunk->used == 0 && chunk->next) {
        batch->chunks = chunk->next;
        free(chunk);
        chunk = batch->chunks;
    }
    assert(size <= chunk->used);
    chunk->used -= size;
}

void batch_cut(struct strata_batch *batch, size_t count)
{
    while (batch->count > count) {
        const struct strata_op *op = &batch->ops[--batch->count];
        size_t size = op->key.size + op->value.size;
        batch->bytes -= size;
        if (size)
            give_back(batch, size);
    }
}

int strata_batch_append(struct strata_batch *batch, const struct strata_batch *from,
                        struct strata_error *err)
{
    size_t count, more;
    int rc = 0;

    if (!batch || !from)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "no batch");
    count = batch->count;
    more = from->count;
    for (size_t i = 0; rc == 0 && i < more; i++)
        rc = add(batch, from->ops[i].type, from->ops[i].key, from->ops[i].value, err);
    if (rc < 0)
        batch_cut(batch, count);
    return rc;
}

size_t strata_batch_count(const struct strata_batch *batch)
{
    return batch->count;
}

size_t strata_batch_bytes(const struct strata_batch *batch)
{
    return batch->bytes;
}

struct strata_op strata_batch_at(const struct strata_batch *batch, size_t index)
{
    return batch->ops[index];
}

const struct strata_op *batch_ops(const struct strata_batch *batch)
{
    return batch->ops;
}

static int slice_check(struct strata_slice bytes, const char *what, size_t max,
                       struct strata_error *err)
{
    if (bytes.size > max)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "a %s of %zu bytes; at most %zu", what, bytes.size, max);
    if (bytes.size && !bytes.data)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "a %s of %zu bytes at NULL", what, bytes.size);
    return 0;
}

int op_check(const struct strata_op *op, struct strata_error *err)
{
    int rc = slice_check(op->key, "key", STRATA_MAX_KEY, err);
    return rc < 0 ? rc : slice_check(op->value, "value", STRATA_MAX_VALUE, err);
}

int merge_check(const struct strata_op *op, struct strata_error *err)
{
    if (!op_is_merge(op))
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "%d is no merge operator", (int)op->type);
    return op_check(op, err);
}

bool range_reaches(const struct strata_op *op, struct strata_slice key)
{
    return !op->value.size || strata_compare(key, op->value) < 0;
}

int range_check(const struct strata_op *op, struct strata_error *err)
{
    int rc = slice_check(op->key, "key", STRATA_MAX_KEY, err);

    if (rc == 0)
        rc = slice_check(op->value, "key", STRATA_MAX_KEY, err);
    if (rc == 0 && op->value.size && strata_compare(op->value, op->key) < 0)
        rc = strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                         "a range that ends before it begins");
    return rc;
}
