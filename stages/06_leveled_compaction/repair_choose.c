/* repair_choose.c: which tables count, and where they stand.
 *
 * If the manifest is whole it tells. Else each table that is there counts, but for those that
 * others took the place of:
 *
 *     4   7        compacted to        12   13         both say: of 4 and 7
 *
 * I1: inputs go after all outputs are on the device and an edit has named those, and one compaction
 *     is under way at a time. So outputs count, and their inputs do not, if all outputs are there;
 *     or an input is gone; or a later compaction has written anything. Else the outputs are those
 *     of one that a crash ended, and all inputs are there: these count.
 *
 * Of two tables that overlap one is newer in all that they share (I2 of state.c, and the levels):
 *
 * I2: if all its operations are, it is. Else both were there together, not as inputs of one
 *     compaction; the one that was made later looked at the other one, and noted whether that stood
 *     above it; if it did not it stood below. What overlaps never changes its order: a table is
 *     only moved to a level where it overlaps with nothing.
 * I3: a table that is put below all newer ones that it overlaps with, as high as that lets it,
 *     stands no deeper than it stood before: so there are levels enough. */
#include "repair.h"

#include <stdlib.h>

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
        if (!t->named && !t->removed && !t->own && t->found == REPAIR_WHOLE)
            return true;
    }
    return false;
}

/* A log is written to after an edit has named it (tree_open.c I3). */
static bool has_unnamed_operations(const struct repair *r)
{
    uint64_t last = r->state.log_count ? r->state.logs[r->state.log_count - 1].number : 0;

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
        if (done || t->lineage.group != newest) {
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

/* ---- Which are newer (I2) -------------------------------------------------------------------- */

bool repair_overlap(const struct repair_table *a, const struct repair_table *b)
{
    return strata_compare(a->entry.smallest, b->entry.largest) <= 0 &&
           strata_compare(b->entry.smallest, a->entry.largest) <= 0;
}

bool repair_is_newer(const struct repair_table *a, const struct repair_table *b)
{
    if (a->named && b->named && a->entry.level != b->entry.level)
        return a->entry.level < b->entry.level;
    if (a->entry.first > b->entry.last || b->entry.first > a->entry.last)
        return a->entry.first > b->entry.last;
    return a->entry.number > b->entry.number ? !lineage_is_above(&a->lineage, b->entry.number)
                                             : lineage_is_above(&b->lineage, a->entry.number);
}

/* ---- Where they stand (I3) ------------------------------------------------------------------- */

/* Made for level 0; and its operations are no other such table's. */
static bool is_of_level_0(const struct repair *r, const struct repair_table *t)
{
    bool alone = true; /* it overlaps with nothing, and may stand anywhere */

    if (t->lineage.level || (t->named && t->entry.level))
        return false;
    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (!other->counts || other == t)
            continue;
        if (!other->lineage.level && other->entry.first <= t->entry.last &&
            t->entry.first <= other->entry.last)
            return false;
        alone &= !repair_overlap(t, other);
    }
    return !alone;
}

/* The level that those above it leave to it. */
static unsigned level_below(const struct repair *r, const struct repair_table *t,
                            const unsigned *levels, bool of_level_0)
{
    unsigned level = of_level_0 ? 0 : 1;

    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (!other->counts || other == t || levels[i] < level || (of_level_0 && levels[i] == 0) ||
            !repair_overlap(t, other) || !repair_is_newer(other, t))
            continue;
        level = levels[i] + 1;
    }
    return level;
}

static bool sink(const struct repair *r, unsigned *levels, const bool *of_level_0)
{
    bool sunk = false;

    for (size_t i = r->count; i-- > 0;) {
        unsigned level;
        if (!r->tables[i].counts)
            continue;
        level = level_below(r, &r->tables[i], levels, of_level_0[i]);
        sunk |= level > levels[i];
        levels[i] = level > levels[i] ? level : levels[i];
        if (levels[i] >= LEVELS)
            return false;
    }
    return sunk;
}

static int no_order(const struct repair *r, const struct repair_table *t, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, r->env->dir, STRATA_NO_OFFSET,
                       "the tables contradict each other: %06llu.table has no place among them; "
                       "move it away, and repair again",
                       (unsigned long long)t->entry.number);
}

static int place_all(struct repair *r, unsigned *levels, bool *of_level_0, struct strata_error *err)
{
    for (size_t i = 0; i < r->count; i++) {
        of_level_0[i] = r->tables[i].counts && is_of_level_0(r, &r->tables[i]);
        levels[i] = of_level_0[i] ? 0 : 1;
    }
    while (sink(r, levels, of_level_0))
        ;
    for (size_t i = 0; i < r->count; i++) {
        if (levels[i] >= LEVELS)
            return no_order(r, &r->tables[i], err);
        if (r->tables[i].counts)
            r->tables[i].entry.level = levels[i];
    }
    return 0;
}

static int place_by_tables(struct repair *r, struct strata_error *err)
{
    unsigned *levels = calloc(r->count + 1, sizeof *levels);
    bool *of_level_0 = calloc(r->count + 1, sizeof *of_level_0);
    int rc = levels && of_level_0 ? place_all(r, levels, of_level_0, err)
                                  : strata_fail_memory(err, r->count * sizeof *levels);

    free(levels);
    free(of_level_0);
    return rc;
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
    if (!logged && r->state.log_count && r->state.logs[0].first > r->sequence)
        r->sequence = r->state.logs[0].first;
}

/* Nothing is left over: as a clean close leaves it. */
static bool looks_tidy(const struct repair *r)
{
    bool tidy =
        r->log_count == 1 && r->logs[0].there && !r->logs[0].damaged && !r->logs[0].operations;

    for (size_t i = 0; i < r->count; i++)
        tidy &= r->tables[i].counts || r->tables[i].found == REPAIR_MISSING || r->tables[i].own;
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
    return r->exact ? 0 : place_by_tables(r, err);
}
