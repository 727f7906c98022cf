/* fast_parts.c: see fast_parts.h. */
#include "fast_parts.h"
#include "07_paced_compaction/tree/tree.h"
#include "08_backup_repair/lineage/lineage_notes.h"
#include "09_fast_paths/memtable/arena_pool.h"
#include "09_fast_paths/memtable/bptree.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "09_fast_paths/log/single_op_log.h"
#include "09_fast_paths/log/group_delay.h"

#include <stdlib.h>

/* One source that hides nothing needs no merge. */
static bool is_one_run(const struct level_merge *of)
{
    return of->newer_count == 0 && of->run_count == 1 && !of->once && of->version->tombstones == 0;
}

int fast_merge(const struct level_merge *of, struct cursor **out, struct strata_error *err)
{
    const struct version *version = of->version;
    struct fast_run *runs = malloc((of->run_count + 1) * sizeof *runs);
    struct merge_sources sources = {.newer_count = of->newer_count,
                                    .runs = runs,
                                    .run_count = of->run_count,
                                    .prefix = version_index(version)->prefix,
                                    .once = of->once,
                                    .tombstones = of->tombstones};
    int rc = 0;

    if (!runs)
        return strata_fail_memory(err, (of->run_count + 1) * sizeof *runs);
    for (size_t i = 0; i < of->newer_count; i++)
        sources.newer[i] = memtable_cursor(of->newer[i], of->sequence);
    for (size_t i = 0; i < of->run_count; i++)
        runs[i] = version_index_run(version, &of->runs[i]);
    if (!is_one_run(of))
        rc = merge_runs_new(&sources, out, err);
    else if (!(*out = run_cursor_new(runs, sources.prefix, false)))
        rc = strata_fail_memory(err, sizeof(struct run_cursor));
    free(runs);
    return rc;
}

uint64_t fast_tables_asked(const void *common)
{
    const struct pax_table_common *c = common;
    return striped_sum(&c->counts, PAX_TABLE_FILTERED) +
           striped_sum(&c->counts, PAX_TABLE_SEARCHED);
}

/* While `reading` is held nobody begins to. A reader that has dropped its reference did all of its
 * reading before. */
bool fast_is_read(struct tree *tree)
{
    struct super *super;
    bool is_read;

    sync_lock(&tree->reading);
    super = tree->super;
    is_read = atomic_load_explicit(&super->refs, memory_order_acquire) > 1 ||
              atomic_load_explicit(&super->memtable->refs, memory_order_acquire) > 1;
    sync_unlock(&tree->reading);
    return is_read;
}

/* Where there are no readers now, those that begin later find nothing of what was replaced until
 * now: its memory is used again. */
static void recycle(struct tree *tree)
{
    if (!fast_is_read(tree))
        memtable_recycle_all(tree->path.memtable);
}

const struct tree_parts fast_parts = {
    .table = &pax_table_kind,
    .memtable = &memtable_bptree,
    .memory_new = arena_pool_new,
    .memory_free = arena_pool_del,
    .merge = fast_merge,
    .get = fast_get,
    .tables_asked = fast_tables_asked,
    .index = version_index_new,
    .open = pax_table_open_later,
    .properties = lineage_notes,
    .committed = recycle,
    .log = &single_op_log,
    .deferred_recovery = true,
    .delay = group_delay_new,
};
