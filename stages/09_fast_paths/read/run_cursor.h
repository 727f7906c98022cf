/* run_cursor.h: a sorted run: tables whose keys do not overlap, in order (a level; a table of
 * level 0 is one by itself); and a cursor through it, block by block, in both directions, that
 * has every key's key prefix (key_prefix.h).
 *
 * It is a cursor like any other. A merge, which has many, uses its own interface: no call for
 * each entry. */
#ifndef STRATA_09_RUN_CURSOR_H
#define STRATA_09_RUN_CURSOR_H

#include "base/cost.h"
#include "09_fast_paths/block/key_prefix.h"
#include "readahead.h"

/* Borrowed, all of it. */
struct fast_run {
    struct sstable *const *tables; /* of pax_table_kind, from level 1 on in order of their keys */
    size_t count;                  /* >= 1 */
    const uint64_t *key_prefixes;  /* of their largest keys, behind the prefix; NULL: unknown */
};

/* The first table whose largest key is not before `key`; run->count: there is none. `prefix`: what
 * key prefixes are behind of. */
size_t run_find(const struct fast_run *run, struct strata_slice prefix, struct strata_slice key);

struct run_cursor {
    struct cursor base;
    uint64_t key_prefix;   /* of base.iter.key */
    uint32_t n, at, count; /* the block's number in its table, the entry's in it, entries */
    bool usual;            /* the block's entries are puts, and all of one size */
    const struct pax_block *block;
    uint8_t *key; /* begins with what all keys of the block begin with */
    /* Of the block: a key prefix is key_prefix_base | bytes of the suffix behind key_prefix_skip >>
     * key_prefix_shift. */
    uint64_t key_prefix_base;
    uint32_t key_prefix_skip;
    uint8_t key_prefix_shift;
    bool key_prefix_constant; /* the block's prefix has all of it */
    /* Of a usual one: its columns, and what of eight bytes of a suffix belongs to its key_prefix.
     */
    const uint8_t *suffixes, *values;
    uint8_t *rest; /* of the key: where a suffix belongs */
    uint32_t suffix_size, value_size;
    uint64_t key_prefix_mask;

    bool once;    /* past the cache: for a merge that reads everything once */
    size_t table; /* the block's, in the run */
    struct fast_run run;
    struct sstable *single;     /* the run of pax_table_cursor */
    struct strata_slice prefix; /* all keys of the run begin with it */
    struct clock_cache *cache;
    struct clock_cache_frame *frame; /* or NULL */
    struct pax_table_block *own;     /* of one that reads once */
    struct readahead ahead;
    size_t capacity; /* of key */
};

/* `prefix`: what all keys of the run begin with, or some of it. `run` is copied. Allocates nothing.
 */
void run_cursor_init(struct run_cursor *c, const struct fast_run *run, struct strata_slice prefix,
                     bool once);
void run_cursor_clear(struct run_cursor *c);
/* The same on the heap, to be freed as any cursor. NULL: no memory. */
struct cursor *run_cursor_new(const struct fast_run *run, struct strata_slice prefix, bool once);

/* Out of the block; for run_cursor_step. */
int run_cursor_leave(struct run_cursor *c, bool back, struct strata_error *err);

/* To entry `at` of its block; an unusual one. */
void run_cursor_position_any(struct run_cursor *c, uint32_t at);

/* Of a usual block sizes and type were set when it was entered. */
static inline void run_cursor_position(struct run_cursor *c, uint32_t at)
{
    const uint8_t *suffix;

    if (!c->usual) {
        run_cursor_position_any(c, at);
        return;
    }
    suffix = c->suffixes + (size_t)at * c->suffix_size;
    c->at = at;
    c->key_prefix =
        c->key_prefix_base |
        (head_load(suffix + c->key_prefix_skip) & c->key_prefix_mask) >> c->key_prefix_shift;
    memcpy(c->rest, suffix, PAX_BLOCK_SLACK);
    c->base.iter.value.data = c->values + (size_t)at * c->value_size;
}

/* To the next entry of the block, or the one before; false: it has none. */
static inline bool run_cursor_within(struct run_cursor *c, bool back)
{
    if (back ? c->at == 0 : c->at + 1 >= c->count)
        return false;
    run_cursor_position(c, back ? c->at - 1 : c->at + 1);
    return true;
}

static inline int run_cursor_step(struct run_cursor *c, bool back, struct strata_error *err)
{
    return run_cursor_within(c, back) ? 0 : run_cursor_leave(c, back, err);
}

#endif
