/* datagen.c: see datagen.h. */
#include "text/datagen.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 4096       /* of a value, that is compressible by itself */
#define MILLION 1000000u /* the whole, in millionths */

/* Do `size` digits write numbers below `keys`? */
static bool digits_suffice(size_t size, uint64_t keys)
{
    uint64_t largest = keys - 1;

    for (size_t i = 0; i < size; i++)
        largest /= 10;
    return largest == 0;
}

const char *datagen_check(const struct datagen_wishes *w)
{
    if (w->key_size > STRATA_MAX_KEY || w->value_size > STRATA_MAX_VALUE)
        return "a key has at most 65536 bytes, a value 1073741824";
    if (w->keys == 0 || !digits_suffice(w->key_size, w->keys))
        return "the keys are too short for so many different ones";
    return NULL;
}

int datagen_init(struct datagen *d, const struct datagen_wishes *wishes)
{
    *d = (struct datagen){.wishes = *wishes,
                          .key_numbers = {wishes->seed},
                          .letters = {~wishes->seed},
                          .key = malloc(wishes->key_size + 1),
                          .value = malloc(wishes->value_size + 1)};
    if (!d->key || !d->value)
        return STRATA_ERR_NO_MEMORY;
    if (wishes->distribution == DATAGEN_ZIPFIAN)
        zipf_init(&d->zipf, wishes->keys, wishes->theta);
    return 0;
}

void datagen_free(struct datagen *d)
{
    free(d->key);
    free(d->value);
}

/* ---- Keys ------------------------------------------------------------------------------ */

/* FNV-1 with 64 bits of the eight bytes of a number (isthe.com/chongo/tech/comp/fnv). */
static uint64_t fnv64(uint64_t number)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (int i = 0; i < 8; i++, number >>= 8) {
        hash *= 0x100000001b3u;
        hash ^= number & 0xff;
    }
    return hash;
}

static uint64_t next_number(struct datagen *d)
{
    uint64_t keys = d->wishes.keys;

    switch (d->wishes.distribution) {
    case DATAGEN_UNIFORM:
        return prng_below(&d->key_numbers, keys);
    case DATAGEN_ZIPFIAN:
        return fnv64(zipf_next(&d->zipf, &d->key_numbers)) % keys;
    default:
        return d->at % keys;
    }
}

static void write_key(struct datagen *d, uint64_t number)
{
    for (size_t i = d->wishes.key_size; i > 0; i--, number /= 10)
        d->key[i - 1] = (uint8_t)('0' + number % 10);
}

/* ---- Values ---------------------------------------------------------------------------- */

/* Six bits a letter, ten letters a number. */
static void write_letters(struct prng *prng, uint8_t *to, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++, number >>= 6) {
        if (i % 10 == 0)
            number = prng_next(prng);
        to[i] = (uint8_t)letters[number & 63];
    }
}

/* Letters, and then the same ones again and again. */
static void write_chunk(struct datagen *d, uint8_t *to, size_t size)
{
    size_t fresh = size - (size_t)((uint64_t)size * d->wishes.compressible / MILLION);

    fresh += fresh == 0;
    write_letters(&d->letters, to, fresh);
    for (size_t i = fresh; i < size; i++)
        to[i] = to[i - fresh];
}

void datagen_next(struct datagen *d, struct strata_slice *key, struct strata_slice *value)
{
    size_t size = d->wishes.value_size;

    write_key(d, next_number(d));
    for (size_t at = 0; at < size; at += CHUNK)
        write_chunk(d, d->value + at, size - at < CHUNK ? size - at : CHUNK);
    d->at++;
    *key = strata_bytes(d->key, d->wishes.key_size);
    *value = strata_bytes(d->value, size);
}
