/* tree_events.c: see tree_events.h. */
#include "07_paced_compaction/events/tree_events.h"

#define LINE 200u      /* bytes of one that tells of a table, about */
#define STALLS_MOST 16 /* told one after another: a slow device must not fill the log with them */

static void add(struct tree *tree, const struct strata_event *event)
{
    events_encode(event, &tree->events.lines);
}

static void note_levels(const struct tree *tree, struct strata_event *event)
{
    for (unsigned level = 0; level < LEVELS; level++)
        event->level_bytes[level] = tree->super->version->levels[level].bytes;
    event->bytes_in = tree->stats.bytes_in; /* only a leader changes it */
}

static void add_table(struct tree *tree, enum strata_event_type type, unsigned level,
                      const struct sstable *t, uint64_t ns)
{
    struct strata_event event = {.type = type,
                                 .ns = ns,
                                 .level = level,
                                 .table = t->number,
                                 .bytes = t->bytes,
                                 .records = t->sum.records,
                                 .deletes = t->sum.tombstones,
                                 .smallest = strata_buffer_slice(&t->smallest),
                                 .largest = strata_buffer_slice(&t->largest)};
    add(tree, &event);
}

/* So many would leave no room for anything else. */
static bool are_too_many(const struct tree *tree, size_t tables)
{
    return tables > tree->env->options->event_log_bytes / 4 / LINE;
}

/* A file says by itself what there was when it began. */
static void add_tables(struct tree *tree, uint64_t ns)
{
    const struct version *v = tree->super->version;

    if (are_too_many(tree, v->count))
        return;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < v->levels[level].count; i++)
            add_table(tree, STRATA_EVENT_STANDS, level, v->levels[level].tables[i], ns);
}

/* ---- Flushes and compactions ----------------------------------------------------------------- */

static uint64_t inputs_of(const struct compact *work)
{
    uint64_t count = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        count += work->pick.count[level];
    return count;
}

static struct strata_event about(const struct compact *work, enum strata_event_type flush,
                                 enum strata_event_type compaction)
{
    return (struct strata_event){.type = work->memtable ? flush : compaction,
                                 .from = work->pick.level,
                                 .level = work->pick.output,
                                 .inputs = inputs_of(work),
                                 .bytes = work->bytes,
                                 .records = work->records};
}

/* With its inputs. */
static void add_begun(struct tree *tree, const struct compact *work, uint64_t ns)
{
    const struct pick *pick = &work->pick;
    struct strata_event event = about(work, STRATA_EVENT_FLUSH_BEGIN, STRATA_EVENT_COMPACT_BEGIN);

    event.ns = ns;
    note_levels(tree, &event);
    add(tree, &event);
    for (unsigned level = 0; level < LEVELS && !are_too_many(tree, event.inputs); level++)
        for (size_t i = 0; i < pick->count[level]; i++) {
            struct strata_event gone = {.type = STRATA_EVENT_GONE,
                                        .ns = ns,
                                        .level = level,
                                        .table = pick->tables[level][i]->number};
            add(tree, &gone);
        }
}

/* ---- A group of lines ------------------------------------------------------------------------ */

/* So does it of what is under way; of `but` is told next. */
static void add_work(struct tree *tree, const struct strata_event *but)
{
    if (tree->flush && but->type != STRATA_EVENT_FLUSH_BEGIN)
        add_begun(tree, tree->flush, tree->flush->began_ns);
    if (tree->compaction && but->type != STRATA_EVENT_COMPACT_BEGIN)
        add_begun(tree, tree->compaction, tree->compaction->began_ns);
}

/* False: nothing is told. */
static bool begin(struct tree *tree, struct strata_event *event)
{
    struct strata_event open = {.type = STRATA_EVENT_OPEN, .ns = tree->events.opened_ns};
    bool fresh;

    if (!events_begin(&tree->events, &fresh))
        return false;
    event->ns = fs_now(tree->env->fs);
    note_levels(tree, event);
    for (unsigned level = 0; level < LEVELS; level++)
        open.level_bytes[level] = event->level_bytes[level];
    if (!tree->events.told || fresh) /* again, where a new file begins */
        add(tree, &open);
    if (fresh) {
        add_work(tree, event);
        add_tables(tree, event->ns);
    }
    tree->events.told = true;
    if (event->type != STRATA_EVENT_STALL)
        tree->events.stalls = 0;
    return true;
}

void tree_notify(struct tree *tree, struct strata_event event)
{
    if (!begin(tree, &event))
        return;
    add(tree, &event);
    events_write(&tree->events);
}

/* ---- What happens ---------------------------------------------------------------------------- */

void tree_notify_begun(struct tree *tree, const struct compact *work)
{
    struct strata_event event = about(work, STRATA_EVENT_FLUSH_BEGIN, STRATA_EVENT_COMPACT_BEGIN);

    if (!begin(tree, &event))
        return;
    add_begun(tree, work, event.ns);
    events_write(&tree->events);
}

void tree_notify_ended(struct tree *tree, const struct compact *work)
{
    struct strata_event event = about(work, STRATA_EVENT_FLUSH_END, STRATA_EVENT_COMPACT_END);
    uint64_t records = 0;

    for (size_t i = 0; i < work->output_count; i++)
        records += work->outputs[i]->sum.records;
    event.outputs = work->output_count;
    event.written = work->written;
    event.dropped = work->records > records ? work->records - records : 0;
    if (!begin(tree, &event))
        return;
    event.took_ns = event.ns > work->began_ns ? event.ns - work->began_ns : 0;
    add(tree, &event);
    for (size_t i = 0; i < work->output_count && !are_too_many(tree, work->output_count); i++)
        add_table(tree, STRATA_EVENT_MADE, work->pick.output, work->outputs[i], event.ns);
    events_write(&tree->events);
}

void tree_notify_given_up(struct tree *tree, const struct compact *work)
{
    if (tree->events.told) /* else it is the end of an open that failed */
        tree_notify(tree, about(work, STRATA_EVENT_GIVEN_UP, STRATA_EVENT_GIVEN_UP));
}

void tree_notify_moves(struct tree *tree, const struct pick *pick)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < pick->count[level]; i++) {
            const struct sstable *t = pick->tables[level][i];
            struct strata_event event = {.type = STRATA_EVENT_MOVE,
                                         .from = level,
                                         .level = pick->output,
                                         .table = t->number,
                                         .bytes = t->bytes,
                                         .records = t->sum.records};
            tree_notify(tree, event);
        }
}

/* ---- The rest -------------------------------------------------------------------------------- */

void tree_notify_stall(struct tree *tree, uint64_t took_ns)
{
    struct strata_event event = {.type = STRATA_EVENT_STALL, .took_ns = took_ns};

    if (took_ns < EVENTS_STALL_NS || tree->events.stalls >= STALLS_MOST)
        return;
    tree_notify(tree, event);
    tree->events.stalls++;
}

void tree_notify_close(struct tree *tree)
{
    struct strata_event event = {.type = STRATA_EVENT_CLOSE};

    if (tree->events.told)
        tree_notify(tree, event);
}
