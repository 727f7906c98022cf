/* range.c: see range.h.
 *
 *     batch        put c 1    delete [b, e)               in the database: a, b, d, f
 *     expanded     put c 1    delete b   delete d   delete c
 *
 * 13.I10: a range becomes the deletes of all keys that are in it when the commit's turn has come:
 *         those of the database, of members of the group before it, and of its own batch before it.
 *         Between that and its number nothing else is written (11.I1). So all that knows deletes
 *         knows ranges: log, recovery, snapshots, validation, compactions.
 * 13.I11: a step that stops has deleted every key before the one where the next step begins. */
#include "13_blind_writes/range/range.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "base/bytes.h"
#include "db/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Keys, as deletes, that operations refer to until the group is done. */
struct range_keys {
    struct range_keys *next;
    struct strata_batch *batch;
};

struct range_step {
    struct commit commit;
    struct strata_buffer *rest; /* where to go on */
    bool more;
};

/* Of one commit. */
struct expansion {
    struct snapshot_tree *tree;
    const struct resolver *resolver;
    const struct commit *commit;
    struct range_step *step; /* NULL: its ranges are deleted as a whole */
    struct strata_batch *keys;
    size_t ends[RANGES]; /* of its first range the keys up to ends[0], of the next up to ends[1] */
    size_t ranges;
};

void range_keys_free(struct resolver *resolver)
{
    while (resolver->ranges) {
        struct range_keys *keys = resolver->ranges;
        resolver->ranges = keys->next;
        strata_batch_free(keys->batch);
        free(keys);
    }
}

static bool covers(const struct strata_op *range, struct strata_slice key)
{
    return strata_compare(key, range->key) >= 0 && range_reaches(range, key);
}

static int add_key(struct expansion *x, struct strata_slice key, struct strata_error *err)
{
    return batch_add(x->keys, &(struct strata_op){STRATA_OP_DELETE, key, {NULL, 0}}, err);
}

/* ---- Of the database ------------------------------------------------------------------------- */

static bool is_full(const struct expansion *x)
{
    return strata_batch_count(x->keys) >= (x->step ? RANGE_STEP : RANGE_BATCH) ||
           strata_batch_bytes(x->keys) >= (x->step ? RANGE_STEP_BYTES : RANGE_BATCH_BYTES);
}

/* The key is one too many. A step ends before it. */
static int stop(struct expansion *x, struct strata_slice key, struct strata_error *err)
{
    int rc;

    if (!x->step)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "the ranges of a batch have more than %u keys, or %zu bytes of keys: "
                           "strata_delete_range deletes them in steps",
                           RANGE_BATCH, RANGE_BATCH_BYTES);
    rc = buffer_set(x->step->rest, key, err);
    x->step->more = rc == 0;
    return rc < 0 ? rc : STRATA_NOT_FOUND;
}

static int add_read(struct expansion *x, const struct strata_op *range, struct cursor *from,
                    struct strata_error *err)
{
    int rc = cursor_seek(from, range->key, err);

    while (rc == 0 && covers(range, from->iter.key)) {
        rc = is_full(x) ? stop(x, from->iter.key, err) : add_key(x, from->iter.key, err);
        if (rc == 0)
            rc = cursor_next(from, err);
    }
    return rc < 0 ? rc : 0;
}

/* Not by tree_iter_of: what is freed then removes files, and the leader holds the group's mutex. */
static int add_stored(struct expansion *x, const struct strata_op *range, struct strata_error *err)
{
    struct tree *tree = &x->tree->tree;
    struct super *super = tree_pin(tree);
    struct level_merge of = {.version = super->version, .sequence = tree_last(tree)};
    struct cursor *from;
    int rc;

    of.newer[of.newer_count++] = super->memtable;
    if (super->immutable)
        of.newer[of.newer_count++] = super->immutable;
    rc = level_merge_all(&of, tree->parts->merge, &from, err);
    if (rc == 0) {
        rc = add_read(x, range, from, err);
        cursor_free(from);
    }
    super_unref(super);
    return rc;
}

/* ---- Of what is not there yet ---------------------------------------------------------------- */

static int add_one_written(struct expansion *x, const struct strata_op *range,
                           const struct strata_op *op, struct strata_error *err)
{
    if (op->type == STRATA_OP_DELETE || op_is_range(op) || !covers(range, op->key))
        return 0;
    return !x->step && is_full(x) ? stop(x, op->key, err) : add_key(x, op->key, err);
}

/* By members of the group, and by the commit itself up to the range. */
static int add_written(struct expansion *x, const struct strata_op *range, struct strata_error *err)
{
    const struct resolver *r = x->resolver;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->slot_count; i++)
        if (r->slots[i])
            rc = add_one_written(x, range, r->slots[i], err);
    for (const struct strata_op *op = x->commit->base.ops; rc == 0 && op < range; op++)
        rc = add_one_written(x, range, op, err);
    return rc;
}

/* ---- A commit -------------------------------------------------------------------------------- */

static int gather(struct expansion *x, struct strata_error *err)
{
    const struct group_commit *base = &x->commit->base;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < base->count; i++) {
        if (!op_is_range(&base->ops[i]))
            continue;
        if (x->ranges == RANGES)
            return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                               "more than %u ranges in a batch", RANGES);
        rc = add_stored(x, &base->ops[i], err);
        if (rc == 0)
            rc = add_written(x, &base->ops[i], err);
        x->ends[x->ranges++] = strata_batch_count(x->keys);
    }
    return rc;
}

/* The keys no longer move. */
static int put_together(const struct expansion *x, struct strata_op **ops, size_t *count,
                        struct strata_error *err)
{
    const struct group_commit *base = &x->commit->base;
    size_t most = base->count + strata_batch_count(x->keys), range = 0, key = 0;

    *count = 0;
    *ops = malloc(most * sizeof **ops);
    if (!*ops)
        return strata_fail_memory(err, most * sizeof **ops);
    for (size_t i = 0; i < base->count; i++)
        if (!op_is_range(&base->ops[i]))
            (*ops)[(*count)++] = base->ops[i];
        else
            for (size_t end = x->ends[range++]; key < end; key++)
                (*ops)[(*count)++] = batch_ops(x->keys)[key];
    assert(*count + range == most && key == strata_batch_count(x->keys));
    return 0;
}

static bool has_range(const struct group_commit *base)
{
    for (size_t i = 0; i < base->count; i++)
        if (op_is_range(&base->ops[i]))
            return true;
    return false;
}

static int keep_keys(struct resolver *resolver, struct strata_batch **out, struct strata_error *err)
{
    struct range_keys *keys = malloc(sizeof *keys);

    *out = keys ? strata_batch_new() : NULL;
    if (!*out) {
        free(keys);
        return strata_fail_memory(err, sizeof *keys);
    }
    *keys = (struct range_keys){resolver->ranges, *out};
    resolver->ranges = keys;
    return 0;
}

int range_expand(struct snapshot_tree *tree, struct resolver *resolver, const struct commit *commit,
                 struct strata_op **ops, size_t *count, struct strata_error *err)
{
    struct expansion x = {.tree = tree, .resolver = resolver, .commit = commit};
    int rc;

    *ops = NULL;
    if (!has_range(&commit->base))
        return 0;
    if (commit->base.ops->type == OP_RANGE_STEP) {
        assert(commit->base.count == 1);
        x.step = (struct range_step *)commit;
    }
    rc = keep_keys(resolver, &x.keys, err);
    if (rc == 0)
        rc = gather(&x, err);
    return rc < 0 ? rc : put_together(&x, ops, count, err);
}

int range_delete_some(void *self, struct strata_slice from, struct strata_slice to, bool sync,
                      struct strata_buffer *rest, bool *more, struct strata_error *err)
{
    const struct strata_op op = {OP_RANGE_STEP, from, to};
    struct snapshot_tree *tree = self;
    struct range_step step = {.rest = rest};
    int rc;

    step.commit.base.ops = &op;
    step.commit.base.count = 1;
    step.commit.base.sync = sync;
    step.commit.merges = true;
    rc = commit_submit(tree, &step.commit, err);
    *more = step.more;
    tree_remove_unread(&tree->tree); /* what the step was the last to need */
    return rc;
}
