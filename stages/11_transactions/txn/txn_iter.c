/* txn_iter.c: see txn_iter.h. Two sources, merged as stage 4 merges its memtable and its tables:
 *
 *     own writes    a: put 9       c: deleted                 newer than
 *     snapshot      a: put 1       c: put 3      d: put 4     all of these
 *     shown         a: 9                         d: 4
 *
 * What is read is the range that was asked for, from where it was sought to where it stands: to
 * find nothing up to the end is to have read up to the end.
 *
 *     seek b, next, next      [b ........ d]
 *     and next: not found     [b ................ to the last key that there can be]
 *     seek x                  a new range begins; the one before goes to the transaction
 *
 * 11.I9: the range has every key at which an entry would have changed what the moves returned, and
 *        was noted before the answer is given. */
#include "11_transactions/txn/txn_iter.h"
#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>

struct txn_iter {
    struct cursor base;
    struct cursor *from;     /* what it shows */
    struct memtable *own;    /* the transaction's writes; or NULL */
    struct txn *txn;         /* NULL: it is over */
    struct txn_iter **place; /* what points to this, in the transaction's list */
    struct txn_iter *next;
    bool moved, endless;            /* there is a range; it has no end */
    struct strata_buffer low, high; /* its bounds */
};

/* ---- The range ------------------------------------------------------------------------------- */

/* Without memory it stays as it is. */
static int set(struct strata_buffer *to, struct strata_slice key, struct strata_error *err)
{
    if (buffer_reserve(to, key.size) < 0) {
        to->out_of_memory = false;
        return strata_fail_memory(err, key.size);
    }
    return buffer_set(to, key, err);
}

static int hand_in(struct txn_iter *it, struct strata_error *err)
{
    struct read_range range = {strata_buffer_slice(&it->low), strata_buffer_slice(&it->high),
                               it->endless};
    int rc;

    if (!it->txn || !it->moved)
        return 0;
    if (range.endless)
        range.high = strata_bytes(NULL, 0);
    rc = read_set_add(&it->txn->depends, &range, err);
    it->moved = rc < 0;
    return rc;
}

/* A new range, from this key on. Without memory the one before is kept. */
static int begin(struct txn_iter *it, struct strata_slice key, struct strata_error *err)
{
    int rc = hand_in(it, err);

    if (rc < 0)
        return rc;
    if (it->txn)
        rc = set(&it->low, key, err);
    if (rc == 0 && it->txn)
        rc = set(&it->high, key, err);
    it->moved = rc == 0;
    it->endless = false;
    return rc;
}

/* `rc`: of a move, forward or back. The range reaches to where it stands now, or to the end. */
static int reach(struct txn_iter *it, bool back, int rc, struct strata_error *err)
{
    struct strata_slice key = it->from->iter.key;
    int noted = 0;

    if (rc < 0 || !it->txn)
        return rc;
    assert(it->moved);
    if (rc > 0 && back)
        strata_buffer_clear(&it->low);
    else if (rc > 0)
        it->endless = true;
    else if (back && strata_compare(key, strata_buffer_slice(&it->low)) < 0)
        noted = set(&it->low, key, err);
    else if (!back && strata_compare(key, strata_buffer_slice(&it->high)) > 0)
        noted = set(&it->high, key, err);
    return noted < 0 ? noted : rc;
}

/* ---- Moves ----------------------------------------------------------------------------------- */

static int show(struct txn_iter *it, int rc)
{
    if (rc == 0) {
        it->base.iter.key = it->from->iter.key;
        it->base.iter.value = it->from->iter.value;
        it->base.iter.has_value = it->from->iter.has_value;
    }
    return rc;
}

static int txn_iter_seek(struct strata_iter *iter, struct strata_slice key,
                         struct strata_error *err)
{
    struct txn_iter *it = (struct txn_iter *)iter;
    int rc = begin(it, key, err);

    return rc < 0 ? rc : show(it, reach(it, false, cursor_seek(it->from, key, err), err));
}

/* The entry at the end was asked for: so the range has no end, and begins where that entry is. */
static int txn_iter_last(struct strata_iter *iter, struct strata_error *err)
{
    struct txn_iter *it = (struct txn_iter *)iter;
    int rc = cursor_last(it->from, err), noted;

    if (rc < 0)
        return rc;
    noted = begin(it, rc == 0 ? it->from->iter.key : strata_bytes(NULL, 0), err);
    if (noted < 0)
        return noted;
    it->endless = true;
    return show(it, rc);
}

static int txn_iter_next(struct strata_iter *iter, struct strata_error *err)
{
    struct txn_iter *it = (struct txn_iter *)iter;
    return show(it, reach(it, false, cursor_next(it->from, err), err));
}

static int txn_iter_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct txn_iter *it = (struct txn_iter *)iter;
    return show(it, reach(it, true, cursor_prev(it->from, err), err));
}

static int txn_iter_value(struct strata_iter *iter, struct strata_error *err)
{
    struct txn_iter *it = (struct txn_iter *)iter;
    int rc = cursor_value(it->from, &iter->value, err);

    iter->has_value = rc == 0;
    return rc;
}

/* ---- Its life -------------------------------------------------------------------------------- */

static void leave(struct txn_iter *it)
{
    *it->place = it->next;
    if (it->next)
        it->next->place = it->place;
    it->txn = NULL;
}

static void txn_iter_free(struct strata_iter *iter)
{
    struct txn_iter *it = (struct txn_iter *)iter;
    struct strata_error unwanted;

    if (it->txn) {
        it->txn->incomplete |= hand_in(it, &unwanted) < 0;
        leave(it);
    }
    cursor_free(it->from);
    memtable_unref(it->own);
    strata_buffer_free(&it->low);
    strata_buffer_free(&it->high);
    cursor_end(&it->base);
}

int txn_iter_note_all(struct txn *txn, struct strata_error *err)
{
    int rc = txn->incomplete ? strata_fail_memory(err, sizeof(struct read_range)) : 0;

    for (struct txn_iter *it = txn->iters; it && rc == 0; it = it->next)
        rc = hand_in(it, err);
    return rc;
}

void txn_iter_detach_all(struct txn *txn)
{
    while (txn->iters)
        leave(txn->iters);
}

/* The transaction's writes and its snapshot, as one cursor. */
static int merge(struct txn *txn, struct txn_iter *it, struct strata_error *err)
{
    struct cursor *sources[2];
    struct strata_iter *below;
    int rc = 0;

    if (own_writes_count(&txn->own))
        rc = own_writes_cursor(&txn->own, &sources[0], &it->own, err);
    if (rc < 0)
        return rc;
    rc = snapshot_iter_at(txn->tree, txn->at->number, &below, err);
    if (rc < 0) {
        if (it->own)
            cursor_free(sources[0]);
        return rc;
    }
    sources[1] = (struct cursor *)below;
    if (it->own)
        return merge_iter_new(sources, 2, false, &it->from, err);
    it->from = sources[1];
    return 0;
}

int txn_iter_new(void *self, struct strata_iter **out, struct strata_error *err)
{
    static const struct strata_iter_ops ops = {txn_iter_seek, txn_iter_last,  txn_iter_next,
                                               txn_iter_prev, txn_iter_value, txn_iter_free};
    struct txn *txn = self;
    struct txn_iter *it = calloc(1, sizeof *it);
    int rc;

    if (!it)
        return strata_fail_memory(err, sizeof *it);
    txn_take_snapshot(txn);
    txn->untracked |= !txn_is_tracked(txn);
    rc = merge(txn, it, err);
    if (rc < 0) {
        memtable_unref(it->own);
        free(it);
        return rc;
    }
    it->base.iter.ops = &ops;
    if (txn_is_tracked(txn)) {
        it->txn = txn;
        it->place = &txn->iters;
        it->next = txn->iters;
        if (it->next)
            it->next->place = &it->next;
        txn->iters = it;
    }
    *out = &it->base.iter;
    return 0;
}
