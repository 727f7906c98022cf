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
#include "lsm_tree.h"

#include <stdio.h>

/* ---- Verify ---------------------------------------------------------------------------------- */

/* It is read as if nothing were to be written. */
static int verify_manifest(const struct lsm_tree *tree, struct strata_error *err)
{
    struct strata_options options = *tree->env->options;
    struct strata_env env = *tree->env;
    struct manifest manifest;
    struct version *version;
    uint64_t torn;
    int rc;

    options.read_only = true;
    env.options = &options;
    rc = lsm_tree_read_version(&env, &manifest, &version, &torn, err);
    if (rc == 0 && !tree->path.failed && !version_same(version, tree->version))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, manifest.path, STRATA_NO_OFFSET,
                         "it is whole, but does not say what was written last");
    manifest_close(&manifest);
    version_unref(version);
    return rc;
}

/* It has its name, and what was written is in it. */
static int verify_log(const struct lsm_tree *tree, struct strata_error *err)
{
    struct tables known = lsm_tree_log_known(tree);
    struct fs_file *file;
    int rc = fs_open(tree->env->fs, tree->path.log.path, FS_READ, &file, err);

    if (rc < 0)
        return rc;
    fs_close(file, NULL);
    return log_verify(&tree->path.log, &known, tree->path.sequence, err);
}

int lsm_tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct lsm_tree_pinned p;
    int rc;

    group_enter(&tree->path.group);
    pthread_mutex_unlock(&tree->path.group.mutex); /* readers need not wait for files */
    rc = verify_manifest(tree, err);
    if (rc == 0)
        rc = verify_log(tree, err);
    pthread_mutex_lock(&tree->path.group.mutex);
    group_leave(&tree->path.group);
    lsm_tree_pin(tree, &p);
    for (size_t i = 0; rc == 0 && i <= p.version->count; i++) {
        if (progress)
            progress->tick(progress->arg, i + 1, p.version->count + 1);
        rc = i < p.version->count ? tree->kind->verify(p.version->all[i], err) : 0;
    }
    lsm_tree_unpin(&p);
    return rc;
}

/* An edit with all of the version makes it anew: all that an edit is checked for holds. */
int lsm_tree_check(struct lsm_tree *tree, struct strata_error *err)
{
    const struct version *v = tree->version;
    struct version *again = NULL;
    struct edit whole;
    int rc = version_tell(v, &whole, err);

    if (rc == 0)
        rc = version_apply(&again, &whole, NULL, 0, err);
    for (size_t i = 0; rc == 0 && i < v->count; i++)
        if (v->all[i]->obsolete)
            rc = sstable_corrupt(v->all[i], 0, "the version has it, and it is obsolete", err);
    if (rc == 0 && (!version_same(v, again) || v->next > tree->next ||
                    lsm_tree_entry(tree)->number != tree->path.log.number))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, tree->env->dir, 0, "the version is another");
    version_unref(again);
    edit_free(&whole);
    return rc < 0 ? rc : verify_manifest(tree, err);
}

int lsm_tree_check_memory(void *self, struct strata_error *err)
{
    struct lsm_tree *tree = self;
    const char *wrong = NULL;
    int rc;

    group_enter(&tree->path.group);
    pthread_mutex_unlock(&tree->path.group.mutex);
    rc = lsm_tree_check(tree, err);
    if (!memtable_check(tree->path.memtable))
        wrong = "the memtable";
    else if (!sstable_common_check(tree->kind, tree->common))
        wrong = "the block cache";
    pthread_mutex_lock(&tree->path.group.mutex);
    group_leave(&tree->path.group);
    return rc == 0 && wrong ? strata_fail(err, STRATA_ERR_CORRUPT, tree->env->dir, STRATA_NO_OFFSET,
                                          "%s in memory breaks its invariants", wrong)
                            : rc;
}

/* ---- Statistics ------------------------------------------------------------------------------ */

typedef void each_stat(void *arg, const struct strata_stat *stat);

static void tell_level(const struct version_level *l, const struct lsm_tree_figures *f,
                       unsigned level, each_stat *each, void *arg)
{
    const struct strata_stat stats[] = {
        {"files", "files", "tables of this level", l->count},
        {"bytes", "bytes", "in them", l->bytes},
        {"compactions", "compactions", "into it since open", f->levels[level].compactions},
        {"moves", "tables", "moved into it as they were", f->levels[level].moves},
        {"read", "bytes", "of tables that were compacted into it", f->levels[level].read_bytes},
        {"written", "bytes", "of tables that were made of them", f->levels[level].written_bytes},
    };

    for (size_t i = 0; i < (level ? sizeof stats / sizeof *stats : 2); i++) {
        struct strata_stat stat = stats[i];
        char name[40];
        snprintf(name, sizeof name, "level%u_%s", level, stat.name);
        stat.name = name;
        each(arg, &stat);
    }
}

/* In hundredths: 100 is none. */
static uint64_t ratio(uint64_t all, uint64_t part)
{
    return part ? (uint64_t)(100.0 * (double)all / (double)part + 0.5) : 0;
}

int lsm_tree_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err)
{
    struct lsm_tree *tree = self;
    struct lsm_tree_pinned p;
    struct lsm_tree_figures f;
    uint64_t gets = atomic_load_explicit(&tree->gets, memory_order_relaxed), asked, manifest;
    uint64_t all = 0, deepest = 0, written, memory;

    (void)err;
    lsm_tree_pin(tree, &p);
    pthread_mutex_lock(&tree->path.group.mutex);
    f = tree->stats;
    f.log_bytes += tree->path.log.end;
    memory = memtable_bytes(tree->path.memtable);
    manifest = f.manifest_bytes + tree->manifest.written;
    pthread_mutex_unlock(&tree->path.group.mutex);
    f.log_bytes += atomic_load_explicit(&tree->path.marker.bytes, memory_order_relaxed);
    asked = f.looked_in + atomic_load_explicit(&p.version->looked_in, memory_order_relaxed);
    written = f.log_bytes + manifest + f.table_bytes;
    for (unsigned level = 0; level < LEVELS; level++) {
        all += p.version->levels[level].bytes;
        deepest = p.version->levels[level].count ? p.version->levels[level].bytes : deepest;
    }
    const struct strata_stat stats[] = {
        {"sequence", "", "number of the next operation", p.sequence + 1},
        {"memtable_bytes", "bytes", "of memory in use by the memtable", memory},
        {"tables", "files", "sorted ones", p.version->count},
        {"table_files_bytes", "bytes", "in them", all},
        {"bytes_in", "bytes", "of keys and values written since open", f.bytes_in},
        {"flushes", "tables", "written from a memtable since open", f.flushes},
        {"flushed_bytes", "bytes", "in them", f.flushed_bytes},
        {"log_bytes", "bytes", "written to logs and TAIL since open", f.log_bytes},
        {"table_bytes", "bytes", "written to tables", f.table_bytes},
        {"manifest_bytes", "bytes", "written to manifests and CURRENT", manifest},
        {"written_bytes", "bytes", "all of these", written},
        {"write_amplification", "%", "written_bytes by bytes_in", ratio(written, f.bytes_in)},
        {"tables_asked", "tables", "by gets: those that may have the key", asked},
        {"read_amplification", "%", "tables_asked by gets", ratio(asked, gets)},
        {"space_amplification", "%", "all tables by the deepest level's: an estimate",
         ratio(all, deepest)},
        {"stalls", "writes", "delayed by a flush or compaction", f.stalls},
        {"stall_ns", "ns", "that they were delayed in all", f.stall_ns},
        {"stall_longest_ns", "ns", "that one of them was delayed", f.longest_ns},
        {"open_replayed", "bytes", "of log that opening read", tree->opened.end},
        {"open_dropped", "bytes", "of a torn tail that opening dropped", tree->opened.dropped},
    };
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    for (unsigned level = 0; level < LEVELS; level++)
        tell_level(&p.version->levels[level], &f, level, each, arg);
    lsm_tree_unpin(&p);
    if (tree->kind->stats)
        tree->kind->stats(tree->common, each, arg);
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

int lsm_tree_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                    void *arg, struct strata_error *err)
{
    struct lsm_tree_pinned pinned;

    (void)err;
    lsm_tree_pin(self, &pinned);
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < pinned.version->levels[level].count; i++) {
            const struct sstable *t = pinned.version->levels[level].tables[i];
            struct strata_table table = {.level = level,
                                         .number = t->number,
                                         .smallest = strata_buffer_slice(&t->smallest),
                                         .largest = strata_buffer_slice(&t->largest),
                                         .bytes = t->bytes,
                                         .records = t->sum.records,
                                         .tombstones = t->sum.tombstones};
            each(arg, &table);
        }
    lsm_tree_unpin(&pinned);
    return 0;
}
