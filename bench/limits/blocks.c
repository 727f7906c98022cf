/* blocks.c: what checking and packing a block costs: XXH3 and LZ4, of 4 KiB in the processor's
 * cache, entries of half-compressible values and keys in order, as they stand in a table. */
#include "base/checksum.h"
#include "text/datagen.h"
#include "limits.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 16 /* taken in turns, so that no branch is learnt by heart */
#define COMPRESSED_MOST (LIMIT_BLOCK + LIMIT_BLOCK / 2)

static uint8_t plain[BLOCKS][LIMIT_BLOCK], compressed[BLOCKS][COMPRESSED_MOST];
static int compressed_size[BLOCKS];

static int fill_blocks(struct datagen *entries)
{
    struct strata_slice key, value;
    uint8_t *to = plain[0], *end = to + sizeof plain;

    while (to < end) {
        size_t room = (size_t)(end - to), size;
        datagen_next(entries, &key, &value);
        size = key.size < room ? key.size : room;
        memcpy(to, key.data, size);
        to += size;
        size = value.size < room - size ? value.size : room - size;
        memcpy(to, value.data, size);
        to += size;
    }
    return 0;
}

static int make_blocks(const struct limit_size *unused)
{
    const struct datagen_wishes wishes = {.keys = 1000000,
                                          .key_size = 16,
                                          .value_size = 100,
                                          .distribution = DATAGEN_SEQUENTIAL,
                                          .compressible = 500000,
                                          .seed = 1};
    struct datagen entries;
    int rc = datagen_init(&entries, &wishes);

    (void)unused;
    if (rc == 0)
        rc = fill_blocks(&entries);
    datagen_free(&entries);
    for (int i = 0; i < BLOCKS && rc == 0; i++)
        compressed_size[i] = LZ4_compress_default((const char *)plain[i], (char *)compressed[i],
                                                  (int)LIMIT_BLOCK, (int)COMPRESSED_MOST);
    return rc < 0 ? ENOMEM : 0;
}

static void check(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        limit_use(checksum(i, strata_bytes(plain[i % BLOCKS], LIMIT_BLOCK)));
}

static void pack(uint64_t count)
{
    static char to[COMPRESSED_MOST];

    for (uint64_t i = 0; i < count; i++)
        limit_use((uint64_t)LZ4_compress_default((const char *)plain[i % BLOCKS], to,
                                                 (int)LIMIT_BLOCK, (int)COMPRESSED_MOST));
}

static void unpack(uint64_t count)
{
    static char to[LIMIT_BLOCK];

    for (uint64_t i = 0; i < count; i++)
        limit_use((uint64_t)LZ4_decompress_safe((const char *)compressed[i % BLOCKS], to,
                                                compressed_size[i % BLOCKS], (int)LIMIT_BLOCK));
}

static int measure_check(const struct limit_size *size, double *value)
{
    *value = limit_each(check, size);
    return 0;
}

static int measure_pack(const struct limit_size *size, double *value)
{
    *value = limit_each(pack, size);
    return 0;
}

static int measure_unpack(const struct limit_size *size, double *value)
{
    *value = limit_each(unpack, size);
    return 0;
}

const struct limit limits_of_blocks[] = {
    {"xxh3_4k", "ns", "the checksum of 4 KiB, by the widest vectors there are", make_blocks,
     measure_check, NULL},
    {"lz4_pack_4k", "ns", "4 KiB of entries compressed by LZ4", make_blocks, measure_pack, NULL},
    {"lz4_unpack_4k", "ns", "and uncompressed", make_blocks, measure_unpack, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};
