/* snapshot_tree.c: see snapshot_tree.h.
 *
 * 10.I7: the number of a snapshot is taken, and put into the list, with the lock under which a
 *        flush or compaction reads the list as it begins. So a list without it was read before it
 *        was taken, and all that such work can drop is older than another version that it sees. */
#include "snapshot_tree.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/log/group_delay.h"
#include "09_fast_paths/log/single_op_log.h"
#include "09_fast_paths/memtable/bptree.h"
#include "10_concurrency/snapshot/chain.h"
#include "10_concurrency/snapshot/keep.h"
#include "10_concurrency/snapshot/read_at.h"
#include "10_concurrency/table/chain_table.h"

#include <stdlib.h>

/* ---- Snapshots ------------------------------------------------------------------------------- */

int snapshot_take(void *self, void **out, struct strata_error *err)
{
    struct snapshot_tree *t = self;
    struct snapshot *snapshot = malloc(sizeof *snapshot);

    if (!snapshot)
        return strata_fail_memory(err, sizeof *snapshot);
    sync_lock(&t->tree.reading);
    snapshots_add(&t->snapshots, snapshot, t->tree.path.sequence - 1);
    sync_unlock(&t->tree.reading);
    *out = snapshot;
    return 0;
}

void snapshot_release(void *self, void *snapshot)
{
    struct snapshot_tree *t = self;

    sync_lock(&t->tree.reading);
    snapshots_remove(&t->snapshots, snapshot);
    sync_unlock(&t->tree.reading);
    free(snapshot);
}

static uint64_t oldest(struct snapshot_tree *t)
{
    uint64_t number;

    sync_lock(&t->tree.reading);
    number = snapshots_oldest(&t->snapshots);
    sync_unlock(&t->tree.reading);
    return number;
}

/* ---- What goes on ---------------------------------------------------------------------------- */

static bool is_coded(const struct sstable *table)
{
    return pax_table_of(table)->coded;
}

static bool any_is_coded(const struct level_merge *of)
{
    for (size_t i = 0; i < of->run_count; i++)
        if (run_is_coded(&of->runs[i]))
            return true;
    return false;
}

/* `of`: NULL of a flush. */
static int open_all_versions(struct compaction *c, const struct level_merge *of,
                             struct cursor **from, struct strata_error *err)
{
    if (of)
        return read_all_versions(of, from, err);
    *from = c->memtable->kind->versions(c->memtable->self);
    return *from ? 0 : strata_fail_memory(err, sizeof **from);
}

static int open_newest(struct compaction *c, const struct level_merge *of, struct strata_error *err)
{
    if (of)
        return fast_merge(of, &c->from, err);
    c->from = memtable_cursor(c->memtable, UINT64_MAX);
    return c->from ? 0 : strata_fail_memory(err, sizeof *c->from);
}

/* Where no snapshot tells versions apart, and none is left of earlier ones, it is stage 9's work:
 * what is stored without a number every snapshot sees (10.I1). */
static int keep(struct compaction *c, const struct level_merge *of, struct strata_error *err)
{
    struct snapshot_tree *t = c->of.keeper;
    struct cursor *from;
    uint64_t *numbers;
    size_t count;
    int rc;

    sync_lock(&t->tree.reading); /* 10.I6, 10.I7 */
    rc = snapshots_copy(&t->snapshots, &numbers, &count, err);
    sync_unlock(&t->tree.reading);
    if (rc < 0)
        return rc;
    if (of ? !any_is_coded(of) : !count || c->last <= numbers[0]) {
        free(numbers);
        return open_newest(c, of, err);
    }
    rc = open_all_versions(c, of, &from, err);
    if (rc < 0) {
        free(numbers);
        return rc;
    }
    c->from = keep_new(c, from, numbers, count);
    return c->from ? 0 : strata_fail_memory(err, sizeof *c->from);
}

/* A table that has versions for snapshots which are gone is rewritten. */
static bool may_move(struct tree *tree, const struct pick *pick)
{
    uint64_t needed = oldest((struct snapshot_tree *)tree);

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < pick->inputs[level].count; i++) {
            const struct sstable *table = pick->inputs[level].tables[i];
            if (is_coded(table) && table->sum.last <= needed)
                return false;
        }
    return true;
}

/* ---- The parts ------------------------------------------------------------------------------- */

const struct tree_parts snapshot_parts = {
    .tree_bytes = sizeof(struct snapshot_tree),
    .table = &chain_table_kind,
    .memtable = &memtable_bptree,
    .memory_new = fast_memory_new,
    .memory_free = fast_memory_free,
    .merge = read_at_merge,
    .get = fast_get,
    .tables_asked = fast_tables_asked,
    .index = version_index_new,
    .open = pax_table_open_later,
    .properties = fast_note_lineage,
    .keep = keep,
    .may_move = may_move,
    .log = &single_op_log,
    .deferred_recovery = true,
    .delay = group_delay_new,
};

/* ---- Statistics ------------------------------------------------------------------------------ */

static uint64_t coded_bytes(struct tree *tree)
{
    uint64_t sequence, bytes = 0;
    struct super *super = tree_pin(tree, 0, &sequence);
    const struct version *v = super->version;

    for (size_t i = 0; i < v->count; i++)
        bytes += is_coded(v->all[i]) ? v->all[i]->bytes : 0;
    super_unref(super);
    return bytes;
}

int snapshot_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err)
{
    struct snapshot_tree *t = self;
    int rc = tree_report_stats(self, each, arg, err);
    uint64_t bytes = coded_bytes(&t->tree), number, count;

    sync_lock(&t->tree.reading);
    number = snapshots_oldest(&t->snapshots);
    count = t->snapshots.count;
    sync_unlock(&t->tree.reading);
    const struct strata_stat stats[] = {
        {"snapshots", "", "that exist now", count},
        {"snapshot_oldest", "", "number of the last operation that the oldest one sees; 0: none",
         count ? number : 0},
        {"snapshot_bytes", "bytes", "of tables that keep several versions of a key", bytes},
    };
    for (size_t i = 0; rc == 0 && i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    return rc;
}
