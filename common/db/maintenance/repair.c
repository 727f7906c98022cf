/* repair.c: strata_repair: the engine repairs a database that is locked and not open. */
#include "db/db.h"
#include "db/marker.h"

#include <string.h>

static void no_file(void *arg, const char *name, enum strata_fate fate, const char *why)
{
    (void)arg;
    (void)name;
    (void)fate;
    (void)why;
}

static void no_range(void *arg, const char *name, const struct strata_slice *after,
                     const struct strata_slice *before)
{
    (void)arg;
    (void)name;
    (void)after;
    (void)before;
}

static struct strata_repair listener(const struct strata_repair *to)
{
    struct strata_repair all = {no_file, no_range, NULL};

    if (!to)
        return all;
    all.arg = to->arg;
    if (to->file)
        all.file = to->file;
    if (to->range)
        all.range = to->range;
    return all;
}

static int repair(struct strata *db, const struct strata_repair *to, struct strata_repair_sum *sum,
                  struct strata_error *err)
{
    const struct strata_repair all = listener(to);
    int rc;

    if (db->remarked)
        all.file(all.arg, MARKER_NAME, STRATA_FATE_MADE, "it was missing or damaged");
    if (!db->engine->repair && !db->remarked)
        return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET,
                           "%s has no repair: `strata verify` says what is damaged; restore a copy "
                           "made before",
                           db->engine->name);
    rc = db->engine->repair ? db->engine->repair(&db->env, &all, sum, err) : 0;
    sum->marker = db->remarked;
    sum->healthy = sum->healthy && !db->remarked;
    return rc;
}

/* An impossible size is refused when the options are used. */
static void copy_options(const struct strata_options *options, struct strata_options *own)
{
    strata_options_init(own);
    if (options && options->size >= offsetof(struct strata_options, sync) &&
        options->size <= sizeof *own)
        memcpy(own, options, options->size);
    else if (options)
        own->size = options->size;
}

int strata_repair(const char *dir, const struct strata_options *options, unsigned flags,
                  const struct strata_repair *to, struct strata_repair_sum *sum,
                  struct strata_error *err)
{
    struct strata_options own;
    struct strata *db;
    int rc, closed;

    if (!sum || flags & ~STRATA_REPAIR_DRY_RUN)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "strata_repair: %s",
                           sum ? "unknown flags" : "the pointer for the sum is NULL");
    *sum = (struct strata_repair_sum){0};
    copy_options(options, &own);
    own.create = own.exclusive = false;
    own.read_only = flags & STRATA_REPAIR_DRY_RUN;
    rc = db_open_closed(dir, &own, &db, err);
    if (rc < 0)
        return rc;
    rc = repair(db, to, sum, err);
    closed = strata_close(db, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}
