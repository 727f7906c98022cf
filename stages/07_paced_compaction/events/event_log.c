/* event_log.c: the listener that writes the event log: see events.h for the files. A file says by
 * itself which tables there were, and what was in progress, when it began. */
#include "07_paced_compaction/tree/tree.h"

#define LINE 200u      /* bytes of one about a table, about */
#define STALLS_MOST 16 /* one after another: a slow device must not fill the log with them */

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

static void note_levels(struct tree *tree, const struct version *v, struct strata_event *event)
{
    for (unsigned level = 0; level < LEVELS; level++)
        event->level_bytes[level] = v->levels[level].bytes;
    sync_lock(&tree->path.group.mutex);
    event->bytes_in = tree->stats.of.bytes_in;
    sync_unlock(&tree->path.group.mutex);
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
                                 .deletes = t->sum.tombstones - t->sum.coded,
                                 .smallest = strata_buffer_slice(&t->smallest),
                                 .largest = strata_buffer_slice(&t->largest)};
    events_encode(&event, &tree->events.lines);
}

/* So many would leave no room for anything else. */
static bool are_too_many(const struct tree *tree, size_t tables)
{
    return tables > tree->env->options->event_log_bytes / 4 / LINE;
}

/* ---- The beginning of a file ----------------------------------------------------------------- */

static void add_tables(struct tree *tree, const struct version *v, uint64_t ns)
{
    if (are_too_many(tree, v->count))
        return;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < v->levels[level].count; i++)
            add_table(tree, STRATA_EVENT_STANDS, level, v->levels[level].tables[i], ns);
}

static void add_inputs(struct tree *tree, const struct compact *work, uint64_t inputs, uint64_t ns)
{
    const struct pick *pick = &work->of.pick;

    for (unsigned level = 0; level < LEVELS && !are_too_many(tree, inputs); level++)
        for (size_t i = 0; i < pick->inputs[level].count; i++) {
            struct strata_event gone = {.type = STRATA_EVENT_GONE,
                                        .ns = ns,
                                        .level = level,
                                        .table = pick->inputs[level].tables[i]->number};
            events_encode(&gone, &tree->events.lines);
        }
}

static void add_work(struct tree *tree, const struct version *v, const struct compact *work)
{
    struct strata_event event;

    if (!work)
        return;
    event = tree_event_of(work, STRATA_EVENT_FLUSH_BEGIN, STRATA_EVENT_COMPACT_BEGIN);
    event.ns = work->began_ns;
    note_levels(tree, v, &event);
    events_encode(&event, &tree->events.lines);
    add_inputs(tree, work, event.inputs, event.ns);
}

/* Times ascend. */
static void add_beginning(struct tree *tree, const struct version *v, uint64_t ns)
{
    const struct compact *flush = tree->logged[true], *compaction = tree->logged[false];
    bool flush_first = flush && compaction && flush->began_ns < compaction->began_ns;

    add_work(tree, v, flush_first ? flush : compaction);
    add_work(tree, v, flush_first ? compaction : flush);
    add_tables(tree, v, ns);
}

/* The event's own line, behind what a new file begins with. False: nothing is logged. */
static bool begin(struct tree *tree, const struct version *v, const struct strata_event *event)
{
    struct strata_event line = *event;
    struct strata_event open = {.type = STRATA_EVENT_OPEN, .ns = tree->events.opened_ns};
    bool fresh;

    if (!events_begin(&tree->events, &fresh))
        return false;
    note_levels(tree, v, &line);
    for (unsigned level = 0; level < LEVELS; level++)
        open.level_bytes[level] = line.level_bytes[level];
    if (!tree->events.begun || fresh) /* again, where a new file begins */
        events_encode(&open, &tree->events.lines);
    if (fresh)
        add_beginning(tree, v, event->ns);
    tree->events.begun = true;
    tree->events.stalls = event->type == STRATA_EVENT_STALL ? tree->events.stalls + 1 : 0;
    events_encode(&line, &tree->events.lines);
    return true;
}

/* ---- The listener ---------------------------------------------------------------------------- */

static void add_outputs(struct tree *tree, const struct compaction *c, uint64_t ns)
{
    for (size_t i = 0; i < c->output_count && !are_too_many(tree, c->output_count); i++)
        add_table(tree, STRATA_EVENT_MADE, c->pick.output, c->outputs[i], ns);
}

/* Neither is the only event of a session; nor is logged what an open that fails gives up. */
static bool is_left_out(const struct tree *tree, const struct strata_event *event)
{
    if (event->type == STRATA_EVENT_STALL)
        return event->took_ns < EVENTS_STALL_NS || tree->events.stalls >= STALLS_MOST;
    return !tree->events.begun &&
           (event->type == STRATA_EVENT_CLOSE || event->type == STRATA_EVENT_GIVEN_UP);
}

static void log_event(struct tree *tree, const struct strata_event *event,
                      const struct compact *work)
{
    enum strata_event_type type = event->type;
    struct super *super = tree_pin(tree); /* another thread may install meanwhile */
    bool begun = begin(tree, super->version, event);

    super_unref(super);
    if (!begun)
        return;
    if (type == STRATA_EVENT_FLUSH_BEGIN || type == STRATA_EVENT_COMPACT_BEGIN)
        add_inputs(tree, work, event->inputs, event->ns);
    if (type == STRATA_EVENT_FLUSH_END || type == STRATA_EVENT_COMPACT_END)
        add_outputs(tree, &work->of, event->ns);
    events_write(&tree->events);
}

void tree_log_event(struct tree *tree, const struct strata_event *event, const struct compact *work)
{
    enum strata_event_type type = event->type;
    bool begins = type == STRATA_EVENT_FLUSH_BEGIN || type == STRATA_EVENT_COMPACT_BEGIN;

    if (type == STRATA_EVENT_OPEN) /* written with the first event that follows */
        tree->events.opened_ns = event->ns;
    else if (!is_left_out(tree, event))
        log_event(tree, event, work);
    if (work)
        tree->logged[work->of.memtable != NULL] = begins ? work : NULL;
}
