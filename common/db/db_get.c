/* db_get.c: gets of an open database. */
#include "db/db.h"

int db_get(struct strata *db,
           int (*get)(void *of, struct strata_slice key, struct strata_buffer *value,
                      struct strata_error *err),
           void *of, struct strata_slice key, struct strata_buffer *value, struct strata_error *err)
{
    struct strata_buffer unwanted = {0}, before = {0}, *to = value ? value : &unwanted;
    int rc = db_check(db, err);

    if (rc == 0)
        rc = db_check_key(key, err);
    if (rc < 0)
        return rc;
    if ((uintptr_t)key.data - (uintptr_t)to->data < to->capacity) { /* the key is in it */
        before = *to;
        *to = (struct strata_buffer){0};
    }
    strata_buffer_clear(to);
    rc = get(of, key, to, err);
    db_count(db, rc == 0 ? DB_GETS_FOUND : DB_GETS_OTHER, 1);
    if (rc != 0)
        strata_buffer_clear(to);
    strata_buffer_free(&before);
    strata_buffer_free(&unwanted);
    return rc;
}

int strata_get(struct strata *db, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err)
{
    return db_get(db, db ? db->engine->get : NULL, db ? db->self : NULL, key, value, err);
}

struct get_until {
    db_get_until_slot *slot;
    void *of;
    uint64_t until;
};

static int get_with_time(void *arg, struct strata_slice key, struct strata_buffer *value,
                         struct strata_error *err)
{
    struct get_until *get = arg;
    return get->slot(get->of, key, value, &get->until, err);
}

int db_get_until(struct strata *db, db_get_until_slot *slot,
                 int (*get)(void *of, struct strata_slice key, struct strata_buffer *value,
                            struct strata_error *err),
                 void *of, struct strata_slice key, struct strata_buffer *value, uint64_t *until,
                 struct strata_error *err)
{
    struct get_until with = {slot, of, 0};
    int rc;

    if (!until)
        return db_invalid(err, "the pointer for the time is NULL");
    *until = 0;
    rc = slot ? db_get(db, get_with_time, &with, key, value, err)
              : db_get(db, get, of, key, value, err);
    if (rc == 0)
        *until = with.until;
    return rc;
}

int strata_get_until(struct strata *db, struct strata_slice key, struct strata_buffer *value,
                     uint64_t *until, struct strata_error *err)
{
    return db_get_until(db, db ? DB_SLOT(db->engine, get_until) : NULL, db ? db->engine->get : NULL,
                        db ? db->self : NULL, key, value, until, err);
}

static int get_in_snapshot(void *of, struct strata_slice key, struct strata_buffer *value,
                           struct strata_error *err)
{
    const struct strata_snapshot *snapshot = of;
    const struct strata *db = snapshot->db;

    return db->engine->snapshot_get(db->self, snapshot->self, key, value, err);
}

int strata_snapshot_get(struct strata_snapshot *snapshot, struct strata_slice key,
                        struct strata_buffer *value, struct strata_error *err)
{
    if (!snapshot)
        return db_invalid(err, "no snapshot");
    return db_get(snapshot->db, get_in_snapshot, snapshot, key, value, err);
}

/* ---- Values that are borrowed ---------------------------------------------------------------- */

/* A view counts as open until it is given back, also one that has a copy: whether a close is
 * refused does not depend on the stage. */
static void release(struct strata_view *view)
{
    struct strata *db = view->db;

    if (view->release)
        view->release(view);
    db_count(db, DB_VIEWS, UINT64_MAX); /* one less */
    view->value = (struct strata_slice){NULL, 0};
    view->release = NULL;
    view->db = NULL;
}

void strata_view_free(struct strata_view *view)
{
    if (!view || (view->db && !db_is_usable(view->db)))
        return;
    if (view->db)
        release(view);
    strata_buffer_free(&view->copy);
}

/* An empty view with the memory of the one before for a copy, unless the key is in that. */
static void begin(struct strata_view *view, struct strata_view *before, struct strata_slice key)
{
    *before = *view;
    *view = (struct strata_view){0};
    if ((uintptr_t)key.data - (uintptr_t)before->copy.data < before->copy.capacity)
        return;
    view->copy = before->copy;
    before->copy = (struct strata_buffer){0};
    strata_buffer_clear(&view->copy);
}

static int read_value(struct strata *db, void *snapshot, struct strata_slice key,
                      struct strata_view *view, struct strata_error *err)
{
    const struct strata_engine *engine = db->engine;

    if (DB_SLOT(engine, get_borrowed))
        return engine->get_borrowed(db->self, snapshot, key, view, err);
    return snapshot ? engine->snapshot_get(db->self, snapshot, key, &view->copy, err)
                    : engine->get(db->self, key, &view->copy, err);
}

static int borrow(struct strata *db, void *snapshot, struct strata_slice key,
                  struct strata_view *view, struct strata_error *err)
{
    struct strata_view before;
    int rc = db_check(db, err);

    if (rc == 0 && !view)
        rc = db_invalid(err, "the view is NULL");
    if (rc == 0)
        rc = db_check_key(key, err);
    if (rc < 0)
        return rc;
    begin(view, &before, key);
    rc = read_value(db, snapshot, key, view, err);
    db_count(db, rc == 0 ? DB_GETS_FOUND : DB_GETS_OTHER, 1);
    if (rc == 0) {
        db_count(db, DB_VIEWS, 1);
        view->db = db;
        if (!view->release)
            view->value = strata_buffer_slice(&view->copy);
    }
    strata_view_free(&before);
    return rc;
}

int strata_get_borrowed(struct strata *db, struct strata_slice key, struct strata_view *view,
                        struct strata_error *err)
{
    return borrow(db, NULL, key, view, err);
}

int strata_snapshot_get_borrowed(struct strata_snapshot *snapshot, struct strata_slice key,
                                 struct strata_view *view, struct strata_error *err)
{
    if (!snapshot)
        return db_invalid(err, "no snapshot");
    return borrow(snapshot->db, snapshot->self, key, view, err);
}
