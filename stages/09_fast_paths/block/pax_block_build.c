/* pax_block_build.c: builds a block. Keys are kept whole until the end, as their common prefix
 * is known only then. Before each entry the size of the block with it is computed, exactly.
 *
 * 9.I19: all keys begin with as much as the first and the last have in common, as they ascend. The
 *        builder's prefix_size is that, or more: what it was when it was last computed. */
#include "pax_block.h"
#include "09_fast_paths/block/key_prefix.h"

#include <assert.h>
#include <stdlib.h>

struct pax_block_entry {
    uint32_t key_end, value_end; /* in the builder's keys and values */
    uint8_t tag;
    uint8_t type;
};

/* ---- Sizes --------------------------------------------------------------------------------- */

/* What a block's size follows from. */
struct sums {
    size_t count, prefix_size, key_bytes, value_bytes;
    bool keys_vary, values_vary, deletes, coded;
};

static size_t numbers_of(const struct sums *s)
{
    return 2 + (s->keys_vary ? s->count + 1 : 1) + (s->values_vary ? s->count + 1 : 1);
}

static size_t types_bytes(size_t count, bool deletes, bool coded)
{
    return (count * (coded ? 2 : deletes) + 7) / 8;
}

/* All but the numbers. */
static size_t bytes_of(const struct sums *s)
{
    return 1 + s->prefix_size + s->count + (s->key_bytes - s->count * s->prefix_size) +
           types_bytes(s->count, s->deletes, s->coded) + s->value_bytes;
}

/* With numbers of two bytes, if it may have those: else it is wide, and larger than that. */
static size_t size_of(const struct sums *s)
{
    size_t bytes = bytes_of(s), numbers = numbers_of(s);
    return bytes + (bytes + 2 * numbers > PAX_BLOCK_NARROW_MAX ? 4 : 2) * numbers;
}

static size_t shared_size(const struct pax_block_builder *b, struct strata_slice key)
{
    return key_shared_size(key, strata_bytes(b->keys.data, b->prefix_size));
}

static struct sums sums_of(const struct pax_block_builder *b)
{
    size_t prefix_size;

    if (!b->count)
        return (struct sums){0};
    prefix_size = shared_size(b, pax_block_builder_last(b)); /* 9.I19 */
    return (struct sums){b->count,     prefix_size,    b->keys.size, b->values.size,
                         b->keys_vary, b->values_vary, b->deletes,   b->coded};
}

/* The sums with one more entry, of a block that has some: 9.I19. */
static struct sums sums_with(const struct pax_block_builder *b, struct strata_slice key,
                             size_t value_size, bool is_delete, bool is_coded)
{
    return (struct sums){.count = b->count + (size_t)1,
                         .prefix_size = shared_size(b, key),
                         .key_bytes = b->keys.size + key.size,
                         .value_bytes = b->values.size + value_size,
                         .keys_vary = b->keys_vary || key.size != b->last_size,
                         .values_vary = b->values_vary || value_size != b->last_value_size,
                         .deletes = b->deletes || is_delete,
                         .coded = b->coded || is_coded};
}

static size_t target_of(const struct pax_block_builder *b)
{
    if (b->target > PAX_BLOCK_TARGET_MAX)
        return PAX_BLOCK_TARGET_MAX;
    return b->target ? b->target : PAX_BLOCK_TARGET;
}

/* ---- Adding -------------------------------------------------------------------------------- */

void pax_block_builder_free(struct pax_block_builder *builder)
{
    strata_buffer_free(&builder->keys);
    strata_buffer_free(&builder->values);
    free(builder->entries);
    *builder = (struct pax_block_builder){.target = builder->target};
}

static int reserve(struct pax_block_builder *b, size_t key_size, size_t value_size,
                   struct strata_error *err)
{
    size_t capacity = b->capacity ? b->capacity * 2 : 64;

    if (buffer_reserve(&b->keys, key_size + PAX_BLOCK_SLACK) < 0 ||
        buffer_reserve(&b->values, value_size) < 0) {
        b->keys.out_of_memory = b->values.out_of_memory = false; /* nothing is missing in them */
        return strata_fail_memory(err, key_size + value_size);
    }
    if (b->count == b->capacity) {
        struct pax_block_entry *entries = realloc(b->entries, capacity * sizeof *entries);
        if (!entries)
            return strata_fail_memory(err, capacity * sizeof *entries);
        b->entries = entries;
        b->capacity = capacity;
    }
    return 0;
}

static bool has_room(const struct pax_block_builder *b, size_t key_size, size_t value_size)
{
    return b->count < b->capacity &&
           b->keys.capacity - b->keys.size >= key_size + PAX_BLOCK_SLACK &&
           b->values.capacity - b->values.size >= value_size;
}

/* Room there is. */
static void append(struct strata_buffer *to, struct strata_slice bytes)
{
    if (bytes.size)
        memcpy(to->data + to->size, bytes.data, bytes.size);
    to->size += bytes.size;
}

/* It is the first: the block before is forgotten. */
static void begin(struct pax_block_builder *b, size_t key_size, size_t value_size)
{
    strata_buffer_clear(&b->keys);
    strata_buffer_clear(&b->values);
    b->first_size = b->last_size = b->prefix_size = key_size;
    b->last_value_size = value_size;
    b->keys_vary = b->values_vary = b->deletes = b->coded = false;
}

int pax_block_builder_add(struct pax_block_builder *b, unsigned type, struct strata_slice key,
                          struct strata_slice value, uint64_t hash, struct strata_error *err)
{
    assert(type != STRATA_OP_DELETE || !value.size);
    assert(type != SSTABLE_CODED || value.size);
    assert(key.size <= STRATA_MAX_KEY);
    assert(!b->count || strata_compare(pax_block_builder_last(b), key) < 0);
    if (!b->count)
        begin(b, key.size, value.size);
    if (!has_room(b, key.size, value.size) && reserve(b, key.size, value.size, err) < 0)
        return STRATA_ERR_NO_MEMORY;
    append(&b->keys, key);
    append(&b->values, value);
    b->entries[b->count++] = (struct pax_block_entry){
        (uint32_t)b->keys.size, (uint32_t)b->values.size, pax_block_tag(hash), (uint8_t)type};
    b->keys_vary |= key.size != b->last_size;
    b->values_vary |= value.size != b->last_value_size;
    b->deletes |= type == STRATA_OP_DELETE;
    b->coded |= type == SSTABLE_CODED;
    b->last_size = key.size;
    b->last_value_size = value.size;
    return 0;
}

/* A block of puts is asked as if the entry were a delete: those cost a bit each, all or none. */
int pax_block_builder_try(struct pax_block_builder *builder, unsigned type, struct strata_slice key,
                          struct strata_slice value, uint64_t hash, struct strata_error *err)
{
    size_t target = target_of(builder);
    struct sums s;
    int rc;

    if (!builder->count)
        return pax_block_builder_add(builder, type, key, value, hash, err);
    s = sums_with(builder, key, value.size, true, type == SSTABLE_CODED);
    if (value.size > target || size_of(&s) > target || s.key_bytes > PAX_BLOCK_KEYS_MAX)
        return PAX_BLOCK_FULL;
    rc = pax_block_builder_add(builder, type, key, value, hash, err);
    if (rc == 0)
        builder->prefix_size = s.prefix_size;
    return rc;
}

struct strata_slice pax_block_builder_first(const struct pax_block_builder *builder)
{
    return strata_bytes(builder->keys.data, builder->first_size);
}

struct strata_slice pax_block_builder_last(const struct pax_block_builder *builder)
{
    const struct strata_buffer *keys = &builder->keys;

    if (!builder->last_size)
        return strata_bytes(NULL, 0);
    return strata_bytes(keys->data + keys->size - builder->last_size, builder->last_size);
}

/* ---- Finishing ----------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *to, size_t number, bool wide)
{
    return wide ? put_u32(to, (uint32_t)number) : put_u16(to, (uint16_t)number);
}

static uint8_t *put_header(const struct pax_block_builder *b, uint8_t *to, bool wide)
{
    to = put_u8(to,
                (uint8_t)((wide ? PAX_BLOCK_WIDE : 0) | (b->keys_vary ? PAX_BLOCK_KEYS_VARY : 0) |
                          (b->values_vary ? PAX_BLOCK_VALUES_VARY : 0) |
                          (b->coded     ? PAX_BLOCK_CODED
                           : b->deletes ? PAX_BLOCK_DELETES
                                        : 0)));
    to = put_number(to, b->count, wide);
    to = put_number(to, b->prefix_size, wide);
    if (!b->keys_vary)
        to = put_number(to, b->first_size - b->prefix_size, wide);
    if (!b->values_vary)
        to = put_number(to, b->entries[0].value_end, wide);
    if (b->prefix_size)
        memcpy(to, b->keys.data, b->prefix_size);
    to += b->prefix_size;
    for (size_t i = 0; i < b->count; i++)
        *to++ = b->entries[i].tag;
    return to;
}

static uint8_t *put_suffixes(const struct pax_block_builder *b, uint8_t *to, bool wide)
{
    size_t start = 0;

    if (b->keys_vary)
        for (size_t i = 0; i <= b->count; i++)
            to = put_number(to, i ? b->entries[i - 1].key_end - i * b->prefix_size : 0, wide);
    for (size_t i = 0; i < b->count; start = b->entries[i++].key_end) {
        size_t size = b->entries[i].key_end - start - b->prefix_size;
        if (size)
            memcpy(to, b->keys.data + start + b->prefix_size, size);
        to += size;
    }
    return to;
}

static uint8_t *put_types(const struct pax_block_builder *b, uint8_t *to)
{
    size_t bytes = types_bytes(b->count, b->deletes, b->coded), bits = b->coded ? 2 : 1;

    memset(to, 0, bytes);
    for (size_t i = 0; bytes && i < b->count; i++)
        to[i * bits / 8] |= (uint8_t)((b->entries[i].type - STRATA_OP_PUT) << i * bits % 8);
    return to + bytes;
}

/* The values are there already; the other columns are put before them. */
int pax_block_builder_finish(struct pax_block_builder *builder, struct strata_slice *bytes,
                             struct strata_error *err)
{
    struct strata_buffer *values = &builder->values;
    struct sums s = sums_of(builder);
    size_t size = size_of(&s), before = size - values->size;
    bool wide = size > PAX_BLOCK_NARROW_MAX;
    uint8_t *to;

    assert(builder->count && s.prefix_size <= builder->prefix_size); /* 9.I19 */

    if (buffer_reserve(values, before) < 0) {
        values->out_of_memory = false;
        return strata_fail_memory(err, size);
    }
    builder->prefix_size = s.prefix_size;
    memmove(values->data + before, values->data, values->size);
    to = put_header(builder, values->data, wide);
    to = put_suffixes(builder, to, wide);
    to = put_types(builder, to);
    if (builder->values_vary)
        for (size_t i = 0; i <= builder->count; i++)
            to = put_number(to, i ? builder->entries[i - 1].value_end : 0, wide);
    assert(to == values->data + before);
    values->size = size;
    builder->count = 0;
    *bytes = strata_buffer_slice(values);
    return 0;
}
