/* backup.c: strata_backup: a database into a new one of the same stage. Until it is complete its
 * marker says so (db.h: db_open_filling).
 * I1: an error of the copy is reported as an error of the copy: the database itself stays usable.
 */
#include "db/maintenance/copy.h"
#include "db/db.h"

/* Entries that were copied, and then those that were read back. */
struct ticks {
    const struct strata_progress *progress;
    uint64_t before;
};

static void tick(void *arg, const struct copy_sum *so_far)
{
    const struct ticks *ticks = arg;
    if (ticks->progress)
        ticks->progress->tick(ticks->progress->arg, ticks->before + so_far->bytes, 0);
}

static int copy_entries(struct strata *db, struct strata *copy,
                        const struct strata_progress *progress, struct strata_error *err)
{
    struct ticks ticks = {progress, 0};
    struct copy_progress each = {tick, &ticks};
    struct copy_sum sum = {0};
    int rc = copy_all(db, copy, &each, &sum, err);

    if (rc < 0)
        return rc;
    ticks.before = sum.bytes;
    rc = copy_verify(copy, &sum, &each, err);
    if (rc < 0)
        strata_error_prefix(err, "the copy in %s: ", copy->dir);
    return rc;
}

static struct strata_options options_of(const struct strata *db)
{
    struct strata_options options = db->options;

    options.size = sizeof options; /* the caller's header may have had fewer options */
    options.fs = db->env.fs;
    options.engine = db->engine;
    options.stage = 0; /* the engine's */
    options.read_only = false;
    return options;
}

static int fill(struct strata *db, struct strata *copy, const char *to,
                const struct strata_progress *progress, struct strata_error *err)
{
    if (db->engine->backup)
        return db->engine->backup(db->self, to, progress, err);
    return copy_entries(db, copy, progress, err);
}

int strata_backup(struct strata *db, const char *to, const struct strata_progress *progress,
                  struct strata_error *err)
{
    struct strata_options options;
    struct strata *copy;
    int rc = db_check(db, err);

    if (rc == 0 && (!to || !*to))
        rc = strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                         "strata_backup: the directory is NULL");
    if (rc < 0)
        return rc;
    options = options_of(db);
    rc = db->engine->backup ? db_open_bare(to, &options, &copy, err)
                            : db_open_filling(to, &options, &copy, err);
    if (rc < 0)
        return rc;
    rc = fill(db, copy, to, progress, err);
    if (rc == 0)
        return db_close_filled(copy, err);
    strata_close(copy, NULL);
    return rc;
}
