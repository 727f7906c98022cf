/* run_cursor.h: a sorted run: tables whose keys do not overlap, in order, as one (a level; a table
 * of level 0 is one by itself); and a cursor through it, block by block, in both directions, which
 * tells of every key its head (heads.h).
 *
 * A cursor like any other, and its own interface for a merge, which keeps many, without a call for
 * each entry, and seeks with all of them at once: run_cursor_aim of each finds the block, _bring
 * brings it near, _open stands in it, when it has come. */
#ifndef STRATA_06_RUN_CURSOR_H
#define STRATA_06_RUN_CURSOR_H

#include "05_blocks_bloom/table_inside.h"
#include "cost.h"
#include "heads.h"

/* Borrowed, all of it. */
struct run {
    struct sstable *const *tables; /* of stage 5's kind, from level 1 on in order of their keys */
    size_t count;                  /* >= 1 */
    const uint64_t *heads;         /* of their largest keys, behind the prefix; NULL: not at hand */
};

/* The first table whose largest key is not before `key`; run->count: there is none. `prefix`: what
 * heads are behind of. */
size_t run_find(const struct run *run, struct strata_slice prefix, struct strata_slice key);

struct run_cursor {
    struct cursor base;
    uint64_t head;         /* of base.key */
    uint32_t n, at, count; /* the block's number in its table, the entry's in it, entries */
    const struct block *block;
    uint8_t *key; /* begins with what all keys of the block begin with */
    /* Of the block: a head is head_base | bytes of the suffix behind head_pass >> head_shift. */
    uint64_t head_base;
    uint32_t head_pass;
    uint8_t head_shift;
    bool head_constant; /* the block's prefix has all of it */

    bool once;       /* past the cache: for a merge that reads everything once */
    uint64_t sought; /* what run_cursor_aim has found */
    size_t table;    /* where the block's stands in the run */
    struct run run;
    struct strata_slice prefix; /* all keys of the run begin with it */
    struct cache *cache;
    struct cache_frame *frame; /* or NULL */
    struct table_block own;    /* of one that reads once */
    size_t capacity;           /* of key */
    uint8_t small[64];         /* where short keys are */
};

/* `prefix`: what all keys of the run begin with, or some of it. `run` is copied. Allocates nothing.
 */
void run_cursor_init(struct run_cursor *c, const struct run *run, struct strata_slice prefix,
                     bool once);
void run_cursor_clear(struct run_cursor *c);
/* The same on the heap, to be freed as any cursor. NULL: no memory. */
struct cursor *run_cursor_new(const struct run *run, struct strata_slice prefix, bool once);

/* The three steps of a seek; only the last can fail. */
void run_cursor_aim(struct run_cursor *c, struct strata_slice key);
void run_cursor_bring(const struct run_cursor *c);
int run_cursor_open(struct run_cursor *c, struct strata_slice key, struct strata_error *err);
int run_cursor_last(struct run_cursor *c, struct strata_error *err);
/* Out of the block; for the next two. */
int run_cursor_leave(struct run_cursor *c, bool back, struct strata_error *err);

/* Of the suffix of an entry, as many bytes as belong to the head. */
static inline uint64_t run_cursor_head(const struct run_cursor *c, struct strata_slice suffix)
{
    uint64_t head;

    if (c->head_constant || suffix.size <= c->head_pass)
        return c->head_base;
    if (c->block->suffix_room)
        head = head_cut(head_load(suffix.data + c->head_pass), suffix.size - c->head_pass);
    else
        head = head_behind(suffix, c->head_pass);
    return c->head_base | head >> c->head_shift;
}

/* Stands at entry `at` of its block. */
static inline void run_cursor_settle(struct run_cursor *c, uint32_t at)
{
    c->at = at;
    c->head = run_cursor_head(c, block_suffix(c->block, at));
    c->base.key = (struct strata_slice){c->key, block_put_suffix(c->block, at, c->key)};
    c->base.type = block_type(c->block, at);
    c->base.value = block_value(c->block, at);
}

static inline int run_cursor_next(struct run_cursor *c, struct strata_error *err)
{
    if (c->at + 1 >= c->count)
        return run_cursor_leave(c, false, err);
    run_cursor_settle(c, c->at + 1);
    return 0;
}

static inline int run_cursor_prev(struct run_cursor *c, struct strata_error *err)
{
    if (c->at == 0)
        return run_cursor_leave(c, true, err);
    run_cursor_settle(c, c->at - 1);
    return 0;
}

#endif
