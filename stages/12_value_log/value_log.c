/* value_log.c: large values stay in the log: what the memtable gets of one is a pointer (key-value
 * separation; WiscKey, FAST 2016).
 *
 *   log 5      | .. | head | k | small | head | l | 100 KB ................ |
 *   memtable    k: small      l: log 5 @offset, size, check
 *
 * A group without large values is stage 4's alone. One that has some is logged as there; where a
 * record is, and the check of its key and value, is then read from the bytes that were appended.
 * Records are drawn in 01_append_log/record.c. */
#include "06_leveled_compaction/compaction/compaction.h"
#include "09_fast_paths/log/single_op_log.h"
#include "12_value_log/value_tree.h"
#include "12_value_log/values/held.h"
#include "base/bytes.h"

#include <assert.h>

/* A value of so many bytes is large; 0: none is. A log of another kind becomes no value file. */
static size_t least_of(const struct tree *tree, const struct wal_kind *log)
{
    return log ? tree->env->options->value_bytes : 0;
}

/* The record whose head this is, at `offset` of the log, has a large value. */
static void add_pointer(struct memtable *memtable, uint64_t sequence, struct strata_slice key,
                        size_t value_size, uint64_t number, uint64_t offset, const uint8_t *head)
{
    struct pointer pointer = {number, offset, (uint32_t)value_size,
                              load_u32(head + RECORD_HEAD - 4)};
    uint8_t coded[POINTER_BYTES];

    pointer_encode(&pointer, coded);
    memtable_add(memtable, sequence, SSTABLE_CODED, key, strata_bytes(coded, sizeof coded));
}

/* ---- Committing ------------------------------------------------------------------------------ */

struct sum {
    size_t operations, bytes; /* that go into the memtable, of keys and values */
    size_t large_bytes;       /* that stay in the log */
    bool sync;
};

static struct sum sum_of(const struct group_commit *list, size_t least)
{
    struct sum sum = {0};

    for (; list; list = list->next) {
        sum.operations += list->count;
        sum.sync |= list->sync;
        for (size_t i = 0; i < list->count; i++) {
            size_t size = list->ops[i].value.size;
            bool large = least && size >= least;
            sum.bytes += list->ops[i].key.size + (large ? POINTER_BYTES : size);
            sum.large_bytes += large ? size : 0;
        }
    }
    return sum;
}

/* What large values count as, when the debt is spread: their part of a memtable, as a log of
 * value_log_bytes is one; and while garbage is collected themselves (12.I9). */
static size_t paced_bytes(const struct tree *tree, size_t large)
{
    const struct strata_options *options = tree->env->options;
    return tree->stale ? large : large / (value_log_bytes(options) / options->memtable_bytes);
}

/* As stage 4 does; and the log is held before its values are pointed to. What is short then changes
 * nothing. */
static int make_room(struct tree *tree, const struct sum *sum, struct strata_error *err)
{
    struct write_path *path = &tree->path;
    size_t paced = paced_bytes(tree, sum->large_bytes);
    int rc = group_usable(&path->group, tree->env->dir, err);

    if (rc == 0)
        rc = group_numbers(path->sequence, sum->operations, tree->env->dir, err);
    if (rc == 0)
        rc = path->make_room(path->store, sum->operations, sum->bytes + paced, err);
    if (rc < 0)
        return rc;
    tree->stats.of.bytes_in += sum->large_bytes - paced;
    rc = value_hold_log(tree, path->memtable, path->log.number, err);
    if (rc == 0)
        return memtable_reserve(path->memtable, sum->operations, sum->bytes, err);
    if (((struct snapshot_tree *)tree)->background && compaction_error_is_shortage(rc, err))
        return rc;
    return write_path_spoil(path, rc, err);
}

/* In steps that cannot fail; then readers may see it. */
static void apply(struct write_path *path, const struct group_commit *list, size_t least)
{
    const struct wal_group *group = &path->log.group;
    uint64_t sequence = path->sequence;
    size_t at = 0; /* of the group's bytes */

    for (const struct group_commit *c = list; c; c = c->next) {
        if (c->count && group->bytes.data[at + 4] == WAL_FRAME)
            at += WAL_HEAD;
        for (size_t i = 0; i < c->count; i++, sequence++) {
            const struct strata_op *op = &c->ops[i];
            if (op->value.size >= least)
                add_pointer(path->memtable, sequence, op->key, op->value.size, path->log.number,
                            group->offset + at, group->bytes.data + at);
            else
                memtable_add(path->memtable, sequence, op->type, op->key, op->value);
            at += RECORD_HEAD + op->key.size + op->value.size;
            sync_point(); /* readers take no lock of the group's */
        }
    }
    assert(group->offset + at == path->log.end);
    atomic_store_explicit(&path->sequence, sequence, memory_order_release);
}

void value_commit(struct tree *tree, struct group_commit *list)
{
    size_t least = least_of(tree, tree->path.log.kind);
    struct strata_error err;
    struct sum sum;
    int rc;

    if (least)
        sum = sum_of(list, least);
    if (!least || !sum.large_bytes) {
        write_path_commit(&tree->path, list);
        return;
    }
    rc = make_room(tree, &sum, &err);
    if (rc == 0)
        rc = write_path_log(&tree->path, list, sum.operations, sum.sync, &err);
    if (rc == 0) /* 4.I24 */
        apply(&tree->path, list, least);
    write_path_answer(list, rc, &err);
}

/* ---- Reading it back ------------------------------------------------------------------------- */

int value_log_add(void *arg, const struct record_reader *reader, const struct record *record,
                  unsigned type, uint64_t sequence, struct strata_error *err)
{
    struct tree *tree = arg;
    struct memtable *memtable = tree->path.memtable;
    size_t least = least_of(tree, tree->opened.kind);
    int rc;

    if (!least || record->value.size < least)
        return log_fill(memtable, reader, record, type, sequence, err);
    rc = value_hold_log(tree, memtable, reader->number, err);
    if (rc == 0)
        rc = memtable_reserve(memtable, 1, record->key.size + POINTER_BYTES, err);
    if (rc < 0)
        return rc;
    assert(record->offset >= reader->window_at);
    memtable_recycle_all(memtable);
    add_pointer(memtable, sequence, record->key, record->value.size, reader->number, record->offset,
                reader->window + (record->offset - reader->window_at));
    return 0;
}
