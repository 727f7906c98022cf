/* tree_report.c: figures of a tree, its tables and its events.
 *
 * Bytes are counted where they are written, by what they are for. Together they are what the file
 * layer counts, but for the marker, which is common's; the operating system counts the same (wchar
 * of /proc/self/io), but for a log that is written by a mapping (FS_MAPPED), and for the zeros that
 * a log's room is filled with where it is not (fs_window_fill).
 *
 *   write amplification   those bytes by the bytes of keys and values that came in
 *   read amplification    tables whose range has the key that a get looked at, until it was found;
 *                         a filter may have answered for one. Blocks read: cache_misses
 *   space amplification   bytes of all tables by those of the deepest level that has any, as if
 *                         everything above replaced something there: an estimate, too large for new
 *                         keys, too small where much was deleted. Right after a full compaction: 1
 */
#include "07_paced_compaction/tree/tree.h"

#include <stdio.h>

/* The caller of a report. */
struct to {
    void (*each)(void *arg, const struct strata_stat *stat);
    void *arg;
};

static void tell(struct to to, const char *name, const char *unit, const char *help, uint64_t value)
{
    struct strata_stat stat = {name, unit, help, value};
    to.each(to.arg, &stat);
}

static void tell_of_level(struct to to, unsigned level, const char *what, const char *unit,
                          const char *help, uint64_t value)
{
    char name[40];

    snprintf(name, sizeof name, "level%u_%s", level, what);
    tell(to, name, unit, help, value);
}

/* ---- Figures --------------------------------------------------------------------------------- */

static void tell_level(struct to to, const struct version *v, const struct tree_stats *s,
                       unsigned level)
{
    const struct version_level *l = &v->levels[level];

    tell_of_level(to, level, "files", "files", "tables of this level", l->count);
    tell_of_level(to, level, "bytes", "bytes", "in them", l->bytes);
    tell_of_level(to, level, "compactions", "compactions", "into it since open",
                  s->levels[level].compactions);
    if (level)
        tell_of_level(to, level, "moves", "tables", "moved there unchanged",
                      s->levels[level].moves);
    tell_of_level(to, level, "read", "bytes", "of tables that were compacted into it",
                  s->levels[level].read_bytes);
    tell_of_level(to, level, "written", "bytes", "of tables that were made of them",
                  s->levels[level].written_bytes);
}

/* Tiers have no targets. */
static void tell_targets(struct to to, const struct version *v,
                         const struct strata_options *options)
{
    struct policy_targets targets;

    if (options->compaction == STRATA_COMPACTION_TIERED)
        return;
    policy_targets(v, options, &targets);
    tell(to, "base_level", "", "where tables of level 0 go", targets.base);
    for (unsigned level = targets.base; level + 1 < LEVELS; level++)
        tell_of_level(to, level, "target", "bytes", "above which it is due for compaction",
                      targets.target[level]);
}

/* In hundredths: 100 is none. */
static uint64_t percent(uint64_t all, uint64_t part)
{
    return part ? (uint64_t)(100.0 * (double)all / (double)part + 0.5) : 0;
}

static void tell_written(struct to to, const struct tree_stats *s, uint64_t manifest,
                         uint64_t events)
{
    uint64_t all = s->log_bytes + manifest + s->table_bytes + events;

    tell(to, "log_bytes", "bytes", "written to logs and TAIL since open", s->log_bytes);
    tell(to, "table_bytes", "bytes", "to tables, also of compactions that were given up",
         s->table_bytes);
    tell(to, "manifest_bytes", "bytes", "to manifests and CURRENT", manifest);
    tell(to, "event_bytes", "bytes", "to the event log", events);
    tell(to, "written_bytes", "bytes", "all of these", all);
    tell(to, "write_amplification", "%", "written_bytes by bytes_in", percent(all, s->bytes_in));
}

static void tell_space(struct to to, const struct version *v)
{
    uint64_t all = 0, deepest = 0;

    for (unsigned level = 0; level < LEVELS; level++) {
        all += v->levels[level].bytes;
        deepest = v->levels[level].count ? v->levels[level].bytes : deepest;
    }
    tell(to, "table_files_bytes", "bytes", "of all tables", all);
    tell(to, "space_amplification", "%", "of them by the deepest level's: an estimate",
         percent(all, deepest));
}

static void tell_pacing(struct to to, const struct tree_stats *s)
{
    tell(to, "paced_writes", "writes", "that did a quota of flush and compaction work",
         s->paced_writes);
    tell(to, "paced_ns", "ns", "that they took for it", s->paced_ns);
    tell(to, "paced_longest_ns", "ns", "that one of them took", s->paced_longest_ns);
    tell(to, "stalls_1ms", "writes", "delayed by that for 1 ms or longer", s->delayed[0]);
    tell(to, "stalls_10ms", "writes", "10 ms or longer", s->delayed[1]);
    tell(to, "stalls_100ms", "writes", "100 ms or longer", s->delayed[2]);
}

static uint64_t records_of(const struct version *v)
{
    uint64_t records = 0;

    for (size_t i = 0; i < v->count; i++)
        records += v->all[i]->sum.records;
    return records;
}

/* What is guarded, at one time. */
struct counted {
    struct tree_stats stats;
    uint64_t gets, commits, groups, memory, quarantined, manifest, events;
};

static void count(struct tree *tree, struct counted *c)
{
    pthread_mutex_lock(&tree->reading);
    c->gets = tree->gets;
    pthread_mutex_unlock(&tree->reading);
    pthread_mutex_lock(&tree->group.mutex);
    c->stats = tree->stats;
    c->stats.looked_in +=
        atomic_load_explicit(&tree->super->version->looked_in, memory_order_relaxed);
    c->stats.log_bytes += atomic_load_explicit(&tree->marker.bytes, memory_order_relaxed);
    c->commits = tree->group.commits;
    c->groups = tree->group.leads;
    c->memory = memtable_bytes(tree->super->memtable);
    c->quarantined = tree->quarantined.count;
    c->manifest = c->stats.manifest_bytes + tree->manifest.written;
    c->events = tree->events.written;
    pthread_mutex_unlock(&tree->group.mutex);
}

static void tell_writes(struct to to, const struct counted *c, const struct super *super,
                        uint64_t sequence)
{
    tell(to, "sequence", "", "number of the next operation", sequence + 1);
    tell(to, "commits", "batches", "committed since open", c->commits);
    tell(to, "groups", "groups", "appends that they were gathered into", c->groups);
    tell(to, "memtable_bytes", "bytes", "of memory in use by the memtable", c->memory);
    tell(to, "immutable_memtable_bytes", "bytes", "of the one that is being flushed",
         super->immutable ? memtable_bytes(super->immutable) : 0);
    tell(to, "tables", "files", "sorted ones", super->version->count);
    tell(to, "table_records", "records", "in them", records_of(super->version));
    tell(to, "bytes_in", "bytes", "of keys and values written since open", c->stats.bytes_in);
    tell(to, "flushes", "tables", "written from a memtable since open", c->stats.flushes);
    tell(to, "flushed_bytes", "bytes", "in them", c->stats.flushed_bytes);
    tell(to, "quarantined_tables", "files", "that a compaction could not read", c->quarantined);
}

int tree_report_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                      void *arg, struct strata_error *err)
{
    struct tree *tree = self;
    struct to to = {each, arg};
    struct counted c;
    uint64_t sequence, asked;
    struct super *super = tree_pin(tree, 0, &sequence);

    (void)err;
    count(tree, &c);
    asked = c.stats.looked_in + (tree->parts->filtered ? tree->parts->filtered(tree->common) : 0);
    tell_writes(to, &c, super, sequence);
    for (unsigned level = 0; level < LEVELS; level++)
        tell_level(to, super->version, &c.stats, level);
    tell_targets(to, super->version, tree->env->options);
    tell_written(to, &c.stats, c.manifest, c.events);
    tell(to, "tables_asked", "tables", "by gets: those that may have the key", asked);
    tell(to, "read_amplification", "%", "tables_asked by gets", percent(asked, c.gets));
    tell_space(to, super->version);
    tell_pacing(to, &c.stats);
    tell(to, "open_replayed", "bytes", "of log that opening read", tree->opened.end);
    tell(to, "open_dropped", "bytes", "of a torn tail that opening dropped", tree->opened.dropped);
    super_unref(super);
    if (tree->kind->stats)
        tree->kind->stats(tree->common, each, arg);
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

int tree_report_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                       void *arg, struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = tree_pin(self, 0, &sequence);

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
    struct super *super = tree_pin(self, 0, &sequence);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < super->version->count; i++)
        rc = sstable_add_size(super->version->all[i], from, to, bytes, err);
    super_unref(super);
    return rc;
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* All of them, while nobody writes. (A tree that failed has them, too.) */
static int read_events(struct tree *tree, struct strata_buffer *lines, struct strata_error *err)
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
    int rc = read_events(self, &lines, err);

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
