/* stored_block.c: a stored block, little-endian.
 *
 *   +--------------+--------+---------------+------------+
 *   | stored bytes | size 4 | compression 1 | checksum 4 |     the last 9 bytes are the trailer
 *   +--------------+--------+---------------+------------+
 *
 *   size           of the uncompressed bytes
 *   compression    0: none, the stored bytes are the block; 1: LZ4
 *   checksum       of all bytes before it (XXH3), seeded with file number and offset
 *
 * Valid if and only if the checksum is right and the stored bytes uncompress to `size` bytes.
 *
 * 5.I1: a stored block is valid at one offset of one file only: one that was written to the wrong
 *       offset, by a lost write or a mixed-up copy, is damage.
 * 5.I2: LZ4 makes at most 255 bytes of one. A size beyond that is refused before memory is
 *       allocated for it. */
#include "stored_block.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <assert.h>
#include <lz4.h>
#include <string.h>

#define LZ4_MAX_RATIO 255 /* 5.I2 */
#define LZ4_SLACK 64
#define CHECK 4

/* Compresses to `to`, which has room for bytes.size. 0: it saves less than an eighth. */
static size_t compress_to(struct strata_slice bytes, uint8_t *to)
{
    int size;

    if (bytes.size > LZ4_MAX_INPUT_SIZE)
        return 0;
    size = LZ4_compress_default((const char *)bytes.data, (char *)to, (int)bytes.size,
                                (int)(bytes.size - bytes.size / 8));
    return size > 0 ? (size_t)size : 0;
}

int stored_block_put(struct strata_buffer *to, uint64_t number, uint64_t offset,
                     struct strata_slice bytes, bool compress, uint32_t *check,
                     struct strata_error *err)
{
    uint8_t *start, *trailer;
    size_t size;

    if (bytes.size > UINT32_MAX - STORED_BLOCK_TRAILER)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "a block of more than 4 GiB");
    if (buffer_reserve(to, bytes.size + STORED_BLOCK_TRAILER) < 0)
        return strata_fail_memory(err, bytes.size + STORED_BLOCK_TRAILER);
    start = to->data + to->size;
    size = compress ? compress_to(bytes, start) : 0;
    trailer = start + (size ? size : bytes.size);
    if (!size && bytes.size)
        memcpy(start, bytes.data, bytes.size);
    put_u8(put_u32(trailer, (uint32_t)bytes.size), size ? STORED_BLOCK_LZ4 : STORED_BLOCK_PLAIN);
    trailer += STORED_BLOCK_TRAILER - CHECK;
    *check =
        checksum(checksum_seed(number, offset), strata_bytes(start, (size_t)(trailer - start)));
    to->size = (size_t)(put_u32(trailer, *check) - to->data);
    return 0;
}

static int corrupt(uint64_t offset, const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, offset, "%s", what);
}

int stored_block_open(struct stored_block *block, struct strata_slice bytes, uint64_t number,
                      uint64_t offset, struct strata_error *err)
{
    struct decoder d;
    uint32_t computed;
    unsigned compression;

    if (bytes.size < STORED_BLOCK_TRAILER)
        return corrupt(offset, "a block smaller than its trailer", err);
    block->stored = strata_bytes(bytes.data, bytes.size - STORED_BLOCK_TRAILER);
    decoder_init(&d, strata_bytes(bytes.data + block->stored.size, STORED_BLOCK_TRAILER));
    block->size = get_u32(&d);
    compression = get_u8(&d);
    block->check = get_u32(&d);
    block->compression = compression == STORED_BLOCK_LZ4 ? STORED_BLOCK_LZ4 : STORED_BLOCK_PLAIN;
    computed = checksum(checksum_seed(number, offset),
                        strata_bytes(bytes.data, bytes.size - CHECK)); /* 5.I1 */
    if (computed != block->check)
        return strata_fail(err, STRATA_ERR_CORRUPT, NULL, offset,
                           "block checksum %08x, computed %08x", block->check, computed);
    if (compression > STORED_BLOCK_LZ4)
        return corrupt(offset, "a block with an unknown compression", err);
    if (compression == STORED_BLOCK_PLAIN
            ? block->size != block->stored.size
            : block->size / LZ4_MAX_RATIO > block->stored.size + LZ4_SLACK) /* 5.I2 */
        return corrupt(offset, "a block of a size that its bytes cannot have", err);
    return 0;
}

int stored_block_uncompress(const struct stored_block *block, uint64_t offset, uint8_t *to,
                            struct strata_error *err)
{
    int got;

    if (block->compression == STORED_BLOCK_PLAIN) {
        assert(block->size == block->stored.size);
        if (block->size)
            memcpy(to, block->stored.data, block->size);
        return 0;
    }
    if (block->size > LZ4_MAX_INPUT_SIZE || block->stored.size > LZ4_MAX_INPUT_SIZE)
        return corrupt(offset, "a compressed block of more than 2 GiB", err);
    got = LZ4_decompress_safe((const char *)block->stored.data, (char *)to, (int)block->stored.size,
                              (int)block->size);
    return got >= 0 && (uint32_t)got == block->size
               ? 0
               : corrupt(offset, "a block does not uncompress to its size", err);
}
