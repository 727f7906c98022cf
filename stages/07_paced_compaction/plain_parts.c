/* plain_parts.c: see plain_parts.h. */
#include "plain_parts.h"
#include "04_memtable_sstable/iter/merge_iter.h"
#include "05_blocks_bloom/table/table.h"
#include "06_leveled_compaction/version/level_iter.h"

#include <stdlib.h>

/* A cursor for each source. What is on a level is newer than what is below it, whatever sequence
 * numbers its tables were made with: each run gets one number, its age, and the memtables' are
 * larger, as every table has at least one operation before theirs. */
int plain_merge(const struct version *version, const struct tree_sources *of, struct cursor **out,
                struct strata_error *err)
{
    size_t count = of->newer_count + of->run_count;
    struct cursor **sources = malloc((count + 1) * sizeof *sources);
    int rc;

    (void)version;
    *out = NULL;
    for (size_t i = 0; i < of->newer_count; i++) {
        if (sources)
            sources[i] = of->newer[i];
        else if (of->newer[i])
            cursor_free(of->newer[i]);
    }
    if (!sources)
        return strata_fail_memory(err, (count + 1) * sizeof *sources);
    for (size_t i = 0; i < of->run_count; i++)
        sources[of->newer_count + i] = level_iter_new(&of->runs[i], of->run_count - i, of->once);
    rc = merge_iter_new(sources, count, of->tombstones, out, err);
    free(sources);
    return rc;
}

const struct tree_parts plain_parts = {
    .table = &table_kind,
    .memtable = &memtable_skip,
    .merge = plain_merge,
    .get = version_get,
};
