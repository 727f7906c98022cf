/* db_marker.c: the marker of a database that is opened, and what is to be done where there is none,
 * or none that can be read.
 *
 * A new marker is made by strata_repair only, of the stage that it was asked for:
 *
 *   lock taken         by nobody else
 *   files looked at    all are those of the stage
 *   lost/STRATA        a second name of the damaged marker, on the device
 *   STRATA             replaced in one step                       <- the commit */
#include "db/aside.h"
#include "db/db.h"
#include "db/marker.h"
#include "db/recognise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_repaired(const struct strata *db)
{
    return db->bare && !db->filling;
}

#define ADVICE 120 /* bytes */

/* "6 or 7 or 8" */
static void list_stages(uint64_t stages, char to[40])
{
    size_t used = 0;

    for (unsigned stage = 0; stage < 64 && used < 30; stage++)
        if (stages >> stage & 1)
            used += (size_t)snprintf(to + used, 40 - used, "%s%u", used ? " or " : "", stage);
}

/* "`strata repair --stage 2 DIR`", with the stage whose files they are, if it is one. */
static void advise(const struct strata *db, char to[ADVICE])
{
    uint64_t stages = recognise_stages(db->env.fs, db->dir, db->options.engine);
    char list[40] = "";

    list_stages(stages, list);
    if (stages && !(stages & (stages - 1)))
        snprintf(to, ADVICE, "`strata repair --stage %s DIR`", list);
    else
        snprintf(to, ADVICE, "`strata repair --stage N DIR`, of the stage that made it%s%s%s,",
                 stages ? " (" : "", list, stages ? ")" : "");
}

/* ---- No marker ------------------------------------------------------------------------- */

/* What an interrupted creation may leave, and what mkfs makes. */
static bool is_harmless(const char *name)
{
    return strcmp(name, LOCK_NAME) == 0 || strcmp(name, MARKER_NAME ".tmp") == 0 ||
           strcmp(name, "lost+found") == 0;
}

static int absent(const struct strata *db, const char *why, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_ABSENT, db->dir, STRATA_NO_OFFSET, "%s", why);
}

static int missing(const struct strata *db, const char *data, struct strata_error *err)
{
    char advice[ADVICE];

    advise(db, advice);
    return strata_fail(err, STRATA_ERR_CORRUPT, db->dir, STRATA_NO_OFFSET,
                       "the marker " MARKER_NAME " is missing beside data (%.60s): not made anew; "
                       "%s makes one for these files",
                       data, advice);
}

int db_check_unmarked(const struct strata *db, struct strata_error *err)
{
    struct fs_names names;
    const char *foreign = NULL, *data = NULL;
    struct strata_error why = {0};
    int rc = fs_list(db->env.fs, db->dir, &names, &why);

    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return db->options.create ? 0 : absent(db, "there is no such directory", err);
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (recognise_name(db->engine, names.names[i]))
            data = names.names[i];
        else if (!is_harmless(names.names[i]))
            foreign = names.names[i];
    }
    if (data)
        rc = missing(db, data, err);
    else if (!db->options.create)
        rc = absent(db,
                    foreign ? "the directory has no marker " MARKER_NAME
                            : "the directory is empty: making a database or a copy in it was cut "
                              "short before anything was stored, or never begun",
                    err);
    else if (foreign)
        rc = strata_fail(err, STRATA_ERR_EXISTS, db->dir, STRATA_NO_OFFSET,
                         "the directory is no database and not empty (%.60s)", foreign);
    fs_names_free(&names);
    return rc;
}

/* ---- A lost marker --------------------------------------------------------------------- */

/* The marker that is to be made for these files. */
static int plan(struct strata *db, bool damaged, struct marker *marker, struct strata_error *err)
{
    int rc;

    if (damaged && marker->state == MARKER_FILLING)
        return strata_fail(err, STRATA_ERR_CORRUPT, db->dir, STRATA_NO_OFFSET,
                           "the damaged marker " MARKER_NAME " says that a copy into the directory "
                           "was cut short: remove the directory, and copy again; or the marker "
                           "alone, if you know better, and repair");
    rc = recognise_check(db->env.fs, db->dir, db->engine, err);
    if (rc < 0)
        return rc;
    *marker = (struct marker){db->engine->stage, db->engine->format, MARKER_READY};
    db->remarked = true;
    return 0;
}

int db_find_marker(struct strata *db, struct marker *marker, struct strata_error *err)
{
    struct strata_error why = {0};
    char advice[ADVICE];
    bool damaged;
    int rc = marker_read_lost(db->env.fs, db->dir, marker, &damaged, &why);

    db->remarked = false;
    if ((damaged || rc == STRATA_NOT_FOUND) && is_repaired(db) && db->engine) {
        int planned = plan(db, damaged, marker, err);
        return planned == STRATA_ERR_ABSENT && !damaged ? rc : planned;
    }
    if (damaged) {
        advise(db, advice);
        strata_error_prefix(&why, "damaged; %s makes a new one: ", advice);
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

int db_remark(struct strata *db, const struct marker *marker, struct strata_error *err)
{
    int rc;

    if (!db->remarked || db->options.read_only)
        return 0;
    rc = aside_keep(&db->env, MARKER_NAME, err);
    if (rc == 0)
        rc = aside_sync(&db->env, err);
    return rc < 0 ? rc : marker_write(db->env.fs, db->dir, marker, true, err);
}
