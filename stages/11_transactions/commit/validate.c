/* validate.c: see validate.h. A key of which the newest write is surely older is not looked up. For
 * each other one, and each range, the sources that may have newer versions are asked:
 *
 *     memtable            always
 *     immutable memtable  unless all operations since are in the memtable
 *     tables              likewise, those whose last operation is newer: flushed since
 *
 * 11.I7: as a snapshot at `from` exists, flushes and compactions keep for each key its newest
 *        version, with its number if that is above `from` (10.I1, 10.I7). One that they may drop,
 *        a delete under which there is nothing, leaves the key as it was read: absent. */
#include "11_transactions/commit/validate.h"
#include "10_concurrency/snapshot/read_at.h"

#include <assert.h>
#include <stdlib.h>

static bool is_unchanged(const struct read_range *range, const struct validate_span *span)
{
    return span->newest && !newest_writes_may_have(span->newest, range, span->from);
}

/* Versions of keys, in the order of the keys; of one key several, or its newest up to `to`. */
static int ask(struct cursor *cursor, const struct read_set *set, const struct validate_span *span,
               struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < set->count && rc >= 0; i++) {
        const struct read_range *range = &set->all[i];
        if (is_unchanged(range, span))
            continue;
        for (rc = cursor_seek(cursor, range->low, err);
             rc == 0 && read_range_reaches(range, cursor->iter.key); rc = cursor_next(cursor, err))
            if (cursor->sequence > span->from && cursor->sequence <= span->to)
                return STRATA_CONFLICT;
    }
    return rc < 0 ? rc : 0;
}

/* A key is looked up, which costs less than to put a cursor there. Ranges are passed over, and
 * counted. */
static int ask_keys(const struct memtable *memtable, const struct read_set *set,
                    const struct validate_span *span, size_t *ranges)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct read_range *range = &set->all[i];
        if (!read_range_is_key(range))
            ++*ranges;
        else if (!is_unchanged(range, span) &&
                 memtable->kind->number(memtable->self, range->low, span->to) > span->from)
            return STRATA_CONFLICT;
    }
    return 0;
}

static int ask_memtable(const struct memtable *memtable, const struct read_set *set,
                        const struct validate_span *span, struct strata_error *err)
{
    size_t ranges = 0;
    int rc = ask_keys(memtable, set, span, &ranges);
    struct cursor *cursor;

    if (rc != 0 || !ranges)
        return rc;
    cursor = memtable_cursor(memtable, span->to);
    if (!cursor)
        return strata_fail_memory(err, sizeof *cursor);
    rc = ask(cursor, set, span, err);
    cursor_free(cursor);
    return rc;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static bool is_newer(const struct version_level *run, uint64_t from)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->tables[i]->sum.last > from)
            return true;
    return false;
}

/* Of the runs only those that have newer operations are kept. */
static void keep_newer(struct level_merge *of, struct version_level *runs, uint64_t from)
{
    size_t kept = 0;

    for (size_t i = 0; i < of->run_count; i++)
        if (is_newer(&runs[i], from))
            runs[kept++] = runs[i];
    of->run_count = kept;
}

static int ask_tables(const struct version *version, const struct read_set *set,
                      const struct validate_span *span, struct strata_error *err)
{
    struct level_merge of = {.version = version, .sequence = UINT64_MAX, .tombstones = true};
    struct version_level *runs = level_merge_runs(&of, version->levels, err);
    struct cursor *cursor;
    int rc = 0;

    if (!runs)
        return STRATA_ERR_NO_MEMORY;
    keep_newer(&of, runs, span->from);
    if (of.run_count) {
        rc = read_all_versions(&of, &cursor, err);
        if (rc == 0) {
            rc = ask(cursor, set, span, err);
            cursor_free(cursor);
        }
    }
    free(runs);
    return rc;
}

int validate(struct snapshot_tree *t, const struct read_set *set, const struct validate_span *span,
             struct strata_error *err)
{
    struct super *super;
    int rc;

    assert(span->from <= span->to);
    if (span->from == span->to ||
        (span->newest && !newest_writes_may_have_any(span->newest, set, span->from)))
        return 0;
    super = tree_pin(&t->tree);
    rc = ask_memtable(super->memtable, set, span, err);
    if (span->first > span->from + 1) {
        if (rc == 0 && super->immutable)
            rc = ask_memtable(super->immutable, set, span, err);
        if (rc == 0)
            rc = ask_tables(super->version, set, span, err);
    }
    super_unref(super);
    return rc;
}
