/* repair_choose.c: which tables are live.
 *
 * If the manifest is whole it says so. Else every table that is there is live, but for those that
 * others replace:
 *
 *     4   7        compacted to        12   13         the notes of both: of 4 and 7
 *
 * 8.I6: inputs are removed after all outputs are durable and named by an edit, and one compaction
 *       runs at a time. So outputs are live, and their inputs obsolete, if all outputs are there,
 * or an input is gone, or a later compaction has written anything. Else a crash ended that
 *       compaction, and its inputs are live. (What a compaction that was given up has written is
 *       removed at once, or by the next open.) */
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
    const struct version *v = repair_version(r);
    uint64_t last = v->log_count ? v->logs[v->log_count - 1].number : 0;

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

/* The newest compaction, which a crash may have ended: all its outputs are there, the first to the
 * last, or an input is gone. */
static bool was_done(const struct repair *r, uint64_t group)
{
    bool complete = true, last = false, all_sources = true;
    uint64_t ordinal = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *t = &r->tables[i];
        if (t->lineage.group != group)
            continue;
        complete &= !last && t->condition == REPAIR_WHOLE && t->lineage.ordinal == ++ordinal;
        last = t->lineage.last;
        all_sources &= has_sources(r, t);
    }
    return (complete && last) || !all_sources;
}

/* All that it holds is in others. */
static void make_obsolete(struct repair_table *t)
{
    t->live = false;
    t->obsolete = true;
}

static void drop_sources(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < t->lineage.sources; i++) {
        struct repair_table *source = repair_find(r, t->lineage.files[i]);
        if (source && source != t)
            make_obsolete(source);
    }
}

/* A table that is not there was compacted, as far as its keys tell: an overlapping output of a
 * later compaction has the outcome of all its operations. */
static bool was_compacted(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *later = &r->tables[i];
        if (later->live && later->lineage.group && later->entry.number > t->entry.number &&
            later->entry.sum.first <= t->entry.sum.first &&
            later->entry.sum.last >= t->entry.sum.last && repair_overlap(later, t))
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
        if (done || t->lineage.group != newest)
            drop_sources(r, t);
        else
            make_obsolete(t);
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
        newest &= &r->tables[i] == t || !r->tables[i].live ||
                  r->tables[i].entry.sum.last < t->entry.sum.first;
    for (size_t i = 0; i < r->log_count; i++)
        logged |= r->logs[i].present && !r->logs[i].damaged && r->logs[i].first &&
                  r->logs[i].first <= t->entry.sum.first && r->logs[i].next > t->entry.sum.last;
    return newest && logged && t->condition == REPAIR_DAMAGED && !t->lineage.group;
}

/* All operations before a live log are in tables. */
static void set_floor(struct repair *r, bool logged)
{
    const struct version *v = repair_version(r);

    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].live && r->tables[i].entry.sum.last > r->floor)
            r->floor = r->tables[i].entry.sum.last;
    r->sequence = r->floor + 1;
    if (!logged && v->log_count && v->logs[0].first > r->sequence)
        r->sequence = v->logs[0].first;
}

/* As a clean close leaves it: nothing has to be guessed. */
static bool looks_tidy(const struct repair *r)
{
    const struct repair_log *log = r->logs;
    bool tidy = r->log_count == 1 && log->present && !log->damaged && !log->operations;

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
        make_obsolete(t);
        r->keep_logs = false;
        logged = true;
    }
    set_floor(r, logged);
    assert(r->sequence > r->floor); /* 8.I10 */
    for (size_t i = 0; i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        assert(!t->live || (!t->obsolete && !t->leftover && repair_is_readable(t)));
        assert(t->entry.number < r->next);
        if (t->live && t->condition == REPAIR_DAMAGED)
            t->salvaged_as = r->next++;
    }
    return r->exact ? 0 : repair_place(r, err);
}
