/* base64.c: three bytes are four characters of six bits; a last group of one or two bytes is
 * filled up with zero bits and '='. */
#include "text/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- Bytes to text --------------------------------------------------------------------- */

/* One group: `size` bytes, 1 to 3. */
static void encode_group(const uint8_t *bytes, size_t size, uint8_t to[4])
{
    uint32_t bits = (uint32_t)bytes[0] << 16;

    bits |= size > 1 ? (uint32_t)bytes[1] << 8 : 0;
    bits |= size > 2 ? bytes[2] : 0;
    for (unsigned i = 0; i < 4; i++)
        to[i] = i <= size ? (uint8_t)digits[bits >> (18 - 6 * i) & 63] : '=';
}

bool base64_put(const struct text_sink *to, struct strata_slice bytes)
{
    uint8_t text[4096];
    size_t used = 0;

    while (bytes.size) {
        size_t size = bytes.size < 3 ? bytes.size : 3;
        encode_group(bytes.data, size, text + used);
        used += 4;
        bytes = strata_bytes(bytes.data + size, bytes.size - size);
        if (used == sizeof text || !bytes.size) {
            if (!to->put(to->arg, strata_bytes(text, used)))
                return false;
            used = 0;
        }
    }
    return true;
}

/* ---- Text to bytes --------------------------------------------------------------------- */

static enum text_fault end_group(struct base64 *b, size_t limit, struct strata_buffer *to)
{
    uint8_t bytes[3] = {(uint8_t)(b->bits >> 16), (uint8_t)(b->bits >> 8), (uint8_t)b->bits};
    size_t size = 3 - b->pads;

    for (size_t i = size; i < 3; i++)
        if (bytes[i])
            return TEXT_BAD_BASE64;
    if (to->size > limit || size > limit - to->size)
        return TEXT_TOO_LONG;
    b->bits = b->have = 0;
    return strata_buffer_append(to, bytes, size) < 0 ? TEXT_NO_MEMORY : TEXT_FINE;
}

static enum text_fault take(struct base64 *b, uint8_t c, size_t limit, struct strata_buffer *to)
{
    const char *digit = c ? strchr(digits, c) : NULL;
    bool pad = c == '=' && b->have >= 2;

    /* After a group with padding there is no other. */
    if (b->pads ? !pad : !digit && !pad)
        return TEXT_BAD_BASE64;
    b->bits = b->bits << 6 | (pad ? 0 : (uint32_t)(digit - digits));
    b->pads += pad;
    return ++b->have == 4 ? end_group(b, limit, to) : TEXT_FINE;
}

enum text_fault base64_feed(struct base64 *b, struct strata_slice text, size_t limit,
                            struct strata_buffer *to, size_t *at)
{
    for (*at = 0; *at < text.size; ++*at) {
        enum text_fault fault = take(b, text.data[*at], limit, to);
        if (fault != TEXT_FINE)
            return fault;
    }
    return TEXT_FINE;
}

enum text_fault base64_finish(const struct base64 *b)
{
    return b->have ? TEXT_BAD_BASE64 : TEXT_FINE;
}
