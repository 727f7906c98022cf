/* listener.c: see listener.h. */
#include "listener.h"
#include "07_paced_compaction/tree/tree.h"

#include <assert.h>

static tree_listener *const listeners[] = {tree_count_event, tree_log_event};

void tree_notify(struct tree *tree, struct strata_event event, const struct compact *work)
{
    if (!event.ns)
        event.ns = fs_now(tree->env->fs);
    assert(event.type < STRATA_EVENTS);
    sync_lock(&tree->listening);
    if (event.ns < tree->event_ns) /* of another thread, which came first */
        event.ns = tree->event_ns;
    tree->event_ns = event.ns;
    for (size_t i = 0; i < sizeof listeners / sizeof *listeners; i++)
        listeners[i](tree, &event, work);
    sync_unlock(&tree->listening);
}

void tree_notify_stall(struct tree *tree, uint64_t began_ns)
{
    uint64_t now = fs_now(tree->env->fs);
    struct strata_event event = {.type = STRATA_EVENT_STALL, .ns = now, .took_ns = now - began_ns};

    tree_notify(tree, event, NULL);
}

/* ---- Flushes and compactions ----------------------------------------------------------------- */

void tree_notify_begun(struct tree *tree, const struct compact *work)
{
    struct strata_event event =
        tree_event_of(work, STRATA_EVENT_FLUSH_BEGIN, STRATA_EVENT_COMPACT_BEGIN);

    event.ns = work->began_ns;
    tree_notify(tree, event, work);
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
