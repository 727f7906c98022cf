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
