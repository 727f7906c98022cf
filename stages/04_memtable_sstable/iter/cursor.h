/* cursor.h: a place among entries in order: those of a memtable, of a run, of a merge of several.
 * Each source gives one version of a key, the one that counts in it; a tombstone is one too.
 *
 * Moves return 0 (positioned: key, sequence and type are set), STRATA_NOT_FOUND or < 0; after
 * anything but 0 the cursor stands nowhere, and must be sought before it is stepped. */
#ifndef STRATA_04_CURSOR_H
#define STRATA_04_CURSOR_H

#include "base/bytes.h"
#include "strata_engine.h"

struct cursor;

struct cursor_ops {
    int (*seek)(struct cursor *cursor, struct strata_slice key, struct strata_error *err); /* >= */
    int (*last)(struct cursor *cursor, struct strata_error *err);
    int (*next)(struct cursor *cursor, struct strata_error *err);
    int (*prev)(struct cursor *cursor, struct strata_error *err);
    /* Of a positioned one; borrowed until it moves. */
    int (*value)(struct cursor *cursor, struct strata_slice *value, struct strata_error *err);
    void (*free)(struct cursor *cursor);
};

/* The first member of every kind of cursor. */
struct cursor {
    const struct cursor_ops *ops;
    struct strata_slice key;   /* borrowed until it moves */
    uint64_t sequence;         /* the larger, the newer; never one for two versions of a key */
    unsigned type;             /* enum strata_op_type */
    bool has_value;            /* the move has set `value` too; else ask for it */
    struct strata_slice value; /* borrowed likewise */
};

static inline int cursor_value(struct cursor *cursor, struct strata_slice *value,
                               struct strata_error *err)
{
    if (!cursor->has_value)
        return cursor->ops->value(cursor, value, err);
    slice_pass_on(value, &cursor->value);
    return 0;
}

static inline int cursor_first(struct cursor *cursor, struct strata_error *err)
{
    return cursor->ops->seek(cursor, strata_bytes(NULL, 0), err);
}

#endif
