/* stored_block.h: a block as it is stored in a table file: its bytes, compressed by LZ4 (Yann
 * Collet, lz4.org: the block format) when that helps, and a trailer with the size, the compression
 * and a checksum. Data blocks, index, filter and properties are all stored like this, and each is
 * read and checked as a whole. Drawn in stored_block.c. */
#ifndef STRATA_05_STORED_BLOCK_H
#define STRATA_05_STORED_BLOCK_H

#include "strata_engine.h"

#define STORED_BLOCK_TRAILER 9 /* bytes */

enum stored_block_compression { STORED_BLOCK_PLAIN = 0, STORED_BLOCK_LZ4 = 1 };

/* A stored block whose checksum was right. */
struct stored_block {
    struct strata_slice stored; /* borrowed; without the trailer */
    uint32_t size;              /* bytes when uncompressed; bounded by the stored bytes (5.I2) */
    uint32_t check;             /* the checksum */
    enum stored_block_compression compression;
};

/* Appends `bytes` as a stored block to `to`. It will be at `offset` of file `number`. `compress`:
 * compresses it if that saves at least an eighth. Sets *check to its checksum. INVALID: 4 GiB or
 * more; NO_MEMORY. */
int stored_block_put(struct strata_buffer *to, uint64_t number, uint64_t offset,
                     struct strata_slice bytes, bool compress, uint32_t *check,
                     struct strata_error *err);

/* Checks a stored block. `bytes`: all of it, with the trailer; they stay borrowed. CORRUPT, with
 * the offset; the caller names the file. */
int stored_block_open(struct stored_block *block, struct strata_slice bytes, uint64_t number,
                      uint64_t offset, struct strata_error *err);
/* Writes its uncompressed bytes to `to`, which has room for block->size. CORRUPT, as above. */
int stored_block_uncompress(const struct stored_block *block, uint64_t offset, uint8_t *to,
                            struct strata_error *err);

/* One digest of the checksums of all data blocks of a table, in order. */
static inline uint64_t stored_block_digest(uint64_t digest, uint32_t check)
{
    return (digest ^ check) * 0x9e3779b97f4a7c15u ^ digest >> 29;
}

#endif
