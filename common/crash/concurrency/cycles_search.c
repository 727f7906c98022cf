/* cycles_search.c: see cycles_search.h. Strongly connected components (R. Tarjan: Depth-First
 * Search and Linear Graph Algorithms, 1972), with a stack of its own instead of recursion; an edge
 * of which both ends are in one component lies on a cycle, which a breadth-first search finds.
 *
 * C1: a state is a node and a bit: 2 * node, or 2 * node + 1 if the walk came there by an rw edge
 * and no other rw edge may follow (`apart`). So a walk through states is one through the graph that
 * keeps the rule, and nothing else knows of it. */
#include "crash/concurrency/cycles_search.h"
#include "crash/need.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#define NO_STATE SIZE_MAX

void cycles_graph_add(struct cycles_graph *graph, struct cycles_edge edge)
{
    struct cycles_edge *added;

    if (edge.from == edge.to)
        return;
    added = need(array_add(&graph->edges, &graph->count, &graph->room, sizeof edge, NULL));
    *added = edge;
}

static int by_from(const void *a, const void *b)
{
    const struct cycles_edge *left = a, *right = b;

    if (left->from != right->from)
        return left->from < right->from ? -1 : 1;
    if (left->to != right->to)
        return left->to < right->to ? -1 : 1;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return left->key < right->key ? -1 : left->key > right->key;
}

void cycles_graph_sort(struct cycles_graph *graph)
{
    if (graph->count)
        qsort(graph->edges, graph->count, sizeof *graph->edges, by_from);
    graph->first = need(calloc(graph->nodes + 1, sizeof *graph->first));
    for (size_t e = 0; e < graph->count; e++)
        graph->first[graph->edges[e].from + 1] = e + 1;
    for (size_t n = 0; n < graph->nodes; n++)
        if (graph->first[n + 1] < graph->first[n])
            graph->first[n + 1] = graph->first[n];
}

void cycles_graph_free(struct cycles_graph *graph)
{
    free(graph->edges);
    free(graph->first);
    memset(graph, 0, sizeof *graph);
}

/* Where the edge leads from a state of its `from` (C1). */
static size_t step(const struct cycles_wanted *wanted, const struct cycles_edge *edge, size_t state)
{
    if (!(wanted->kinds & 1u << edge->kind) || (edge->ranged && !wanted->ranged))
        return NO_STATE;
    if (!wanted->apart || edge->kind != CYCLES_RW)
        return 2 * edge->to;
    return state % 2 ? NO_STATE : 2 * edge->to + 1;
}

/* ---- Components ------------------------------------------------------------------------------ */

/* Of each state: when it was reached, from 1, and the earliest state that it leads back to. */
struct tarjan {
    const struct cycles_graph *graph;
    const struct cycles_wanted *wanted;
    size_t *reached, *low, *next_edge, *component;
    size_t *way, way_count;   /* from the root to the state that is looked at */
    size_t *open, open_count; /* reached, and not yet in a component */
    size_t clock, components;
};

static void enter(struct tarjan *t, size_t state)
{
    t->reached[state] = t->low[state] = ++t->clock;
    t->next_edge[state] = t->graph->first[state / 2];
    t->way[t->way_count++] = state;
    t->open[t->open_count++] = state;
}

static void leave(struct tarjan *t, size_t state)
{
    t->way_count--;
    if (t->way_count && t->low[state] < t->low[t->way[t->way_count - 1]])
        t->low[t->way[t->way_count - 1]] = t->low[state];
    if (t->low[state] != t->reached[state])
        return;
    t->components++;
    do
        t->component[t->open[--t->open_count]] = t->components;
    while (t->open[t->open_count] != state);
}

static void look_on(struct tarjan *t, size_t state)
{
    const struct cycles_edge *edge;
    size_t to;

    if (t->next_edge[state] == t->graph->first[state / 2 + 1]) {
        leave(t, state);
        return;
    }
    edge = &t->graph->edges[t->next_edge[state]++];
    to = step(t->wanted, edge, state);
    if (to == NO_STATE)
        return;
    if (!t->reached[to])
        enter(t, to);
    else if (!t->component[to] && t->reached[to] < t->low[state])
        t->low[state] = t->reached[to];
}

/* The component of each state; to be freed. */
static size_t *components_of(const struct cycles_graph *graph, const struct cycles_wanted *wanted)
{
    size_t states = 2 * graph->nodes;
    size_t *all = need(calloc(5 * states + 1, sizeof *all));
    struct tarjan t = {.graph = graph,
                       .wanted = wanted,
                       .component = need(calloc(states + 1, sizeof *t.component)),
                       .reached = all,
                       .low = all + states,
                       .next_edge = all + 2 * states,
                       .way = all + 3 * states,
                       .open = all + 4 * states};

    for (size_t state = 0; state < states; state += 2)
        if (!t.reached[state])
            for (enter(&t, state); t.way_count > 0;)
                look_on(&t, t.way[t.way_count - 1]);
    free(all);
    return t.component;
}

/* ---- A cycle --------------------------------------------------------------------------------- */

/* The edges by which `goal` was reached from `start`, behind the one that closes the cycle. */
static size_t path_of(const struct cycles_graph *graph, const size_t *by, const size_t *from,
                      size_t start, size_t goal, struct cycles_edge **path)
{
    size_t count = 1, i, at;

    for (at = goal; at != start; at = from[at])
        count++;
    *path = need(malloc(count * sizeof **path));
    for (at = goal, i = count; at != start; at = from[at])
        (*path)[--i] = graph->edges[by[at]];
    return count;
}

/* The cycle of edge `closing` and a shortest way from its end to its begin. 0: there is none. */
static size_t close_cycle(const struct cycles_graph *graph, const struct cycles_wanted *wanted,
                          const struct cycles_edge *closing, struct cycles_edge **path)
{
    size_t states = 2 * graph->nodes, count = 0, head = 0, tail = 0;
    size_t *by = need(malloc(3 * states * sizeof *by));
    size_t *from = by + states, *queue = by + 2 * states;
    size_t start = step(wanted, closing, 2 * closing->from), goal = 2 * closing->from;
    struct cycles_wanted inner = *wanted;

    if (wanted->once)
        inner.kinds &= ~(1u << wanted->by);
    memset(by, 0xff, states * sizeof *by); /* NO_STATE: not reached */
    by[start] = 0;
    queue[tail++] = start;
    while (head < tail && by[goal] == NO_STATE) {
        size_t state = queue[head++];
        for (size_t e = graph->first[state / 2]; e < graph->first[state / 2 + 1]; e++) {
            size_t to = step(&inner, &graph->edges[e], state);
            if (to == NO_STATE || by[to] != NO_STATE)
                continue;
            by[to] = e;
            from[to] = state;
            queue[tail++] = to;
        }
    }
    if (by[goal] != NO_STATE) {
        count = path_of(graph, by, from, start, goal, path);
        (*path)[0] = *closing;
    }
    free(by);
    return count;
}

size_t cycles_search(const struct cycles_graph *graph, const struct cycles_wanted *wanted,
                     struct cycles_edge **path)
{
    size_t *component = components_of(graph, wanted), count = 0;

    for (size_t e = 0; e < graph->count && !count; e++) {
        const struct cycles_edge *edge = &graph->edges[e];
        bool fits = edge->kind == wanted->by && (edge->ranged || !wanted->by_scan);
        size_t to = fits ? step(wanted, edge, 2 * edge->from) : NO_STATE;
        if (to != NO_STATE && component[to] == component[2 * edge->from])
            count = close_cycle(graph, wanted, edge, path);
    }
    free(component);
    return count;
}
