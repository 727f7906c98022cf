/* listener.c: see listener.h. */
#include "listener.h"
#include "07_paced_compaction/tree/tree.h"

#include <assert.h>

/* `listening` is held. */
static void call(struct tree *tree, const struct strata_event *event, const struct compact *work)
{
    assert(event->type < STRATA_EVENTS);
    for (tree_listener *const *l = tree->listeners; *l; l++)
        (*l)(tree, event, work);
}

void tree_notify(struct tree *tree, struct strata_event event, const struct compact *work)
{
    if (!event.ns)
        event.ns = fs_now(tree->env->fs);
    sync_lock(&tree->listening);
    call(tree, &event, work);
    sync_unlock(&tree->listening);
}

/* ---- Flushes and compactions ----------------------------------------------------------------- */

struct strata_event tree_event_of(const struct compact *work, enum strata_event_type flush,
                                  enum strata_event_type compaction)
{
    struct strata_event event = {.type = work->of.memtable ? flush : compaction,
                                 .from = work->of.pick.level,
                                 .level = work->of.pick.output,
                                 .bytes = work->bytes,
                                 .records = work->records};

    for (unsigned level = 0; level < LEVELS; level++)
        event.inputs += work->of.pick.inputs[level].count;
    return event;
}

void tree_notify_begun(struct tree *tree, struct compact **place, struct compact *work)
{
    struct strata_event event =
        tree_event_of(work, STRATA_EVENT_FLUSH_BEGIN, STRATA_EVENT_COMPACT_BEGIN);

    event.ns = work->began_ns;
    sync_lock(&tree->listening);
    *place = work;
    call(tree, &event, work);
    sync_unlock(&tree->listening);
}

void tree_notify_ended(struct tree *tree, const struct compact *work)
{
    struct strata_event event =
        tree_event_of(work, STRATA_EVENT_FLUSH_END, STRATA_EVENT_COMPACT_END);
    uint64_t records = 0;

    for (size_t i = 0; i < work->of.output_count; i++)
        records += work->of.outputs[i]->sum.records;
    event.ns = fs_now(tree->env->fs);
    event.took_ns = event.ns > work->began_ns ? event.ns - work->began_ns : 0;
    event.outputs = work->of.output_count;
    event.written = work->of.written;
    event.dropped = work->records > records ? work->records - records : 0;
    tree_notify(tree, event, work);
}

void tree_notify_moves(struct tree *tree, const struct pick *pick)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < pick->inputs[level].count; i++) {
            const struct sstable *t = pick->inputs[level].tables[i];
            struct strata_event event = {.type = STRATA_EVENT_MOVE,
                                         .from = level,
                                         .level = pick->output,
                                         .table = t->number,
                                         .bytes = t->bytes,
                                         .records = t->sum.records};
            tree_notify(tree, event, NULL);
        }
}
