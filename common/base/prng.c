/* prng.c: see prng.h. */
#include "base/prng.h"

#ifdef __clang__ /* gcc -std=c11 does so by itself: no a * b + c in one rounding */
#pragma STDC FP_CONTRACT OFF
#endif

uint64_t prng_next(struct prng *prng)
{
    uint64_t z = prng->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The numbers from `fair` on are thrown away: they would make the first ones more frequent. */
uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    uint64_t over = (UINT64_MAX % bound + 1) % bound, number;

    do
        number = prng_next(prng);
    while (number > UINT64_MAX - over);
    return number % bound;
}

double prng_unit(struct prng *prng)
{
    return (double)(prng_next(prng) >> 11) / 9007199254740992.0; /* 2^53 */
}

/* ---- Powers ---------------------------------------------------------------------------- */

#define LN2 0.69314718055994530942
#define SQRT2 1.41421356237309504880

/* x = 2^e * m; ln m = 2 atanh((m - 1) / (m + 1)), a series that converges fast near 1. */
static double ln(double x)
{
    double e = 0, s, square, power, sum = 0;

    for (; x > SQRT2; x /= 2)
        e += 1;
    for (; x < SQRT2 / 2; x *= 2)
        e -= 1;
    s = (x - 1) / (x + 1);
    square = s * s;
    power = s;
    for (int i = 1; i <= 23; i += 2) {
        sum += power / i;
        power *= square;
    }
    return e * LN2 + 2 * sum;
}

/* e^x = 2^k * e^r with a small r. */
static double exponential(double x)
{
    double k = 0, term = 1, sum = 1;

    if (x < -745) /* the smallest double is larger */
        return 0;
    for (; x > LN2 / 2; x -= LN2)
        k += 1;
    for (; x < -LN2 / 2; x += LN2)
        k -= 1;
    for (int i = 1; i <= 16; i++) {
        term *= x / i;
        sum += term;
    }
    for (; k > 0; k -= 1)
        sum *= 2;
    for (; k < 0; k += 1)
        sum /= 2;
    return sum;
}

static double power_of(double base, double exponent)
{
    return base > 0 ? exponential(exponent * ln(base)) : 0;
}

/* ---- Zipf ------------------------------------------------------------------------------ */

#define SUMMED 1000

/* The sum of 1 / i^theta for i from 1 to n. Beyond the first terms by the formula of Euler and
 * Maclaurin, which leaves an error below 1e-12. */
static double zeta(uint64_t n, double theta)
{
    double sum = 0, from = SUMMED, to = (double)n, integral, ends, slopes;

    for (uint64_t i = 1; i <= n && i <= SUMMED; i++)
        sum += power_of((double)i, -theta);
    if (n <= SUMMED)
        return sum;
    integral = (power_of(to, 1 - theta) - power_of(from, 1 - theta)) / (1 - theta);
    ends = (power_of(to, -theta) - power_of(from, -theta)) / 2;
    slopes = (power_of(from, -theta - 1) - power_of(to, -theta - 1)) * theta / 12;
    return sum + integral + ends + slopes;
}

void zipf_init(struct zipf *zipf, uint64_t n, double theta)
{
    double first_two = 1 + power_of(2, -theta);

    *zipf = (struct zipf){.n = n, .theta = theta, .alpha = 1 / (1 - theta), .zeta = zeta(n, theta)};
    zipf->half = power_of(2, -theta);
    if (n > 2)
        zipf->eta = (1 - power_of(2 / (double)n, 1 - theta)) / (1 - first_two / zipf->zeta);
}

uint64_t zipf_next(const struct zipf *zipf, struct prng *prng)
{
    double u = prng_unit(prng), scaled = u * zipf->zeta, part;
    uint64_t number;

    if (scaled < 1)
        return 0;
    if (scaled < 1 + zipf->half || zipf->n < 3)
        return zipf->n > 1;
    part = zipf->eta * u;
    number = (uint64_t)((double)zipf->n * power_of(part - zipf->eta + 1, zipf->alpha));
    return number < zipf->n ? number : zipf->n - 1;
}
