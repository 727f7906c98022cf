/* cycles_search.h: the graph of a history's dependencies (cycles.h), and a cycle of a given kind.
 */
#ifndef STRATA_COMMON_CYCLES_SEARCH_H
#define STRATA_COMMON_CYCLES_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cycles_kind { CYCLES_WW, CYCLES_WR, CYCLES_RW, CYCLES_TIME };

struct cycles_edge {
    size_t from, to; /* nodes, from 0 */
    enum cycles_kind kind;
    bool ranged; /* rw: what was read was read by a scan */
    unsigned key;
    uint64_t seen;  /* ww, wr: what `from` appended; rw: the last of the list that it read, or 0 */
    uint64_t value; /* ww, rw: what `to` appended */
};

struct cycles_graph {
    size_t nodes;
    struct cycles_edge *edges;
    size_t count, room;
    size_t *first; /* nodes + 1: of a node's edges, once they are sorted */
};

/* `graph->nodes` is set, the rest zero. An edge from a node to itself is left out. */
void cycles_graph_add(struct cycles_graph *graph, struct cycles_edge edge);
/* After all were added; before a search. */
void cycles_graph_sort(struct cycles_graph *graph);
void cycles_graph_free(struct cycles_graph *graph);

/* Which cycles are looked for. */
struct cycles_wanted {
    unsigned kinds;      /* its edges: bits 1 << enum cycles_kind */
    enum cycles_kind by; /* it has one of these */
    bool by_scan;        /* and that one is of a scan */
    bool ranged;         /* it may have rw edges of scans */
    bool apart;          /* no two rw edges one after the other */
    bool once;           /* one edge of kind `by`, no more */
};

/* Returns the number of edges of such a cycle, a shortest one through its first edge, which is of
 * kind `by`; `*path` then has to be freed. 0: there is none. */
size_t cycles_search(const struct cycles_graph *graph, const struct cycles_wanted *wanted,
                     struct cycles_edge **path);

#endif
