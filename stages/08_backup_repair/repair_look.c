/* repair_look.c: what there is: tables, each read whole, and the manifest as far as it goes. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "repair.h"
#include "09_fast_paths/table/pax_table.h"
#include "salvage.h"
#include "07_paced_compaction/tree/tree_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Tables ---------------------------------------------------------------------------------- */

static size_t place_of(const struct repair *r, uint64_t number)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->tables[middle].entry.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct repair_table *repair_find(const struct repair *r, uint64_t number)
{
    size_t at = place_of(r, number);
    return at < r->count && r->tables[at].entry.number == number ? &r->tables[at] : NULL;
}

int repair_add_table(struct repair *r, uint64_t number, struct repair_table **out,
                     struct strata_error *err)
{
    size_t at = place_of(r, number), room = r->room ? 2 * r->room : 16;

    if (r->count == r->room) {
        struct repair_table *bigger = realloc(r->tables, room * sizeof *bigger);
        if (!bigger)
            return strata_fail_memory(err, room * sizeof *bigger);
        r->tables = bigger;
        r->room = room;
    }
    memmove(r->tables + at + 1, r->tables + at, (r->count++ - at) * sizeof *r->tables);
    *out = &r->tables[at];
    **out = (struct repair_table){.entry.number = number};
    return 0;
}

static int take_keys(struct repair_table *t, struct strata_slice smallest,
                     struct strata_slice largest, struct strata_error *err)
{
    strata_buffer_clear(&t->smallest);
    strata_buffer_clear(&t->largest);
    if (strata_buffer_append(&t->smallest, smallest.data, smallest.size) < 0 ||
        strata_buffer_append(&t->largest, largest.data, largest.size) < 0)
        return strata_fail_memory(err, smallest.size + largest.size);
    t->entry.smallest = strata_buffer_slice(&t->smallest);
    t->entry.largest = strata_buffer_slice(&t->largest);
    return 0;
}

/* Notes that no version of this stage writes tell nothing: it is placed as a flush would be. */
static int take_notes(struct repair_table *t, const struct strata_buffer *notes,
                      struct strata_error *err)
{
    int rc = lineage_decode(strata_buffer_slice(notes), &t->lineage, err);

    t->unnoted = rc == STRATA_ERR_CORRUPT;
    if (t->unnoted)
        lineage_free(&t->lineage);
    return t->unnoted ? 0 : rc;
}

static int take_table(struct repair_table *t, const struct sstable *table,
                      const struct strata_buffer *notes, struct strata_error *err)
{
    int rc;

    t->entry = (struct edit_table){.number = t->entry.number,
                                   .bytes = table->bytes,
                                   .digest = table->sum.digest,
                                   .records = table->sum.records,
                                   .tombstones = table->sum.tombstones,
                                   .first = table->sum.first,
                                   .last = table->sum.last};
    rc = take_keys(t, strata_buffer_slice(&table->smallest), strata_buffer_slice(&table->largest),
                   err);
    return rc < 0 ? rc : take_notes(t, notes, err);
}

/* What its properties tell. */
static int look_closer(const struct repair *r, struct repair_table *t, struct strata_error *err)
{
    struct salvage salvage;
    struct strata_error why;
    int rc = salvage_open(&salvage, r->env, t->entry.number, &why, err);

    t->found = REPAIR_UNREADABLE;
    if (rc == 0 && salvage.knows) {
        t->found = REPAIR_DAMAGED;
        rc = take_table(t, &salvage.table.base, &salvage.properties.notes, err);
    }
    salvage_close(&salvage);
    return rc;
}

static int look_at_table(const struct repair *r, struct repair_table *t, struct strata_error *err)
{
    struct sstable *table = NULL;
    int rc = pax_table_kind.open(r->env, r->common, t->entry.number, &table, &t->why);

    if (rc == 0)
        rc = pax_table_kind.verify(table, &t->why);
    if (rc == 0)
        rc = take_table(t, table, pax_table_notes(table), &t->why);
    sstable_unref(table);
    if (rc == STRATA_ERR_CORRUPT)
        return look_closer(r, t, err);
    if (rc < 0 && err)
        *err = t->why;
    return rc;
}

/* Is file `number` there, a table or a log? */
static bool is_there(const struct repair *r, uint64_t number)
{
    for (size_t i = 0; i < r->names.count; i++)
        if (tree_is_name(r->names.names[i], number, ".table") ||
            tree_is_name(r->names.names[i], number, ".log"))
            return true;
    return false;
}

/* Made by a repair that was cut short: what it was made of is still there. */
static bool is_own(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; t->lineage.repaired && i < t->lineage.sources; i++)
        if (is_there(r, t->lineage.files[i]))
            return true;
    return false;
}

int repair_look_at_tables(struct repair *r, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->names.count; i++) {
        uint64_t number = strtoull(r->names.names[i], NULL, 10);
        struct repair_table *t;
        if (number && number < UINT64_MAX / 2 && number >= r->next)
            r->next = number + 1;
        if (!number || !tree_is_name(r->names.names[i], number, pax_table_kind.suffix))
            continue;
        rc = repair_add_table(r, number, &t, err);
        if (rc == 0)
            rc = look_at_table(r, t, err);
    }
    for (size_t i = 0; i < r->count; i++)
        r->tables[i].own = is_own(r, &r->tables[i]);
    return rc;
}

/* ---- The manifest ---------------------------------------------------------------------------- */

#define ENOUGH STRATA_ERR_BUSY /* no manifest is read that ends so */

struct applying {
    struct repair *repair;
    uint64_t applied, most; /* edits */
};

static int note_removed(struct repair *r, uint64_t number, struct strata_error *err)
{
    size_t room = r->removed_room ? 2 * r->removed_room : 64;

    if (r->removed_count == r->removed_room) {
        uint64_t *bigger = realloc(r->removed, room * sizeof *bigger);
        if (!bigger)
            return strata_fail_memory(err, room * sizeof *bigger);
        r->removed = bigger;
        r->removed_room = room;
    }
    r->removed[r->removed_count++] = number;
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

/* As far as it goes: of a state that an edit did not fit nothing is left. */
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
static bool is_of_repair(const struct repair *r)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < repair_version(r)->levels[level].count; i++) {
            const struct repair_table *t =
                repair_find(r, repair_version(r)->levels[level].tables[i]->number);
            if (t && t->own)
                return true;
        }
    return false;
}

/* 1: it is the one to go by. */
static int try_manifest(struct repair *r, const struct current *which, struct strata_error *err)
{
    uint64_t edits;
    int rc = read_manifest(r, which, &edits, err);

    if (rc < 0)
        return rc;
    if (edits && !is_of_repair(r)) {
        r->manifest = which->number;
        return 1;
    }
    r->manifest_whole = false;
    r->removed_count = 0;
    drop_version(r);
    return 0;
}

/* The newest that is of use, where CURRENT does not help. */
static int find_manifest(struct repair *r, struct strata_error *err)
{
    uint64_t below = UINT64_MAX;
    int rc = 0;

    while (rc == 0 && below) {
        struct current which = {0};
        for (size_t i = 0; i < r->names.count; i++) {
            uint64_t number = strtoull(r->names.names[i], NULL, 10);
            if (number > which.number && number < below &&
                tree_is_name(r->names.names[i], number, ".manifest"))
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

/* All that opening asks of it (tree_open.c). */
static bool is_that(const struct edit_table *a, const struct edit_table *b)
{
    return a->bytes == b->bytes && a->digest == b->digest && a->records == b->records &&
           a->tombstones == b->tombstones && a->first == b->first && a->last == b->last &&
           strata_compare(a->smallest, b->smallest) == 0 &&
           strata_compare(a->largest, b->largest) == 0;
}

/* What the manifest says of a table is as good as what the table says. */
static int take_named(struct repair *r, const struct edit_table *named, struct strata_error *err)
{
    struct repair_table *t = repair_find(r, named->number);
    int rc = 0;

    if (!t) {
        rc = repair_add_table(r, named->number, &t, err);
        if (rc < 0)
            return rc;
        t->found = REPAIR_MISSING;
        strata_fail(&t->why, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET, "the file is missing");
    } else if (t->found == REPAIR_UNREADABLE) {
        t->found = REPAIR_DAMAGED;
    } else if (!is_that(&t->entry, named)) {
        t->found = REPAIR_MISSING;
        strata_fail(&t->why, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                    "not the table that the manifest names");
    }
    t->named = true;
    t->entry = *named;
    return take_keys(t, named->smallest, named->largest, err);
}

int repair_look_at_manifest(struct repair *r, struct strata_error *err)
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
            t->removed = !t->named;
    }
    if (repair_version(r)->next > r->next)
        r->next = repair_version(r)->next;
    return rc;
}
