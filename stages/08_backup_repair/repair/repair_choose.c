/* repair_choose.c: which tables are live.
 *
 * If the manifest is whole it says so. Else every table that is there is live, but for those that
 * others replace:
 *
 *     4   7        compacted to        12   13         the notes of both: of 4 and 7
 *
 * 8.I6: inputs are removed after all outputs are durable and named by an edit, and one compaction
 *       runs at a time. So outputs are live, and their inputs obsolete, if all outputs are there;
 * or an input is gone; or a later compaction has written anything, unless it took the same input
 *       again. Else a crash ended that compaction, or it was given up, and all inputs are there:
 * they are live. */
#include "08_backup_repair/repair/repair.h"

#include <assert.h>

/* ---- Is the manifest exact? ------------------------------------------------------------------ */

static bool lacks_file(const struct repair *r)
{
    bool lacks = false;

    for (size_t i = 0; i < r->count; i++)
        lacks |= r->tables[i].named && r->tables[i].condition == REPAIR_MISSING;
    for (size_t i = 0; i < r->log_count; i++)
        lacks |= r->logs[i].named && !r->logs[i].present;
    return lacks;
}

static bool has_unnamed_table(const struct repair *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *t = &r->tables[i];
        if (!t->named && !t->obsolete && !t->leftover && repair_is_readable(t))
            return true;
    }
    return false;
}

/* A log is written to only after an edit has named it. */
static bool has_unnamed_operations(const struct repair *r)
{
    uint64_t last = repair_version(r)->log_count
                        ? repair_version(r)->logs[repair_version(r)->log_count - 1].number
                        : 0;

    for (size_t i = 0; i < r->log_count; i++)
        if (!r->logs[i].named && r->logs[i].number > last && r->logs[i].operations)
            return true;
    return false;
}

/* A manifest that was cut after an edit looks whole; but then it names files that are not there, or
 * there are some that it does not name. */
static bool is_exact(const struct repair *r)
{
    return r->manifest_whole && !has_unnamed_operations(r) &&
           !(lacks_file(r) && has_unnamed_table(r));
}

/* ---- Which are live (8.I6) ------------------------------------------------------------------- */

static uint64_t newest_group(const struct repair *r)
{
    uint64_t newest = 0;

    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].live && r->tables[i].lineage.group > newest)
            newest = r->tables[i].lineage.group;
    return newest;
}

static bool has_sources(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < t->lineage.sources; i++) {
        const struct repair_table *source = repair_find(r, t->lineage.files[i]);
        if (!source || !repair_is_readable(source))
            return false;
    }
    return true;
}

/* All outputs are there, the first to the last. */
static bool is_complete(const struct repair *r, uint64_t group)
{
    uint64_t ordinal = 0;
    bool last = false;

    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *t = &r->tables[i];
        if (t->lineage.group != group)
            continue;
        if (last || t->condition != REPAIR_WHOLE || t->lineage.ordinal != ++ordinal)
            return false;
        last = t->lineage.last;
    }
    return last;
}

/* The newest compaction, which a crash may have ended. */
static bool was_done(const struct repair *r, uint64_t group)
{
    if (is_complete(r, group))
        return true;
    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].lineage.group == group && !has_sources(r, &r->tables[i]))
            return true;
    return false;
}

/* A later compaction took the same input. */
static bool was_given_up(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct lineage *later = &r->tables[i].lineage;
        if (later->group <= t->lineage.group || later->repaired || r->tables[i].leftover)
            continue;
        for (size_t j = 0; j < t->lineage.sources; j++)
            if (lineage_is_source(later, t->lineage.files[j]))
                return true;
    }
    return false;
}

static void drop_sources(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < t->lineage.sources; i++) {
        struct repair_table *source = repair_find(r, t->lineage.files[i]);
        if (!source || source == t)
            continue;
        source->live = false;
        source->obsolete = true;
    }
}

/* A table that is not there was compacted, as far as its keys tell: an overlapping output of a
 * later compaction has the outcome of all its operations. */
static bool was_compacted(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *later = &r->tables[i];
        if (later->live && later->lineage.group && later->entry.number > t->entry.number &&
            later->entry.first <= t->entry.first && later->entry.last >= t->entry.last &&
            repair_overlap(later, t))
            return true;
    }
    return false;
}

static void choose_by_tables(struct repair *r)
{
    uint64_t newest;
    bool done;

    for (size_t i = 0; i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        t->live = !t->obsolete && !t->leftover && repair_is_readable(t);
    }
    newest = newest_group(r);
    done = !newest || was_done(r, newest);
    for (size_t i = 0; i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        if (!t->lineage.group || t->leftover)
            continue;
        if ((done || t->lineage.group != newest) && !was_given_up(r, t)) {
            drop_sources(r, t);
        } else {
            t->live = false;
            t->obsolete = true;
        }
    }
    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].condition == REPAIR_MISSING)
            r->tables[i].obsolete |= was_compacted(r, &r->tables[i]);
}

static void choose_by_manifest(struct repair *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        t->live = t->named && t->condition != REPAIR_MISSING;
        t->obsolete = !t->named;
    }
}

/* ---- All ------------------------------------------------------------------------------------- */

/* It is a damaged flush, the newest table, and its log is still there: the log has all of it. */
static bool is_logged(const struct repair *r, const struct repair_table *t)
{
    bool newest = true, logged = false;

    for (size_t i = 0; i < r->count; i++)
        newest &=
            &r->tables[i] == t || !r->tables[i].live || r->tables[i].entry.last < t->entry.first;
    for (size_t i = 0; i < r->log_count; i++)
        logged |= r->logs[i].present && !r->logs[i].damaged && r->logs[i].first &&
                  r->logs[i].first <= t->entry.first && r->logs[i].next > t->entry.last;
    return newest && logged && t->condition == REPAIR_DAMAGED && !t->lineage.group;
}

/* All operations before a live log are in tables. */
static void set_floor(struct repair *r, bool logged)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].live && r->tables[i].entry.last > r->floor)
            r->floor = r->tables[i].entry.last;
    r->sequence = r->floor + 1;
    if (!logged && repair_version(r)->log_count && repair_version(r)->logs[0].first > r->sequence)
        r->sequence = repair_version(r)->logs[0].first;
}

/* As a clean close leaves it: nothing has to be guessed. */
static bool looks_tidy(const struct repair *r)
{
    bool tidy =
        r->log_count == 1 && r->logs[0].present && !r->logs[0].damaged && !r->logs[0].operations;

    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *t = &r->tables[i];
        tidy &= (t->live && !t->notes_why.code) || t->condition == REPAIR_MISSING || t->leftover;
    }
    return tidy;
}

int repair_choose(struct repair *r, struct strata_error *err)
{
    bool logged = false;

    r->exact = is_exact(r);
    if (r->exact)
        choose_by_manifest(r);
    else
        choose_by_tables(r);
    r->sum->guessed = !r->exact && !looks_tidy(r);
    r->keep_logs = r->exact;
    for (size_t i = 0; i < r->log_count; i++)
        r->keep_logs &= !r->logs[i].named || !r->logs[i].damaged;
    for (size_t i = 0; i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        if (!t->live || !is_logged(r, t))
            continue;
        t->live = r->keep_logs = false;
        t->obsolete = logged = true;
    }
    set_floor(r, logged);
    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].live && r->tables[i].condition == REPAIR_DAMAGED)
            r->tables[i].salvaged_as = r->next++;
    return r->exact ? 0 : repair_place(r, err);
}
