/* merge_iter.c: a heap of sources, the one to be shown next on top (Knuth, The Art of Computer
 * Programming 3, 5.4.1).
 *
 *            a 7            forward: the smallest key on top; backward: the largest;
 *          /     \          of one key in several sources the largest sequence number, the newest
 *        a 3     c 9
 *        /
 *      b 2                  shown: a 7. To go on, every source that is at `a` is moved.
 *
 * 4.I7:  the sources heap[0..live) are positioned, all in one direction: forward each at its first
 *        key that is not before the one shown, backward at its last that is not behind it.
 * 4.I8:  what is on top, and no tombstone, is what is shown.
 * 4.I9: to turn round, every source is sought anew, by the key that is shown.
 *
 * Measured: a heap and a tree of losers differ by less than the noise. */
#include "cursor.h"
#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>

struct merge_iter {
    struct cursor base;
    struct cursor **all, **heap; /* the same sources; heap is in one piece with all */
    size_t count, live;          /* of all; of the heap */
    bool back;                   /* the direction */
    bool tombstones;             /* they are shown */
    struct strata_buffer kept;   /* a copy of the shown key, while sources move */
};

static bool is_above(const struct merge_iter *m, const struct cursor *a, const struct cursor *b)
{
    int order = strata_compare(a->iter.key, b->iter.key);

    if (order)
        return m->back ? order > 0 : order < 0;
    return a->sequence > b->sequence;
}

static void sift_down(struct merge_iter *m, size_t at)
{
    struct cursor *moved = m->heap[at];

    assert(at < m->live && m->live <= m->count); /* 4.I7 */

    for (size_t child; (child = 2 * at + 1) < m->live; at = child) {
        if (child + 1 < m->live && is_above(m, m->heap[child + 1], m->heap[child]))
            child++;
        if (!is_above(m, m->heap[child], moved))
            break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = moved;
}

/* Moves the source on top; at its end it leaves the heap. */
static int advance_top(struct merge_iter *m, struct strata_error *err)
{
    struct cursor *top = m->heap[0];
    int rc = m->back ? cursor_prev(top, err) : cursor_next(top, err);

    if (rc < 0)
        return rc;
    if (rc > 0)
        m->heap[0] = m->heap[--m->live];
    if (m->live)
        sift_down(m, 0);
    return 0;
}

/* The shown key outlives the moves of the source that lends it. */
static int copy_key(struct merge_iter *m, struct strata_slice *key, struct strata_error *err)
{
    int rc = buffer_set(&m->kept, *key, err);

    *key = strata_buffer_slice(&m->kept);
    return rc;
}

/* Moves every source away from the key on top. One source alone has the key once. */
static int pass_key(struct merge_iter *m, struct strata_error *err)
{
    struct strata_slice key = m->heap[0]->iter.key;
    int rc;

    if (m->live == 1)
        return advance_top(m, err);
    rc = copy_key(m, &key, err);
    while (rc == 0 && m->live && strata_compare(m->heap[0]->iter.key, key) == 0)
        rc = advance_top(m, err);
    return rc;
}

/* Shows what is on top (4.I8). `rc`: of the moves before; an error leaves nothing. */
static int show_top(struct merge_iter *m, int rc, struct strata_error *err)
{
    const struct cursor *top;

    while (rc == 0 && m->live && m->heap[0]->type == STRATA_OP_DELETE && !m->tombstones)
        rc = pass_key(m, err);
    if (rc < 0)
        m->live = 0;
    if (rc < 0 || !m->live)
        return rc < 0 ? rc : STRATA_NOT_FOUND;
    top = m->heap[0];
    slice_pass_on(&m->base.iter.key, &top->iter.key);
    slice_pass_on(&m->base.iter.value, &top->iter.value);
    m->base.iter.has_value = top->iter.has_value;
    m->base.sequence = top->sequence;
    m->base.type = top->type;
    return 0;
}

/* Positions all sources by `place`, in this direction, and shows the first. */
static int start(struct merge_iter *m, bool back, struct strata_slice key,
                 int (*place)(struct cursor *, struct strata_slice, struct strata_error *),
                 struct strata_error *err)
{
    int rc = 0;

    m->back = back;
    m->live = 0;
    for (size_t i = 0; rc >= 0 && i < m->count; i++) {
        rc = place(m->all[i], key, err);
        if (rc == 0)
            m->heap[m->live++] = m->all[i];
    }
    for (size_t i = m->live / 2; rc >= 0 && i-- > 0;)
        sift_down(m, i);
    return show_top(m, rc < 0 ? rc : 0, err);
}

static int place_last(struct cursor *source, struct strata_slice key, struct strata_error *err)
{
    (void)key;
    return cursor_last(source, err);
}

static int place_before(struct cursor *source, struct strata_slice key, struct strata_error *err)
{
    int rc = cursor_seek(source, key, err);

    return rc == 0 ? cursor_prev(source, err) : rc > 0 ? cursor_last(source, err) : rc;
}

static int place_behind(struct cursor *source, struct strata_slice key, struct strata_error *err)
{
    int rc = cursor_seek(source, key, err);
    return rc == 0 && strata_compare(source->iter.key, key) == 0 ? cursor_next(source, err) : rc;
}

static int step(struct merge_iter *m, bool back, struct strata_error *err)
{
    struct strata_slice key = m->base.iter.key;
    int rc;

    assert(m->live > 0);
    if (m->back == back)
        return show_top(m, pass_key(m, err), err);
    rc = copy_key(m, &key, err);
    return rc < 0 ? show_top(m, rc, err) /* 4.I9 */
                  : start(m, back, key, back ? place_before : place_behind, err);
}

static int merge_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    return start((struct merge_iter *)iter, false, key, cursor_seek, err);
}

static int merge_last(struct strata_iter *iter, struct strata_error *err)
{
    return start((struct merge_iter *)iter, true, strata_bytes(NULL, 0), place_last, err);
}

static int merge_next(struct strata_iter *iter, struct strata_error *err)
{
    return step((struct merge_iter *)iter, false, err);
}

static int merge_prev(struct strata_iter *iter, struct strata_error *err)
{
    return step((struct merge_iter *)iter, true, err);
}

static int merge_value(struct strata_iter *iter, struct strata_error *err)
{
    int rc = cursor_value(((struct merge_iter *)iter)->heap[0], &iter->value, err);

    iter->has_value = rc == 0;
    return rc;
}

static void free_sources(struct cursor *const *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sources[i])
            cursor_free(sources[i]);
}

static void merge_free(struct strata_iter *iter)
{
    struct merge_iter *m = (struct merge_iter *)iter;

    free_sources(m->all, m->count);
    free(m->all);
    strata_buffer_free(&m->kept);
    cursor_end(&m->base);
}

int merge_iter_new(struct cursor *const *sources, size_t count, bool tombstones,
                   struct cursor **out, struct strata_error *err)
{
    static const struct strata_iter_ops ops = {merge_seek, merge_last,  merge_next,
                                               merge_prev, merge_value, merge_free};
    struct merge_iter *m = calloc(1, sizeof *m);
    struct cursor **all = malloc((2 * count + 1) * sizeof(struct cursor *));
    bool whole = m && all;

    for (size_t i = 0; whole && i < count; i++) {
        whole = sources[i] != NULL;
        all[i] = sources[i];
    }
    *out = whole ? &m->base : NULL;
    if (!whole) {
        free_sources(sources, count);
        free(all);
        free(m);
        return strata_fail_memory(err, count * sizeof(struct cursor *));
    }
    m->base.iter.ops = &ops;
    m->all = all;
    m->heap = all + count;
    m->count = count;
    m->tombstones = tombstones;
    return 0;
}
