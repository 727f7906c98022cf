/* datagen.h: entries for tests and measurements: the same parameters give the same entries on every
 * machine.
 *
 * Keys are numbers, from 0 to below `keys`, as decimal digits with zeros in front: `key_size`
 * bytes, so that they sort as the numbers do. Values are letters, digits, - and _, so that no
 * format of entries.h needs an escape for them. */
#ifndef STRATA_COMMON_DATAGEN_H
#define STRATA_COMMON_DATAGEN_H

#include "base/prng.h"
#include "strata.h"

enum datagen_distribution {
    DATAGEN_SEQUENTIAL, /* 0, 1, 2, ..., and from 0 again */
    DATAGEN_UNIFORM,    /* any, equally often: some come twice, some never */
    /* Few of them often (prng.h: zipf); which ones, a hash of the rank says, as in YCSB's
     * ScrambledZipfianGenerator, so that they lie apart. */
    DATAGEN_ZIPFIAN,
    DATAGEN_DISTRIBUTIONS
};

struct datagen_wishes {
    uint64_t keys; /* >= 1; at most 10^key_size */
    size_t key_size, value_size;
    enum datagen_distribution distribution;
    double theta; /* of DATAGEN_ZIPFIAN: 0 to 0.999 */
    /* Millionths of each 4 KiB of a value that repeat earlier bytes: what a compressor without
     * entropy coding (LZ4) removes. */
    uint32_t compressible;
    uint64_t seed;
};

struct datagen {
    struct datagen_wishes wishes;
    struct prng key_numbers, letters; /* so that the sizes of values do not change the keys */
    struct zipf zipf;
    uint64_t at; /* entries made */
    uint8_t *key, *value;
};

/* NULL, or what is wrong with the parameters; a static text. */
const char *datagen_check(const struct datagen_wishes *wishes);
/* The parameters must be valid. 0 or STRATA_ERR_NO_MEMORY. Ended by datagen_free in any case. */
int datagen_init(struct datagen *datagen, const struct datagen_wishes *wishes);
void datagen_free(struct datagen *datagen);
/* The next entry, ours until the call after it. There is always one. */
void datagen_next(struct datagen *datagen, struct strata_slice *key, struct strata_slice *value);

#endif
