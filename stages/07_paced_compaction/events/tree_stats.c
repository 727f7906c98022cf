/* tree_stats.c: the listener that counts: figures since open (struct tree_stats), which the group's
 * mutex guards. */
#include "07_paced_compaction/tree/tree.h"

static uint64_t bytes_of(const struct sstable_writer *writer)
{
    return writer && writer->out.file ? writer->out.file->end : 0;
}

/* Of outputs that were finished or not. */
static uint64_t written_by(const struct compaction *c)
{
    return c->written + bytes_of(c->writer) + bytes_of(c->behind);
}

/* Of a flush or a compaction that has ended, or was given up. */
static void count_work(struct tree *tree, const struct strata_event *event,
                       const struct compact *work)
{
    struct version_figures *f = &tree->stats.of;

    sync_lock(&tree->path.group.mutex);
    f->table_bytes += written_by(&work->of);
    if (event->type == STRATA_EVENT_FLUSH_END) {
        f->flushes++;
        f->flushed_bytes += event->written;
    } else if (event->type == STRATA_EVENT_COMPACT_END) {
        f->levels[event->level].compactions++;
        f->levels[event->level].read_bytes += event->bytes;
        f->levels[event->level].written_bytes += event->written;
    }
    sync_unlock(&tree->path.group.mutex);
}

static void count_move(struct tree *tree, const struct strata_event *event,
                       const struct compact *work)
{
    (void)work;
    sync_lock(&tree->path.group.mutex);
    tree->stats.of.levels[event->level].moves++;
    sync_unlock(&tree->path.group.mutex);
}

static void count_paced_write(struct tree *tree, const struct strata_event *event,
                              const struct compact *work)
{
    struct tree_stats *s = &tree->stats;
    uint64_t least = 1000000;

    (void)work;
    sync_lock(&tree->path.group.mutex);
    s->paced_writes++;
    s->paced_ns += event->took_ns;
    if (event->took_ns > s->paced_longest_ns)
        s->paced_longest_ns = event->took_ns;
    for (size_t i = 0; i < TREE_DELAYS && event->took_ns >= least; i++, least *= 10)
        s->delayed[i]++;
    sync_unlock(&tree->path.group.mutex);
}

const struct tree_listener tree_stats_listener = {
    .on = {[STRATA_EVENT_FLUSH_END] = count_work,
           [STRATA_EVENT_COMPACT_END] = count_work,
           [STRATA_EVENT_GIVEN_UP] = count_work,
           [STRATA_EVENT_MOVE] = count_move,
           [STRATA_EVENT_STALL] = count_paced_write},
};
