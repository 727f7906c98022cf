/* engine.c: stage 10, concurrency.
 *
 * How do readers and writers stop waiting for each other? By versions: a reader that has a snapshot
 * is not disturbed by what is written, and no writer has to wait for it. A snapshot is the number
 * of the last operation that it sees. A read at that number ignores what is newer; and flushes and
 * compactions keep, of each key, the version that each snapshot sees. Tables without such versions
 * are those of stage 9. And by threads: gets take no lock (work/readers.h), and a thread beside the
 * leader flushes and compacts (work/background.h).
 *
 *     snapshot             its number -> list of snapshots
 *     get                  memtable -> immutable memtable -> tables, each at that number
 *     flush, compaction    of each key the newest version, and the newest for each snapshot listed
 */
#include "07_paced_compaction/tree/tree_engine.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/log/single_op_log.h"
#include "10_concurrency/snapshot_tree.h"
#include "10_concurrency/table/chain_table.h"

/* ---- Reading --------------------------------------------------------------------------------- */

/* Of what is current, in a section, which the caller is in: the value is copied. */
static int get_in(const struct super *super, uint64_t sequence, struct strata_slice key,
                  struct strata_buffer *value, struct strata_error *err)
{
    struct strata_slice found;
    unsigned type;
    int rc = 0;

    type = memtable_get(super->memtable, key, sequence, &found);
    if (!type && super->immutable)
        type = memtable_get(super->immutable, key, sequence, &found);
    if (!type)
        rc = fast_get_at(super->version, key, sequence, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

/* At a number, UINT64_MAX: now. */
static int get_at(struct snapshot_tree *t, uint64_t number, struct strata_slice key,
                  struct strata_buffer *value, struct strata_error *err)
{
    struct epoch_section section;
    const struct super *super;
    uint64_t sequence;
    int rc;

    if (t->background)
        work_run(&t->background->work);
    striped_add(&t->tree.gets, 0, 1);
    section = epoch_enter(&t->readers->epoch);
    super = t->tree.super; /* 10.I14 */
    sync_point();
    sequence = t->tree.path.sequence - 1;
    rc = get_in(super, number < sequence ? number : sequence, key, value, err);
    epoch_leave(section);
    return rc;
}

static int snapshot_engine_get(void *self, struct strata_slice key, struct strata_buffer *value,
                               struct strata_error *err)
{
    return get_at(self, UINT64_MAX, key, value, err);
}

static int snapshot_get(void *self, void *snapshot, struct strata_slice key,
                        struct strata_buffer *value, struct strata_error *err)
{
    return get_at(self, ((const struct snapshot *)snapshot)->number, key, value, err);
}

static int snapshot_iter(void *self, void *snapshot, struct strata_iter **out,
                         struct strata_error *err)
{
    uint64_t last, number = ((const struct snapshot *)snapshot)->number;
    struct super *super = tree_pin(self, 0, &last);

    return tree_iter_of(self, super, number < last ? number : last, out, err);
}

extern const struct strata_engine strata_stage_10_concurrency;

static int snapshot_repair(const struct strata_env *env, const struct strata_repair *to,
                           struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_10_concurrency, &snapshot_parts,
                                              &chain_salvage, pax_table_notes,
                                              pax_table_writer_notes};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &single_op_log_format, &wal_format,    &chain_table_format, &manifest_format,
    &current_format,       &events_format, &tail_format,        NULL};

const struct strata_engine strata_stage_10_concurrency = {
    TREE_ENGINE,
    .stage = 10,
    .name = "10_concurrency",
    .promises = TREE_PROMISES | STRATA_PROMISE_SNAPSHOT,
    .formats = formats,
    .open = snapshot_tree_open,
    .open_unsynced = snapshot_tree_open,
    .get = snapshot_engine_get,
    .stats = snapshot_stats,
    .snapshot = snapshot_take,
    .snapshot_free = snapshot_release,
    .snapshot_number = snapshot_number,
    .snapshot_get = snapshot_get,
    .snapshot_iter = snapshot_iter,
    .backup = backup_tree,
    .repair = snapshot_repair,
};
