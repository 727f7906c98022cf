/* db_view.c: values that are borrowed. A view counts as open until it is given back, also one that
 * has a copy: whether a close is refused does not depend on the stage. */
#include "db/db.h"

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
