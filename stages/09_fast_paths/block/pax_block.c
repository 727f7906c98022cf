/* pax_block.c: a block's bytes, by columns. Numbers are little-endian and of two bytes, in a block
 * of more than 65,535 bytes of four.
 *
 *   +--------+-------------------------------------------+--------+-----------------+
 *   | form 1 | count | prefix size | [suffix] | [value]  | prefix | tags, 1 each    |
 *   +--------+-------------------------------------------+--------+-----------------+
 *   | [starts of suffixes] | suffixes | [types] | [starts of values] | values        |
 *   +----------------------+----------+---------+--------------------+---------------+
 *
 *   form       bits: 1 WIDE, numbers of four bytes; 2 KEYS_VARY; 4 VALUES_VARY; 8 DELETES;
 *              16 CODED, in a table whose user codes values: this stage's does not
 *   suffix     the size of each suffix; not with KEYS_VARY, then starts has where each begins among
 *              the suffixes, and where the last ends: count + 1 numbers, from 0
 *   value      the same of the values, with VALUES_VARY
 *   types      with DELETES: a bit an entry, the lowest first, set for a delete; zeros to the byte;
 *              with CODED, and not both: two bits, 0 a put, 1 a delete, 2 a coded value
 *
 * A block is valid iff the columns fill it to its last byte, starts ascend, each suffix is behind
 * the one before it, no key or value is longer than allowed, a delete has no value, and a coded
 * value is not empty; and if it has more than one entry, it is no larger than 1 MiB, and its keys,
 * each with the prefix, no larger than 64 MiB (9.I18: a scan or a compaction makes no more bytes of
 * a block). Then every entry is known to lie inside (9.I15), and binary search finds what is there
 * (9.I16). A tag that is not its key's hides the key (9.I17): that pax_block_verify looks for; a
 * load relies on the checksum of the block's file for it, as hashing all keys again would cost as
 * much as uncompressing them.
 *
 * Why columns: a look at an entry costs what it pulls into the processor's cache. A block of 35
 * entries has its tags in one line; the key that has the tag is another, its value a third. With
 * restart points a search halves over keys that lie hundreds of bytes apart, and then decodes eight
 * entries, values passed by, to find where one begins. make bench-parts SET=layouts shows both. */
#include "pax_block.h"
#include "09_fast_paths/block/key_prefix.h"
#include "base/cost.h"

#include <assert.h>

#define SIZE_LIMIT ((uint64_t)UINT32_MAX)
#define LINE 64         /* bytes of a cache line */
#define PREFETCHED 1024 /* bytes of suffixes, by a seek */

/* ---- Opening ------------------------------------------------------------------------------- */

static int corrupt(uint64_t offset, const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, offset, "block: %s", what);
}

static uint32_t get_number(struct decoder *d, unsigned form)
{
    return form & PAX_BLOCK_WIDE ? get_u32(d) : get_u16(d);
}

static uint32_t value_max(unsigned form)
{
    return form & PAX_BLOCK_CODED ? PAX_BLOCK_CODED_MAX : (uint32_t)STRATA_MAX_VALUE;
}

/* The header: the sizes of columns whose items are of one size. */
static int read_header(struct pax_block *block, unsigned *form, struct decoder *d,
                       struct strata_error *err)
{
    *form = get_u8(d);
    if (*form & ~(unsigned)PAX_BLOCK_FORM_BITS ||
        (*form & PAX_BLOCK_DELETES && *form & PAX_BLOCK_CODED))
        return corrupt(0, "a form that is not known", err);
    if (!(*form & PAX_BLOCK_WIDE) != (block->size <= PAX_BLOCK_NARROW_MAX))
        return corrupt(0, "numbers are not of the size that the block's size asks for", err);
    block->number_size = *form & PAX_BLOCK_WIDE ? 4 : 2;
    block->count = get_number(d, *form);
    block->prefix_size = get_number(d, *form);
    if (!(*form & PAX_BLOCK_KEYS_VARY))
        block->suffix_size = get_number(d, *form);
    if (!(*form & PAX_BLOCK_VALUES_VARY))
        block->value_size = get_number(d, *form);
    if (d->bad)
        return corrupt(block->size, "it ends within its header", err);
    if (!block->count)
        return corrupt(1, "it has no entries", err);
    if (block->prefix_size > STRATA_MAX_KEY ||
        block->suffix_size > STRATA_MAX_KEY - block->prefix_size)
        return corrupt(1, "keys are longer than a key may be", err);
    if (block->value_size > value_max(*form))
        return corrupt(1, "values are longer than a value may be", err);
    return 0;
}

/* 9.I18. One entry may be of any size; suffixes are among the block's own bytes. */
static int check_work(const struct pax_block *block, struct strata_error *err)
{
    if (block->count > 1 && block->size > PAX_BLOCK_TARGET_MAX)
        return corrupt(1, "it is larger than a block of several entries may be", err);
    if (block->count > 1 && (uint64_t)block->count * block->prefix_size > PAX_BLOCK_KEYS_MAX)
        return corrupt(1, "its keys are larger than those of one block may be", err);
    return 0;
}

/* Where `count` items that begin at the decoder end: they are of one size, or their starts stand
 * before them, which ascend from 0 by at most `largest`. */
static int read_column(const struct pax_block *block, struct decoder *d, uint64_t largest,
                       uint32_t size, bool vary, uint32_t *starts, uint32_t *items,
                       uint32_t *longest, struct strata_error *err)
{
    uint64_t bytes = (uint64_t)block->count * size;
    uint32_t before = 0, at;

    *starts = 0;
    *longest = size;
    if (vary) {
        *starts = block->size - (uint32_t)d->left;
        get_bytes(d, ((uint64_t)block->count + 1) * block->number_size);
        if (d->bad)
            return corrupt(*starts, "where its items begin is cut off", err);
        for (uint32_t i = 0; i <= block->count; i++, before = at) {
            at = block_number(block, *starts, i);
            if (at < before || (i == 0 && at != 0) || at - before > largest)
                return corrupt(*starts + (uint64_t)i * block->number_size,
                               "an item begins where it cannot", err);
            if (at - before > *longest)
                *longest = at - before;
        }
        bytes = before;
    }
    *items = block->size - (uint32_t)d->left;
    get_bytes(d, bytes);
    return d->bad ? corrupt(*items, "it ends within its items", err) : 0;
}

static int read_types(struct pax_block *block, struct decoder *d, unsigned bits,
                      struct strata_error *err)
{
    uint64_t used = (uint64_t)block->count * bits;
    struct strata_slice types;

    block->type_bits = (uint8_t)bits;
    block->types = block->size - (uint32_t)d->left;
    types = get_bytes(d, (used + 7) / 8);
    if (d->bad)
        return corrupt(block->types, "it ends within its types", err);
    if (used % 8 && types.data[types.size - 1] >> used % 8)
        return corrupt(block->types + types.size - 1, "a type without an entry", err);
    return 0;
}

static inline uint64_t suffix_key_prefix(const struct pax_block *block, uint32_t at)
{
    struct strata_slice suffix = pax_block_suffix(block, at);
    return block->suffix_room ? key_prefix_cut(head_load(suffix.data), suffix.size)
                              : key_prefix_of(suffix, 0);
}

/* The usual block: puts, whose suffixes are of one size up to 8 bytes. */
static bool key_prefixes_ascend(const struct pax_block *block)
{
    const uint8_t *p = block->bytes + block->suffixes;
    uint64_t before, key_prefix;

    if (block->types || block->suffix_starts || block->suffix_size - 1 > 7 || !block->suffix_room)
        return false;
    before = key_prefix_cut(head_load(p), block->suffix_size);
    for (uint32_t i = 1; i < block->count; i++, before = key_prefix) {
        p += block->suffix_size;
        key_prefix = key_prefix_cut(head_load(p), block->suffix_size);
        if (key_prefix <= before)
            return false;
    }
    return true;
}

static bool has_value_of_its_type(const struct pax_block *block, uint32_t at)
{
    unsigned type = pax_block_type(block, at);
    bool empty = pax_block_value(block, at).size == 0;

    return type == STRATA_OP_PUT || (type == STRATA_OP_DELETE && empty) ||
           (type == SSTABLE_CODED && !empty);
}

static int check_entries(const struct pax_block *block, struct strata_error *err)
{
    uint64_t before = 0;

    if (key_prefixes_ascend(block))
        return 0;
    for (uint32_t i = 0; i < block->count; i++) {
        uint64_t key_prefix = suffix_key_prefix(block, i);
        if (i && key_prefix <= before &&
            (key_prefix < before ||
             strata_compare(pax_block_suffix(block, i - 1), pax_block_suffix(block, i)) >= 0))
            return corrupt((uint64_t)(pax_block_suffix(block, i).data - block->bytes),
                           "a key is not behind the one before it", err);
        before = key_prefix;
        if (block->types && !has_value_of_its_type(block, i))
            return corrupt((uint64_t)(pax_block_value(block, i).data - block->bytes),
                           "a delete has a value, or a coded value is empty", err);
    }
    return 0;
}

/* May PAX_BLOCK_SLACK bytes be read behind the last suffix? */
static bool has_room(const struct pax_block *block)
{
    struct strata_slice last = pax_block_suffix(block, block->count - 1);
    return block->size - (size_t)(last.data - block->bytes) - last.size >= PAX_BLOCK_SLACK;
}

int pax_block_open(struct pax_block *block, struct strata_slice bytes, struct strata_error *err)
{
    struct decoder d;
    uint32_t longest, key_left;
    unsigned form;
    int rc;

    if (bytes.size > SIZE_LIMIT)
        return corrupt(SIZE_LIMIT, "it is longer than any block", err);
    *block = (struct pax_block){.bytes = bytes.data, .size = (uint32_t)bytes.size};
    decoder_init(&d, bytes);
    rc = read_header(block, &form, &d, err);
    if (rc == 0)
        rc = check_work(block, err);
    if (rc < 0)
        return rc;
    get_bytes(&d, block->prefix_size);
    block->tags = block->size - (uint32_t)d.left;
    get_bytes(&d, block->count);
    if (d.bad)
        return corrupt(block->size, "it ends within its tags", err);
    key_left = (uint32_t)STRATA_MAX_KEY - block->prefix_size;
    rc = read_column(block, &d, key_left, block->suffix_size, form & PAX_BLOCK_KEYS_VARY,
                     &block->suffix_starts, &block->suffixes, &longest, err);
    block->key_max = block->prefix_size + longest;
    if (rc == 0 && form & (PAX_BLOCK_DELETES | PAX_BLOCK_CODED))
        rc = read_types(block, &d, form & PAX_BLOCK_CODED ? 2 : 1, err);
    if (rc == 0)
        rc =
            read_column(block, &d, value_max(form), block->value_size, form & PAX_BLOCK_VALUES_VARY,
                        &block->value_starts, &block->values, &longest, err);
    if (rc == 0 && d.left)
        rc = corrupt(block->size - d.left, "bytes behind its last value", err);
    if (rc < 0)
        return rc;
    assert(block->tags <= block->suffixes && block->suffixes <= block->values); /* 9.I15 */
    assert(block->values <= block->size && block->key_max <= STRATA_MAX_KEY);
    block->suffix_room = has_room(block);
    return check_entries(block, err);
}

int pax_block_verify(const struct pax_block *block, uint64_t (*hash)(struct strata_slice key),
                     struct strata_buffer *scratch, struct strata_error *err)
{
    strata_buffer_clear(scratch);
    if (buffer_reserve(scratch, (size_t)block->key_max + PAX_BLOCK_SLACK) < 0)
        return strata_fail_memory(err, (size_t)block->key_max + PAX_BLOCK_SLACK);
    pax_block_put_prefix(block, scratch->data);
    for (uint32_t i = 0; i < block->count; i++) {
        scratch->size = pax_block_put_suffix(block, i, scratch->data);
        if (block->bytes[block->tags + i] != pax_block_tag(hash(strata_buffer_slice(scratch))))
            return corrupt((uint64_t)block->tags + i, "a tag is not its key's", err);
    }
    return 0;
}

/* ---- Finding ------------------------------------------------------------------------------- */

/* The C library's memchr looks at 16 or 32 bytes at a time, as the processor can. */
unsigned pax_block_find(const struct pax_block *block, struct strata_slice key, uint64_t hash,
                        struct strata_slice *value)
{
    const uint8_t *tags = block->bytes + block->tags, *end = tags + block->count, *tag = tags;
    size_t left;

    if (key.size < block->prefix_size)
        return 0;
    left = key.size - block->prefix_size;
    for (; (tag = memchr(tag, pax_block_tag(hash), (size_t)(end - tag))); tag++) {
        uint32_t at = (uint32_t)(tag - tags);
        struct strata_slice suffix = pax_block_suffix(block, at);
        cost_so_far.comparisons++;
        if (suffix.size != left ||
            (left && memcmp(suffix.data, key.data + block->prefix_size, left) != 0) ||
            (block->prefix_size &&
             memcmp(tags - block->prefix_size, key.data, block->prefix_size) != 0))
            continue;
        *value = pax_block_value(block, at);
        assert(value->data + value->size <= block->bytes + block->size); /* 9.I15 */
        return pax_block_type(block, at);
    }
    return 0;
}

/* The same among entries from `low` on, where key prefixes do not tell: whole suffixes are
 * compared. */
static uint32_t seek_suffix(const struct pax_block *block, struct strata_slice suffix, uint32_t low)
{
    uint32_t high = block->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strata_compare(pax_block_suffix(block, middle), suffix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* By key prefixes, without a branch that the processor would guess wrong every second time; but so
 * each step waits for the one before, and memory is asked beforehand (measured: a sixth less for
 * UUIDs).
 */
uint32_t pax_block_seek(const struct pax_block *block, struct strata_slice key)
{
    struct strata_slice prefix = pax_block_prefix(block), suffix;
    int beside = key_beside(key, prefix);
    uint32_t low = 0;
    uint64_t key_prefix;

    if (beside > 0)
        return block->count;
    if (beside < 0 || key.size == prefix.size)
        return 0;
    suffix = (struct strata_slice){key.data + prefix.size, key.size - prefix.size};
    for (uint32_t i = block->suffixes; i < block->values && i < block->suffixes + PREFETCHED;
         i += LINE)
        __builtin_prefetch(block->bytes + i);
    key_prefix = key_prefix_of(suffix, 0);
    cost_so_far.comparisons += cost_halvings((uint64_t)block->count + 1);
    for (uint32_t left = block->count; left;) {
        uint32_t half = left / 2;
        low += (left - half) & -(uint32_t)(suffix_key_prefix(block, low + half) < key_prefix);
        left = half;
    }
    if (low == block->count || suffix_key_prefix(block, low) != key_prefix)
        return low;
    return strata_compare(pax_block_suffix(block, low), suffix) >= 0
               ? low
               : seek_suffix(block, suffix, low + 1);
}
