/* prng.h: numbers that look random and are the same for a seed on every machine: splitmix64
 * (Guy Steele, Doug Lea, Christine Flood: Fast splittable pseudorandom number generators, OOPSLA
 * 2014; the constants are Sebastiano Vigna's, prng.di.unimi.it). Not for secrets. */
#ifndef STRATA_COMMON_PRNG_H
#define STRATA_COMMON_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state; /* any value is a seed */
};

uint64_t prng_next(struct prng *prng);
uint64_t prng_below(struct prng *prng, uint64_t bound); /* 0 .. bound - 1, equally often; > 0 */
double prng_unit(struct prng *prng);                    /* 0 <= x < 1, a multiple of 2^-53 */

/* A skewed distribution: number r (from 0) is drawn with a frequency proportional to 1 / (r +
 * 1)^theta, by the method of Jim Gray et al.: Quickly Generating Billion-Record Synthetic
 * Databases, SIGMOD 1994, as in YCSB's ZipfianGenerator (github.com/brianfrankcooper/YCSB). It is
 * exact for the first two and close for the others. Made of + - * / on IEEE 754 doubles alone, in
 * one order, as a pow() from another library may round another way. */
struct zipf {
    uint64_t n;
    double theta, alpha, zeta, eta, half; /* as in the paper; half: 0.5^theta */
};

/* n >= 1, 0 <= theta <= 0.999; YCSB takes 0.99. */
void zipf_init(struct zipf *zipf, uint64_t n, double theta);
uint64_t zipf_next(const struct zipf *zipf, struct prng *prng); /* 0 .. n - 1 */

#endif
