/* coding.h: numbers as bytes. Little-endian fixed widths, varints (LEB128: seven bits a byte,
 * low ones first, the high bit says "more"), and length-prefixed bytes.
 *
 * Writers put into memory that the caller has measured, or append to a buffer. All bytes that
 * come from a disk or a wire go through a decoder: its getters check the bounds, and the first
 * one that would pass the end makes it bad, for good; a bad decoder gives zeros and no bytes. So a
 * format is read field by field, and the decoder is checked once at the end. */
#ifndef STRATA_COMMON_CODING_H
#define STRATA_COMMON_CODING_H

#include "strata.h"

#define CODING_VARINT_MAX 10 /* bytes of the longest 64-bit varint */

/* The largest sequence, file number or size that a file may hold: more than can ever be, and sums
 * of two do not wrap. A larger one is damage. */
#define CODING_NUMBER_MAX (UINT64_MAX / 2)

/* Each returns the byte after what it wrote. Bytes are written one by one, without a loop: gcc and
 * clang combine them into one store at -O2, and neither byte order nor alignment of the machine
 * matters. */
static inline uint8_t *put_u8(uint8_t *to, uint8_t value)
{
    to[0] = value;
    return to + 1;
}
static inline uint8_t *put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    return to + 2;
}
static inline uint8_t *put_u32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    to[2] = (uint8_t)(value >> 16);
    to[3] = (uint8_t)(value >> 24);
    return to + 4;
}
static inline uint8_t *put_u64(uint8_t *to, uint64_t value)
{
    return put_u32(put_u32(to, (uint32_t)value), (uint32_t)(value >> 32));
}
/* One load, as above. */
static inline uint32_t load_u32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}
/* Eight bytes as a number that orders as they do: the first is the highest. One load, as above. */
static inline uint64_t head_load(const uint8_t *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | p[7];
}
uint8_t *put_varint(uint8_t *to, uint64_t value); /* at most CODING_VARINT_MAX bytes */
size_t varint_size(uint64_t value);               /* bytes put_varint would write */

/* Append; 0 or STRATA_ERR_NO_MEMORY (sticky in the buffer). */
int buffer_put_u32(struct strata_buffer *to, uint32_t value);
int buffer_put_u64(struct strata_buffer *to, uint64_t value);
int buffer_put_varint(struct strata_buffer *to, uint64_t value);
int buffer_put_prefixed(struct strata_buffer *to, struct strata_slice bytes); /* varint, bytes */

struct decoder {
    const uint8_t *at;
    size_t left; /* bytes */
    bool bad;    /* a getter needed more bytes than were left, or a varint was not canonical */
};

void decoder_init(struct decoder *d, struct strata_slice bytes); /* borrows */
uint8_t get_u8(struct decoder *d);
uint16_t get_u16(struct decoder *d);
uint32_t get_u32(struct decoder *d);
uint64_t get_u64(struct decoder *d);
/* Only the shortest form of a number is taken, so that decode and encode are inverse. */
uint64_t get_varint(struct decoder *d);
struct strata_slice get_bytes(struct decoder *d, uint64_t size); /* borrowed from the input */
struct strata_slice get_prefixed(struct decoder *d);
bool decoder_done(const struct decoder *d); /* not bad, and nothing left */

#endif
