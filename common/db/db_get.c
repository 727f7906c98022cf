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
