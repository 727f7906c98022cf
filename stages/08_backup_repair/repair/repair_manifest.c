/* repair_manifest.c: the manifest, as far as it can be read: the one that CURRENT names, or else
 * the newest that has an edit. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "06_leveled_compaction/manifest/manifest.h"
#include "06_leveled_compaction/version/version_set.h"
#include "08_backup_repair/repair/repair.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

const struct version *repair_version(const struct repair *r)
{
    static const struct version none;
    return r->version ? r->version : &none;
}

/* ---- One manifest ---------------------------------------------------------------------------- */

static void forget_manifest(struct repair *r)
{
    version_unref(r->version);
    r->version = NULL;
    r->manifest_whole = false;
    for (size_t i = 0; i < r->count; i++)
        r->tables[i].removed = false;
}

static void note_removed(struct repair *r, const struct edit *edit)
{
    for (size_t i = 0; i < edit->removed_count; i++) {
        struct repair_table *t = repair_find(r, edit->removed[i].number);
        if (t)
            t->removed = true;
    }
}

/* As far as it goes. CORRUPT, IO, NO_MEMORY. */
static int read_edits(struct repair *r, const struct current *which, manifest_apply *apply,
                      void *arg, struct strata_error *err)
{
    struct manifest m = {.env = r->env, .number = which->number, .known = which->known};
    int rc;

    m.path = manifest_path(r->env, which->number);
    rc = m.path ? fs_open(r->env->fs, m.path, FS_READ, &m.file, err) : strata_fail_memory(err, 64);
    if (rc == 0)
        rc = manifest_check(&m, apply, arg, err);
    manifest_close(&m);
    return rc;
}

struct building {
    struct repair *repair;
    struct version_builder builder;
    size_t edits;
    bool refused; /* an edit cannot follow on those before it, or all together are no version */
};

static int add(void *arg, const struct edit *edit, struct strata_error *err)
{
    struct building *b = arg;
    int rc = version_builder_add(&b->builder, edit, err);

    b->refused = rc == STRATA_ERR_CORRUPT;
    b->edits += rc == 0;
    if (rc == 0)
        note_removed(b->repair, edit);
    return rc;
}

/* All edits together, as an open reads them: what that takes, a repair takes. `*refused`: there is
 * no version of all that can be read. */
static int read_together(struct repair *r, const struct current *which, bool *refused,
                         struct strata_error *err)
{
    struct building b = {.repair = r};
    struct strata_error why;
    int rc = version_builder_init(&b.builder, NULL, err), built = 0;

    if (rc == 0)
        rc = read_edits(r, which, add, &b, err);
    if ((rc == 0 || rc == STRATA_ERR_CORRUPT) && b.edits && !b.refused)
        built = version_builder_finish(&b.builder, &r->version, &why);
    version_builder_free(&b.builder);
    *refused = b.refused || built == STRATA_ERR_CORRUPT;
    return built < 0 ? strata_fail_with(built, &why, err) : rc;
}

/* An edit that cannot follow on the version leaves it as it was. */
static int apply_one(void *arg, const struct edit *edit, struct strata_error *err)
{
    struct repair *r = arg;
    struct version *next;
    int rc = version_apply(r->version, edit, &next, err);

    if (rc < 0)
        return rc;
    version_unref(r->version);
    r->version = next;
    note_removed(r, edit);
    return 0;
}

static int read_manifest(struct repair *r, const struct current *which, struct strata_error *err)
{
    bool refused;
    int rc = read_together(r, which, &refused, err);

    if (!refused)
        return rc;
    forget_manifest(r);
    return read_edits(r, which, apply_one, r, err); /* up to the one that is refused */
}

/* A repair that was cut short made it. */
static bool version_is_leftover(const struct repair *r)
{
    const struct version *v = repair_version(r);

    for (size_t i = 0; i < v->count; i++) {
        const struct repair_table *t = repair_find(r, v->all[i]->number);
        if (t && t->leftover)
            return true;
    }
    return false;
}

/* 1: this one is used. */
static int try_manifest(struct repair *r, const struct current *which, struct strata_error *err)
{
    int rc;

    forget_manifest(r);
    r->why = (struct strata_error){0};
    rc = read_manifest(r, which, &r->why);
    if (rc < 0 && rc != STRATA_ERR_CORRUPT && !(rc == STRATA_ERR_IO && r->why.sys == ENOENT)) {
        if (err)
            *err = r->why;
        return rc;
    }
    if (!r->version || version_is_leftover(r)) {
        forget_manifest(r);
        return 0;
    }
    r->manifest_whole = rc == 0;
    r->manifest = which->number;
    return 1;
}

/* ---- Which one ------------------------------------------------------------------------------- */

/* The newest that can be read, where CURRENT does not name one. */
static int find_manifest(struct repair *r, struct strata_error *err)
{
    struct current which = {.number = UINT64_MAX};
    int rc = 0;

    while (rc == 0 && which.number) {
        uint64_t below = which.number;
        which.number = 0;
        for (size_t i = 0; i < r->names.count; i++) {
            uint64_t number = strtoull(r->names.names[i], NULL, 10);
            if (number > which.number && number < below &&
                fs_is_name(r->names.names[i], number, ".manifest"))
                which.number = number;
        }
        if (which.number)
            rc = try_manifest(r, &which, err);
    }
    return rc;
}

static int choose_manifest(struct repair *r, struct strata_error *err)
{
    struct strata_error why;
    struct current current;
    int named = current_read(r->env, &current, &why), rc = 0;

    if (named < 0 && named != STRATA_ERR_CORRUPT) {
        if (err)
            *err = why;
        return named;
    }
    if (named == 0)
        rc = try_manifest(r, &current, err);
    r->current = rc > 0;
    if (rc == 0) {
        rc = find_manifest(r, err);
        r->manifest_whole &= named < 0; /* else a newer one is lost */
    }
    assert(rc < 0 || (r->manifest != 0) == (r->version != NULL));
    assert(rc < 0 || r->version || !r->manifest_whole);
    return rc < 0 ? rc : 0;
}

/* ---- What it names --------------------------------------------------------------------------- */

static void note_missing_table(struct repair_table *t, const char *why)
{
    t->condition = REPAIR_MISSING;
    strata_fail(&t->why, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET, "%s", why);
}

/* A table that says nothing of itself is as the manifest says. Opening the database compares the
 * same (version_open). */
static int take_named(struct repair *r, unsigned level, const struct sstable *named,
                      struct strata_error *err)
{
    struct repair_table *t = repair_find(r, named->number);
    struct edit_table entry = version_edit_table(level, named);

    if (!t) {
        if (repair_add_table(r, named->number, &t, err) < 0)
            return STRATA_ERR_NO_MEMORY;
        note_missing_table(t, "the file is missing");
    } else if (t->condition == REPAIR_UNREADABLE) {
        t->condition = REPAIR_DAMAGED;
    } else if (!version_is(named, &t->entry)) {
        note_missing_table(t, "not the table that the manifest names");
    }
    assert(!t->named);
    t->named = true;
    return repair_take_entry(t, &entry, err);
}

int repair_examine_manifest(struct repair *r, struct strata_error *err)
{
    int rc = choose_manifest(r, err);
    const struct version *v = repair_version(r);

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < v->levels[level].count; i++)
            rc = take_named(r, level, v->levels[level].tables[i], err);
    for (size_t i = 0; i < r->count; i++)
        r->tables[i].obsolete = r->tables[i].removed && !r->tables[i].named;
    if (v->next > r->next)
        r->next = v->next;
    return rc;
}
