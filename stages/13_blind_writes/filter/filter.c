/* filter.c: see filter.h.
 *
 *     compaction    a: keep    b: drop    c: keep          all three go on
 *     next group    put x, put y, and behind them: b, if the filter still drops what it is
 *
 * 13.I5: what the filter drops stays until a delete hides it, which is logged and has a number as
 *        any other: so a snapshot still has the entry, who has read it conflicts, and a crash
 *        leaves the entry or the delete.
 * 13.I6: the leader asks the filter again, of the value that is the newest then: what was written
 *        since the compaction stays. */
#include "13_blind_writes/filter/filter.h"
#include "10_concurrency/snapshot/chain.h"
#include "12_value_log/table/value_table.h"
#include "13_blind_writes/expiry/expiry.h"
#include "13_blind_writes/merge/resolve.h"
#include "db/batch.h"

#include <stdlib.h>

struct filter *filter_new(void)
{
    struct filter *filter = calloc(1, sizeof *filter);

    if (!filter)
        return NULL;
    filter->dropped = strata_batch_new();
    if (filter->dropped && sync_mutex_init(&filter->mutex) == 0)
        return filter;
    strata_batch_free(filter->dropped);
    free(filter);
    return NULL;
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    sync_mutex_free(&filter->mutex);
    strata_batch_free(filter->dropped);
    free(filter);
}

/* The last of them. */
static int take_some(struct strata_batch *from, struct strata_batch *to)
{
    size_t count = strata_batch_count(from), left = count > FILTER_KEYS ? count - FILTER_KEYS : 0;
    int rc = 0;

    for (size_t i = left; i < count && rc == 0; i++)
        rc = batch_add(to, &batch_ops(from)[i], NULL);
    if (rc == 0)
        batch_cut(from, left);
    return rc;
}

struct strata_batch *filter_take(struct filter *filter)
{
    struct strata_batch *to = NULL;

    if (!atomic_load_explicit(&filter->any, memory_order_relaxed))
        return NULL;
    sync_lock(&filter->mutex);
    if (strata_batch_count(filter->dropped))
        to = strata_batch_new();
    if (to && take_some(filter->dropped, to) < 0) {
        strata_batch_free(to);
        to = NULL;
    }
    filter->any = strata_batch_count(filter->dropped) > 0;
    sync_unlock(&filter->mutex);
    return to;
}

/* What there is no room or no memory for is dropped by a later compaction. */
static void drop(struct filter *filter, struct strata_slice key)
{
    const struct strata_op op = {OP_FILTER, key, {NULL, 0}};

    sync_lock(&filter->mutex);
    if (strata_batch_bytes(filter->dropped) < FILTER_BYTES &&
        strata_batch_count(filter->dropped) < FILTER_BYTES / sizeof op)
        batch_add(filter->dropped, &op, NULL);
    filter->any = true;
    sync_unlock(&filter->mutex);
}

/* ---- What a flush or compaction rewrites ----------------------------------------------------- */

struct spy {
    struct cursor base;
    struct cursor *from;
    const struct strata_options *options;
    struct filter *filter;
    void *common;               /* of the tables */
    struct strata_buffer value; /* of a value file */
    uint8_t tail[EXPIRY_BYTES]; /* of one: its time */
};

/* Of a value that is in a value file: what the filter wants to see, or only its time. What cannot
 * be read now goes on: the type of nothing. */
static unsigned look_up(struct spy *spy, struct strata_slice *value)
{
    struct value_set *set = value_set_of(spy->common);
    struct strata_slice key = spy->from->iter.key;
    size_t size = sizeof spy->tail;
    struct pointer pointer;
    int rc;

    pointer_decode(*value, &pointer);
    if (spy->options->filter) {
        rc = value_set_read(set, &pointer, key, &spy->value, NULL);
        *value = strata_buffer_slice(&spy->value);
    } else {
        rc = value_set_peek(set, &pointer, key.size, spy->tail, &size, NULL);
        *value = strata_bytes(spy->tail, size);
    }
    return rc < 0 ? 0 : STRATA_OP_PUT;
}

static int show(struct spy *spy, int rc, struct strata_error *err)
{
    struct cursor *from = spy->from;
    struct strata_slice value;
    unsigned type = from->type;
    uint64_t until;

    if (rc == 0)
        rc = cursor_value(from, &value, err);
    if (rc != 0)
        return rc;
    spy->base.iter.key = from->iter.key;
    spy->base.iter.value = value;
    spy->base.iter.has_value = true;
    spy->base.sequence = from->sequence;
    spy->base.type = type;
    if (type == SSTABLE_CODED)
        type = chain_read(value, UINT64_MAX, &value);
    if (type == SSTABLE_CODED)
        type = look_up(spy, &value);
    if (type != STRATA_OP_PUT)
        return 0;
    rc = expiry_open(spy->options, &value, &until);
    if (rc == 0 && !spy->options->filter)
        return 0;
    if (rc == 0)
        atomic_fetch_add_explicit(&spy->filter->asked, 1, memory_order_relaxed);
    if (rc != 0 ||
        spy->options->filter(spy->options->filter_arg, from->iter.key, value) == STRATA_FILTER_DROP)
        drop(spy->filter, from->iter.key);
    return 0;
}

static int spy_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct spy *spy = (struct spy *)iter;
    return show(spy, cursor_seek(spy->from, key, err), err);
}

static int spy_next(struct strata_iter *iter, struct strata_error *err)
{
    struct spy *spy = (struct spy *)iter;
    return show(spy, cursor_next(spy->from, err), err);
}

static void spy_free(struct strata_iter *iter)
{
    struct spy *spy = (struct spy *)iter;

    cursor_free(spy->from);
    strata_buffer_free(&spy->value);
    cursor_end(&spy->base);
}

/* What the compaction would read without a filter. */
static int open_entries(struct compaction *c, struct filter *filter, const struct level_merge *of,
                        struct strata_error *err)
{
    int rc = filter->keep(c, of, err);

    if (rc != STRATA_NOT_FOUND)
        return rc;
    if (of)
        return c->of.merge(of, &c->from, err);
    c->from = memtable_cursor(c->memtable, UINT64_MAX);
    return c->from ? 0 : strata_fail_memory(err, sizeof *c->from);
}

int filter_keep(struct compaction *c, const struct level_merge *of, struct strata_error *err)
{
    static const struct strata_iter_ops ops = {spy_seek,         NULL,    spy_next, NULL,
                                               cursor_has_value, spy_free};
    struct filter *filter = txn_shared_of(c->of.keeper)->filter;
    struct spy *spy = calloc(1, sizeof *spy);
    int rc;

    if (!spy)
        return strata_fail_memory(err, sizeof *spy);
    rc = open_entries(c, filter, of, err);
    if (rc < 0) {
        free(spy);
        return rc;
    }
    *spy = (struct spy){{.iter.ops = &ops}, c->from, c->of.env->options, filter, c->of.common};
    c->from = &spy->base;
    return 0;
}
