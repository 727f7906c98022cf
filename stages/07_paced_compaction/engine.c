/* engine.c: stage 7, paced compaction.
 *
 * How does no write pay for all the others? In stage 6 the writer whose memtable is full waits for
 * the flush, and for every compaction that is due. Here a full memtable becomes immutable, and a
 * new one takes its place at once; flush and compactions go in small steps, and each write does its
 * quota of the debt (compaction/pace.c), so that it is paid when it must be, and evenly.
 *
 *     open    manifest -> tables, logs -> memtable              tree/tree_open.c
 *     write   quota of work -> log -> (sync) -> memtable        tree/tree_engine.c
 *     read    memtable -> immutable memtable -> tables          tree/tree_engine.c
 *
 * Later stages hand other parts to the same tree, so what it does for an engine is not here but in
 * these files; an engine.c from here on has the parts, and what its stage adds.
 *
 * Any thread may call anything. Two mutexes: the group's is held to write, as in stage 4; a reader
 * takes a reference to what there is under another one, which a writer holds for some instructions,
 * to publish what it has done. So a get never waits for a write that is logged meanwhile. */
#include "05_blocks_bloom/table/table.h"
#include "tree/tree_engine.h"

/* ---- The parts, and opening ------------------------------------------------------------------ */

static const struct tree_parts parts = {
    .table = &table_kind,
    .memtable = &memtable_skip,
    .merge = level_merge_new,
    .get = version_get,
};

static int paced_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &parts, self, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &wal_format,  &table_format, &manifest_format, &current_format, &events_format,
    &tail_format, NULL};

const struct strata_engine strata_stage_07_paced_compaction = {
    TREE_ENGINE,
    .stage = 7,
    .name = "07_paced_compaction",
    .promises = TREE_PROMISES,
    .formats = formats,
    .open = paced_open,
    .open_unsynced = paced_open,
    .get = tree_get,
    .iter = tree_iter,
    .write = tree_write,
    .stats = tree_report_stats,
};
