/* restart_block.c: see restart_block.h.
 *
 *   entry: | shared | key left | value size | type 1 | what is left of the key | value |
 *   block: | entries | restart points, 4 each | how many 4 |          (sizes are varints)
 */
#include "restart_block.h"
#include "base/coding.h"

#include <string.h>

void restart_builder_free(struct restart_builder *builder)
{
    strata_buffer_free(&builder->bytes);
    strata_buffer_free(&builder->last);
    strata_buffer_free(&builder->restarts);
}

size_t restart_builder_with(const struct restart_builder *builder, struct strata_slice key,
                            size_t value_size)
{
    size_t size = builder->count ? builder->bytes.size + builder->restarts.size : 0;
    return size + 3 * CODING_VARINT_MAX + 1 + key.size + value_size + 8;
}

void restart_builder_add(struct restart_builder *builder, unsigned type, struct strata_slice key,
                         struct strata_slice value)
{
    struct strata_buffer *to = &builder->bytes;
    uint8_t byte = (uint8_t)type;
    size_t shared = 0;

    if (!builder->count) {
        strata_buffer_clear(to);
        strata_buffer_clear(&builder->restarts);
    }
    if (builder->count++ % RESTART_EVERY == 0)
        buffer_put_u32(&builder->restarts, (uint32_t)to->size);
    else
        while (shared < key.size && shared < builder->last.size &&
               key.data[shared] == builder->last.data[shared])
            shared++;
    buffer_put_varint(to, shared);
    buffer_put_varint(to, key.size - shared);
    buffer_put_varint(to, value.size);
    strata_buffer_append(to, &byte, 1);
    strata_buffer_append(to, key.data + shared, key.size - shared);
    strata_buffer_append(to, value.data, value.size);
    strata_buffer_clear(&builder->last);
    strata_buffer_append(&builder->last, key.data, key.size);
}

struct strata_slice restart_builder_finish(struct restart_builder *builder)
{
    uint32_t restarts = (uint32_t)(builder->restarts.size / 4);

    strata_buffer_append(&builder->bytes, builder->restarts.data, builder->restarts.size);
    buffer_put_u32(&builder->bytes, restarts);
    builder->count = 0;
    return strata_buffer_slice(&builder->bytes);
}

/* ---- Reading ----------------------------------------------------------------------------- */

static uint32_t number_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t size_at(const uint8_t **at)
{
    uint32_t size = *(*at)++;

    if (size < 128)
        return size;
    size &= 127;
    for (int shift = 7;; shift += 7) {
        uint32_t byte = *(*at)++;
        size |= (byte & 127) << shift;
        if (byte < 128)
            return size;
    }
}

static uint32_t restarts_of(struct strata_slice block)
{
    return number_at(block.data + block.size - 4);
}

void restart_open(struct restart_place *place, struct strata_slice block, uint8_t *key)
{
    *place = (struct restart_place){.block = block, .next = block.data, .key = key};
    place->end = block.data + block.size - 4 - (size_t)4 * restarts_of(block);
}

bool restart_next(struct restart_place *place)
{
    const uint8_t *at = place->next;
    uint32_t shared, left, value;

    if (at == place->end)
        return false;
    shared = size_at(&at);
    left = size_at(&at);
    value = size_at(&at);
    place->type = *at++;
    if (left <= 16 && place->end - at >= 16)
        memcpy(place->key + shared, at, 16);
    else
        memcpy(place->key + shared, at, left);
    place->key_size = shared + left;
    place->value = (struct strata_slice){at + left, value};
    place->next = at + left + value;
    return true;
}

/* The key of a restart point, which stands there whole. */
static struct strata_slice restart_key(const struct restart_place *place, uint32_t n)
{
    const uint8_t *at = place->block.data + number_at(place->end + (size_t)4 * n);
    uint32_t left;

    size_at(&at);
    left = size_at(&at);
    size_at(&at);
    return (struct strata_slice){at + 1, left};
}

bool restart_seek(struct restart_place *place, struct strata_slice key)
{
    uint32_t low = 0, high = restarts_of(place->block) - 1;

    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (strata_compare(restart_key(place, middle), key) < 0)
            low = middle;
        else
            high = middle - 1;
    }
    place->next = place->block.data + number_at(place->end + (size_t)4 * low);
    while (restart_next(place))
        if (strata_compare(strata_bytes(place->key, place->key_size), key) >= 0)
            return true;
    return false;
}
