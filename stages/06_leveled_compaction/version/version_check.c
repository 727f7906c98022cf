/* version_check.c: is a version what an edit of its tables makes? Its rules are
 * version_builder.c's. */
#include "version.h"

#include <string.h>

bool version_same(const struct version *a, const struct version *b)
{
    bool same = a->log_count == b->log_count && a->count == b->count &&
                a->tombstones == b->tombstones &&
                memcmp(a->logs, b->logs, a->log_count * sizeof *a->logs) == 0;

    for (unsigned level = 0; same && level < LEVELS; level++)
        same = a->levels[level].count == b->levels[level].count &&
               a->levels[level].bytes == b->levels[level].bytes &&
               a->levels[level].tables - a->all == b->levels[level].tables - b->all &&
               strata_compare(strata_buffer_slice(&a->cursors[level]),
                              strata_buffer_slice(&b->cursors[level])) == 0;
    for (size_t i = 0; same && i < a->count; i++) {
        struct edit_table entry = version_edit_table(0, b->all[i]);
        same = version_is(a->all[i], &entry);
    }
    return same;
}

int version_check(const struct version *v, struct strata_error *err)
{
    struct version *again = NULL;
    struct edit whole;
    int rc = version_tell(v, &whole, err);

    if (rc == 0)
        rc = version_apply(NULL, &whole, &again, err);
    for (size_t i = 0; rc == 0 && i < v->count; i++)
        if (version_table(v, v->all[i]->number) != v->all[i])
            rc = sstable_corrupt(v->all[i], 0, "the version does not find it by its number", err);
    if (rc == 0 && !version_same(v, again))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                         "the version's counts are not its tables'");
    edit_free(&whole);
    version_unref(again);
    return rc;
}
