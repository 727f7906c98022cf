/* bloom_theory.h: what a Bloom filter lets pass, by theory: of 1 absent key, how much. With n keys
 * and k probes, a bit of a filter of m bits is set with the probability 1 - (1 - 1/m)^nk, and an
 * absent key passes if k such bits are set. */
#ifndef STRATA_BENCH_BLOOM_THEORY_H
#define STRATA_BENCH_BLOOM_THEORY_H

#include <stdint.h>

static inline double bloom_power(double base, uint64_t exponent)
{
    double result = 1;

    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

/* The bits of a key are anywhere in the filter, of so many lines of 512 bits. */
static inline double bloom_theory_classic(uint64_t keys, uint64_t lines, unsigned probes)
{
    double clear = bloom_power(1 - 1 / ((double)lines * 512), keys * probes);
    return bloom_power(1 - clear, probes);
}

/* All bits of a key are in one line, as stage 5 has them: the mean over how many of the keys, n,
 * are in a line, which is distributed binomially. */
static inline double bloom_theory(uint64_t keys, uint64_t lines, unsigned probes)
{
    double chance = bloom_power(1 - 1 / (double)lines, keys), sum = 0, seen = 0;

    if (lines == 1)
        return bloom_theory_classic(keys, 1, probes);
    for (uint64_t n = 0; n <= keys && seen < 1 - 1e-12; n++) {
        sum += chance * bloom_theory_classic(n, 1, probes);
        seen += chance;
        chance *= (double)(keys - n) / (double)(n + 1) / (double)(lines - 1);
    }
    return sum;
}

#endif
