/* repair_choose.c: which tables count.
 *
 * If the manifest is whole it tells. Else each table that is there counts, but for those that
 * others took the place of:
 *
 *     4   7        compacted to        12   13         both say: of 4 and 7
 *
 * I1: inputs go after all outputs are on the device and an edit has named those, and one compaction
 *     is under way at a time. So outputs count, and their inputs do not, if all outputs are there;
 *     or an input is gone; or a later compaction has written anything, but for one that took the
 *     same input again. Else the outputs are those of one that a crash ended, or that was given up,
 *     and all inputs are there: these count. */
#include "repair.h"

/* ---- Is the manifest to be believed? --------------------------------------------------------- */

static bool lacks_file(const struct repair *r)
{
    bool lacks = false;

    for (size_t i = 0; i < r->count; i++)
        lacks |= r->tables[i].named && r->tables[i].found == REPAIR_MISSING;
    for (size_t i = 0; i < r->log_count; i++)
        lacks |= r->logs[i].named && !r->logs[i].there;
    return lacks;
}

static bool has_unnamed_table(const struct repair *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *t = &r->tables[i];
        if (!t->named && !t->removed && !t->own &&
            (t->found == REPAIR_WHOLE || t->found == REPAIR_DAMAGED))
            return true;
    }
    return false;
}

/* A log is written to after an edit has named it (tree_open.c I3). */
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

/* A manifest that was cut behind an edit looks whole: what it names is not there then, or what is
 * there it does not name. */
static bool is_exact(const struct repair *r)
{
    return r->manifest_whole && !has_unnamed_operations(r) &&
           !(lacks_file(r) && has_unnamed_table(r));
}

/* ---- Which count (I1) ------------------------------------------------------------------------ */

static uint64_t newest_group(const struct repair *r)
{
    uint64_t newest = 0;

    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].counts && r->tables[i].lineage.group > newest)
            newest = r->tables[i].lineage.group;
    return newest;
}

static bool has_sources(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < t->lineage.sources; i++) {
        const struct repair_table *source = repair_find(r, t->lineage.files[i]);
        if (!source || source->found == REPAIR_MISSING || source->found == REPAIR_UNREADABLE)
            return false;
    }
    return true;
}

/* All outputs are there, the first to the last. */
static bool is_complete(const struct repair *r, uint64_t group)
{
    uint64_t place = 0;
    bool last = false;

    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *t = &r->tables[i];
        if (t->lineage.group != group)
            continue;
        if (last || t->found != REPAIR_WHOLE || t->lineage.place != ++place)
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

/* A later compaction took what this one took: so this one was given up. */
static bool was_given_up(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct lineage *later = &r->tables[i].lineage;
        if (later->group <= t->lineage.group || later->repaired || r->tables[i].own)
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
        source->counts = false;
        source->removed = true;
    }
}

/* A table that is not there, and has gone into a later one, as far as that can be told: one that
 * overlaps with it has the outcome of all its operations. */
static bool went_on(const struct repair *r, const struct repair_table *t)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *later = &r->tables[i];
        if (later->counts && later->lineage.group && later->entry.number > t->entry.number &&
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
        t->counts =
            !t->removed && !t->own && (t->found == REPAIR_WHOLE || t->found == REPAIR_DAMAGED);
    }
    newest = newest_group(r);
    done = !newest || was_done(r, newest);
    for (size_t i = 0; i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        if (!t->lineage.group || t->own)
            continue;
        if ((done || t->lineage.group != newest) && !was_given_up(r, t)) {
            drop_sources(r, t);
        } else {
            t->counts = false;
            t->removed = true;
        }
    }
    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].found == REPAIR_MISSING)
            r->tables[i].removed |= went_on(r, &r->tables[i]);
}

static void choose_by_manifest(struct repair *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        t->counts = t->named && t->found != REPAIR_MISSING;
        t->removed = !t->named;
    }
}

/* ---- All ------------------------------------------------------------------------------------- */

/* A damaged flush whose log is still there, and nothing is newer than it: the log has it all. */
static bool is_in_a_log(const struct repair *r, const struct repair_table *t)
{
    bool newest = true, logged = false;

    for (size_t i = 0; i < r->count; i++)
        newest &=
            &r->tables[i] == t || !r->tables[i].counts || r->tables[i].entry.last < t->entry.first;
    for (size_t i = 0; i < r->log_count; i++)
        logged |= r->logs[i].there && !r->logs[i].damaged && r->logs[i].first &&
                  r->logs[i].first <= t->entry.first && r->logs[i].next > t->entry.last;
    return newest && logged && t->found == REPAIR_DAMAGED && !t->lineage.group;
}

/* What is older than a live log is in tables, as far as it had any outcome. */
static void set_floor(struct repair *r, bool logged)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].counts && r->tables[i].entry.last > r->floor)
            r->floor = r->tables[i].entry.last;
    r->sequence = r->floor + 1;
    if (!logged && repair_version(r)->log_count && repair_version(r)->logs[0].first > r->sequence)
        r->sequence = repair_version(r)->logs[0].first;
}

/* Nothing is left over: as a clean close leaves it. */
static bool looks_tidy(const struct repair *r)
{
    bool tidy =
        r->log_count == 1 && r->logs[0].there && !r->logs[0].damaged && !r->logs[0].operations;

    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *t = &r->tables[i];
        tidy &= (t->counts && !t->unnoted) || t->found == REPAIR_MISSING || t->own;
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
        if (!t->counts || !is_in_a_log(r, t))
            continue;
        t->counts = r->keep_logs = false;
        t->removed = logged = true;
    }
    set_floor(r, logged);
    for (size_t i = 0; i < r->count; i++)
        if (r->tables[i].counts && r->tables[i].found == REPAIR_DAMAGED)
            r->tables[i].made = r->next++;
    return r->exact ? 0 : repair_place(r, err);
}
