/* block.c: checking a block, finding a key in it, and iterating. The format and 5.I3 are in
 * block_build.c.
 *
 * A search halves the restart points, then walks over at most an interval of entries. It puts no
 * key together. It keeps `match`, the number of bytes that the key before the present entry has in
 * common with the key that is looked for; that key is smaller. So an entry that shares
 *
 *   more than match   differs from the key before it only after the byte that made it smaller:
 *                     smaller too
 *   less than match   is larger at a byte where the key before it was equal (5.I3): larger
 *   exactly match     is compared, from that byte on
 *
 * and most entries are passed by without looking at their keys. */
#include "block.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "base/cost.h"

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

/* ---- Finding --------------------------------------------------------------------------------- */

/* The last restart point whose key is not after `key`; the first one, if all are. */
static uint32_t find_restart(const struct block *block, struct strata_slice key)
{
    uint32_t low = 0, high = block->restarts - 1;

    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (strata_compare(block_restart(block, middle, NULL), key) <= 0)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* How `key` is related to an entry that shares `*match` bytes with the last one: < 0, 0, > 0 if the
 * entry's key is smaller, equal, larger. Adds the bytes that are equal to *match. */
static int compare_rest(const struct entry *e, struct strata_slice key, size_t *match)
{
    size_t i = 0, left = key.size - *match, most = e->rest.size < left ? e->rest.size : left;

    while (i < most && e->rest.data[i] == key.data[*match + i])
        i++;
    *match += i;
    if (i < most)
        return e->rest.data[i] < key.data[*match] ? -1 : 1;
    return (e->rest.size > left) - (e->rest.size < left);
}

/* The first entry whose key is not before `key`: its offset, which may be the end, and what is
 * there. *order is 0 if its key is `key`, else > 0. */
static uint32_t search(const struct block *block, struct strata_slice key, uint32_t restart,
                       struct entry *e, int *order)
{
    uint32_t at = restart_offset(block, restart);
    size_t match = 0;

    for (*order = 1; at < block->entries_end; at = e->next) {
        read_entry(block, at, e);
        if (e->shared > match)
            continue;
        cost_so_far.comparisons++;
        *order = e->shared < match ? 1 : compare_rest(e, key, &match);
        if (*order >= 0)
            return at;
    }
    *order = 1;
    return at;
}

unsigned block_get(const struct block *block, struct strata_slice key, struct strata_slice *value)
{
    struct entry e = {0};
    int order;

    search(block, key, find_restart(block, key), &e, &order);
    *value = e.value;
    return order == 0 ? e.type : 0;
}

/* ---- Iterating ------------------------------------------------------------------------------- */

int block_iter_enter(struct block_iter *it, const struct block *block, struct strata_error *err)
{
    size_t most =
        block->entries_end < STRATA_MAX_KEY ? block->entries_end : STRATA_MAX_KEY; /* of a key */

    strata_buffer_clear(&it->key);
    if (buffer_reserve(&it->key, most) < 0)
        return strata_fail_memory(err, most);
    it->block = *block;
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
    uint32_t restart = find_restart(&it->block, key), at;
    struct entry e = {0};
    int order;

    at = search(&it->block, key, restart, &e, &order);
    if (at == it->block.entries_end)
        return false;
    walk(it, restart, at + 1);
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
