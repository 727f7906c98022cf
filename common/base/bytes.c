/* bytes.c: slices (borrowed) and buffers (owned). A buffer that ran out of memory stays failed
 * until it is cleared, so that a caller may append many times and check once. */
#include "base/bytes.h"
#include "base/cost.h"
#include "strata_engine.h"

#include <stdlib.h>
#include <string.h>

#define LEAST ((size_t)64)
#define LARGE ((size_t)1 << 20)

struct strata_slice strata_bytes(const void *data, size_t size)
{
    return (struct strata_slice){data, size};
}

struct strata_slice strata_string(const char *text)
{
    return (struct strata_slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

int strata_compare(struct strata_slice a, struct strata_slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;

    cost_so_far.comparisons++;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* At least `needed`. The capacity grows by a factor, so that many small appends cost O(1) each:
 * twice as much, or a quarter more when the buffer is large. */
static size_t grown(size_t capacity, size_t needed)
{
    size_t more = capacity < LARGE ? capacity : capacity / 4;
    size_t next = capacity > LEAST / 2 ? capacity + more : LEAST;
    return next > needed ? next : needed;
}

int buffer_reserve(struct strata_buffer *buffer, size_t more)
{
    size_t capacity;
    uint8_t *data;

    if (buffer->out_of_memory)
        return STRATA_ERR_NO_MEMORY;
    if (more <= buffer->capacity - buffer->size)
        return 0;
    if (more > SIZE_MAX / 2 - buffer->size)
        goto full;
    capacity = grown(buffer->capacity, buffer->size + more);
    data = realloc(buffer->data, capacity);
    if (!data)
        goto full;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
full:
    buffer->out_of_memory = true;
    return STRATA_ERR_NO_MEMORY;
}

int strata_buffer_append(struct strata_buffer *buffer, const void *data, size_t size)
{
    int rc = buffer_reserve(buffer, size);
    if (rc == 0 && size) {
        memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
    }
    return rc;
}

void strata_buffer_clear(struct strata_buffer *buffer)
{
    buffer->size = 0;
    buffer->out_of_memory = false;
}

int buffer_set(struct strata_buffer *buffer, struct strata_slice bytes, struct strata_error *err)
{
    strata_buffer_clear(buffer);
    return strata_buffer_append(buffer, bytes.data, bytes.size) < 0
               ? strata_fail_memory(err, bytes.size)
               : 0;
}

void strata_buffer_free(struct strata_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct strata_buffer){0};
}

struct strata_slice strata_buffer_slice(const struct strata_buffer *buffer)
{
    return (struct strata_slice){buffer->data, buffer->size};
}
