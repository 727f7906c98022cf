/* cycles.c: see cycles.h. First what each read shows by itself (cycles_reads.c), then of each key
 * the order of its versions and the edges that follow (order_key), then the cycles of all. */
#include "crash/concurrency/cycles_inside.h"
#include "crash/need.h"

#include <stdlib.h>
#include <string.h>

#define UNREAD_READERS 8u /* of a key's last version get edges to the appends that nobody read */

/* ---- The order of each key's versions, and what follows -------------------------------------- */

static int by_length(const void *a, const void *b)
{
    const struct read *left = a, *right = b;

    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    if (left->broken != right->broken)
        return left->broken ? -1 : 1;
    if (left->count != right->count)
        return left->count < right->count ? -1 : 1;
    return left->txn < right->txn ? -1 : left->txn > right->txn;
}

/* Reads of one key, the broken ones first, the longest last. */
static void compare_lists(struct cycles_check *c, struct read *reads, size_t count)
{
    const struct read *longest = &reads[count - 1];

    for (size_t r = 0; r < count; r++) {
        if (reads[r].broken || !reads[r].count ||
            memcmp(reads[r].op->list, longest->op->list, reads[r].count * sizeof(uint64_t)) == 0)
            continue;
        reads[r].broken = true;
        if (!cycles_is_first(c, CYCLES_ORDER))
            continue;
        cycles_say(c, "  T%zu read key %u: ", reads[r].txn, reads[r].key);
        cycles_say_list(c, reads[r].op->list, reads[r].count);
        cycles_say(c, ", but T%zu read ", longest->txn);
        cycles_say_list(c, longest->op->list, longest->count);
        cycles_say(c, "\n");
    }
}

static void find_lost_updates(struct cycles_check *c, const struct read *reads, size_t count)
{
    const struct read *before = NULL;

    for (size_t r = 0; r < count; r++) {
        const struct read *read = &reads[r];
        if (!read->updates || read->broken)
            continue;
        if (before && before->count == read->count && before->txn != read->txn &&
            cycles_is_first(c, CYCLES_LOST_UPDATE)) {
            cycles_say(c, "  T%zu and T%zu both read key %u: ", before->txn, read->txn, read->key);
            cycles_say_list(c, read->op->list, read->count);
            cycles_say(c, ", and both appended to it\n");
            cycles_say_txn(c, before->txn);
            cycles_say_txn(c, read->txn);
        }
        before = read;
    }
}

static void add_edge(struct cycles_check *c, enum cycles_kind kind, size_t from, size_t to,
                     const struct read *read, const struct append *seen, const struct append *next)
{
    cycles_graph_add(&c->graph,
                     (struct cycles_edge){.from = from,
                                          .to = to,
                                          .kind = kind,
                                          .ranged = kind == CYCLES_RW && read->op->ranged,
                                          .key = seen   ? seen->key
                                                 : next ? next->key
                                                        : 0,
                                          .seen = seen ? seen->value : 0,
                                          .value = next ? next->value : 0});
}

/* What a read depends on, and what came after it: the appends that have committed, in their order.
 */
static void link_read(struct cycles_check *c, const struct read *read,
                      const struct append *const *order, size_t seen, size_t count)
{
    const struct append *last = seen ? order[seen - 1] : NULL;

    if (last)
        add_edge(c, CYCLES_WR, last->txn, read->txn, read, last, NULL);
    if (seen < count)
        add_edge(c, CYCLES_RW, read->txn, order[seen]->txn, read, last, order[seen]);
}

/* An append that committed and that nobody read came after all that were read. `latest`: the reader
 * that began last. */
static void link_unread(struct cycles_check *c, const struct append *append,
                        const struct read *reads, size_t count, const struct append *last,
                        size_t latest)
{
    const struct read *longest = &reads[count - 1];

    if (last)
        add_edge(c, CYCLES_WW, last->txn, append->txn, NULL, last, append);
    for (size_t r = count; r-- > 0 && reads[r].count == longest->count && !reads[r].broken &&
                           count - r <= UNREAD_READERS;)
        add_edge(c, CYCLES_RW, reads[r].txn, append->txn, &reads[r], last, append);
    if (c->txns[append->txn]->end < c->txns[latest]->begin &&
        cycles_is_first(c, CYCLES_LOST_APPEND)) {
        cycles_say(
            c,
            "  T%zu appended %llu to key %u and committed, but T%zu, which began later, did not "
            "read it\n",
            append->txn, (unsigned long long)append->value, append->key, latest);
        cycles_say_txn(c, append->txn);
        cycles_say_txn(c, latest);
    }
}

static size_t first_append_of(const struct cycles_check *c, unsigned key)
{
    size_t low = 0, high = c->append_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->appends[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void order_key(struct cycles_check *c, struct read *reads, size_t count)
{
    const struct read *longest = &reads[count - 1];
    const struct append **order;
    size_t known = 0, taken = 0, latest = 0;

    if (longest->broken)
        return;
    compare_lists(c, reads, count);
    find_lost_updates(c, reads, count);
    order = need(malloc((longest->count + 1) * sizeof(struct append *)));
    for (size_t i = 0; i < longest->count; i++) {
        const struct append *append = cycles_find_append(c, longest->key, longest->op->list[i]);
        if (c->committed[append->txn] && !append->undone)
            order[known++] = append;
    }
    for (size_t i = 1; i < known; i++)
        add_edge(c, CYCLES_WW, order[i - 1]->txn, order[i]->txn, NULL, order[i - 1], order[i]);
    for (size_t r = 0, length = 0; r < count; r++) {
        latest = reads[r].txn > latest ? reads[r].txn : latest;
        if (reads[r].broken)
            continue;
        for (; length < reads[r].count; length++)
            taken += taken < known && order[taken]->value == longest->op->list[length];
        link_read(c, &reads[r], order, taken, known);
    }
    for (size_t a = first_append_of(c, longest->key);
         a < c->append_count && c->appends[a].key == longest->key; a++)
        if (!c->appends[a].read && !c->appends[a].undone && c->committed[c->appends[a].txn])
            link_unread(c, &c->appends[a], reads, count, known ? order[known - 1] : NULL, latest);
    free(order);
}

static void order_keys(struct cycles_check *c)
{
    size_t first = 0;

    if (c->read_count)
        qsort(c->reads, c->read_count, sizeof *c->reads, by_length);
    for (size_t r = 1; r <= c->read_count; r++)
        if (r == c->read_count || c->reads[r].key != c->reads[first].key) {
            order_key(c, &c->reads[first], r - first);
            first = r;
        }
}

/* ---- Time ------------------------------------------------------------------------------------ */

static int by_end(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* Edges from those that ended before T began; but not from one that ended before another of these
 * began, from which there is a way. So no transaction gets more than ran at the same time. */
static void order_by_time(struct cycles_check *c)
{
    struct ended {
        uint64_t end;
        size_t txn;
    } *ended = need(malloc((c->count + 1) * sizeof *ended));
    size_t *front = need(malloc((c->count + 1) * sizeof *front)), front_count = 0, next = 0;

    for (size_t t = 0; t < c->count; t++)
        ended[t] = (struct ended){c->txns[t]->end, t};
    if (c->count)
        qsort(ended, c->count, sizeof *ended, by_end);
    for (size_t t = 0; t < c->count; t++) {
        for (; next < c->count && ended[next].end < c->txns[t]->begin; next++) {
            size_t kept = 0;
            for (size_t i = 0; i < front_count; i++)
                if (c->txns[front[i]]->end >= c->txns[ended[next].txn]->begin)
                    front[kept++] = front[i];
            front_count = kept;
            front[front_count++] = ended[next].txn;
        }
        for (size_t i = 0; i < front_count; i++)
            add_edge(c, CYCLES_TIME, front[i], t, NULL, NULL, NULL);
    }
    free(ended);
    free(front);
}

/* ---- Cycles ---------------------------------------------------------------------------------- */

static enum cycles_anomaly anomaly_of(const struct cycles_edge *path, size_t count)
{
    unsigned kinds = 0;
    size_t reads = 0;
    bool adjacent = false, ranged = false;

    for (size_t i = 0; i < count; i++) {
        bool rw = path[i].kind == CYCLES_RW;
        kinds |= 1u << path[i].kind;
        reads += rw;
        adjacent |= rw && path[(i + 1) % count].kind == CYCLES_RW;
        ranged |= path[i].ranged;
    }
    if (reads == 0)
        return kinds & 1u << CYCLES_WR ? CYCLES_G1C : CYCLES_G0;
    if (reads == 1)
        return CYCLES_G_SINGLE;
    return !adjacent ? CYCLES_NONADJACENT : ranged ? CYCLES_G2 : CYCLES_G2_ITEM;
}

static bool has_time(const struct cycles_edge *path, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (path[i].kind == CYCLES_TIME)
            return true;
    return false;
}

static void find_cycle(struct cycles_check *c, enum cycles_anomaly anomaly,
                       const struct cycles_wanted *wanted)
{
    struct cycles_edge *path;
    size_t count = c->result->found & anomaly ? 0 : cycles_search(&c->graph, wanted, &path);

    if (!count)
        return;
    if (anomaly_of(path, count) == anomaly && cycles_is_first(c, anomaly)) {
        if (has_time(path, count))
            c->result->timed |= anomaly;
        for (size_t i = 0; i < count; i++)
            cycles_say_edge(c, &path[i]);
        for (size_t i = 0; i < count; i++)
            cycles_say_txn(c, path[i].from);
    }
    free(path);
}

/* The worst first. A cycle that is found may be one of another kind, which was found before. */
static void find_cycles(struct cycles_check *c, unsigned time)
{
    unsigned ww = time | 1u << CYCLES_WW, wr = ww | 1u << CYCLES_WR, rw = wr | 1u << CYCLES_RW;
    const struct {
        enum cycles_anomaly anomaly;
        struct cycles_wanted wanted;
    } all[] = {
        {CYCLES_G0, {.kinds = ww, .by = CYCLES_WW}},
        {CYCLES_G1C, {.kinds = wr, .by = CYCLES_WR}},
        {CYCLES_G_SINGLE,
         {.kinds = rw, .by = CYCLES_RW, .ranged = true, .apart = true, .once = true}},
        {CYCLES_NONADJACENT, {.kinds = rw, .by = CYCLES_RW, .ranged = true, .apart = true}},
        {CYCLES_G2_ITEM, {.kinds = rw, .by = CYCLES_RW}},
        {CYCLES_G2, {.kinds = rw, .by = CYCLES_RW, .by_scan = true, .ranged = true}},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        find_cycle(c, all[i].anomaly, &all[i].wanted);
}

void cycles_check(const struct cycles *history, bool time, struct cycles_result *result)
{
    struct cycles_check c = {.result = result};

    memset(result, 0, sizeof *result);
    cycles_gather(&c, history);
    c.graph.nodes = c.count;
    order_keys(&c);
    if (time)
        order_by_time(&c);
    cycles_graph_sort(&c.graph);
    find_cycles(&c, 0);
    if (time)
        find_cycles(&c, 1u << CYCLES_TIME);
    result->txns = c.count;
    result->edges = c.graph.count;
    cycles_graph_free(&c.graph);
    free(c.committed);
    free(c.txns);
    free(c.appends);
    free(c.reads);
}
