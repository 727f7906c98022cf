/* lsm_tree_report.c: verify, statistics, the list of tables.
 *
 * Verify reads everything that is relied on again, from the files that have the names now: the
 * manifest, which says the version that is in memory, and whose edits are checked
 * (version_builder.c); the log; every table. */
#include "lsm_tree.h"

/* ---- Verify ---------------------------------------------------------------------------------- */

int lsm_tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct lsm_tree_pinned p;
    int rc;

    group_enter(&tree->path.group);
    sync_unlock(&tree->path.group.mutex); /* readers need not wait for files */
    rc = version_set_verify(&tree->versions, err);
    if (rc == 0)
        rc = log_verify(&tree->path.log, lsm_tree_entry(tree), tree->path.sequence, err);
    sync_lock(&tree->path.group.mutex);
    group_leave(&tree->path.group);
    lsm_tree_pin(tree, &p);
    if (rc == 0)
        rc = sstable_verify_all(p.version->all, p.version->count, progress, err);
    lsm_tree_unpin(&p);
    return rc;
}

int lsm_tree_check(void *self, struct strata_error *err)
{
    struct lsm_tree *tree = self;
    const struct version *v = tree->versions.current;
    const char *wrong = NULL;
    int rc;

    group_enter(&tree->path.group);
    sync_unlock(&tree->path.group.mutex);
    rc = version_check(v, err);
    for (size_t i = 0; rc == 0 && i < v->count; i++)
        if (v->all[i]->obsolete)
            rc = sstable_corrupt(v->all[i], 0, "the version has it, and it is obsolete", err);
    if (rc == 0)
        rc = version_set_verify(&tree->versions, err);
    if (v->next > tree->versions.next || lsm_tree_entry(tree)->number != tree->path.log.number)
        wrong = "the version";
    else if (!memtable_check(tree->path.memtable))
        wrong = "the memtable";
    else if (!sstable_common_check(tree->work.kind, tree->work.common))
        wrong = "the block cache";
    sync_lock(&tree->path.group.mutex);
    group_leave(&tree->path.group);
    return rc == 0 && wrong ? strata_fail(err, STRATA_ERR_CORRUPT, tree->env->dir, STRATA_NO_OFFSET,
                                          "%s in memory breaks its invariants", wrong)
                            : rc;
}

/* ---- Statistics ------------------------------------------------------------------------------ */

int lsm_tree_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct lsm_tree_pinned p;
    struct version_figures f;
    uint64_t memory;

    (void)err;
    lsm_tree_pin(tree, &p);
    sync_lock(&tree->path.group.mutex);
    f = tree->figures;
    f.log_bytes += tree->path.log.end;
    f.looked_in += atomic_load_explicit(&tree->versions.current->looked_in, memory_order_relaxed);
    memory = memtable_bytes(tree->path.memtable);
    const struct strata_stat stats[] = {
        {"sequence", "", "number of the next operation", p.sequence + 1},
        {"memtable_bytes", "bytes", "of memory in use by the memtable", memory},
        {"stalls", "writes", "delayed by a flush or compaction", tree->stalls},
        {"open_replayed", "bytes", "of log that opening read", tree->opened.end},
        {"open_dropped", "bytes", "of a torn tail that opening dropped", tree->opened.dropped},
    };
    sync_unlock(&tree->path.group.mutex);
    f.log_bytes += atomic_load_explicit(&tree->path.marker.bytes, memory_order_relaxed);
    f.manifest_bytes = atomic_load_explicit(&tree->versions.written, memory_order_relaxed);
    f.gets = atomic_load_explicit(&tree->gets, memory_order_relaxed);
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    version_report(p.version, &f, each, arg);
    lsm_tree_unpin(&p);
    tree->work.kind->stats(tree->work.common, each, arg);
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

int lsm_tree_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                    void *arg, struct strata_error *err)
{
    struct lsm_tree_pinned pinned;

    (void)err;
    lsm_tree_pin(self, &pinned);
    version_report_tables(pinned.version, each, arg);
    lsm_tree_unpin(&pinned);
    return 0;
}
