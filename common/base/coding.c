/* coding.c: see coding.h. */
#include "base/coding.h"
#include "base/bytes.h"

uint8_t *put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

size_t varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

int buffer_put_u32(struct strata_buffer *to, uint32_t value)
{
    uint8_t bytes[4];
    put_u32(bytes, value);
    return strata_buffer_append(to, bytes, sizeof bytes);
}

int buffer_put_u64(struct strata_buffer *to, uint64_t value)
{
    uint8_t bytes[8];
    put_u64(bytes, value);
    return strata_buffer_append(to, bytes, sizeof bytes);
}

int buffer_put_varint(struct strata_buffer *to, uint64_t value)
{
    uint8_t bytes[CODING_VARINT_MAX];
    return strata_buffer_append(to, bytes, (size_t)(put_varint(bytes, value) - bytes));
}

int buffer_put_prefixed(struct strata_buffer *to, struct strata_slice bytes)
{
    int rc = buffer_reserve(to, CODING_VARINT_MAX + bytes.size);
    if (rc < 0)
        return rc;
    to->size = (size_t)(put_varint(to->data + to->size, bytes.size) - to->data);
    return strata_buffer_append(to, bytes.data, bytes.size);
}

void decoder_init(struct decoder *d, struct strata_slice bytes)
{
    *d = (struct decoder){bytes.data, bytes.size, false};
}

/* The next `size` bytes, or NULL and bad. */
static const uint8_t *take(struct decoder *d, uint64_t size)
{
    const uint8_t *at = d->at;
    if (d->bad || size > d->left) {
        d->bad = true;
        return NULL;
    }
    if (size) {
        d->at += size;
        d->left -= (size_t)size;
    }
    return at;
}

uint8_t get_u8(struct decoder *d)
{
    const uint8_t *at = take(d, 1);
    return at ? at[0] : 0;
}

uint16_t get_u16(struct decoder *d)
{
    const uint8_t *at = take(d, 2);
    return at ? (uint16_t)(at[0] | at[1] << 8) : 0;
}

uint32_t get_u32(struct decoder *d)
{
    const uint8_t *at = take(d, 4);
    return at ? load_u32(at) : 0;
}

uint64_t get_u64(struct decoder *d)
{
    const uint8_t *at = take(d, 8);
    return at ? load_u32(at) | (uint64_t)load_u32(at + 4) << 32 : 0;
}

uint64_t get_varint(struct decoder *d)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = get_u8(d);
        if (d->bad || (shift == 63 && byte > 1) || (shift && byte == 0))
            break; /* past the end, more than 64 bits, or a longer form than needed */
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    d->bad = true;
    return 0;
}

struct strata_slice get_bytes(struct decoder *d, uint64_t size)
{
    const uint8_t *at = take(d, size);
    return d->bad ? (struct strata_slice){NULL, 0} : (struct strata_slice){at, (size_t)size};
}

struct strata_slice get_prefixed(struct decoder *d)
{
    return get_bytes(d, get_varint(d));
}

bool decoder_done(const struct decoder *d)
{
    return !d->bad && d->left == 0;
}
