/* value_tree.c: see value_tree.h.
 *
 *   put       log 5: [k | 100 KB]                memtable: k -> log 5 @offset
 *   flush     000005.log = 000005.values         table: k -> value file 5 @offset; an edit names
 *             (a second name, no copy)           the table; then the log's name goes
 *   get       memtable or table -> pointer -> one read, checked whole
 *
 * A value is written once. Which files are needed the tables say (values/live.h). */
#include "value_tree.h"
#include "09_fast_paths/log/single_op_log.h"
#include "12_value_log/collect/collect.h"
#include "12_value_log/values/held.h"

#include <stdlib.h>

/* ---- Logs that memtables point into ---------------------------------------------------------- */

/* What is behind its last frame goes: room, or what a crash has torn. */
static int end_log(struct log *log, struct strata_error *err)
{
    int rc = fs_trim(log->file, err);

    if (rc == 0 && log->file->end > log->end)
        rc = fs_truncate(log->file, log->end, err);
    return rc;
}

/* Of a log that another process wrote, of which a sync may have failed: then the system
 * has what it could not write, and will not write it again, unless it is written again here. */
static int rewrite(struct log *log, struct strata_error *err)
{
    uint64_t known = mark_known(&log->tail, log->number);
    return known < log->end ? fs_rewrite(log->file, known, log->end, err) : 0;
}

static int make_durable(const struct tree *tree, struct log *log, struct strata_error *err)
{
    int rc = log->file ? end_log(log, err) : 0;

    if (rc == 0 && log->file && tree->recovery_pending)
        rc = rewrite(log, err);
    return rc == 0 && log->file ? fs_sync(log->file, err) : rc;
}

/* 12.I3: the log is made durable (of one that a killed process wrote nothing else does that), and
 * change_install makes the name so, before the edit. */
static int flushed(struct tree *tree, const struct memtable *memtable, struct strata_error *err)
{
    const struct held *held = memtable->held;
    int rc = held ? make_durable(tree, &tree->immutable, err) : 0;

    if (held && rc == 0)
        rc = make_durable(tree, &tree->older, err);
    for (size_t i = 0; held && rc == 0 && i < held->count; i++)
        rc = value_set_link(value_set_of(tree->common), held->files[i], err);
    return rc;
}

static int link_beside(struct tree *tree, const struct version *version, const char *to,
                       struct strata_error *err)
{
    return value_set_link_all(value_set_of(tree->common), version, to, err);
}

static int verify_beside(struct tree *tree, const struct version *version, struct strata_error *err)
{
    return value_set_verify(value_set_of(tree->common), version, err);
}

/* So garbage is collected though no compaction is due. (Without a worker those who write look for
 * it.) */
static void installed(struct tree *tree)
{
    struct background *b = ((struct snapshot_tree *)tree)->background;

    value_set_count(value_set_of(tree->common), tree->versions.current);
    if (b && collect_is_due(tree, tree->versions.current))
        background_compact(b, true);
}

/* ---- Reading --------------------------------------------------------------------------------- */

int value_fetch(struct tree *tree, struct strata_slice key, struct strata_buffer *value,
                struct strata_error *err)
{
    struct value_set *set = value_set_of(tree->common);
    struct value_pin pin = {0};
    struct pointer pointer;
    int rc;

    pointer_decode(strata_buffer_slice(value), &pointer);
    if (!value_cache_keeps(&set->cache, pointer_record(&pointer, key.size)))
        return value_set_read(set, &pointer, key, value, err);
    rc = value_set_pin(set, &pointer, key, NULL, &pin, err);
    if (rc == 0)
        rc = buffer_set(value, pin.value, err);
    else
        strata_buffer_clear(value);
    value_set_unpin(set, &pin);
    return rc;
}

int value_report_files(void *self, void (*each)(void *arg, const struct strata_value_file *file),
                       void *arg, struct strata_error *err)
{
    return value_set_each(value_set_of(((struct tree *)self)->common), each, arg, err);
}

/* ---- The parts ------------------------------------------------------------------------------- */

/* 12.I1. As `more` of the obsolete files: what the tables held that were removed. */
static bool sweep(void *arg)
{
    struct tree *tree = arg;
    size_t count = tree->obsolete.count;

    if (tree->common)
        value_set_sweep(value_set_of(tree->common), &tree->obsolete);
    return tree->obsolete.count > count;
}

static bool stay(void *arg)
{
    sweep(arg);
    return snapshot_are_leased(arg);
}

static void begin(struct tree *tree)
{
    snapshot_tree_begin(tree);
    tree->obsolete.stay = stay;
    tree->obsolete.more = sweep;
}

const struct tree_parts value_parts = {
    SNAPSHOT_PARTS,
    .begin = begin,
    .tree_bytes = sizeof(struct snapshot_tree),
    .table = &value_table_kind,
    .open = value_table_open_later,
    .keep = collect_keep,
    .pick_stale = collect_pick,
    .log = &single_op_log,
    .log_bytes = value_log_bytes,
    .commit = value_commit,
    .log_add = value_log_add,
    .beside = VALUES_SUFFIX,
    .needs = value_table_needs,
    .fetch = value_fetch,
    .fetch_all = value_fetch_all,
    .flushed = flushed,
    .installed = installed,
    .link_beside = link_beside,
    .verify_beside = verify_beside,
};
