/* merge_runs.c: a merge by key prefixes: a winner, and how far it may go.
 *
 *   source      key     key prefix        The smallest key prefix wins. The second smallest is the
 *   memtable    pear    p e a r           bound: as long as the winner's next keys are below it, no
 *   level 0     apple   a p p l  winner   other source is looked at, and a whole stretch of one
 *   level 1     fig     f i g .  bound    source costs one comparison a key.
 *   level 2     kiwi    k i w i
 *
 * Key prefixes are side by side in one array; the smallest is found by looking at all of them,
 * without a branch that the processor could mispredict. Sources are few: memtables, tables of
 * level 0, one a deeper level. A heap (stage 4's) looks at fewer, but each look is a call of memcmp
 * and a branch that is mispredicted every second time: measured, it is slower with 2 sources and
 * with 64.
 *
 * 9.I28: the sources order[0..live) are positioned, all in one direction: forward each at its first
 *        key that is not before the one shown, backward at its last that is not after it; the
 *        others are at their end.
 * 9.I29: order[] has the newer source first; key_prefixes[] are theirs, complemented when going
 *        backward: so the smallest is the next to be shown in both directions.
 * 9.I30: what is at order[at], and no tombstone, is what is shown: no other source has a key before
 *        it, and no newer one has the same. Unless `duplicates`, no other source has it at all. All
 *        other key prefixes are >= bound.
 * 9.I31: so turning round takes each source one step back, and one at its end to its last entry. */
#include "merge_runs.h"
#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>

struct source {
    struct cursor *cursor;  /* a memtable's, or the run's */
    struct run_cursor *run; /* or NULL */
    bool live;              /* it is in order[] */
};

struct merge {
    struct cursor base;
    size_t live, at;             /* 9.I28, 9.I30 */
    const struct cursor *winner; /* what is at order[at]; its run's, or NULL */
    struct run_cursor *run;
    uint64_t bound;
    uint64_t flip; /* all ones when going backward (9.I29) */
    bool back, duplicates, tombstones, all;
    struct strata_slice prefix;
    uint64_t *key_prefixes;
    struct source **order;
    size_t count;
    struct source *sources;
    struct run_cursor runs[];
};

/* ---- The next one to be shown ---------------------------------------------------------------- */

static uint64_t key_prefix_at(const struct merge *m, const struct source *s)
{
    return (s->run ? s->run->key_prefix : key_prefix_after(s->cursor->iter.key, m->prefix)) ^
           m->flip;
}

/* < 0: the key of `a` is met before that of `b`. */
static int compare(const struct merge *m, const struct source *a, const struct source *b)
{
    int order = strata_compare(a->cursor->iter.key, b->cursor->iter.key);
    return m->back ? -order : order;
}

/* The least key prefix is that of several: their keys decide, and among equal ones the newest
 * source. */
static void break_tie(struct merge *m)
{
    uint64_t key_prefix = m->key_prefixes[m->at];

    for (size_t i = m->at + 1; i < m->live; i++) {
        int order = m->key_prefixes[i] == key_prefix ? compare(m, m->order[i], m->order[m->at]) : 1;
        m->duplicates = order == 0 || (order > 0 && m->duplicates);
        if (order < 0)
            m->at = i;
    }
}

static void pick(struct merge *m)
{
    const uint64_t *key_prefixes = m->key_prefixes;
    uint64_t least = key_prefixes[0], second = UINT64_MAX;
    size_t at = 0;

    assert(m->live > 0);
    for (size_t i = 1; i < m->live; i++) {
        uint64_t key_prefix = key_prefixes[i], larger = key_prefix < least ? least : key_prefix;
        second = larger < second ? larger : second;
        at = key_prefix < least ? i : at;
        least = key_prefix < least ? key_prefix : least;
    }
    cost_so_far.comparisons += m->live - 1;
    m->at = at;
    m->bound = second;
    m->duplicates = false;
    if (second == least && m->live > 1)
        break_tie(m);
    m->winner = m->order[m->at]->cursor;
    m->run = m->order[m->at]->run;
    assert(m->key_prefixes[m->at] == least); /* 9.I30 */
}

/* ---- Moving ---------------------------------------------------------------------------------- */

/* It has come to its end. */
static void drop(struct merge *m, size_t at)
{
    size_t behind = --m->live - at;

    assert(at <= m->live && m->order[at]->live); /* 9.I28 */

    m->order[at]->live = false;
    memmove(m->order + at, m->order + at + 1, behind * sizeof *m->order);
    memmove(m->key_prefixes + at, m->key_prefixes + at + 1, behind * sizeof *m->key_prefixes);
}

/* 0, also at its end: then it is there no more. */
static int advance(struct merge *m, size_t at, struct strata_error *err)
{
    struct source *s = m->order[at];
    int rc;

    if (s->run)
        rc = run_cursor_step(s->run, m->back, err);
    else
        rc = m->back ? cursor_prev(s->cursor, err) : cursor_next(s->cursor, err);
    if (rc == 0)
        m->key_prefixes[at] = key_prefix_at(m, s);
    else if (rc > 0)
        drop(m, at);
    return rc < 0 ? rc : 0;
}

/* Moves all others that have the key which is shown; none of them is newer (9.I30). */
static int pass_duplicates(struct merge *m, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = m->live; rc == 0 && --i > m->at;)
        if (m->key_prefixes[i] == m->key_prefixes[m->at] &&
            compare(m, m->order[i], m->order[m->at]) == 0)
            rc = advance(m, i, err);
    return rc;
}

/* Every source that has the key is moved, the winner last: it lends the key. With `all` the winner
 * alone: then the next newest source that has the key wins. */
static int pass_all(struct merge *m, struct strata_error *err)
{
    int rc = m->duplicates && !m->all ? pass_duplicates(m, err) : 0;

    if (rc == 0)
        rc = advance(m, m->at, err);
    if (rc == 0 && m->live)
        pick(m);
    return rc;
}

/* The same. As a rule the winner has the key alone, and its next one in the same block: then the
 * bound tells whether it is still the winner. */
static inline int pass_key(struct merge *m, struct strata_error *err)
{
    uint64_t key_prefix;

    if (!m->run || m->duplicates || !run_cursor_within(m->run, m->back))
        return pass_all(m, err);
    key_prefix = m->run->key_prefix ^ m->flip;
    m->key_prefixes[m->at] = key_prefix;
    cost_so_far.comparisons++;
    if (key_prefix >= m->bound)
        pick(m);
    return 0;
}

static inline int show(struct merge *m)
{
    const struct cursor *winner = m->winner;

    slice_pass_on(&m->base.iter.key, &winner->iter.key);
    slice_pass_on(&m->base.iter.value, &winner->iter.value);
    m->base.type = winner->type;
    m->base.sequence = winner->sequence;
    m->base.iter.has_value = winner->iter.has_value;
    return 0;
}

static inline bool is_shown(const struct merge *m)
{
    return m->winner->type != STRATA_OP_DELETE || m->tombstones;
}

/* There is none, or an error, which leaves nothing; or tombstones are passed. */
static int show_next_winner(struct merge *m, int rc, struct strata_error *err)
{
    while (rc == 0 && m->live && !is_shown(m))
        rc = pass_key(m, err);
    if (rc < 0)
        m->live = 0;
    return rc == 0 && m->live ? show(m) : rc < 0 ? rc : STRATA_NOT_FOUND;
}

/* Shows the winner (9.I30). `rc`: of the moves before. */
static inline int show_winner(struct merge *m, int rc, struct strata_error *err)
{
    return rc == 0 && m->live && is_shown(m) ? show(m) : show_next_winner(m, rc, err);
}

/* Where all sources go. */
enum place { SOUGHT, AT_END, TURNED };

/* 9.I31: turned, one that is live goes a step back, and one at its end to its last entry. */
static int move(struct merge *m, struct source *s, enum place to, struct strata_slice key,
                struct strata_error *err)
{
    if (to == SOUGHT)
        return cursor_seek(s->cursor, key, err);
    if (to == TURNED && s->live)
        return m->back ? cursor_prev(s->cursor, err) : cursor_next(s->cursor, err);
    return m->back ? cursor_last(s->cursor, err) : cursor_first(s->cursor, err);
}

static int place_all(struct merge *m, enum place to, bool back, struct strata_slice key,
                     struct strata_error *err)
{
    int rc = 0;

    m->back = back;
    m->flip = back ? UINT64_MAX : 0;
    m->live = 0;
    for (size_t i = 0; rc >= 0 && i < m->count; i++) {
        struct source *s = &m->sources[i];
        rc = move(m, s, to, key, err);
        s->live = rc == 0;
        if (rc == 0) {
            m->key_prefixes[m->live] = key_prefix_at(m, s);
            m->order[m->live++] = s;
        }
    }
    if (rc >= 0 && m->live)
        pick(m);
    return show_winner(m, rc < 0 ? rc : 0, err);
}

static int merge_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    return place_all((struct merge *)iter, SOUGHT, false, key, err);
}

static int merge_last(struct strata_iter *iter, struct strata_error *err)
{
    return place_all((struct merge *)iter, AT_END, true, strata_bytes(NULL, 0), err);
}

static int turn(struct merge *m, struct strata_error *err)
{
    return place_all(m, TURNED, !m->back, strata_bytes(NULL, 0), err);
}

static int merge_next(struct strata_iter *iter, struct strata_error *err)
{
    struct merge *m = (struct merge *)iter;
    return m->back ? turn(m, err) : show_winner(m, pass_key(m, err), err);
}

static int merge_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct merge *m = (struct merge *)iter;
    return m->back ? show_winner(m, pass_key(m, err), err) : turn(m, err);
}

static int merge_value(struct strata_iter *iter, struct strata_error *err)
{
    struct merge *m = (struct merge *)iter;
    int rc = cursor_value(m->order[m->at]->cursor, &iter->value, err);

    iter->has_value = rc == 0;
    return rc;
}

/* ---- Its life -------------------------------------------------------------------------------- */

static void merge_free(struct strata_iter *iter)
{
    struct merge *m = (struct merge *)iter;

    for (size_t i = 0; i < m->count; i++)
        if (m->sources[i].run)
            run_cursor_clear(m->sources[i].run);
        else
            cursor_free(m->sources[i].cursor);
    cursor_end(&m->base);
}

static struct merge *make(const struct merge_sources *of)
{
    size_t count = of->newer_count + of->run_count;
    size_t each = sizeof(struct source) + sizeof(uint64_t) + sizeof(struct source *);
    struct merge *m = malloc(sizeof *m + of->run_count * sizeof(struct run_cursor) + count * each);

    if (!m)
        return NULL;
    *m = (struct merge){
        .count = count, .prefix = of->prefix, .tombstones = of->tombstones, .all = of->all};
    m->sources = (struct source *)(void *)(m->runs + of->run_count);
    m->key_prefixes = (uint64_t *)(void *)(m->sources + count);
    m->order = (struct source **)(void *)(m->key_prefixes + count);
    return m;
}

/* What it was given. */
static int give_up(const struct merge_sources *of, struct strata_error *err)
{
    for (size_t i = 0; i < of->newer_count; i++)
        if (of->newer[i])
            cursor_free(of->newer[i]);
    for (size_t i = 0; of->instead && i < of->run_count; i++)
        if (of->instead[i])
            cursor_free(of->instead[i]);
    return strata_fail_memory(err, sizeof(struct merge));
}

int merge_runs_new(const struct merge_sources *of, struct cursor **out, struct strata_error *err)
{
    static const struct strata_iter_ops ops = {merge_seek, merge_last,  merge_next,
                                               merge_prev, merge_value, merge_free};
    struct merge *m = make(of);
    size_t n = 0;

    *out = NULL;
    for (; m && n < of->newer_count && of->newer[n]; n++)
        m->sources[n] = (struct source){.cursor = of->newer[n]};
    if (n < of->newer_count || !m) {
        free(m);
        return give_up(of, err);
    }
    for (size_t i = 0; i < of->run_count; i++, n++) {
        m->sources[n] = (struct source){of->instead ? of->instead[i] : NULL, NULL, false};
        if (m->sources[n].cursor)
            continue;
        run_cursor_init(&m->runs[i], &of->runs[i], of->prefix, of->once);
        m->sources[n] = (struct source){&m->runs[i].base, &m->runs[i], false};
    }
    m->base.iter.ops = &ops;
    *out = &m->base;
    return 0;
}
