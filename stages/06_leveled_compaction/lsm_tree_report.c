/* lsm_tree_report.c: verify, statistics, the list of tables.
 *
 * Verify reads everything that is relied on again: the manifest, which says the state that is in
 * memory, and whose every edit is checked (version_apply.c); the log; every table; and whether the
 * files that the manifest names are there.
 *
 *   write amplification   bytes that were written, by the bytes of keys and values that came in
 *   read amplification    tables that a get had to search, whose range has the key
 *   space amplification   bytes of all tables by those of the deepest level that has any, as if
 *                         everything above it replaced something there: an estimate */
#include "lsm_tree_report.h"

#include <stdio.h>

/* ---- Verify ---------------------------------------------------------------------------------- */

static int verify_tables(struct lsm_tree *tree, const struct strata_progress *progress,
                         struct strata_error *err)
{
    struct memtable *memtable;
    struct version *v;
    uint64_t sequence;
    int rc = 0;

    lsm_tree_pin(tree, &memtable, &v, &sequence);
    for (size_t i = 0; rc == 0 && i <= v->count; i++) {
        if (progress)
            progress->tick(progress->arg, i + 1, v->count + 1);
        rc = i < v->count ? tree->kind->verify(v->all[i], err) : 0;
    }
    memtable_unref(memtable);
    version_unref(v);
    return rc;
}

int lsm_tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct tables known;
    int rc;

    group_enter(&tree->group);
    pthread_mutex_unlock(&tree->group.mutex); /* readers need not wait for files */
    known = lsm_tree_log_known(tree);
    rc = lsm_tree_check_manifest(tree, err);
    if (rc == 0)
        rc = lsm_tree_check_files(tree, err);
    if (rc == 0)
        rc = log_verify(&tree->log, &known, tree->sequence, err);
    pthread_mutex_lock(&tree->group.mutex);
    group_leave(&tree->group);
    return rc < 0 ? rc : verify_tables(tree, progress, err);
}

/* ---- Statistics ------------------------------------------------------------------------------ */

typedef void each_stat(void *arg, const struct strata_stat *stat);

/* What is reported at one time. */
struct report {
    struct version *version;
    struct lsm_tree_figures figures;
    uint64_t gets, sequence, commits, groups, memtable_bytes, manifest_bytes;
    each_stat *each;
    void *arg;
};

static void report(const struct report *r, const char *name, const char *unit, const char *help,
                   uint64_t value)
{
    struct strata_stat stat = {name, unit, help, value};
    r->each(r->arg, &stat);
}

static void report_of_level(const struct report *r, unsigned level, const char *what,
                            const char *unit, const char *help, uint64_t value)
{
    char name[40];

    snprintf(name, sizeof name, "level%u_%s", level, what);
    report(r, name, unit, help, value);
}

static void report_level(const struct report *r, const struct strata_options *options,
                         unsigned level)
{
    const struct version_level *l = &r->version->levels[level];
    const struct lsm_tree_figures *f = &r->figures;

    report_of_level(r, level, "files", "files", "tables of this level", l->count);
    report_of_level(r, level, "bytes", "bytes", "in them", l->bytes);
    if (level == 0)
        return;
    if (level + 1 < LEVELS)
        report_of_level(r, level, "target", "bytes", "above which it is compacted",
                        pick_target(options, level));
    report_of_level(r, level, "compactions", "compactions", "into it since open",
                    f->levels[level].compactions);
    report_of_level(r, level, "moves", "tables", "moved into it as they were",
                    f->levels[level].moves);
    report_of_level(r, level, "read", "bytes", "of tables that were compacted into it",
                    f->levels[level].read_bytes);
    report_of_level(r, level, "written", "bytes", "of tables that were made of them",
                    f->levels[level].written_bytes);
}

/* In hundredths: 100 is none. */
static uint64_t ratio(uint64_t all, uint64_t part)
{
    return part ? (uint64_t)(100.0 * (double)all / (double)part + 0.5) : 0;
}

static void report_amplification(const struct report *r)
{
    const struct lsm_tree_figures *f = &r->figures;
    uint64_t written = f->log_bytes + f->manifest_bytes + r->manifest_bytes + f->table_bytes;
    uint64_t all = 0, deepest = 0;

    for (unsigned level = 0; level < LEVELS; level++) {
        all += r->version->levels[level].bytes;
        if (r->version->levels[level].count)
            deepest = r->version->levels[level].bytes;
    }
    report(r, "log_bytes", "bytes", "written to logs and TAIL since open", f->log_bytes);
    report(r, "table_bytes", "bytes", "written to tables", f->table_bytes);
    report(r, "manifest_bytes", "bytes", "written to manifests and CURRENT",
           f->manifest_bytes + r->manifest_bytes);
    report(r, "written_bytes", "bytes", "all of these", written);
    report(r, "write_amplification", "%", "written_bytes by bytes_in", ratio(written, f->bytes_in));
    report(r, "tables_asked", "tables", "by gets: those that may have the key", f->looked_in);
    report(r, "read_amplification", "%", "tables_asked by gets", ratio(f->looked_in, r->gets));
    report(r, "table_files_bytes", "bytes", "of all tables", all);
    report(r, "space_amplification", "%", "of them by the deepest level's: an estimate",
           ratio(all, deepest));
}

static void capture(struct lsm_tree *tree, struct report *r)
{
    pthread_mutex_lock(&tree->group.mutex);
    r->version = tree->version;
    version_ref(r->version);
    r->figures = tree->stats;
    r->figures.looked_in += atomic_load_explicit(&tree->version->looked_in, memory_order_relaxed);
    r->figures.log_bytes += atomic_load_explicit(&tree->marker.bytes, memory_order_relaxed);
    r->gets = atomic_load_explicit(&tree->gets, memory_order_relaxed);
    r->sequence = tree->sequence;
    r->commits = tree->group.commits;
    r->groups = tree->group.leads;
    r->memtable_bytes = memtable_bytes(tree->memtable);
    r->manifest_bytes = tree->manifest.written;
    pthread_mutex_unlock(&tree->group.mutex);
}

int lsm_tree_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct report r = {.each = each, .arg = arg};
    const struct lsm_tree_figures *f = &r.figures;
    uint64_t records = 0;

    (void)err;
    capture(tree, &r);
    for (size_t i = 0; i < r.version->count; i++)
        records += r.version->all[i]->sum.records;
    report(&r, "sequence", "", "number of the next operation", r.sequence);
    report(&r, "commits", "batches", "committed since open", r.commits);
    report(&r, "groups", "groups", "appends that they were gathered into", r.groups);
    report(&r, "memtable_bytes", "bytes", "of memory in use by the memtable", r.memtable_bytes);
    report(&r, "tables", "files", "sorted ones", r.version->count);
    report(&r, "table_records", "records", "in them", records);
    report(&r, "bytes_in", "bytes", "of keys and values written since open", f->bytes_in);
    report(&r, "flushes", "tables", "written from a memtable since open", f->flushes);
    report(&r, "flushed_bytes", "bytes", "in them", f->flushed_bytes);
    for (unsigned level = 0; level < LEVELS; level++)
        report_level(&r, tree->env->options, level);
    report_amplification(&r);
    report(&r, "stalls", "writes", "delayed by a flush or compaction", f->stalls);
    report(&r, "stall_ns", "ns", "that they were delayed in all", f->stall_ns);
    report(&r, "stall_longest_ns", "ns", "that one of them was delayed", f->longest_ns);
    report(&r, "open_replayed", "bytes", "of log that opening read", tree->opened.end);
    report(&r, "open_dropped", "bytes", "of a torn tail that opening dropped",
           tree->opened.dropped);
    version_unref(r.version);
    if (tree->kind->stats)
        tree->kind->stats(tree->common, each, arg);
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

int lsm_tree_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                    void *arg, struct strata_error *err)
{
    struct memtable *memtable;
    struct version *version;
    uint64_t sequence;

    (void)err;
    lsm_tree_pin(self, &memtable, &version, &sequence);
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < version->levels[level].count; i++) {
            const struct sstable *t = version->levels[level].tables[i];
            struct strata_table table = {.level = level,
                                         .number = t->number,
                                         .smallest = strata_buffer_slice(&t->smallest),
                                         .largest = strata_buffer_slice(&t->largest),
                                         .bytes = t->bytes,
                                         .records = t->sum.records,
                                         .tombstones = t->sum.tombstones};
            each(arg, &table);
        }
    memtable_unref(memtable);
    version_unref(version);
    return 0;
}
