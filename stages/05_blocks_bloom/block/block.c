/* block.c: checking a block, and iterating over it. The format and 5.I3 are in block_build.c.
 *
 * A key at a restart point is stored in full. So a search halves the restart points by their keys,
 * and then walks over at most an interval of entries; it puts their keys together, each of what it
 * shares with the one before it and its rest. */
#include "block.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <assert.h>
#include <string.h>

#define RESTART 4 /* bytes of a restart point, and of their number */

struct entry {
    uint32_t shared; /* bytes of the key before it */
    unsigned type;
    struct strata_slice rest, value;
    uint32_t next; /* offset of the entry after it */
};

static uint32_t restart_offset(const struct block *block, uint32_t n)
{
    assert(n < block->restarts);
    return load_u32(block->data + block->entries_end + (size_t)RESTART * n);
}

/* ---- Checking -------------------------------------------------------------------------------- */

/* The state of a walk over bytes that are not trusted. */
struct check {
    struct decoder d;
    struct block block;
    uint8_t *key;     /* of the last entry, key_size bytes */
    size_t key_size;  /* never more than the bytes that were read: each byte of it was one */
    uint32_t restart; /* restart points that were met */
    uint32_t entries;
};

static const char *check_order(const struct check *c, struct strata_slice rest, size_t shared,
                               bool restart)
{
    struct strata_slice last = strata_bytes(c->key, c->key_size);
    bool ascends;

    if (!c->entries)
        return NULL;
    if (restart)
        ascends = strata_compare(last, rest) < 0;
    else
        ascends = rest.size && (shared == last.size || rest.data[0] > last.data[shared]); /* 5.I3 */
    return ascends ? NULL : "a key is not after the one before it";
}

static const char *check_entry(struct check *c, uint32_t at)
{
    bool restart = c->restart < c->block.restarts && restart_offset(&c->block, c->restart) == at;
    uint64_t shared = get_varint(&c->d), rest_size = get_varint(&c->d);
    uint64_t value_size = get_varint(&c->d);
    unsigned type = get_u8(&c->d);
    struct strata_slice rest = get_bytes(&c->d, rest_size);
    const char *wrong;

    get_bytes(&c->d, value_size);
    if (c->d.bad)
        return "an entry does not end within the block";
    if (shared > (restart ? 0 : c->key_size) || (at == 0 && !restart))
        return "a key shares more bytes than the one before it has";
    if (shared + rest.size > STRATA_MAX_KEY)
        return "a key is longer than keys may be";
    if (type != STRATA_OP_PUT && (type != STRATA_OP_DELETE || value_size))
        return "an entry has an unknown type, or is a delete with a value";
    wrong = check_order(c, rest, (size_t)shared, restart);
    if (wrong)
        return wrong;
    if (rest.size)
        memcpy(c->key + shared, rest.data, rest.size);
    c->key_size = (size_t)shared + rest.size;
    c->restart += restart;
    c->entries++;
    return NULL;
}

const char *block_check(struct strata_slice bytes, uint8_t *scratch, struct block_facts *facts)
{
    struct check c = {.key = scratch};
    const char *wrong = NULL;
    uint32_t restarts;

    if (bytes.size < 2 * RESTART || bytes.size > UINT32_MAX)
        return "a block has no room for a restart point";
    restarts = load_u32(bytes.data + bytes.size - RESTART);
    if (!restarts || restarts > bytes.size / RESTART - 1)
        return "a block has no restart points, or more than fit it";
    c.block = block_of(bytes);
    decoder_init(&c.d, strata_bytes(bytes.data, c.block.entries_end));
    while (!wrong && c.d.left)
        wrong = check_entry(&c, (uint32_t)(c.block.entries_end - c.d.left));
    if (!wrong && (!c.entries || c.restart != restarts))
        wrong = "a restart point is not at an entry";
    facts->entries = c.entries;
    facts->last = strata_bytes(c.key, c.key_size);
    return wrong;
}

struct block block_of(struct strata_slice bytes)
{
    uint32_t restarts = load_u32(bytes.data + bytes.size - RESTART);

    assert(restarts && restarts < bytes.size / RESTART);
    return (struct block){bytes.data, (uint32_t)(bytes.size - RESTART * (1 + (size_t)restarts)),
                          restarts};
}

/* ---- Entries of a checked block -------------------------------------------------------------- */

/* A varint of a checked block, below 2^32. */
static inline uint32_t size_at(const uint8_t **at)
{
    uint32_t size = *(*at)++;

    if (size < 128)
        return size;
    size &= 127;
    for (int shift = 7;; shift += 7) {
        uint32_t byte = *(*at)++;
        size |= (byte & 127) << shift;
        if (byte < 128)
            return size;
    }
}

static inline void read_entry(const struct block *block, uint32_t offset, struct entry *e)
{
    const uint8_t *at = block->data + offset;
    uint32_t rest, value;

    assert(offset < block->entries_end);
    e->shared = size_at(&at);
    rest = size_at(&at);
    value = size_at(&at);
    e->type = *at++;
    e->rest = (struct strata_slice){at, rest};
    e->value = (struct strata_slice){at + rest, value};
    e->next = (uint32_t)(at + rest + value - block->data);
}

struct strata_slice block_restart(const struct block *block, uint32_t n, struct strata_slice *value)
{
    struct entry e;

    read_entry(block, restart_offset(block, n), &e);
    if (value)
        *value = e.value;
    return e.rest;
}

uint32_t block_find_restart(const struct block *block, struct strata_slice key)
{
    uint32_t low = 0, high = block->restarts;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strata_compare(block_restart(block, middle, NULL), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- Iterating ------------------------------------------------------------------------------- */

int block_iter_enter(struct block_iter *it, struct block block, struct strata_error *err)
{
    size_t most =
        block.entries_end < STRATA_MAX_KEY ? block.entries_end : STRATA_MAX_KEY; /* of a key */

    strata_buffer_clear(&it->key);
    if (buffer_reserve(&it->key, most) < 0)
        return strata_fail_memory(err, most);
    it->block = block;
    return 0;
}

void block_iter_free(struct block_iter *it)
{
    strata_buffer_free(&it->key);
}

/* To the entry at `at`; the key holds that of the entry before it, unless this one is a restart
 * point. */
static void load(struct block_iter *it, uint32_t at)
{
    struct entry e = {0};

    read_entry(&it->block, at, &e);
    assert(e.shared <= it->key.size || at == restart_offset(&it->block, it->restart));
    assert(e.shared + e.rest.size <= it->key.capacity);
    if (e.rest.size)
        memcpy(it->key.data + e.shared, e.rest.data, e.rest.size);
    it->key.size = e.shared + e.rest.size;
    it->type = e.type;
    it->value = e.value;
    it->at = at;
    it->next = e.next;
}

/* To the entry after this one; there is one. */
static void step(struct block_iter *it)
{
    assert(it->next < it->block.entries_end);
    if (it->restart + 1 < it->block.restarts &&
        restart_offset(&it->block, it->restart + 1) == it->next)
        it->restart++;
    load(it, it->next);
}

/* From restart point n to the last entry before `end`. */
static void walk(struct block_iter *it, uint32_t n, uint32_t end)
{
    it->restart = n;
    load(it, restart_offset(&it->block, n));
    while (it->next < end)
        step(it);
}

void block_iter_first(struct block_iter *it)
{
    it->restart = 0;
    load(it, 0);
}

void block_iter_last(struct block_iter *it)
{
    walk(it, it->block.restarts - 1, it->block.entries_end);
}

bool block_iter_seek(struct block_iter *it, struct strata_slice key)
{
    uint32_t n = block_find_restart(&it->block, key);

    it->restart = n ? n - 1 : 0; /* the entries between it and n may have the key, or n */
    load(it, restart_offset(&it->block, it->restart));
    while (strata_compare(strata_buffer_slice(&it->key), key) < 0) {
        if (it->next == it->block.entries_end)
            return false;
        step(it);
    }
    return true;
}

bool block_iter_next(struct block_iter *it)
{
    if (it->next == it->block.entries_end)
        return false;
    step(it);
    return true;
}

/* Entries can be read forwards only: from the restart point before it. */
bool block_iter_prev(struct block_iter *it)
{
    uint32_t end = it->at;

    if (end == 0)
        return false;
    walk(it, it->restart - (restart_offset(&it->block, it->restart) == end), end);
    return true;
}
