/* pax_block.h: a block: the entries of a table that are read, checked and kept in memory together,
 * about 4 KiB of them. Keys ascend, each is there once, and the entries are in columns: the common
 * prefix of the keys, once; a byte of each key's hash, its tag; what is left of the keys; types;
 * values. The bytes are drawn in pax_block.c.
 *
 * Finding a key looks through the tags, many at a time, and then at one key; the classic layout
 * (LevelDB's, doc/pax_table_format.md: each key as its difference to the one before, whole at
 * restart points) halves, and then decodes one key after the other.
 *
 * Threads: an opened block is not changed, and may be read by any number at once. */
#ifndef STRATA_09_PAX_BLOCK_H
#define STRATA_09_PAX_BLOCK_H

#include "04_memtable_sstable/run/sstable.h"

#include <string.h>

#define PAX_BLOCK_TARGET 4096                      /* bytes, the usual size */
#define PAX_BLOCK_TARGET_MAX ((size_t)1024 * 1024) /* the largest that may be asked for */
#define PAX_BLOCK_KEYS_MAX                                                                         \
    (64 * PAX_BLOCK_TARGET_MAX) /* bytes: the keys of a block, each with its prefix */
#define PAX_BLOCK_SLACK 16      /* bytes that pax_block_key may write behind a key */

/* The bits of a block's first byte: pax_block.c. */
enum pax_block_form {
    PAX_BLOCK_WIDE = 1,
    PAX_BLOCK_KEYS_VARY = 2,
    PAX_BLOCK_VALUES_VARY = 4,
    PAX_BLOCK_DELETES = 8,
    PAX_BLOCK_CODED = 16,
    PAX_BLOCK_FORM_BITS = 31
};
#define PAX_BLOCK_CODED_MAX ((uint32_t)3 << 29) /* bytes of the largest coded value: 1.5 GiB */
#define PAX_BLOCK_NARROW_MAX 65535              /* bytes of the largest block that is not wide */

/* What a block keeps of a key's hash. */
static inline uint8_t pax_block_tag(uint64_t hash)
{
    return (uint8_t)(hash >> 56);
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* An opened block: where its columns begin, as offsets in `bytes`. Plain data of one cache line
 * that may be copied, and kept with the bytes: it is good as long as they stay where they are. */
struct pax_block {
    const uint8_t *bytes; /* borrowed */
    uint32_t size;        /* of them */
    uint32_t count;       /* entries, >= 1 */
    uint32_t key_max;     /* bytes of the longest key */
    uint32_t prefix_size; /* bytes that all keys begin with; they end where the tags begin */
    uint32_t suffix_size; /* bytes left of each key, if suffix_starts is 0 */
    uint32_t value_size;  /* bytes of each value, if value_starts is 0 */
    uint32_t tags, suffixes, values;
    uint32_t suffix_starts; /* count + 1 numbers, or 0: all suffixes are of one size */
    uint32_t value_starts;  /* likewise */
    uint32_t types;         /* of each entry; or 0: all are puts */
    uint8_t number_size;    /* bytes of a number: 2 or 4 */
    uint8_t type_bits;      /* 1: it is a delete; 2: some values are coded */
    bool suffix_room;       /* PAX_BLOCK_SLACK bytes may be read behind any suffix */
};

/* Checks the bytes, all of them, and computes where the columns are; they must stay in place. After
 * it nothing below can read outside of them, whatever they are; and the entries are in order, so
 * that searches find what is there. Tags alone are not compared with the keys (pax_block_verify).
 *   CORRUPT  err->offset is the place within the block, err->file is empty: the caller knows which
 * It allocates nothing and costs O(count). */
int pax_block_open(struct pax_block *block, struct strata_slice bytes, struct strata_error *err);
/* The tags are those of the keys, too. CORRUPT, NO_MEMORY. `scratch` is used for the keys. */
int pax_block_verify(const struct pax_block *block, uint64_t (*hash)(struct strata_slice key),
                     struct strata_buffer *scratch, struct strata_error *err);

/* The entry with this key, whose hash is `hash`: its type (enum strata_op_type), and its value,
 * which lives as long as the bytes. 0: there is none. */
unsigned pax_block_find(const struct pax_block *block, struct strata_slice key, uint64_t hash,
                        struct strata_slice *value);
/* The first entry whose key is not before `key`; block->count: there is none. O(log count). */
uint32_t pax_block_seek(const struct pax_block *block, struct strata_slice key);

/* Below, `at` < block->count. */

static inline uint32_t block_number(const struct pax_block *block, uint32_t column, uint32_t at)
{
    const uint8_t *p = block->bytes + column + (size_t)at * block->number_size;

    if (block->number_size == 2)
        return p[0] | (uint32_t)p[1] << 8;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline struct strata_slice pax_block_prefix(const struct pax_block *block)
{
    return (struct strata_slice){block->bytes + block->tags - block->prefix_size,
                                 block->prefix_size};
}

/* What follows the prefix in the key. */
static inline struct strata_slice pax_block_suffix(const struct pax_block *block, uint32_t at)
{
    const uint8_t *suffixes = block->bytes + block->suffixes;
    uint32_t start, end;

    if (!block->suffix_starts)
        return (struct strata_slice){suffixes + (size_t)at * block->suffix_size,
                                     block->suffix_size};
    start = block_number(block, block->suffix_starts, at);
    end = block_number(block, block->suffix_starts, at + 1);
    return (struct strata_slice){suffixes + start, end - start};
}

static inline struct strata_slice pax_block_value(const struct pax_block *block, uint32_t at)
{
    const uint8_t *values = block->bytes + block->values;
    uint32_t start, end;

    if (!block->value_starts)
        return (struct strata_slice){values + (size_t)at * block->value_size, block->value_size};
    start = block_number(block, block->value_starts, at);
    end = block_number(block, block->value_starts, at + 1);
    return (struct strata_slice){values + start, end - start};
}

/* enum strata_op_type, or SSTABLE_CODED. */
static inline unsigned pax_block_type(const struct pax_block *block, uint32_t at)
{
    uint32_t bit = at * block->type_bits;

    if (!block->types)
        return STRATA_OP_PUT;
    return STRATA_OP_PUT +
           (block->bytes[block->types + bit / 8] >> bit % 8 & ((1u << block->type_bits) - 1));
}

/* Writes the entry's key to `to`, which has room for block->key_max + PAX_BLOCK_SLACK bytes;
 * returns its size. In two steps, for a walk over a block: the prefix is put there once, and then
 * only what follows it for each entry. */
static inline void pax_block_put_prefix(const struct pax_block *block, uint8_t *to)
{
    memcpy(to, block->bytes + block->tags - block->prefix_size, block->prefix_size);
}

/* A copy of fixed size is two moves; a call of memcpy would cost as much as the rest of a scan. */
static inline size_t pax_block_put_suffix(const struct pax_block *block, uint32_t at, uint8_t *to)
{
    struct strata_slice suffix = pax_block_suffix(block, at);

    if (suffix.size <= PAX_BLOCK_SLACK && block->suffix_room)
        memcpy(to + block->prefix_size, suffix.data, PAX_BLOCK_SLACK);
    else
        memcpy(to + block->prefix_size, suffix.data, suffix.size);
    return block->prefix_size + suffix.size;
}

static inline size_t pax_block_key(const struct pax_block *block, uint32_t at, uint8_t *to)
{
    pax_block_put_prefix(block, to);
    return pax_block_put_suffix(block, at, to);
}

/* ---- Building (pax_block_build.c) ------------------------------------------------------------ */

struct pax_block_entry;

/* A block being built. Zero but for the target is a valid empty one; no field but count and target
 * is for others. */
struct pax_block_builder {
    size_t target;                   /* bytes; 0: PAX_BLOCK_TARGET; at most PAX_BLOCK_TARGET_MAX */
    uint32_t count;                  /* entries in it */
    struct pax_block_entry *entries; /* where their keys and values end, types and tags */
    size_t capacity;                 /* entries that there is room for */
    struct strata_buffer keys;       /* whole keys, one behind the other */
    struct strata_buffer values;     /* likewise; when finished, the block */
    size_t prefix_size;              /* of what all keys begin with, or more */
    size_t first_size, last_size;    /* of the first key and the last */
    size_t last_value_size;
    bool keys_vary, values_vary; /* not all of one size */
    bool deletes, coded;         /* there are some */
};

void pax_block_builder_free(struct pax_block_builder *builder);

/* pax_block_builder_try: the block would be larger than its target. */
#define PAX_BLOCK_FULL 1

/* Adds an entry: its key is behind all others, a delete has no value, `hash` is its key's.
 * NO_MEMORY: nothing was changed. */
int pax_block_builder_add(struct pax_block_builder *builder, unsigned type, struct strata_slice key,
                          struct strata_slice value, uint64_t hash, struct strata_error *err);
/* The same, if the block is within the target with it: PAX_BLOCK_FULL, and nothing was changed. An
 * empty one takes any: so an entry that is larger than the target is alone in its block. */
int pax_block_builder_try(struct pax_block_builder *builder, unsigned type, struct strata_slice key,
                          struct strata_slice value, uint64_t hash, struct strata_error *err);
/* Its first and last key, when one was added, also of a finished one. Borrowed until the next add.
 */
struct strata_slice pax_block_builder_first(const struct pax_block_builder *builder);
struct strata_slice pax_block_builder_last(const struct pax_block_builder *builder);
/* The bytes of the block, which has entries: the builder's, until the next add, which begins a new
 * block (count is 0 from now on). NO_MEMORY: nothing was changed. */
int pax_block_builder_finish(struct pax_block_builder *builder, struct strata_slice *bytes,
                             struct strata_error *err);

#endif
