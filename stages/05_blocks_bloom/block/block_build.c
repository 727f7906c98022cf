/* block_build.c: a block, little-endian; sizes are varints (base/coding.h).
 *
 *   +---------+---------+-----+----------------------+-----------------+
 *   | entry 0 | entry 1 | ... | restart points, 4 each | number of them 4 |
 *   +---------+---------+-----+----------------------+-----------------+
 *
 *   entry:  | shared | rest | value size | type 1 | rest of the key | value |
 *
 *   shared          how many bytes the key has in common with the key before it
 *   rest            how many bytes of the key follow here
 *   type            1 put, 2 delete (a tombstone, without a value)
 *   restart point   the offset of an entry with shared = 0: its key is stored in full
 *
 * So keys 'cherry', 'chestnut', 'chive' are stored as 'cherry', 3 + 'stnut', 2 + 'ive'. A search
 * halves the restart points, whose keys it can read, and walks from one to the next (16 entries).
 *
 * Valid if and only if the entries fill the block up to the restart points, every restart point is
 * at an entry, in order, the first one at offset 0, and
 *
 * 5.I3: keys ascend, and each entry that is no restart point shares as much as it can: if `shared`
 *       is not all of the key before it, the byte after it is larger than the one there. */
#include "block.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <assert.h>

void block_builder_free(struct block_builder *b)
{
    strata_buffer_free(&b->bytes);
    strata_buffer_free(&b->restarts);
    strata_buffer_free(&b->last);
}

size_t block_builder_size_with(const struct block_builder *b, struct strata_slice key,
                               size_t value_size)
{
    size_t head = varint_size(key.size) * 2 + varint_size(value_size) + 1;
    return b->bytes.size + head + key.size + value_size + b->restarts.size + 8;
}

static size_t common_prefix(struct strata_slice a, struct strata_slice b)
{
    size_t n = 0, most = a.size < b.size ? a.size : b.size;

    while (n < most && a.data[n] == b.data[n])
        n++;
    return n;
}

int block_builder_add(struct block_builder *b, unsigned type, struct strata_slice key,
                      struct strata_slice value, struct strata_error *err)
{
    struct strata_buffer *to = &b->bytes;
    struct strata_slice rest;
    size_t shared = b->count ? common_prefix(strata_buffer_slice(&b->last), key) : 0;
    uint8_t *at;

    assert(!b->count ||
           (shared < key.size &&
            (shared == b->last.size || key.data[shared] > b->last.data[shared]))); /* 5.I3 */
    assert(type == STRATA_OP_PUT || (type == STRATA_OP_DELETE && value.size == 0));
    if (block_builder_size_with(b, key, value.size) > UINT32_MAX)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "a block of more than 4 GiB");
    if (b->count % b->interval == 0) {
        shared = 0;
        if (buffer_put_u32(&b->restarts, (uint32_t)to->size) < 0)
            return strata_fail_memory(err, b->bytes.capacity * 2);
    }
    if (buffer_reserve(to, 3 * CODING_VARINT_MAX + 1) < 0)
        return strata_fail_memory(err, b->bytes.capacity * 2);
    rest = slice_behind(key, shared);
    at = put_varint(to->data + to->size, shared);
    at = put_varint(at, rest.size);
    at = put_varint(at, value.size);
    to->size = (size_t)(put_u8(at, (uint8_t)type) - to->data);
    strata_buffer_append(to, rest.data, rest.size);
    strata_buffer_append(to, value.data, value.size);
    strata_buffer_clear(&b->last);
    if (to->out_of_memory || strata_buffer_append(&b->last, key.data, key.size) < 0)
        return strata_fail_memory(err, b->bytes.capacity * 2);
    b->count++;
    return 0;
}

int block_builder_finish(struct block_builder *b, struct strata_slice *block,
                         struct strata_error *err)
{
    uint32_t restarts = (uint32_t)(b->restarts.size / 4);

    assert(restarts > 0);
    strata_buffer_append(&b->bytes, b->restarts.data, b->restarts.size);
    if (buffer_put_u32(&b->bytes, restarts) < 0)
        return strata_fail_memory(err, b->bytes.capacity * 2);
    *block = strata_buffer_slice(&b->bytes);
    return 0;
}

void block_builder_reset(struct block_builder *b)
{
    strata_buffer_clear(&b->bytes);
    strata_buffer_clear(&b->restarts);
    b->count = 0;
}
