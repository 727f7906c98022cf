/* bloom.c: the filter's bytes: lines of 64 bytes, 512 bits each.
 *
 *   hash   | upper 32 bits: scaled to the number of lines | lower 32 bits: the bits in the line |
 *
 *   bit p of a key:  the upper 9 bits of lower * golden^p, p = 1 .. probes (mod 2^32)
 *   bit b of a line: bit b % 8 of byte b / 8, the lowest first
 *
 * 5.I13: every bit of a key that was added is set: so a key with a clear bit was not added.
 *
 * How many bits to set: the more, the rarer an absent key has all of them set; but each fills the
 * line. With the bits anywhere in the filter ln 2 times the bits per key are best; with all in one
 * line a little fewer: 6 instead of 7 at 10 bits per key (bench/bloom_theory.h computes both). */
#include "bloom.h"

#include <assert.h>
#include <string.h>

#define LINE_BITS 512
#define LINES_MAX (SIZE_MAX / BLOOM_LINE < UINT32_MAX ? SIZE_MAX / BLOOM_LINE : UINT32_MAX)
#define GOLDEN 0x9e3779b9u /* 2^32 divided by the golden ratio */

size_t bloom_bytes(uint64_t keys, unsigned bits_per_key)
{
    uint64_t lines;

    if (keys > UINT64_MAX / BLOOM_BITS_PER_KEY_MAX - LINE_BITS)
        return 0;
    lines = (keys * bits_per_key + LINE_BITS - 1) / LINE_BITS;
    lines += lines == 0;
    return lines > LINES_MAX ? 0 : (size_t)lines * BLOOM_LINE;
}

unsigned bloom_probes(unsigned bits_per_key)
{
    unsigned probes = (bits_per_key * 3 + 2) / 5;

    if (probes > BLOOM_PROBES_MAX)
        return BLOOM_PROBES_MAX;
    return probes ? probes : 1;
}

/* ---- The filter ---------------------------------------------------------------------------- */

void bloom_build(uint8_t *bytes, size_t size, unsigned probes, const uint64_t *hashes, size_t count)
{
    struct bloom bloom = {bytes, size / BLOOM_LINE, probes};

    assert(size && size % BLOOM_LINE == 0 && probes && probes <= BLOOM_PROBES_MAX);
    memset(bytes, 0, size);
    for (size_t i = 0; i < count; i++) {
        uint8_t *line = bytes + (bloom_line(&bloom, hashes[i]) - bytes);
        uint32_t bits = (uint32_t)hashes[i];
        for (unsigned p = 0; p < probes; p++) {
            bits *= GOLDEN;
            line[bits >> 26] |= (uint8_t)(1 << (bits >> 23 & 7));
        }
    }
}

int bloom_open(struct bloom *bloom, struct strata_slice bytes, unsigned probes,
               struct strata_error *err)
{
    uint64_t lines = bytes.size / BLOOM_LINE;

    if (!lines || lines > UINT32_MAX || bytes.size % BLOOM_LINE || !probes ||
        probes > BLOOM_PROBES_MAX)
        return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                           "no Bloom filter has %zu bytes and %u probes", bytes.size, probes);
    *bloom = (struct bloom){bytes.data, lines, probes};
    return 0;
}

/* An absent key has a clear bit among the first two, as a rule. */
bool bloom_may_contain(const struct bloom *bloom, uint64_t hash)
{
    const uint8_t *line = bloom_line(bloom, hash);
    uint32_t bits = (uint32_t)hash;

    for (unsigned p = 0; p < bloom->probes; p++) {
        bits *= GOLDEN;
        if (!(line[bits >> 26] >> (bits >> 23 & 7) & 1))
            return false;
    }
    return true;
}
