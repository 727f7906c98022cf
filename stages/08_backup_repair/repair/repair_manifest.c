/* repair_manifest.c: the manifest, as far as it can be read: the one that CURRENT names, or else
 * the newest that has an edit. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "06_leveled_compaction/manifest/manifest.h"
#include "06_leveled_compaction/version/version_set.h"
#include "08_backup_repair/repair/repair.h"
#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

/* ---- One manifest ---------------------------------------------------------------------------- */

#define ENOUGH STRATA_ERR_BUSY /* reading a manifest never ends so by itself */

struct applying {
    struct repair *repair;
    uint64_t applied, most; /* edits */
};

static int note_removed(struct repair *r, uint64_t number, struct strata_error *err)
{
    uint64_t *added =
        array_add(&r->removed, &r->removed_count, &r->removed_room, sizeof *added, err);

    if (!added)
        return STRATA_ERR_NO_MEMORY;
    *added = number;
    return 0;
}

static int apply(void *arg, const struct edit *edit, struct strata_error *err)
{
    struct applying *a = arg;
    int rc =
        a->applied == a->most ? ENOUGH : version_apply(&a->repair->version, edit, NULL, 0, err);

    for (size_t i = 0; rc == 0 && i < edit->removed_count; i++)
        rc = note_removed(a->repair, edit->removed[i].number, err);
    a->applied += rc == 0;
    return rc;
}

static void drop_version(struct repair *r)
{
    version_unref(r->version);
    r->version = NULL;
}

const struct version *repair_version(const struct repair *r)
{
    static const struct version none;
    return r->version ? r->version : &none;
}

static int read_edits(struct repair *r, const struct current *which, uint64_t most,
                      uint64_t *applied, struct strata_error *err)
{
    struct applying applying = {r, 0, most};
    struct manifest m = {.env = r->env, .number = which->number, .known = which->known};
    int rc;

    drop_version(r);
    r->removed_count = 0;
    m.path = manifest_path(r->env, which->number);
    rc = m.path ? fs_open(r->env->fs, m.path, FS_READ, &m.file, err) : strata_fail_memory(err, 64);
    if (rc == 0)
        rc = manifest_check(&m, apply, &applying, err);
    manifest_close(&m);
    *applied = applying.applied;
    return rc;
}

/* As far as it goes. The edits before one that does not fit are read again.
 */
static int read_manifest(struct repair *r, const struct current *which, uint64_t *edits,
                         struct strata_error *err)
{
    int rc;

    r->why = (struct strata_error){0};
    rc = read_edits(r, which, UINT64_MAX, edits, &r->why);
    r->manifest_whole = rc == 0 && *edits;
    if (rc == STRATA_ERR_CORRUPT) {
        rc = read_edits(r, which, *edits, edits, err);
        rc = rc == ENOUGH || rc == STRATA_ERR_CORRUPT ? 0 : rc;
    } else if (rc < 0 && rc == STRATA_ERR_IO && r->why.sys == ENOENT) {
        *edits = 0;
        rc = 0;
    } else if (rc < 0 && err) {
        *err = r->why;
    }
    return rc;
}

/* A repair that was cut short made it. */
static bool version_is_leftover(const struct repair *r)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < repair_version(r)->levels[level].count; i++) {
            const struct repair_table *t =
                repair_find(r, repair_version(r)->levels[level].tables[i]->number);
            if (t && t->leftover)
                return true;
        }
    return false;
}

/* 1: this one is used. */
static int try_manifest(struct repair *r, const struct current *which, struct strata_error *err)
{
    uint64_t edits;
    int rc = read_manifest(r, which, &edits, err);

    if (rc < 0)
        return rc;
    if (edits && !version_is_leftover(r)) {
        r->manifest = which->number;
        return 1;
    }
    r->manifest_whole = false;
    r->removed_count = 0;
    drop_version(r);
    return 0;
}

/* ---- Which one ------------------------------------------------------------------------------- */

/* The newest that can be read, where CURRENT does not name one. */
static int find_manifest(struct repair *r, struct strata_error *err)
{
    uint64_t below = UINT64_MAX;
    int rc = 0;

    while (rc == 0 && below) {
        struct current which = {0};
        for (size_t i = 0; i < r->names.count; i++) {
            uint64_t number = strtoull(r->names.names[i], NULL, 10);
            if (number > which.number && number < below &&
                version_is_name(r->names.names[i], number, ".manifest"))
                which.number = number;
        }
        below = which.number;
        if (below)
            rc = try_manifest(r, &which, err);
    }
    return rc;
}

static int choose_manifest(struct repair *r, struct strata_error *err)
{
    struct strata_error why;
    struct current current;
    int rc = current_read(r->env, &current, &why), named = rc;

    if (rc < 0 && rc != STRATA_ERR_CORRUPT) {
        if (err)
            *err = why;
        return rc;
    }
    rc = named == 0 ? try_manifest(r, &current, err) : 0;
    if (rc != 0) {
        r->current = rc > 0;
        return rc < 0 ? rc : 0;
    }
    rc = find_manifest(r, err);
    if (named == 0 && r->manifest != current.number)
        r->manifest_whole = false; /* a newer one is lost */
    return rc < 0 ? rc : 0;
}

/* ---- What it names --------------------------------------------------------------------------- */

/* Opening the database compares the same (tree_open.c). */
static bool is_same(const struct edit_table *a, const struct edit_table *b)
{
    return a->bytes == b->bytes && a->digest == b->digest && a->records == b->records &&
           a->tombstones == b->tombstones && a->first == b->first && a->last == b->last &&
           strata_compare(a->smallest, b->smallest) == 0 &&
           strata_compare(a->largest, b->largest) == 0;
}

/* A table that says nothing of itself is as the manifest says. */
static int take_named(struct repair *r, const struct edit_table *named, struct strata_error *err)
{
    struct repair_table *t = repair_find(r, named->number);
    int rc = 0;

    if (!t) {
        rc = repair_add_table(r, named->number, &t, err);
        if (rc < 0)
            return rc;
        t->condition = REPAIR_MISSING;
        strata_fail(&t->why, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET, "the file is missing");
    } else if (t->condition == REPAIR_UNREADABLE) {
        t->condition = REPAIR_DAMAGED;
    } else if (!is_same(&t->entry, named)) {
        t->condition = REPAIR_MISSING;
        strata_fail(&t->why, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                    "not the table that the manifest names");
    }
    t->named = true;
    t->entry = *named;
    return repair_take_keys(t, named->smallest, named->largest, err);
}

int repair_examine_manifest(struct repair *r, struct strata_error *err)
{
    int rc = choose_manifest(r, err);

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < repair_version(r)->levels[level].count; i++) {
            struct edit_table named =
                version_entry(level, repair_version(r)->levels[level].tables[i]);
            rc = take_named(r, &named, err);
        }
    for (size_t i = 0; rc == 0 && i < r->removed_count; i++) {
        struct repair_table *t = repair_find(r, r->removed[i]);
        if (t)
            t->obsolete = !t->named;
    }
    if (repair_version(r)->next > r->next)
        r->next = repair_version(r)->next;
    return rc;
}
