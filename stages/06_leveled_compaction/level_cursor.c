/* level_cursor.c: through the tables of a level, one after another, in both directions.
 *
 * I1: at most one table's cursor is open: that of tables[at], where the level's stands or stood
 *     last. What it shows is what the level's shows; its sequence number is the level's own. */
#include "version.h"

#include <stdlib.h>

struct level_cursor {
    struct cursor base;
    struct sstable *const *tables;
    size_t count, at;
    struct cursor *open; /* of tables[at]; or NULL */
    bool once;
};

static int arrive(struct level_cursor *c, int rc)
{
    if (rc == 0) {
        c->base.key = c->open->key;
        c->base.type = c->open->type;
        c->base.has_value = c->open->has_value;
        c->base.value = c->open->value;
    }
    return rc;
}

static int open_at(struct level_cursor *c, size_t at, struct strata_error *err)
{
    if (c->open && c->at == at)
        return 0;
    if (c->open)
        c->open->ops->free(c->open);
    c->at = at;
    c->open = c->tables[at]->kind->cursor(c->tables[at], c->once);
    return c->open ? 0 : strata_fail_memory(err, sizeof *c->open);
}

/* No table is empty. */
static int enter_first(struct level_cursor *c, size_t at, struct strata_error *err)
{
    int rc = at < c->count ? open_at(c, at, err) : STRATA_NOT_FOUND;
    return rc == 0 ? arrive(c, cursor_first(c->open, err)) : rc;
}

static int enter_last(struct level_cursor *c, size_t at, struct strata_error *err)
{
    int rc = open_at(c, at, err);
    return rc == 0 ? arrive(c, c->open->ops->last(c->open, err)) : rc;
}

static int level_seek(struct cursor *cursor, struct strata_slice key, struct strata_error *err)
{
    struct level_cursor *c = (struct level_cursor *)cursor;
    struct version_level level = {.tables = (struct sstable **)(uintptr_t)c->tables,
                                  .count = c->count};
    size_t at = version_find(&level, key);
    int rc = at < c->count ? open_at(c, at, err) : STRATA_NOT_FOUND;

    return rc == 0 ? arrive(c, c->open->ops->seek(c->open, key, err)) : rc;
}

static int level_last(struct cursor *cursor, struct strata_error *err)
{
    struct level_cursor *c = (struct level_cursor *)cursor;
    return c->count ? enter_last(c, c->count - 1, err) : STRATA_NOT_FOUND;
}

static int level_next(struct cursor *cursor, struct strata_error *err)
{
    struct level_cursor *c = (struct level_cursor *)cursor;
    int rc = arrive(c, c->open->ops->next(c->open, err));

    return rc == STRATA_NOT_FOUND ? enter_first(c, c->at + 1, err) : rc;
}

static int level_prev(struct cursor *cursor, struct strata_error *err)
{
    struct level_cursor *c = (struct level_cursor *)cursor;
    int rc = arrive(c, c->open->ops->prev(c->open, err));

    return rc == STRATA_NOT_FOUND && c->at ? enter_last(c, c->at - 1, err) : rc;
}

static int level_value(struct cursor *cursor, struct strata_slice *value, struct strata_error *err)
{
    return cursor_value(((struct level_cursor *)cursor)->open, value, err);
}

static void level_free(struct cursor *cursor)
{
    struct level_cursor *c = (struct level_cursor *)cursor;

    if (c->open)
        c->open->ops->free(c->open);
    free(c);
}

struct cursor *level_cursor(struct sstable *const *tables, size_t count, bool once)
{
    static const struct cursor_ops ops = {level_seek, level_last,  level_next,
                                          level_prev, level_value, level_free};
    struct level_cursor *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->base.ops = &ops;
    c->tables = tables;
    c->count = count;
    c->once = once;
    return &c->base;
}
