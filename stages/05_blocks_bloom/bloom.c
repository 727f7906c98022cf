/* bloom.c: the filter's bytes: lines of 64, 512 bits each.
 *
 *   hash   | line: the upper 32 bits, scaled to the number of lines | bits: from the lower 32 |
 *
 *   bit p of the key: the upper 9 bits of lower * golden^p, p = 1 .. probes (mod 2^32)
 *   bit b of a line:  bit b % 8 of byte b / 8, the lowest first
 *
 * I1: every bit of a key that was added is set: what is missing one was not added.
 *
 * How many bits to set: with n keys in a line and k bits a key, a bit of it is set with the
 * probability 1 - (1 - 1/512)^nk, and an absent key passes with the k-th power of that; n differs
 * from line to line, so the mean counts. It is least for a k a little below the classic one, ln 2
 * times the bits a key: 6 instead of 7 at 10, and hardly differs for the next one, which costs more
 * looks. */
#include "bloom.h"

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

/* ---- Theory -------------------------------------------------------------------------------- */

static double power(double base, uint64_t exponent)
{
    double result = 1;

    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

double bloom_theory_classic(uint64_t keys, uint64_t lines, unsigned probes)
{
    double clear = power(1 - 1 / ((double)lines * LINE_BITS), keys * probes);
    return power(1 - clear, probes);
}

/* The mean over how many of the keys, n, fall into a line: binomially distributed. */
double bloom_theory(uint64_t keys, uint64_t lines, unsigned probes)
{
    double chance = power(1 - 1 / (double)lines, keys), sum = 0, seen = 0;

    if (lines == 1)
        return bloom_theory_classic(keys, 1, probes);
    for (uint64_t n = 0; n <= keys && seen < 1 - 1e-12; n++) {
        sum += chance * bloom_theory_classic(n, 1, probes);
        seen += chance;
        chance *= (double)(keys - n) / (double)(n + 1) / (double)(lines - 1);
    }
    return sum;
}

/* ---- The filter ---------------------------------------------------------------------------- */

void bloom_build(uint8_t *bytes, size_t size, unsigned probes, const uint64_t *hashes, size_t count)
{
    struct bloom bloom = {bytes, size / BLOOM_LINE, probes};

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
                           "no Bloom filter has %zu bytes and %u bits a key", bytes.size, probes);
    *bloom = (struct bloom){bytes.data, lines, probes};
    return 0;
}

/* An absent key is found out at the second bit, as a rule. */
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
