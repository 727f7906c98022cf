/* cursor.h: an iterator over entries in order: those of a memtable, of a run, of a merge of
 * several. Each source gives one version of a key, the newest that counts in it; a tombstone is one
 * too. So a cursor is an engine's iterator that also has sequence number and type.
 *
 * Moves return 0 (positioned: key, sequence and type are set), STRATA_NOT_FOUND or < 0; after
 * anything but 0 the cursor is not positioned, and must be sought before it is stepped. A move sets
 * has_value, too, and the value if it is true. */
#ifndef STRATA_04_CURSOR_H
#define STRATA_04_CURSOR_H

#include "base/bytes.h"
#include "strata_engine.h"

#include <stdlib.h>

/* The first member of every kind of cursor. */
struct cursor {
    struct strata_iter iter; /* key and value are borrowed until it moves */
    uint64_t sequence;       /* the larger, the newer; never one for two versions of a key */
    unsigned type;           /* enum strata_op_type */
    void *held;              /* cursor_hold */
    void (*release)(void *held);
};

static inline int cursor_seek(struct cursor *cursor, struct strata_slice key,
                              struct strata_error *err)
{
    return cursor->iter.ops->seek(&cursor->iter, key, err);
}

static inline int cursor_first(struct cursor *cursor, struct strata_error *err)
{
    return cursor_seek(cursor, strata_bytes(NULL, 0), err);
}

static inline int cursor_last(struct cursor *cursor, struct strata_error *err)
{
    return cursor->iter.ops->last(&cursor->iter, err);
}

static inline int cursor_next(struct cursor *cursor, struct strata_error *err)
{
    return cursor->iter.ops->next(&cursor->iter, err);
}

static inline int cursor_prev(struct cursor *cursor, struct strata_error *err)
{
    return cursor->iter.ops->prev(&cursor->iter, err);
}

/* Of a positioned one; borrowed until it moves. */
static inline int cursor_value(struct cursor *cursor, struct strata_slice *value,
                               struct strata_error *err)
{
    int rc = cursor->iter.has_value ? 0 : cursor->iter.ops->value(&cursor->iter, err);
    slice_pass_on(value, &cursor->iter.value);
    return rc;
}

static inline void cursor_free(struct cursor *cursor)
{
    cursor->iter.ops->free(&cursor->iter);
}

/* ops->value of a kind whose moves set the value: a user's iterator has dropped only has_value. */
static inline int cursor_has_value(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    iter->has_value = true;
    return 0;
}

/* ---- Several as one (merge_iter.c) ----------------------------------------------------------- */

/* Of each key the newest version, in both directions, which may change at any place: a cursor over
 * `count` sources, which are freed with it, or at once when it fails (NO_MEMORY); one that is NULL
 * could not be made, and is NO_MEMORY too. `tombstones`: they are shown, as they still hide what is
 * older elsewhere. */
int merge_iter_new(struct cursor *const *sources, size_t count, bool tombstones,
                   struct cursor **out, struct strata_error *err);

/* ---- For an iterator that is given to a user ------------------------------------------------- */

/* Keeps `held` until the cursor is freed: what it reads from (RegisterCleanup of LevelDB's
 * iterators). */
static inline void cursor_hold(struct cursor *cursor, void *held, void (*release)(void *held))
{
    cursor->held = held;
    cursor->release = release;
}
/* The end of the free function of a kind that may be held: frees `cursor`, and releases what it
 * held. */
static inline void cursor_end(struct cursor *cursor)
{
    void (*release)(void *held) = cursor->release;
    void *held = cursor->held;

    free(cursor);
    if (release)
        release(held);
}

#endif
