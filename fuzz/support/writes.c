/* writes.c: see writes.h. */
#include "writes.h"
#include "sample.h"

#include <string.h>
#include <xxhash.h>

#define LONG_KEY 300

static struct {
    uint8_t bytes[LONG_KEY];
    size_t size;
} keys[KEYS];
static unsigned made;

static void add_key(struct strata_slice key)
{
    unsigned at = made;

    for (; at > 0 && strata_compare(strata_bytes(keys[at - 1].bytes, keys[at - 1].size), key) > 0;
         at--)
        keys[at] = keys[at - 1];
    keys[at].size = key.size;
    if (key.size)
        memcpy(keys[at].bytes, key.data, key.size);
    made++;
}

/* The empty one, some that begin others, bytes at both ends, a long one, three of one hash. */
static void make_keys(void)
{
    static const char *const words[] = {"",   "a",  "aa", "ab",       "abc",      "b",    "c", "d",
                                        "k1", "k2", "k3", "\x01\x01", "\x7f\x80", "\xff", "z"};
    uint8_t key[32], zeros[2] = {0}, longest[LONG_KEY];

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        add_key(strata_string(words[i]));
    for (unsigned which = 0; which < 3; which++)
        add_key(sample_collision(key, which));
    add_key(strata_bytes(zeros, 2));
    memset(longest, 'm', sizeof longest);
    add_key(strata_bytes(longest, sizeof longest));
}

struct strata_slice key_at(unsigned number)
{
    if (!made)
        make_keys();
    return strata_bytes(keys[number].bytes, keys[number].size);
}

unsigned key_seek(struct strata_slice key)
{
    unsigned number = 0;
    while (number < KEYS && strata_compare(key_at(number), key) < 0)
        number++;
    return number;
}

unsigned key_number(struct strata_slice key)
{
    unsigned number = key_seek(key);
    return number < KEYS && strata_compare(key_at(number), key) == 0 ? number : KEYS;
}

unsigned key_twin(uint64_t which)
{
    uint8_t key[32];
    return key_number(sample_collision(key, (unsigned)which));
}

/* ---- Writes ---------------------------------------------------------------------------- */

#define SIZE_CODES 64
static const uint32_t sizes[] = {0, 1, 3, 10, 30, 100, 300, 2600};

static uint32_t size_of(unsigned code)
{
    if (code % SIZE_CODES == SIZE_CODES - 1)
        return VALUE_LARGEST;
    return sizes[code % (sizeof sizes / sizeof *sizes)];
}

uint64_t held_hash(struct strata_slice value)
{
    return XXH3_64bits(value.data, value.size) | 1;
}

struct strata_slice writes_value(const struct writes *writes, size_t op)
{
    static uint8_t bytes[VALUE_LARGEST];
    uint32_t size = writes->ops[op].size;

    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(op >> (8 * (i % 2)) ^ i * 37);
    return strata_bytes(bytes, size);
}

bool writes_add(struct writes *writes, unsigned key, bool is_delete, unsigned size_code)
{
    size_t at = writes->op_count;

    if (at == WRITES_OPS)
        return false;
    writes->ops[at] = (struct op){.key = key % KEYS, .is_delete = is_delete};
    writes->op_count++;
    if (!is_delete) {
        writes->ops[at].size = size_of(size_code);
        writes->ops[at].hash = held_hash(writes_value(writes, at));
    }
    return true;
}

size_t writes_commit(struct writes *writes)
{
    writes->ends[++writes->count] = writes->op_count;
    return writes->count;
}

void writes_drop(struct writes *writes)
{
    writes->op_count = writes->ends[writes->count];
}

void writes_cut(struct writes *writes, size_t n)
{
    writes->count = n;
    writes_drop(writes);
}

/* ---- What is held ---------------------------------------------------------------------- */

struct held writes_after(const struct writes *writes, size_t n)
{
    struct held held = {0};

    for (size_t i = 0; i < writes->ends[n]; i++) {
        const struct op *op = &writes->ops[i];
        held.there[op->key] = !op->is_delete;
        held.hash[op->key] = op->hash;
    }
    return held;
}

bool held_equal(const struct held *a, const struct held *b)
{
    return memcmp(a->there, b->there, sizeof a->there) == 0 &&
           memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}
