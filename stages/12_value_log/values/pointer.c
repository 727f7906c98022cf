/* pointer.c: the bytes of a pointer, little-endian: a coded value (SSTABLE_CODED) beside chains
 * (10_concurrency/snapshot/chain.c), and as a version in them.
 *
 *   +--------+----------+----------+--------+---------+
 *   | kind 2 | number 8 | offset 8 | size 4 | check 4 |
 *   +--------+----------+----------+--------+---------+
 *
 *   number  of the value file, which was a log of this number, or was written by a collection
 *   offset  of the record with key and value in it
 *   size    of the value
 *   check   of key and value, as the record's head has it: it is seeded with number and offset
 *
 * A pointer is valid iff it has these 25 bytes, the number is not 0, the offset is behind the
 * file's header, and the size is one that a value may have. */
#include "pointer.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <assert.h>

#define KIND 2

void pointer_encode(const struct pointer *pointer, uint8_t to[POINTER_BYTES])
{
    to = put_u8(to, KIND);
    to = put_u64(to, pointer->number);
    to = put_u64(to, pointer->offset);
    to = put_u32(to, pointer->size);
    put_u32(to, pointer->check);
}

void pointer_decode(struct strata_slice bytes, struct pointer *out)
{
    struct decoder d;

    assert(bytes.size == POINTER_BYTES);
    decoder_init(&d, bytes);
    get_u8(&d);
    out->number = get_u64(&d);
    out->offset = get_u64(&d);
    out->size = get_u32(&d);
    out->check = get_u32(&d);
}

const char *pointer_check(struct strata_slice bytes)
{
    struct pointer p;

    if (!bytes.size || bytes.data[0] != KIND)
        return "a coded value of an unknown kind";
    if (bytes.size != POINTER_BYTES)
        return "a pointer of another size";
    pointer_decode(bytes, &p);
    if (!p.number || p.number > CODING_NUMBER_MAX)
        return "a pointer into an impossible file";
    if (p.offset < RECORD_FILE_HEADER || p.offset > CODING_NUMBER_MAX)
        return "a pointer to an impossible offset";
    return p.size > STRATA_MAX_VALUE ? "a pointer to a value of an impossible size" : NULL;
}
