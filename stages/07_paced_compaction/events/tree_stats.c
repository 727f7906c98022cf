/* tree_report_stats.c: figures of a tree, and its tables.
 *
 * The bytes that were written are counted where they are written, by what they are for. Together
 * they are what the file layer counts, but for the marker, which is common's; the operating system
 * counts the same (wchar of /proc/self/io), but for a log that is written by a mapping (FS_MAPPED),
 * and for the zeros that a log's room is filled with where it is not (fs_window_fill).
 *
 *   write amplification   those bytes by the bytes of keys and values that came in
 *   read amplification    tables that a get had to ask: whose range has the key, until it was
 * found; a filter may have answered for one. Blocks that were read: cache_misses space
 * amplification   bytes of all tables by those of the deepest level that has any, as if all that is
 * above it replaced something there: an estimate, too large for keys that are new, too small where
 * much was deleted. Right after a full compaction it is 1. To know it better all would have to be
 * read */
#include "07_paced_compaction/leveled.h"

#include <stdio.h>

typedef void each_stat(void *arg, const struct strata_stat *stat);

static void tell(each_stat *each, void *arg, const char *name, const char *unit, const char *help,
                 uint64_t value)
{
    struct strata_stat stat = {name, unit, help, value};
    each(arg, &stat);
}

static void tell_of_level(each_stat *each, void *arg, unsigned level, const char *what,
                          const char *unit, const char *help, uint64_t value)
{
    char name[40];

    snprintf(name, sizeof name, "level%u_%s", level, what);
    tell(each, arg, name, unit, help, value);
}

static uint64_t packed_of(const struct tree_parts *parts, const struct version_level *l)
{
    uint64_t packed = 0;

    for (size_t i = 0; i < l->count; i++)
        packed += parts->is_compressed && parts->is_compressed(l->tables[i]);
    return packed;
}

/* What levels may have; tiers have no levels. */
static void tell_targets(const struct version *v, const struct strata_options *options,
                         each_stat *each, void *arg)
{
    struct policy_targets shape;

    if (options->compaction == STRATA_COMPACTION_TIERED)
        return;
    policy_targets(v, options, &shape);
    tell(each, arg, "base_level", "", "where tables of level 0 go", shape.base);
    for (unsigned level = shape.base; level + 1 < LEVELS; level++)
        tell_of_level(each, arg, level, "target", "bytes", "from which on some of it goes down",
                      shape.target[level]);
}

static void tell_level(const struct tree_parts *parts, const struct version *v,
                       const struct tree_stats *stats, unsigned level, each_stat *each, void *arg)
{
    const struct version_level *l = &v->levels[level];

    tell_of_level(each, arg, level, "files", "files", "tables of this level", l->count);
    tell_of_level(each, arg, level, "bytes", "bytes", "in them", l->bytes);
    tell_of_level(each, arg, level, "packed", "files", "of them whose blocks are packed",
                  packed_of(parts, l));
    tell_of_level(each, arg, level, "compactions", "compactions", "into it since open",
                  stats->levels[level].compactions);
    if (level)
        tell_of_level(each, arg, level, "moves", "tables", "that went there as they were",
                      stats->levels[level].moves);
    tell_of_level(each, arg, level, "read", "bytes", "of tables that were compacted into it",
                  stats->levels[level].read_bytes);
    tell_of_level(each, arg, level, "written", "bytes", "of tables that were made of them",
                  stats->levels[level].written_bytes);
}

static uint64_t records_of(const struct version *v)
{
    uint64_t records = 0;

    for (size_t i = 0; i < v->count; i++)
        records += v->all[i]->sum.records;
    return records;
}

/* In hundredths: 100 is none. */
static uint64_t share_of(uint64_t all, uint64_t part)
{
    return part ? (uint64_t)(100.0 * (double)all / (double)part + 0.5) : 0;
}

static void tell_written(const struct tree_stats *f, uint64_t manifest, uint64_t events,
                         each_stat *each, void *arg)
{
    uint64_t all = f->log_bytes + f->manifest_bytes + manifest + f->table_bytes + events;

    tell(each, arg, "log_bytes", "bytes", "written to logs and TAIL since open", f->log_bytes);
    tell(each, arg, "table_bytes", "bytes", "to tables, those that were given up too",
         f->table_bytes);
    tell(each, arg, "manifest_bytes", "bytes", "to manifests and CURRENT",
         f->manifest_bytes + manifest);
    tell(each, arg, "event_bytes", "bytes", "to the event log", events);
    tell(each, arg, "written_bytes", "bytes", "all of these", all);
    tell(each, arg, "write_amplification", "%", "written_bytes by bytes_in",
         share_of(all, f->bytes_in));
}

static void tell_read(const struct tree_stats *f, uint64_t gets, uint64_t filtered, each_stat *each,
                      void *arg)
{
    uint64_t asked = f->looked_in + filtered;

    tell(each, arg, "tables_asked", "tables", "by them: those that may have the key", asked);
    tell(each, arg, "read_amplification", "%", "tables_asked by gets", share_of(asked, gets));
}

static void tell_space(const struct version *v, each_stat *each, void *arg)
{
    uint64_t all = 0, deepest = 0;

    for (unsigned level = 0; level < LEVELS; level++) {
        all += v->levels[level].bytes;
        deepest = v->levels[level].count ? v->levels[level].bytes : deepest;
    }
    tell(each, arg, "table_files_bytes", "bytes", "of all tables", all);
    tell(each, arg, "space_amplification", "%", "of them by the deepest level's: an estimate",
         share_of(all, deepest));
}

static void tell_stalls(const struct tree_stats *f, each_stat *each, void *arg)
{
    tell(each, arg, "stalls", "writes", "that did some of the work", f->stalls);
    tell(each, arg, "stall_ns", "ns", "that they took for it", f->stall_ns);
    tell(each, arg, "stall_longest_ns", "ns", "that one of them took", f->longest_ns);
    tell(each, arg, "stalls_1ms", "writes", "that took 1 ms or longer for it", f->stalled[0]);
    tell(each, arg, "stalls_10ms", "writes", "10 ms or longer", f->stalled[1]);
    tell(each, arg, "stalls_100ms", "writes", "100 ms or longer", f->stalled[2]);
}

int tree_report_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                      void *arg, struct strata_error *err)
{
    struct tree *tree = self;
    struct tree_stats stats;
    struct super *super;
    uint64_t sequence, gets, commits, groups, memory, quarantined, manifest, events;

    (void)err;
    super = tree_pin(tree, &sequence);
    pthread_mutex_lock(&tree->reading);
    gets = tree->gets;
    pthread_mutex_unlock(&tree->reading);
    pthread_mutex_lock(&tree->group.mutex);
    stats = tree->stats;
    commits = tree->group.commits;
    groups = tree->group.leads;
    memory = memtable_bytes(tree->super->memtable);
    stats.looked_in += atomic_load_explicit(&tree->super->version->looked_in, memory_order_relaxed);
    stats.log_bytes += atomic_load_explicit(&tree->marker.bytes, memory_order_relaxed);
    manifest = tree->manifest.written;
    events = tree->events.written;
    quarantined = tree->quarantined.count;
    pthread_mutex_unlock(&tree->group.mutex);
    tell(each, arg, "sequence", "", "number of the next operation", sequence + 1);
    tell(each, arg, "commits", "batches", "committed since open", commits);
    tell(each, arg, "groups", "groups", "appends that they were gathered into", groups);
    tell(each, arg, "memtable_bytes", "bytes", "of memory in use by the memtable", memory);
    tell(each, arg, "sealed_bytes", "bytes", "of the one that is being flushed",
         super->immutable ? memtable_bytes(super->immutable) : 0);
    tell(each, arg, "tables", "files", "sorted ones", super->version->count);
    tell(each, arg, "table_records", "records", "in them", records_of(super->version));
    tell(each, arg, "bytes_in", "bytes", "of keys and values written since open", stats.bytes_in);
    tell(each, arg, "flushes", "tables", "written from a memtable since open", stats.flushes);
    tell(each, arg, "flushed_bytes", "bytes", "in them", stats.flushed_bytes);
    tell(each, arg, "tables_left_alone", "files", "that a compaction could not read", quarantined);
    for (unsigned level = 0; level < LEVELS; level++)
        tell_level(tree->parts, super->version, &stats, level, each, arg);
    tell_targets(super->version, tree->env->options, each, arg);
    tell_written(&stats, manifest, events, each, arg);
    tell_read(&stats, gets, tree->parts->filtered ? tree->parts->filtered(tree->common) : 0, each,
              arg);
    tell_space(super->version, each, arg);
    tell_stalls(&stats, each, arg);
    tell(each, arg, "open_replayed", "bytes", "of log that opening read", tree->opened.end);
    tell(each, arg, "open_dropped", "bytes", "of a torn tail that opening dropped",
         tree->opened.dropped);
    super_unref(super);
    if (tree->kind->stats)
        tree->kind->stats(tree->common, each, arg);
    return 0;
}

int tree_report_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                       void *arg, struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = tree_pin(self, &sequence);

    (void)err;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < super->version->levels[level].count; i++) {
            const struct sstable *t = super->version->levels[level].tables[i];
            struct strata_table table = {.level = level,
                                         .number = t->number,
                                         .smallest = strata_buffer_slice(&t->smallest),
                                         .largest = strata_buffer_slice(&t->largest),
                                         .bytes = t->bytes,
                                         .records = t->sum.records,
                                         .tombstones = t->sum.tombstones};
            each(arg, &table);
        }
    super_unref(super);
    return 0;
}

int tree_approximate_size(void *self, struct strata_slice from, struct strata_slice to,
                          uint64_t *bytes, struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = tree_pin(self, &sequence);
    struct version *version = super->version;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < version->count; i++)
        rc = sstable_add_size(version->all[i], from, to, bytes, err);
    super_unref(super);
    return rc;
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* All of them, as they are when nobody writes. */
static int take_events(struct tree *tree, struct strata_buffer *lines, struct strata_error *err)
{
    int rc;

    group_enter(&tree->group);
    pthread_mutex_unlock(&tree->group.mutex);
    rc = events_read(tree->env, lines, err);
    pthread_mutex_lock(&tree->group.mutex);
    group_leave(&tree->group);
    return rc;
}

int tree_report_events(void *self, void (*each)(void *arg, const struct strata_event *event),
                       void *arg, struct strata_error *err)
{
    struct strata_buffer lines = {0}, keys = {0};
    struct strata_slice rest, line;
    struct strata_event event;
    int rc = take_events(self, &lines, err);

    rest = strata_buffer_slice(&lines);
    while (rc == 0 && events_next_line(&rest, &line)) {
        if (events_decode(line, &event, &keys) < 0)
            rc = strata_fail_memory(err, line.size);
        else
            each(arg, &event);
    }
    strata_buffer_free(&lines);
    strata_buffer_free(&keys);
    return rc;
}
