/* tree_report.c: figures of a tree, its tables and its events.
 *
 * Bytes are counted where they are written, by what they are for. Together they are what the file
 * layer counts, but for the marker, which is common's; the operating system counts the same (wchar
 * of /proc/self/io), but for a log that is written by a mapping (FS_MAPPED), and for the zeros that
 * a log's room is filled with where it is not (fs_window_fill). */
#include "07_paced_compaction/tree/tree.h"

/* ---- The listener that counts ---------------------------------------------------------------- */

/* Of outputs that were finished or not. */
static uint64_t written_by(const struct compaction *c)
{
    const struct sstable_writer *writer = c->writer;
    return c->written + (writer && writer->out.file ? writer->out.file->end : 0);
}

static void count_paced_write(struct tree_stats *s, uint64_t took_ns)
{
    uint64_t least = 1000000;

    s->paced_writes++;
    s->paced_ns += took_ns;
    if (took_ns > s->paced_longest_ns)
        s->paced_longest_ns = took_ns;
    for (size_t i = 0; i < TREE_DELAYS && took_ns >= least; i++, least *= 10)
        s->delayed[i]++;
}

static void count(struct tree_stats *s, const struct strata_event *event,
                  const struct compact *work)
{
    enum strata_event_type type = event->type;
    struct version_figures *f = &s->of;

    if (type == STRATA_EVENT_FLUSH_END || type == STRATA_EVENT_COMPACT_END ||
        type == STRATA_EVENT_GIVEN_UP)
        f->table_bytes += written_by(&work->of);
    if (type == STRATA_EVENT_FLUSH_END) {
        f->flushes++;
        f->flushed_bytes += event->written;
    } else if (type == STRATA_EVENT_COMPACT_END) {
        f->levels[event->level].compactions++;
        f->levels[event->level].read_bytes += event->bytes;
        f->levels[event->level].written_bytes += event->written;
    } else if (type == STRATA_EVENT_MOVE) {
        f->levels[event->level].moves++;
    } else if (type == STRATA_EVENT_STALL) {
        count_paced_write(s, event->took_ns);
    }
}

void tree_count_event(struct tree *tree, const struct strata_event *event,
                      const struct compact *work)
{
    sync_lock(&tree->path.group.mutex);
    count(&tree->stats, event, work);
    sync_unlock(&tree->path.group.mutex);
}

/* ---- Figures --------------------------------------------------------------------------------- */

/* Tiers have no targets. */
static void report_targets(const struct version *v, const struct strata_options *options,
                           version_each_stat *each, void *arg)
{
    struct policy_targets targets;

    if (options->compaction == STRATA_COMPACTION_TIERED)
        return;
    policy_targets(v, options, &targets);
    version_report_one(
        each, arg, LEVELS,
        (struct strata_stat){"base_level", "", "where tables of level 0 go", targets.base});
    for (unsigned level = targets.base; level + 1 < LEVELS; level++)
        version_report_one(each, arg, level,
                           (struct strata_stat){"target", "bytes",
                                                "above which it is due for compaction",
                                                targets.target[level]});
}

/* The mutex is held. */
static void count_all(struct tree *t, struct version_figures *f)
{
    *f = t->stats.of;
    f->gets = striped_sum(&t->gets, 0);
    f->looked_in += atomic_load_explicit(&t->super->version->looked_in, memory_order_relaxed) +
                    (t->parts->tables_asked ? t->parts->tables_asked(t->common) : 0);
    f->log_bytes +=
        t->path.log.end + atomic_load_explicit(&t->path.marker.bytes, memory_order_relaxed);
    f->manifest_bytes = atomic_load_explicit(&t->versions.written, memory_order_relaxed);
    f->other_bytes = atomic_load_explicit(&t->events.written, memory_order_relaxed);
}

int tree_report_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                      void *arg, struct strata_error *err)
{
    struct tree *tree = self;
    struct version_figures f;
    struct super *super = tree_pin(tree);
    const struct tree_stats *s = &tree->stats;
    uint64_t immutable = super->immutable ? memtable_bytes(super->immutable) : 0;

    (void)err;
    sync_lock(&tree->path.group.mutex);
    count_all(tree, &f);
    const struct strata_stat stats[] = {
        {"sequence", "", "number of the next operation", tree->path.sequence},
        {"commits", "batches", "committed since open", tree->path.group.commits},
        {"groups", "groups", "appends that they were gathered into", tree->path.group.leads},
        {"memtable_bytes", "bytes", "of memory in use by the memtable",
         memtable_bytes(tree->super->memtable)},
        {"immutable_memtable_bytes", "bytes", "of the one that is being flushed", immutable},
        {"quarantined_tables", "files", "that a compaction could not read",
         tree->quarantined.count},
        {"event_bytes", "bytes", "to the event log", f.other_bytes},
        {"paced_writes", "writes", "that did a quota of flush and compaction work",
         s->paced_writes},
        {"paced_ns", "ns", "that they took for it", s->paced_ns},
        {"paced_longest_ns", "ns", "that one of them took", s->paced_longest_ns},
        {"stalls_1ms", "writes", "delayed by that for 1 ms or longer", s->delayed[0]},
        {"stalls_10ms", "writes", "10 ms or longer", s->delayed[1]},
        {"stalls_100ms", "writes", "100 ms or longer", s->delayed[2]},
        {"open_replayed", "bytes", "of log that opening read", tree->opened.end},
        {"open_dropped", "bytes", "of a torn tail that opening dropped", tree->opened.dropped},
    };
    sync_unlock(&tree->path.group.mutex);
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    version_report(super->version, &f, each, arg);
    report_targets(super->version, tree->env->options, each, arg);
    super_unref(super);
    if (tree->kind->stats)
        tree->kind->stats(tree->common, each, arg);
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

int tree_report_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                       void *arg, struct strata_error *err)
{
    struct super *super = tree_pin(self);

    (void)err;
    version_report_tables(super->version, each, arg);
    super_unref(super);
    return 0;
}

int tree_approximate_size(void *self, struct strata_slice from, struct strata_slice to,
                          uint64_t *bytes, struct strata_error *err)
{
    struct super *super = tree_pin(self);
    int rc = sstable_add_sizes(super->version->all, super->version->count, from, to, bytes, err);

    super_unref(super);
    return rc;
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* They are read while nobody writes. (A tree that failed has them, too.) */
int tree_report_events(void *self, void (*each)(void *arg, const struct strata_event *event),
                       void *arg, struct strata_error *err)
{
    struct tree *tree = self;
    struct strata_buffer lines = {0};
    int rc;

    tree_be_alone(tree);
    rc = events_read(tree->env, &lines, err);
    tree_end_alone(tree, false);
    if (rc == 0)
        rc = events_each(strata_buffer_slice(&lines), each, arg, err);
    strata_buffer_free(&lines);
    return rc;
}
