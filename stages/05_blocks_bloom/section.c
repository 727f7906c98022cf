/* section.c: a section's bytes, little-endian.
 *
 *   +--------------+--------+-----------+---------+
 *   | stored bytes | size 4 | packing 1 | check 4 |     size: of the bytes when unpacked
 *   +--------------+--------+-----------+---------+     packing: 0 none, 1 LZ4
 *
 * check covers all that stands before it, and is seeded with file number and place: a section in
 * another's place is damage. It is valid iff the check holds, and the stored bytes unpack to `size`
 * bytes; without packing they are as many.
 *
 * I1: LZ4 gives at most 255 bytes for one: a size beyond that is refused before memory is taken. */
#include "section.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <lz4.h>
#include <string.h>

#define MOST_PER_BYTE 255 /* I1 */
#define MOST_EXTRA 64

/* Packs to `to`, which has room; 0: that does not help. */
static size_t pack_into(struct strata_slice bytes, uint8_t *to, size_t room)
{
    size_t worth = bytes.size - bytes.size / 8;
    int size;

    if (bytes.size > LZ4_MAX_INPUT_SIZE)
        return 0;
    size = LZ4_compress_default((const char *)bytes.data, (char *)to, (int)bytes.size,
                                (int)(worth < room ? worth : room));
    return size > 0 ? (size_t)size : 0;
}

int section_put(struct strata_buffer *to, uint64_t number, uint64_t place,
                struct strata_slice bytes, bool pack, uint32_t *check, struct strata_error *err)
{
    uint8_t *start, *tail;
    size_t size;

    if (bytes.size > UINT32_MAX - SECTION_TAIL)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "a section of more than 4 GiB");
    if (buffer_reserve(to, bytes.size + SECTION_TAIL) < 0)
        return strata_fail_memory(err, bytes.size + SECTION_TAIL);
    start = to->data + to->size;
    size = pack ? pack_into(bytes, start, bytes.size) : 0;
    tail = start + (size ? size : bytes.size);
    if (!size && bytes.size)
        memcpy(start, bytes.data, bytes.size);
    put_u8(put_u32(tail, (uint32_t)bytes.size), size ? SECTION_LZ4 : SECTION_PLAIN);
    tail += 5;
    *check = checksum(checksum_seed(number, place), strata_bytes(start, (size_t)(tail - start)));
    to->size = (size_t)(put_u32(tail, *check) - to->data);
    return 0;
}

static int corrupt(uint64_t place, const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, place, "%s", what);
}

int section_open(struct section *section, struct strata_slice bytes, uint64_t number,
                 uint64_t place, struct strata_error *err)
{
    struct decoder d;
    uint32_t check;
    unsigned packing;

    if (bytes.size < SECTION_TAIL)
        return corrupt(place, "a section smaller than its tail", err);
    section->stored = strata_bytes(bytes.data, bytes.size - SECTION_TAIL);
    decoder_init(&d, strata_bytes(bytes.data + section->stored.size, SECTION_TAIL));
    section->size = get_u32(&d);
    packing = get_u8(&d);
    section->check = get_u32(&d);
    section->packing = packing == SECTION_LZ4 ? SECTION_LZ4 : SECTION_PLAIN;
    check = checksum(checksum_seed(number, place), strata_bytes(bytes.data, bytes.size - 4));
    if (check != section->check)
        return strata_fail(err, STRATA_ERR_CORRUPT, NULL, place,
                           "section check %08x, computed %08x", section->check, check);
    if (packing > SECTION_LZ4)
        return corrupt(place, "a section packed in an unknown way", err);
    if (packing == SECTION_PLAIN
            ? section->size != section->stored.size
            : section->size / MOST_PER_BYTE > section->stored.size + MOST_EXTRA)
        return corrupt(place, "a section of a size that its bytes cannot have", err);
    return 0;
}

int section_unpack(const struct section *section, uint64_t place, uint8_t *to,
                   struct strata_error *err)
{
    int got;

    if (section->packing == SECTION_PLAIN) {
        if (section->size)
            memcpy(to, section->stored.data, section->size);
        return 0;
    }
    if (section->size > LZ4_MAX_INPUT_SIZE || section->stored.size > LZ4_MAX_INPUT_SIZE)
        return corrupt(place, "a packed section of more than 2 GiB", err);
    got = LZ4_decompress_safe((const char *)section->stored.data, (char *)to,
                              (int)section->stored.size, (int)section->size);
    return got >= 0 && (uint32_t)got == section->size
               ? 0
               : corrupt(place, "a section does not unpack to its size", err);
}
