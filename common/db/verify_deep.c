/* verify_deep.c: strata_verify_deep: what holds of every stage, whatever its files are, asked by
 * the calls that a program makes; then what the engine can say of its own structures. I1: a scan
 * meets each key once, in ascending order; a scan backwards meets the same entries, of those that
 * never expire: the clock goes on meanwhile, or is put back. I2: a get finds every entry of a scan,
 * with the same value: no filter and no index hides it. I3: tables have records, and bounds that
 * are the right way round; levels from 1 on are sorted, and their tables do not overlap. */
#include "base/checksum.h"
#include "db/db.h"

#include <inttypes.h>

/* ---- Scans and gets (I1, I2) ----------------------------------------------------------------- */

struct scan {
    struct strata *db;
    bool backwards;
    uint64_t entries;
    uint64_t lasting;           /* those that never expire */
    uint64_t sum;               /* of their checksums: in any order the same */
    struct strata_buffer last;  /* key */
    struct strata_buffer value; /* as get has it */
};

static int broken(const struct scan *s, const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, s->db->dir, STRATA_NO_OFFSET,
                       "entry %" PRIu64 " of a scan%s: %s", s->entries,
                       s->backwards ? " backwards" : "", what);
}

/* A get has missed an entry that expires: so it has, unless another scan still meets it, and then
 * another get misses it: for each the clock may have been put back. */
static int check_missing(struct scan *s, struct strata_slice key, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = strata_iter_new(s->db, &iter, err);

    if (rc < 0)
        return rc;
    rc = strata_iter_seek(iter, key, err);
    if (rc == 0 && strata_compare(strata_iter_key(iter), key) == 0 &&
        s->db->engine->get(s->db->self, key, &s->value, err) == STRATA_NOT_FOUND)
        rc = broken(s, "a get does not find its key", err);
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

static int check_get(struct scan *s, struct strata_slice key, struct strata_slice value,
                     bool expires, struct strata_error *err)
{
    int rc = s->db->engine->get(s->db->self, key, &s->value, err);

    if (rc == STRATA_NOT_FOUND && expires)
        return check_missing(s, key, err);
    if (rc == STRATA_NOT_FOUND)
        return broken(s, "a get does not find its key", err);
    if (rc == 0 && strata_compare(strata_buffer_slice(&s->value), value) != 0)
        return broken(s, "a get finds another value", err);
    return rc;
}

static int check_entry(struct scan *s, struct strata_slice key, struct strata_slice value,
                       bool expires, struct strata_error *err)
{
    int order = strata_compare(strata_buffer_slice(&s->last), key);

    if (s->entries++ && (s->backwards ? order <= 0 : order >= 0))
        return broken(s, "its key is not in order", err);
    s->lasting += !expires;
    if (!expires)
        s->sum += (uint64_t)checksum(1, key) << 32 | checksum(checksum_seed(2, key.size), value);
    strata_buffer_clear(&s->last);
    if (strata_buffer_append(&s->last, key.data, key.size) < 0)
        return strata_fail_memory(err, key.size);
    strata_buffer_clear(&s->value);
    return s->backwards ? 0 : check_get(s, key, value, expires, err);
}

static int walk(struct scan *s, struct strata_iter *iter, struct strata_error *err)
{
    int rc = s->backwards ? strata_iter_last(iter, err) : strata_iter_first(iter, err);

    while (rc == 0) {
        struct strata_slice value;
        rc = strata_iter_value(iter, &value, err);
        if (rc == 0)
            rc = check_entry(s, strata_iter_key(iter), value, strata_iter_until(iter) != 0, err);
        if (rc == 0)
            rc = s->backwards ? strata_iter_prev(iter, err) : strata_iter_next(iter, err);
    }
    return rc < 0 ? rc : 0;
}

static int scan(struct scan *s, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = strata_iter_new(s->db, &iter, err);

    if (rc == 0) {
        rc = walk(s, iter, err);
        strata_iter_free(iter);
    }
    strata_buffer_free(&s->last);
    strata_buffer_free(&s->value);
    return rc;
}

static int check_scans(struct strata *db, struct strata_error *err)
{
    struct scan forward = {.db = db}, backward = {.db = db, .backwards = true};
    int rc = scan(&forward, err);

    if (rc == 0)
        rc = scan(&backward, err);
    if (rc == 0 && (forward.lasting != backward.lasting || forward.sum != backward.sum))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, db->dir, STRATA_NO_OFFSET,
                         "a scan meets %" PRIu64 " entries, a scan backwards %" PRIu64
                         ", and they are not the same",
                         forward.lasting, backward.lasting);
    return rc;
}

/* ---- Tables (I3) ----------------------------------------------------------------------------- */

struct tables {
    const struct strata *db;
    unsigned level;
    struct strata_buffer last; /* largest key of the table before, on this level */
    bool any;                  /* there was one */
    int rc;
    struct strata_error why;
};

static const char *wrong_of(const struct tables *t, const struct strata_table *table)
{
    struct strata_slice last = strata_buffer_slice(&t->last);

    if (!table->records || table->tombstones > table->records)
        return "its counts are impossible";
    if (strata_compare(table->smallest, table->largest) > 0)
        return "its smallest key is after its largest";
    if (table->level < t->level)
        return "it is listed after a deeper level";
    if (table->level && table->level == t->level && t->any &&
        strata_compare(last, table->smallest) >= 0)
        return "it overlaps with the table before it on its level, or is out of order";
    return NULL;
}

static void check_table(void *arg, const struct strata_table *table)
{
    struct tables *t = arg;
    const char *wrong = t->rc < 0 ? NULL : wrong_of(t, table);

    if (wrong)
        t->rc =
            strata_fail(&t->why, STRATA_ERR_CORRUPT, t->db->dir, STRATA_NO_OFFSET,
                        "table %" PRIu64 " on level %u: %s", table->number, table->level, wrong);
    t->any = true;
    t->level = table->level;
    strata_buffer_clear(&t->last);
    if (strata_buffer_append(&t->last, table->largest.data, table->largest.size) < 0 && t->rc == 0)
        t->rc = strata_fail_memory(&t->why, table->largest.size);
}

static int check_tables(struct strata *db, struct strata_error *err)
{
    struct tables tables = {.db = db};
    int rc = strata_tables(db, check_table, &tables, err);

    strata_buffer_free(&tables.last);
    if (rc == STRATA_ERR_NOT_SUPPORTED)
        return 0;
    if (rc == 0 && tables.rc < 0 && err)
        *err = tables.why;
    return rc < 0 ? rc : tables.rc;
}

/* ---- All of it ------------------------------------------------------------------------------- */

int strata_verify_deep(struct strata *db, const struct strata_progress *progress,
                       struct strata_error *err)
{
    int rc = strata_verify(db, progress, err);

    if (rc == 0)
        rc = check_tables(db, err);
    if (rc == 0)
        rc = check_scans(db, err);
    if (rc == 0 && db->engine->size > offsetof(struct strata_engine, check) && db->engine->check)
        rc = db->engine->check(db->self, err);
    return rc;
}
